//! What a caller needs for an operation.

use std::fmt;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Only the administrator of the system itself (`root@pam`).
    Root,
    /// Anybody, without a login.
    World,
    /// Anybody with a login; the answer may be shorter for those with few privileges.
    User,
    /// All of these privileges on a path of the access control list.
    On(&'static str, &'static [&'static str]),
    /// One of these privileges on a path of the access control list.
    OneOn(&'static str, &'static [&'static str]),
    /// To be the user that the call is about.
    Itself,
    /// One of these privileges on a group of the user that the call is about.
    Group(&'static [&'static str]),
    /// This privilege on the realm of the user that the call is about.
    Realm(&'static str),
    /// The right to change permissions on a path.
    Modify(&'static str),
    /// All of these.
    All(&'static [Permission]),
    /// One of these.
    Any(&'static [Permission]),
    /// Upstream's text, which is not part of this crate, says more.
    Told,
}

impl Permission {
    /// The privileges that the operation may ask for, each with the path that they are asked on.
    ///
    /// Of alternatives all are listed: with all of them every alternative is met.
    pub fn privileges(&self) -> Vec<(&'static str, &'static str)> {
        match *self {
            Self::On(path, names) | Self::OneOn(path, names) => {
                names.iter().map(|name| (path, *name)).collect()
            }
            Self::Group(names) => names.iter().map(|name| ("/access/groups", *name)).collect(),
            Self::Realm(name) => vec![("/access/realm/{realm}", name)],
            Self::Modify(path) => vec![(path, "Permissions.Modify")],
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Permission::privileges).collect()
            }
            Self::Root | Self::World | Self::User | Self::Itself | Self::Told => Vec::new(),
        }
    }
}

/// `VM.Audit on /vms/{vmid}`, `(A on / or B on /x)`.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Root => f.write_str("root@pam"),
            Self::World => f.write_str("nobody in particular"),
            Self::User => f.write_str("any user"),
            Self::On(path, names) => write!(f, "{} on {path}", names.join(" and ")),
            Self::OneOn(path, names) => write!(f, "{} on {path}", names.join(" or ")),
            Self::Itself => f.write_str("the user itself"),
            Self::Group(names) => write!(f, "{} on a group of the user", names.join(" or ")),
            Self::Realm(name) => write!(f, "{name} on the user's realm"),
            Self::Modify(path) => write!(f, "the right to change permissions on {path}"),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
            Self::Told => f.write_str("what the API viewer's text says"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Permission], word: &str) -> fmt::Result {
    f.write_str("(")?;
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        write!(f, "{part}")?;
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use super::Permission::*;

    #[test]
    fn every_alternative_is_listed_and_told() {
        let one = Any(&[On("/vms/{vmid}", &["VM.Audit"]), All(&[Itself, Modify("/x")])]);
        assert_eq!(one.privileges(), [("/vms/{vmid}", "VM.Audit"), ("/x", "Permissions.Modify")]);
        let told = "(VM.Audit on /vms/{vmid} or (the user itself and the right to change \
                    permissions on /x))";
        assert_eq!(one.to_string(), told);
    }
}
