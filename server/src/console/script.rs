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
    pub fn new() -> Self {
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
/// are quoted so that none of their characters means anything to it.
pub(super) fn in_container(vmid: i64, argv: &[String], sentinels: &Sentinels) -> String {
    let command: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    let secret = &sentinels.secret;
    format!(
        "printf '\\n%s%s\\n' pxb-begin- {secret}; pct exec {vmid} -- {}; \
         printf '\\n%s%s:%s\\n' pxb-end- {secret} \"$?\"; exit\n",
        command.join(" ")
    )
}

/// What is typed first: one line of its own, because history is expanded when a line is read.
pub(super) const QUIET: &str = "stty -echo; set +H; unset HISTFILE\n";

/// A word in single quotes: inside of them nothing means anything but their end.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_holds_no_sentinel_as_it_is_printed() {
        let sentinels = Sentinels::new();
        let line = in_container(101, &["journalctl".into(), "-n".into(), "5".into()], &sentinels);
        assert!(!line.contains(sentinels.begin()) && !line.contains(sentinels.end()), "{line}");
        assert!(line.contains("pct exec 101 -- 'journalctl' '-n' '5'; "), "{line}");
        assert_ne!(Sentinels::new(), sentinels);
    }

    #[test]
    fn a_shell_reads_quoted_words_as_they_are() {
        for word in ["a b", "it's", "$(id)", "`id`", "!ls", "a;b|c&d", "\\", "\"", "*", "", "a\nb"]
        {
            let told = std::process::Command::new("/bin/sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(told.stdout).unwrap(), word);
        }
    }
}
