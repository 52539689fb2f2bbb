//! The line that is typed into a node's shell to run a command in a container.

use rand::Rng;
use rand::distr::Alphanumeric;

/// Words around the output, made for one command. Each is printed in two halves: the shell shows what
/// is typed, and that must not look like what is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinels {
    begin: String,
    end: String,
    secret: String,
}

impl Sentinels {
    /// New ones.
    pub fn random() -> Self {
        let secret = rand::rng().sample_iter(Alphanumeric).take(16).map(char::from).collect();
        Self::of(secret)
    }

    /// Those with this secret.
    pub fn of(secret: String) -> Self {
        Self { begin: format!("pxb-begin-{secret}"), end: format!("pxb-end-{secret}:"), secret }
    }

    /// What is printed before the output.
    pub fn begin(&self) -> &str {
        &self.begin
    }

    /// What is printed behind the output, before the exit code.
    pub fn end(&self) -> &str {
        &self.end
    }
}

/// The line that runs a command in a container, and leaves the shell.
///
/// Echo and history expansion are off before anything of the command is read by the shell; arguments
/// are quoted so that none of their characters means anything to it. A control character ends what the
/// command may have begun to tell the terminal: the end would be taken for a part of it.
pub(super) fn in_container(vmid: i64, argv: &[String], sentinels: &Sentinels) -> String {
    let command: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    let secret = &sentinels.secret;
    format!(
        "printf '\\n%s%s\\n' pxb-begin- {secret}; pct exec {vmid} -- {}; \
         printf '\\030\\n%s%s:%s\\n' pxb-end- {secret} \"$?\"; exit\n",
        command.join(" ")
    )
}

/// What is typed first: one line of its own, because history is expanded when a line is read.
pub(super) const QUIET: &str = "stty -echo; set +H; unset HISTFILE\n";

/// The longest line that is typed: a terminal keeps 4 KiB of a line, and drops the rest of a longer one.
pub(super) const LONGEST: usize = 3500;

/// A word as bash reads it. Only what can be printed is typed: a terminal acts on the other characters
/// before the shell sees them, so those are spelled.
fn quoted(word: &str) -> String {
    use std::fmt::Write;

    if word.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\'') {
        return format!("'{word}'");
    }
    let mut spelled = String::from("$'");
    for byte in word.bytes() {
        match byte {
            b' '..=b'~' if !matches!(byte, b'\'' | b'\\') => spelled.push(char::from(byte)),
            // Writing into a text does not fail.
            _ => _ = write!(spelled, "\\x{byte:02x}"),
        }
    }
    spelled.push('\'');
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_holds_no_sentinel_as_it_is_printed() {
        let sentinels = Sentinels::random();
        let line = in_container(101, &["journalctl".into(), "-n".into(), "5".into()], &sentinels);
        assert!(!line.contains(sentinels.begin()) && !line.contains(sentinels.end()), "{line}");
        assert!(line.contains("pct exec 101 -- 'journalctl' '-n' '5'; "), "{line}");
        assert_ne!(Sentinels::random(), sentinels);
    }

    /// Words that a shell or a terminal would do something with.
    const ODD: [&str; 18] = [
        "a b",
        "it's",
        "$(id)",
        "`id`",
        "!ls",
        "!!",
        "a;b|c&d",
        "\\",
        "\\x41",
        "\"",
        "*",
        "~",
        "",
        "tab\there",
        "\u{3}\u{4}\u{1a}\u{1c}",
        "\u{1b}[31m\u{7f}\u{15}\u{17}",
        "a\nb\rc",
        "käse 猫",
    ];

    #[test]
    fn only_what_can_be_printed_is_typed() {
        for word in ODD {
            let typed = quoted(word);
            assert!(typed.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{typed:?}");
        }
    }

    /// A shell at a real terminal, as a node has it: line editing, echo and history expansion are on.
    #[test]
    fn a_shell_at_a_terminal_reads_words_as_they_are() {
        use std::io::Write;
        use std::process::{Command, Stdio};

        let begun = Command::new("script")
            .args(["-qec", "bash --noprofile --norc -i", "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut shell) = begun else {
            eprintln!("skipped: there is no script(1)");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let words: Vec<String> = ODD.iter().map(|word| quoted(word)).collect();
        let line = format!("printf '%s\\0' {} > '{}'; exit\n", words.join(" "), told.display());
        assert!(line.len() < LONGEST);
        let mut typed = shell.stdin.take().unwrap();
        typed.write_all(QUIET.as_bytes()).unwrap();
        typed.write_all(line.as_bytes()).unwrap();
        shell.wait_with_output().unwrap();
        let told = std::fs::read(told).unwrap();
        let told: Vec<&[u8]> = told.split(|byte| *byte == 0).collect();
        let expected: Vec<&[u8]> =
            ODD.iter().map(|word| word.as_bytes()).chain([&b""[..]]).collect();
        assert_eq!(told, expected);
    }
}
