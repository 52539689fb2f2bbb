//! What a call uses that the server's release lacks.

use serde_json::{Map, Value};

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

impl Unavailable {
    /// `GET /cluster/ha/rules needs PVE 9.0, this is 8.4`
    pub fn told(&self, product: &str) -> String {
        let Self { what, availability, release } = self;
        match (availability.since, availability.until) {
            (Some((since, _)), _) if release.line() < since.line() => {
                format!("{what} needs {product} {}.{}, this is {release}", since.0, since.1)
            }
            (_, Some((until, _))) => format!(
                "{what} was there up to {product} {}.{}, this is {release}",
                until.0, until.1
            ),
            _ => format!("{what} is there {availability}, this is {product} {release}"),
        }
    }
}

/// Whether a call uses anything that some known release lacks.
pub fn is_limited(op: &Op, params: &dyn Record) -> bool {
    let ends = [Release(0, 0, 0), Release(u16::MAX, 0, 0)];
    ends.into_iter().any(|release| unavailable(op, params, release).is_some())
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

/// The same for parameters as somebody gave them.
pub fn unavailable_members(
    op: &Op,
    members: &Map<String, Value>,
    release: Release,
) -> Option<Unavailable> {
    let lacks = |what: String, availability: Availability| {
        (!availability.has(release)).then_some(Unavailable { what, availability, release })
    };
    if let Some(missing) = lacks(op.to_string(), op.availability) {
        return Some(missing);
    }
    members.iter().find_map(|(name, given)| {
        let field = op.params.field(name)?;
        lacks(format!("the parameter {name}"), field.rules.availability).or_else(|| {
            value(field, &View::Text(given.as_str()?)).and_then(|(what, when)| lacks(what, when))
        })
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
