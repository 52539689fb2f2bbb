//! Programs that a mock's nodes and guests know: few, and as far as clients look at them.

use serde_json::json;

use super::Cluster;

/// What a program did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) printed: String,
    pub(crate) complained: String,
    pub(crate) code: i32,
    /// It goes on until it is interrupted.
    pub(crate) follows: bool,
}

impl Done {
    fn printed(text: impl Into<String>) -> Self {
        Self { printed: text.into(), ..Self::default() }
    }

    fn failed(code: i32, text: impl Into<String>) -> Self {
        Self { complained: text.into(), code, ..Self::default() }
    }
}

impl Cluster {
    /// Runs a program with its arguments on the machine called `host`. What [`Cluster::commands`] has for
    /// the whole line goes before what is known here.
    pub(crate) fn run_program(&self, host: &str, argv: &[String]) -> Done {
        if let Some(printed) = self.commands.get(&argv.join(" ")) {
            return Done::printed(printed.as_str());
        }
        let Some((program, arguments)) = argv.split_first() else { return Done::default() };
        match program.as_str() {
            "true" => Done::default(),
            "false" => Done { code: 1, ..Done::default() },
            "hostname" => Done::printed(format!("{host}\n")),
            "cat" if arguments == ["/etc/hostname"] => Done::printed(format!("{host}\n")),
            "echo" => Done::printed(format!("{}\n", arguments.join(" "))),
            "printf" => Done::printed(formatted(arguments)),
            "journalctl" => journal(host, arguments),
            "pct" => self.in_container(arguments),
            program => Done::failed(127, format!("{program}: command not found\n")),
        }
    }

    /// `pct exec 101 -- program arguments`
    fn in_container(&self, arguments: &[String]) -> Done {
        let [verb, vmid, dashes, argv @ ..] = arguments else {
            return Done::failed(255, "ERROR: unknown command\n");
        };
        if verb != "exec" || dashes != "--" {
            return Done::failed(255, format!("ERROR: unknown command 'pct {verb}'\n"));
        }
        let guest = vmid.parse().ok().and_then(|vmid: u32| self.guests.get(&vmid));
        match guest {
            None => Done::failed(
                2,
                format!("Configuration file 'nodes/x/lxc/{vmid}.conf' does not exist\n"),
            ),
            Some(guest) if !guest.running => {
                Done::failed(255, format!("container '{vmid}' not running!\n"))
            }
            Some(guest) => {
                let name = guest.name().unwrap_or_default();
                self.run_program(&name, argv)
            }
        }
    }
}

/// `printf` as far as `%s`, `\n` and a control character in octal digits go.
fn formatted(arguments: &[String]) -> String {
    let Some((format, words)) = arguments.split_first() else { return String::new() };
    let mut words = words.iter();
    let mut text = String::new();
    for (index, part) in
        format.replace("\\n", "\n").replace("\\030", "\x18").split("%s").enumerate()
    {
        if index > 0 {
            text.push_str(words.next().map_or("", String::as_str));
        }
        text.push_str(part);
    }
    text
}

/// A journal of twenty entries.
fn journal(host: &str, arguments: &[String]) -> Done {
    let value = |name: &str| {
        let with_sign =
            |argument: &String| argument.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        arguments.iter().find_map(with_sign)
    };
    let unit = value("--unit").unwrap_or_else(|| "cron".to_owned());
    if unit == "missing" {
        return Done::failed(1, "Failed to add filter for units: no such unit\n");
    }
    let all: u32 = 20;
    let first = match (value("--after-cursor"), value("--lines").and_then(|n| n.parse().ok())) {
        (Some(cursor), _) => cursor.trim_start_matches("s=mock;i=").parse().unwrap_or(all) + 1,
        (None, lines) => all.saturating_sub(lines.unwrap_or(all)) + 1,
    };
    let as_json = value("--output").as_deref() == Some("json");
    let line = |number: u32| match as_json {
        true => json!({
            "__CURSOR": format!("s=mock;i={number}"), "_HOSTNAME": host, "_PID": "7",
            "__REALTIME_TIMESTAMP": (1_767_225_600_000_000_u64 + u64::from(number)).to_string(),
            "SYSLOG_IDENTIFIER": unit, "MESSAGE": format!("entry {number}"),
        })
        .to_string(),
        false => format!("Jan 01 00:00:{number:02} {host} {unit}[7]: entry {number}"),
    };
    let printed = (first..=all).map(|number| line(number) + "\n").collect();
    let follows = arguments.iter().any(|argument| argument == "--follow" || argument == "-f");
    Done { printed, follows, ..Done::default() }
}
