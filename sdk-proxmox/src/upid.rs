//! Task identifiers.

use std::fmt;
use std::str::FromStr;

/// The identifier of a task: `UPID:node:pid:pstart:starttime:type:id:user@realm:`.
///
/// The form of Proxmox Backup Server, with one more number, is read too, and that of Proxmox
/// Datacenter Manager, which begins with the name of the remote: `remote!UPID:...`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upid {
    /// Datacenter Manager: the remote that runs the task.
    pub remote: Option<String>,
    /// The node that runs the task.
    pub node: String,
    /// Process id.
    pub pid: u64,
    /// Start of the process, in clock ticks since boot.
    pub pstart: u64,
    /// Backup Server: counter of tasks.
    pub task_id: Option<u64>,
    /// Start of the task, seconds since 1970.
    pub starttime: u64,
    /// `qmstart`, `vzdump`, ...
    pub kind: String,
    /// What it works on; may be empty.
    pub id: String,
    /// User with realm, and the name of the token after `!`.
    pub user: String,
    text: String,
}

/// A text is not a task identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a task identifier: {why}")]
pub struct UpidError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Upid {
    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Upid {
    type Err = UpidError;

    fn from_str(text: &str) -> Result<Self, UpidError> {
        let wrong = |why| UpidError { text: text.chars().take(200).collect(), why };
        let (remote, plain) = match text.split_once("!UPID:") {
            Some((remote, _)) if !remote.contains(':') => (Some(remote), &text[remote.len() + 1..]),
            _ => (None, text),
        };
        let rest =
            plain.strip_prefix("UPID:").ok_or_else(|| wrong("it does not begin with UPID"))?;
        let rest = rest.strip_suffix(':').ok_or_else(|| wrong("it does not end with a colon"))?;
        let parts: Vec<&str> = rest.split(':').collect();
        let (node, pid, pstart, task_id, starttime, kind, id, user) = match parts[..] {
            [node, pid, pstart, start, kind, id, user] => {
                (node, pid, pstart, None, start, kind, id, user)
            }
            [node, pid, pstart, task, start, kind, id, user] => {
                (node, pid, pstart, Some(task), start, kind, id, user)
            }
            _ => return Err(wrong("it has too few or too many parts")),
        };
        let number = |hex| u64::from_str_radix(hex, 16).map_err(|_| wrong("a number is not hex"));
        if node.is_empty() || kind.is_empty() || user.is_empty() {
            return Err(wrong("node, type or user is empty"));
        }
        Ok(Self {
            remote: remote.map(str::to_owned),
            node: node.to_owned(),
            pid: number(pid)?,
            pstart: number(pstart)?,
            task_id: task_id.map(number).transpose()?,
            starttime: number(starttime)?,
            kind: kind.to_owned(),
            id: id.to_owned(),
            user: user.to_owned(),
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let text = "UPID:pve1:0000C530:001C9BEC:5F3A4B2C:vzdump:100:sync@pve!inventory:";
        let upid: Upid = text.parse().expect("valid");
        assert_eq!((upid.node.as_str(), upid.pid, upid.starttime), ("pve1", 0xC530, 0x5F3A_4B2C));
        assert_eq!((upid.kind.as_str(), upid.id.as_str()), ("vzdump", "100"));
        assert_eq!(upid.user, "sync@pve!inventory");
        assert_eq!(upid.to_string(), text);
    }

    #[test]
    fn the_object_may_be_empty_and_backup_servers_have_one_number_more() {
        let upid: Upid =
            "UPID:pve:000F:0A:5F3A4B2C:aptupdate::root@pam:".parse().expect("empty id");
        assert_eq!((upid.id.as_str(), upid.task_id), ("", None));
        let upid: Upid =
            "UPID:pbs:000002B2:00000245:00000001:5F3A4B2C:backup:store\\x3avm:root@pam:"
                .parse()
                .expect("form of PBS");
        assert_eq!((upid.task_id, upid.starttime), (Some(1), 0x5F3A_4B2C));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "UPID:", "UPID:pve:1:2:3:a:b:c", "UPID:pve:x:2:3:a:b:c:", "OK"] {
            assert!(text.parse::<Upid>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_remote_of_a_datacenter_manager_stands_before_the_rest() {
        let text = "site-a!UPID:pve01:0000C000:0000C000:69561800:qmstart:100:root@pam:";
        let upid: Upid = text.parse().expect("a task");
        assert_eq!((upid.remote.as_deref(), upid.node.as_str()), (Some("site-a"), "pve01"));
        assert_eq!(upid.to_string(), text);
    }
}
