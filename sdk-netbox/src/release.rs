//! Operations, filters and fields that NetBox's release lacks.
//!
//! NetBox ignores filters and fields that it does not know: a filter of a newer release would answer
//! with everything, a field would be lost. So such a request is not sent.

use http::{HeaderMap, Method};
use proxbox_runtime::{Availability, Kind, Payload, Release, Request, Schema, Unavailable};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::Outgoing;

/// Something that a request uses and that only some releases have.
pub(crate) type Limit = (String, Availability);

/// All that is limited in a request.
pub(crate) fn limits(request: &Request) -> Vec<Limit> {
    let op = request.op;
    let mut limits = vec![(op.to_string(), op.availability)];
    for (name, _) in &request.query {
        let base = |field: &&proxbox_runtime::QueryField| {
            let rest = name.strip_prefix(field.name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
        };
        if let Some(field) = op.filters.iter().filter(base).max_by_key(|field| field.name.len()) {
            limits.push((format!("the filter {}", field.name), field.availability));
            let lookup = name.strip_prefix(field.name).and_then(|rest| rest.strip_prefix("__"));
            let limited = field.limited.iter().find(|(known, _)| Some(*known) == lookup);
            limits.extend(limited.map(|(_, when)| (format!("the filter {name}"), *when)));
        }
    }
    if let (Payload::Json(body), Kind::Record(schema)) = (&request.payload, element(op.body)) {
        let objects = body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        objects.iter().for_each(|object| fields(schema, object, &mut limits));
    }
    limits.retain(|(_, availability)| *availability != Availability::ALWAYS);
    limits.dedup();
    limits
}

fn element(kind: Kind) -> Kind {
    match kind {
        Kind::List(inner) => *inner,
        kind => kind,
    }
}

fn fields(schema: &Schema, object: &Value, limits: &mut Vec<Limit>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let Some(field) = schema.field(name) else { continue };
        limits.push((format!("the field {name}"), field.rules.availability));
        let known = field.rules.values.iter().find(|(known, _)| value == known);
        limits.extend(known.map(|(value, when)| (format!("the value {value} of {name}"), *when)));
    }
}

/// The release that an answer states in its headers.
pub(crate) fn stated(headers: &HeaderMap) -> Option<Release> {
    headers.get("API-Version")?.to_str().ok()?.parse().ok()
}

impl Client {
    /// NetBox's release, from any answer so far, or else asked for.
    pub async fn release(&self) -> Option<Release> {
        if self.inner.release.get().is_none() {
            let outgoing = Outgoing::plain(Method::GET, "/api/status/");
            // Whatever it answers, the header is there if this is a NetBox.
            let _ = self.attempt(&outgoing).await;
        }
        self.inner.release.get().copied()
    }

    /// Fails where NetBox's release lacks what the request uses. A server that does not tell its
    /// release is asked the request itself.
    pub(crate) async fn check_release(&self, outgoing: &Outgoing) -> Result<(), Error> {
        if outgoing.limits.is_empty() || !self.inner.check_release {
            return Ok(());
        }
        if self.inner.release.get().is_none() {
            let asked = self.attempt(&Outgoing::plain(Method::GET, "/api/status/")).await;
            // Without an answer nothing is known, and what NetBox does not know it ignores.
            if let Err(error) = asked
                && error.status().is_none()
            {
                return Err(error);
            }
        }
        let Some(release) = self.inner.release.get().copied() else { return Ok(()) };
        let lacking = outgoing.limits.iter().find(|(_, availability)| !availability.has(release));
        match lacking {
            None => Ok(()),
            Some((what, availability)) => {
                let missing =
                    Unavailable { what: what.clone(), availability: *availability, release };
                Err(outgoing.error(ErrorKind::Unavailable(Box::new(missing))))
            }
        }
    }
}
