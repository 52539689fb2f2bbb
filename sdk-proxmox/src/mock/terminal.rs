//! The byte stream of a terminal: the protocol of termproxy around a shell that knows few commands.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use tokio::time::{Duration, Instant, timeout};

use super::{Cluster, Shared, lock};
use crate::Product;

/// How long termproxy waits for somebody to connect, and to show the ticket.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a shell with bracketed paste sends before and after a line is typed.
const BEFORE_LINE: &str = "\x1b[?2004h";
const AFTER_LINE: &str = "\r\n\x1b[?2004l\r";

/// A terminal that was asked for and waits for its one connection.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    pub(crate) port: u16,
    pub(crate) ticket: String,
    pub(crate) user: String,
    /// The path that the ticket is good for.
    pub(crate) place: Vec<String>,
    pub(crate) upid: String,
    /// Where the shell runs; `None` where there is nothing to attach to.
    pub(crate) host: Option<String>,
    /// Only `root@pam` itself gets a shell; all others are asked who they are, its API tokens too.
    pub(crate) asks_for_login: bool,
}

impl Cluster {
    /// Starts the task that a terminal runs in. It ends when nobody connects.
    pub(crate) fn open_terminal(
        &mut self,
        place: Vec<String>,
        task: (&str, &str, &str),
        user: &str,
        host: Option<String>,
    ) -> Terminal {
        let (node, kind, id) = task;
        let upid = self.spawn_until(node, (kind, id), user, Instant::now() + PATIENCE);
        let port = 5900 + u16::try_from(self.terminals_given % 100).unwrap_or(0);
        self.terminals_given += 1;
        let ticket = format!("PVEVNC:{:08X}::mock{}", self.clock, self.terminals_given);
        let asks_for_login =
            self.product == Product::Pve && kind == "vncshell" && user != "root@pam";
        let user = user.to_owned();
        let terminal = Terminal { port, ticket, user, place, upid, host, asks_for_login };
        self.terminals.push(terminal.clone());
        terminal
    }

    /// The terminal of this ticket; there is one connection for each.
    fn take_terminal(&mut self, port: &str, ticket: &str) -> Option<Terminal> {
        let found = self
            .terminals
            .iter()
            .position(|terminal| terminal.ticket == ticket && terminal.port.to_string() == port)?;
        let terminal = self.terminals.remove(found);
        self.reschedule(&terminal.upid, None, "OK").then_some(terminal)
    }
}

/// Turns the connection of a request into the terminal that its parameters name.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    mut parts: Parts,
    port: &str,
    ticket: &str,
) -> Response {
    let socket = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols(["binary"]),
        Err(refusal) => return refusal.into_response(),
    };
    let terminal = lock(&shared.cluster).take_terminal(port, ticket);
    let shared = shared.clone();
    socket.on_upgrade(async move |mut socket| {
        // Without one there is nobody behind the port.
        if let Some(terminal) = terminal {
            let exit = match session(&shared, &mut socket, &terminal).await {
                Ok(()) => "OK",
                Err(why) => why,
            };
            let mut cluster = lock(&shared.cluster);
            cluster.reschedule(&terminal.upid, Some(Instant::now()), exit);
            cluster.settle();
        }
        // pveproxy just ends the connection.
        if lock(&shared.cluster).product != Product::Pve {
            let _ = socket.send(Message::Close(None)).await;
        }
    })
}

async fn session(
    shared: &Shared,
    socket: &mut WebSocket,
    terminal: &Terminal,
) -> Result<(), &'static str> {
    let hello = timeout(PATIENCE, next(socket)).await.map_err(|_| "connection timed out")?;
    let expected = format!("{}:{}\n", terminal.user, terminal.ticket);
    if hello.as_deref() != Some(expected.as_bytes()) {
        return Err("failed waiting for client: authentication failed");
    }
    say(socket, "OK").await;
    let Some(host) = &terminal.host else {
        say(socket, "unable to find a serial interface\r\n").await;
        return Err("command failed: exit code 1");
    };
    if terminal.asks_for_login {
        say(socket, &format!("\r\n{host} login: ")).await;
        // Nobody knows a name here.
        while next(socket).await.is_some() {}
        return Ok(());
    }
    let mut shell = Shell::new(host);
    say(socket, &shell.prompt()).await;
    while let Some(message) = next(socket).await {
        let answer = shell.take(&message, &lock(&shared.cluster));
        say(socket, &answer).await;
        if shell.over {
            break;
        }
    }
    Ok(())
}

async fn next(socket: &mut WebSocket) -> Option<Vec<u8>> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Binary(bytes) => return Some(bytes.to_vec()),
            Message::Text(text) => return Some(text.as_bytes().to_vec()),
            Message::Close(_) => return None,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

async fn say(socket: &mut WebSocket, text: &str) {
    if !text.is_empty() {
        // Whoever is gone is noticed when the next message is awaited.
        let _ = socket.send(Message::Binary(text.to_owned().into())).await;
    }
}

/// A shell, as far as a terminal shows it.
struct Shell {
    host: String,
    line: String,
    /// The beginning of a character.
    rest: Vec<u8>,
    size: (u16, u16),
    /// Whether what is typed is shown.
    echo: bool,
    /// What the last program exited with.
    code: i32,
    /// Whether a program runs that only an interrupt ends.
    busy: bool,
    over: bool,
}

