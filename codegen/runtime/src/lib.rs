//! What generated API code links against.
//!
//! Generated crates hold data: records with a static [`Schema`] and one accessor per field, open
//! enums, and operations as [`Op`] descriptors. Everything that *does* something with that data
//! (lenient decoding, encoding, property strings, building a request) is written once, here.

#![deny(missing_docs)]

mod availability;
mod caller;
mod choice;
mod debug;
mod decode;
mod drift;
mod encode;
mod equal;
mod filter;
mod indexed;
mod op_index;
mod open_enum;
mod operation;
mod page;
mod patch;
mod pattern;
mod permission;
mod property;
mod recode;
mod record;
mod reference;
mod request;
mod rows;
mod scalar;
mod schema;
mod slot;
mod unavailable;
mod untyped;
mod validate;

pub use availability::{Availability, NoRelease, Release};
pub use caller::Caller;
pub use choice::Choice;
pub use debug::debug;
pub use decode::{Decoded, decode, decode_member, fill_from};
pub use drift::{Drift, DriftReason};
pub use encode::{encode, record_to_value, to_value};
pub use equal::equal;
pub use filter::{
    Between, Exact, Filled, Lookups, Match, Member, Ordered, Query, QueryField, Text, Window,
};
pub use indexed::{Indexed, split_index};
pub use op_index::{Matched, OpIndex};
pub use open_enum::OpenEnum;
pub use operation::{Call, Method, Op, OpFlags, Operation};
pub use page::Page;
pub use patch::Patch;
pub use permission::Permission;
pub use property::{PropertyError, PropertyRules, PropertyString};
pub use recode::{Recode, Reprint, recode, reprint};
pub use record::Record;
pub use reference::IdOr;
pub use request::{Payload, Request, takes_slashes};
pub use rows::{Rejected, Rows};
pub use scalar::Scalar;
pub use schema::{Field, FieldFlags, Kind, Rules, Schema};
pub use slot::{IndexedSlot, ListSlot, Object, Opens, Slot, View};
pub use unavailable::{Unavailable, is_limited, unavailable, unavailable_members};
pub use untyped::Untyped;
pub use validate::{Violation, validate, validate_params, validate_value};

/// The JSON value that untyped parts of both APIs are kept in.
pub use serde_json::Value;

#[doc(hidden)]
pub use serde;
