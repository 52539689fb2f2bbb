//! A request as data: path, query and payload, encoded so that a Perl server reads them back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::{FieldFlags, Method, Op, Record, View, record_to_value};

/// Everything outside `A-Za-z0-9-._~` is encoded: Perl splits forms on `;` too.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that is ready for a transport.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// The operation, for its method and for error messages.
    pub op: &'static Op,
    /// Path with all values in place, encoded.
    pub path: String,
    /// Query pairs, not encoded.
    pub query: Vec<(String, String)>,
    /// Body.
    pub payload: Payload,
}

/// The body of a request.
#[derive(Clone, PartialEq)]
pub enum Payload {
    /// No body.
    Empty,
    /// Pairs for `application/x-www-form-urlencoded`, not encoded.
    Form(Vec<(String, String)>),
    /// A JSON document.
    Json(Value),
}

impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        (self.method, self.path) == (other.method, other.path)
    }
}

/// Shows no values: they may hold secrets.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.op.method, self.path)
    }
}

impl Request {
    /// A request with the values for the path's parameters in the order of the path.
    pub fn new(op: &'static Op, path: &[&str]) -> Self {
        let mut values = path.iter();
        let path = fill(op.path, |_| values.next().map(|value| (*value).to_owned()));
        Self { op, path, query: Vec::new(), payload: Payload::Empty }
    }

    /// A request whose parameters, path and all, are the fields of one record.
    pub fn flat(op: &'static Op, params: &dyn Record) -> Self {
        let schema = params.schema();
        let path = fill(op.path, |name| {
            schema.find(name).and_then(|index| text(&params.view(index).shown()))
        });
        let mut request = Self { op, path, query: Vec::new(), payload: Payload::Empty };
        let mut plain = true;
        let mut pairs = Vec::new();
        for (index, field) in schema.fields.iter().enumerate() {
            if !field.flags.has(FieldFlags::PATH) {
                plain &= add(&mut pairs, field.name, params.view(index).shown());
            }
        }
        for (name, value) in params.extra() {
            plain &= add(&mut pairs, name, View::Json(value));
        }
        match op.method {
            // A DELETE's body is ignored upstream.
            Method::Get | Method::Delete => request.query = pairs,
            _ if pairs.is_empty() => {}
            _ if plain => request.payload = Payload::Form(pairs),
            _ => request.payload = Payload::Json(body(params)),
        }
        request
    }

    /// A request whose parameters, path and all, are the members of one object, as somebody gave them.
    ///
    /// Truth values become 1 and 0. What `members` lacks of the path stays empty: check first.
    pub fn from_members(op: &'static Op, members: &Map<String, Value>) -> Self {
        let path =
            fill(op.path, |name| members.get(name).and_then(|value| text(&View::Json(value))));
        let mut request = Self { op, path, query: Vec::new(), payload: Payload::Empty };
        let mut plain = true;
        let mut pairs = Vec::new();
        let rest = members.iter().filter(|(name, _)| !is_in_path(op, name));
        for (name, value) in rest.clone() {
            plain &= match value {
                Value::Array(items) => {
                    items.iter().for_each(|item| _ = add(&mut pairs, name, View::Json(item)));
                    false
                }
                value => add(&mut pairs, name, View::Json(value)),
            };
        }
        match op.method {
            Method::Get | Method::Delete => request.query = pairs,
            _ if pairs.is_empty() => {}
            _ if plain => request.payload = Payload::Form(pairs),
            _ => {
                let members = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
                request.payload = Payload::Json(without_truth(Value::Object(members)));
            }
        }
        request
    }

    /// The encoded query, without the question mark.
    pub fn encoded_query(&self) -> String {
        encode_pairs(&self.query)
    }
}

impl Payload {
    /// A form's body.
    pub fn encode_form(pairs: &[(String, String)]) -> String {
        encode_pairs(pairs)
    }
}

fn encode_pairs(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        format!("{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED))
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Whether values of this parameter of a path may have slashes: volumes and networks do.
pub fn takes_slashes(name: &str) -> bool {
    matches!(name, "volume" | "cidr")
}

/// Puts values into the path's `{name}` places, each encoded as one segment.
fn fill(template: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'))
    {
        Some(name) => {
            let value = value(name).unwrap_or_default();
            match value.as_str() {
                // Dots would be read as a walk up the path, encoded or not.
                "." | ".." => value.replace('.', "%252E"),
                // A slash would be read as the end of the segment, encoded once or not; where values
                // have slashes, upstream reads them.
                _ if value.contains('/') && !takes_slashes(name) => {
                    utf8_percent_encode(&value, ENCODED).to_string().replace("%2F", "%252F")
                }
                _ => utf8_percent_encode(&value, ENCODED).to_string(),
            }
        }
        None => segment.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Adds the pairs for one field. False when a form cannot carry the value: lists become ambiguous
/// with one element, and an empty text arrives as undefined.
fn add(pairs: &mut Vec<(String, String)>, name: &str, view: View<'_>) -> bool {
    match view {
        View::Absent => true,
        View::Indexed(members) => {
            let prefix = name.trim_end_matches("[n]");
            let add_one = |(number, member)| add(pairs, &format!("{prefix}{number}"), member);
            members.into_iter().map(add_one).fold(true, |all, one| all & one)
        }
        View::List(items) => {
            for item in items {
                add(pairs, name, item);
            }
            false
        }
        view => match text(&view) {
            Some(text) => {
                let carried = !text.is_empty();
                pairs.push((name.to_owned(), text));
                carried
            }
            None => false,
        },
    }
}

fn text(view: &View<'_>) -> Option<String> {
    match view {
        View::Bool(value) => Some(if *value { "1" } else { "0" }.to_owned()),
        View::Int(value) => Some(value.to_string()),
        View::Float(value) => Some(value.to_string()),
        View::Text(text) => Some((*text).to_owned()),
        View::Json(Value::String(text)) => Some(text.clone()),
        View::Json(Value::Bool(value)) => Some(if *value { "1" } else { "0" }.to_owned()),
        View::Json(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

fn body(params: &dyn Record) -> Value {
    let mut value = record_to_value(params);
    if let Value::Object(members) = &mut value {
        for field in params.schema().fields {
            if field.flags.has(FieldFlags::PATH) {
                members.remove(field.name);
            }
        }
    }
    without_truth(value)
}

/// 1 and 0 are understood by every release, true and false only since 8.
fn without_truth(mut value: Value) -> Value {
    for member in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Value::Bool(truth) = member {
            *member = Value::from(i64::from(*truth));
        }
    }
    value
}

fn is_in_path(op: &Op, name: &str) -> bool {
    op.params.field(name).is_some_and(|field| field.flags.has(FieldFlags::PATH))
}
