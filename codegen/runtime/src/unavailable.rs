//! What a call uses that the server's release lacks.

use std::fmt;

use crate::{Availability, Field, Op, Record, Release, View};

/// Something that a release lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// `GET /cluster/ha/rules`, `the parameter nofail`, `the value wireguard of protocol`.
    pub what: String,
    /// The releases that have it.
    pub availability: Availability,
    /// The server's release.
    pub release: Release,
}

/// `GET /cluster/ha/rules needs 9.0, this is 8.4`
impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, availability, release } = self;
        match (availability.since, availability.until) {
            (Some(since), _) if release.line() < since.line() => {
                write!(f, "{what} needs {}.{}, this is {release}", since.0, since.1)
            }
            (_, Some(until)) => {
                write!(f, "{what} was there up to {}.{}, this is {release}", until.0, until.1)
            }
            _ => write!(f, "{what} is there {availability}, this is {release}"),
        }
    }
}

/// The first thing that a call uses and `release` lacks: the operation, a parameter that is set, or
/// the value of one.
pub fn unavailable(op: &Op, params: &dyn Record, release: Release) -> Option<Unavailable> {
    let lacks = |what: String, availability: Availability| {
        (!availability.has(release)).then_some(Unavailable { what, availability, release })
    };
    if let Some(missing) = lacks(op.to_string(), op.availability) {
        return Some(missing);
    }
    params.schema().fields.iter().enumerate().find_map(|(index, field)| {
        let set = params.view(index).shown();
        if is_unset(&set) {
            return None;
        }
        let parameter = format!("the parameter {}", field.name);
        lacks(parameter, field.rules.availability)
            .or_else(|| value(field, &set).and_then(|(what, when)| lacks(what, when)))
    })
}

fn is_unset(view: &View<'_>) -> bool {
    match view {
        View::Absent => true,
        View::Indexed(members) => members.is_empty(),
        _ => false,
    }
}

fn value(field: &Field, set: &View<'_>) -> Option<(String, Availability)> {
    let View::Text(text) = set else { return None };
    let (value, when) = field.rules.values.iter().find(|(value, _)| value == text)?;
    Some((format!("the value {value} of {}", field.name), *when))
}
