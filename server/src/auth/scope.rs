//! What a key may do.

use std::fmt;
use std::str::FromStr;

/// Something that a key may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Read what is synced, planned and stored, and what Proxmox says of it.
    Read,
    /// Start runs and stages.
    SyncRun,
    /// Carry out plans, and take runs back.
    SyncApply,
    /// Read anything of Proxmox through the proxy.
    ProxyRead,
    /// Change what the pattern names through the proxy: `POST /nodes/*/qemu/*/status/*`.
    ProxyWrite(String),
    /// Read journals and run commands in guests and on nodes, where an endpoint allows that.
    Console,
}

/// Text that is no scope.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no scope; these are: admin, read, sync:run, sync:apply, proxy:read, \
     proxy:write:<METHOD /path with *>, console"
)]
pub struct NoScope(String);

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        Ok(match text.trim() {
            "admin" => Self::Admin,
            "read" => Self::Read,
            "sync:run" => Self::SyncRun,
            "sync:apply" => Self::SyncApply,
            "proxy:read" => Self::ProxyRead,
            "console" => Self::Console,
            text => match text.strip_prefix("proxy:write:").map(str::trim) {
                Some(pattern) if !pattern.is_empty() && !pattern.contains(',') => {
                    Self::ProxyWrite(pattern.to_owned())
                }
                _ => return Err(NoScope(text.to_owned())),
            },
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::Read => f.write_str("read"),
            Self::SyncRun => f.write_str("sync:run"),
            Self::SyncApply => f.write_str("sync:apply"),
            Self::ProxyRead => f.write_str("proxy:read"),
            Self::ProxyWrite(pattern) => write!(f, "proxy:write:{pattern}"),
            Self::Console => f.write_str("console"),
        }
    }
}

/// All that a key may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Everything.
    pub fn admin() -> Self {
        Self(vec![Scope::Admin])
    }

    /// Reads texts. None at all would make a key that opens nothing.
    pub fn parse(texts: &[String]) -> Result<Self, NoScope> {
        let scopes: Vec<Scope> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        match scopes.is_empty() {
            true => Err(NoScope(String::new())),
            false => Ok(Self(scopes)),
        }
    }

    /// Reads what [`Scopes::stored`] wrote. What a newer server wrote and this one does not know opens
    /// nothing.
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(text.split(',').filter_map(|scope| scope.parse().ok()).collect())
    }

    pub(crate) fn stored(&self) -> String {
        self.names().join(",")
    }

    /// Each as text.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether they permit this.
    pub fn permit(&self, wanted: &Scope) -> bool {
        self.0.iter().any(|scope| *scope == Scope::Admin || scope == wanted)
    }

    /// Whether they permit to change anything at all through the proxy.
    pub fn permit_some_write(&self) -> bool {
        self.0.iter().any(|scope| matches!(scope, Scope::Admin | Scope::ProxyWrite(_)))
    }

    /// Whether they permit to call an operation that changes something: `PUT /nodes/pve1/config`.
    pub fn permit_write(&self, operation: &str) -> bool {
        self.0.iter().any(|scope| match scope {
            Scope::Admin => true,
            Scope::ProxyWrite(pattern) => matches(pattern, operation),
            _ => false,
        })
    }
}

/// A pattern in which `*` stands for any text, and which names any method where it names none.
fn matches(pattern: &str, operation: &str) -> bool {
    let subject = match pattern.starts_with(['/', '*']) {
        true => operation.split_once(' ').map_or(operation, |(_, path)| path),
        false => operation,
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| subject.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for text in [
            "admin",
            "read",
            "sync:run",
            "sync:apply",
            "proxy:read",
            "console",
            "proxy:write:*",
            "proxy:write:POST /nodes/*/qemu/*/status/*",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "root", "proxy:write:", "proxy:write:a,admin", "sync", "Admin"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        assert!(Scopes::parse(&[]).is_err());
    }

    #[test]
    fn a_pattern_permits_what_it_names_and_nothing_else() {
        let operation = "POST /nodes/pve1/qemu/100/status/start";
        for (pattern, permitted) in [
            ("*", true),
            ("/nodes/*", true),
            ("POST /nodes/*/qemu/*/status/*", true),
            ("POST /nodes/*/qemu/100/status/start", true),
            ("/nodes/pve1/qemu/100/status/start", true),
            ("PUT /nodes/*", false),
            ("/nodes/*/status/stop", false),
            ("/nodes/pve1", false),
            ("/nodes/*/lxc/*", false),
            ("nodes", false),
        ] {
            let scopes = Scopes(vec![Scope::ProxyWrite(pattern.into())]);
            assert_eq!(scopes.permit_write(operation), permitted, "{pattern}");
        }
    }

    #[test]
    fn only_admin_implies_others() {
        let all = [Scope::Read, Scope::SyncRun, Scope::SyncApply, Scope::ProxyRead, Scope::Console];
        for scope in &all {
            assert!(Scopes::admin().permit(scope));
            let alone = Scopes(vec![scope.clone()]);
            assert_eq!(all.iter().filter(|other| alone.permit(other)).count(), 1);
            assert!(!alone.permit(&Scope::Admin) && !alone.permit_write("PUT /x"));
        }
    }

    #[test]
    fn what_a_newer_server_stored_opens_nothing() {
        let scopes = Scopes::from_stored("time:travel,read");
        assert!(scopes.permit(&Scope::Read) && !scopes.permit(&Scope::Admin));
        assert_eq!(Scopes::from_stored(&Scopes::admin().stored()), Scopes::admin());
    }
}