impl Shell {
    fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            line: String::new(),
            rest: Vec::new(),
            size: (80, 20),
            echo: true,
            code: 0,
            busy: false,
            over: false,
        }
    }

    fn prompt(&self) -> String {
        format!("{BEFORE_LINE}root@{}:~# ", self.host)
    }

    /// Takes one message of termproxy's protocol and answers what is printed.
    fn take(&mut self, message: &[u8], cluster: &Cluster) -> String {
        let mut parts = message.splitn(3, |byte| *byte == b':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(b"0"), Some(length), Some(input))
                if length == input.len().to_string().as_bytes() =>
            {
                // A character may end in the next message.
                self.rest.extend_from_slice(input);
                let whole = match std::str::from_utf8(&self.rest) {
                    Ok(_) => self.rest.len(),
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    Err(_) => self.rest.len(),
                };
                let input: Vec<u8> = self.rest.drain(..whole).collect();
                self.typed(&String::from_utf8_lossy(&input), cluster)
            }
            (Some(b"1"), Some(columns), Some(rows)) => {
                let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
                let rows = rows.strip_suffix(b":").unwrap_or(rows);
                if let (Some(columns), Some(rows)) = (number(columns), number(rows)) {
                    self.size = (columns, rows);
                }
                String::new()
            }
            // Keep-alives, and what termproxy does not know either.
            _ => String::new(),
        }
    }

    fn typed(&mut self, input: &str, cluster: &Cluster) -> String {
        let mut screen = String::new();
        for key in input.chars() {
            match key {
                '\u{3}' => {
                    self.line.clear();
                    self.busy = false;
                    self.code = 130;
                    screen.push_str("^C\r\n");
                    screen.push_str(&self.prompt());
                }
                // A program that runs does not read.
                _ if self.busy => {}
                '\r' | '\n' => {
                    let line = std::mem::take(&mut self.line);
                    screen.push_str(AFTER_LINE);
                    let printed = self.run(line.trim(), cluster);
                    screen.push_str(&printed.replace('\n', "\r\n"));
                    if !self.over && !self.busy {
                        screen.push_str(&self.prompt());
                    }
                }
                '\u{4}' => self.over = true,
                key => {
                    self.line.push(key);
                    if self.echo {
                        screen.push(key);
                    }
                }
            }
            if self.over {
                screen.push_str("logout\r\n");
                break;
            }
        }
        screen
    }

    /// Runs the commands of a line one after another.
    fn run(&mut self, line: &str, cluster: &Cluster) -> String {
        // Whole lines that were given to the mock are no list of commands.
        if let Some(printed) = cluster.commands.get(line) {
            return printed.clone();
        }
        let mut printed = String::new();
        for argv in commands(line) {
            let words: Vec<&str> = argv.iter().map(String::as_str).collect();
            match words.as_slice() {
                [] => {}
                ["exit" | "logout", ..] => {
                    self.over = true;
                    break;
                }
                ["stty", "-echo"] => self.echo = false,
                ["stty", "echo"] => self.echo = true,
                ["stty", "size"] => printed.push_str(&format!("{} {}\n", self.size.1, self.size.0)),
                ["set" | "unset", ..] => self.code = 0,
                _ => {
                    // The code of the command before is only known now.
                    let argv: Vec<String> = argv
                        .iter()
                        .map(|word| word.replace(LAST_CODE, &self.code.to_string()))
                        .collect();
                    let done = cluster.run_program(&self.host, &argv);
                    self.code = done.code;
                    printed.push_str(&done.printed);
                    if done.code == 127 {
                        printed.push_str("-bash: ");
                    }
                    printed.push_str(&done.complained);
                    if done.follows {
                        self.busy = true;
                        break;
                    }
                }
            }
        }
        printed
    }
}

/// What `$'...'` spells: bytes as `\xNN`, and the rest as it is.
fn spelled(keys: &mut std::str::Chars<'_>) -> String {
    let rest = keys.as_str().get(1..).unwrap_or_default();
    let (inside, after) = rest.split_once('\'').unwrap_or((rest, ""));
    *keys = after.chars();
    let mut parts = inside.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, text) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend_from_slice(text.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Stands for `$?` until the command before has run.
const LAST_CODE: char = '\u{1a}';

/// The commands of a line, each as words: single and double quotes hold words together.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let line = line.replace("$?", &LAST_CODE.to_string());
    let mut keys = line.chars();
    while let Some(key) = keys.next() {
        match (quote, key) {
            (Some(end), key) if key == end => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(keys.next()),
            (Some(_), key) => word.get_or_insert_default().push(key),
            (None, '$') if keys.as_str().starts_with('\'') => {
                word.get_or_insert_default().push_str(&spelled(&mut keys));
            }
            (None, '\'' | '"') => {
                quote = Some(key);
                word.get_or_insert_default();
            }
            (None, ' ' | ';') => {
                if let (Some(word), Some(words)) = (word.take(), all.last_mut()) {
                    words.push(word);
                }
                if key == ';' {
                    all.push(Vec::new());
                }
            }
            (None, key) => word.get_or_insert_default().push(key),
        }
    }
    if let (Some(word), Some(words)) = (word, all.last_mut()) {
        words.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_list_of_commands_and_quotes_hold_words_together() {
        let words = commands("printf '\\n%s' a; echo \"b c\" 'it'\\''s';  stty -echo");
        let expected =
            [vec!["printf", "\\n%s", "a"], vec!["echo", "b c", "it's"], vec!["stty", "-echo"]];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_program_that_follows_ends_with_an_interrupt_and_takes_its_line_along() {
        let cluster = Cluster::demo(1, 1, 1);
        let mut shell = Shell::new("pve01");
        let shown = shell.typed("journalctl -f; echo after\n", &cluster);
        assert!(shown.contains("entry 20") && !shown.contains("\r\nafter"), "{shown}");
        assert_eq!(shell.typed("echo no\n", &cluster), "");
        assert!(shell.typed("\u{3}", &cluster).starts_with("^C"));
        assert!(shell.typed("echo $?\n", &cluster).contains("130"));
    }
}
