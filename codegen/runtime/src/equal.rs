//! Equality of records, through their schema: deriving it costs more to compile than all else.

use crate::{Record, View};

/// Whether two records of one type hold the same.
pub fn equal(one: &dyn Record, other: &dyn Record) -> bool {
    let fields = 0..one.schema().fields.len();
    one.schema().name == other.schema().name
        && one.extra() == other.extra()
        && fields
            .into_iter()
            .all(|index| same(&one.view(index).shown(), &other.view(index).shown()))
}

fn same(one: &View<'_>, other: &View<'_>) -> bool {
    match (one, other) {
        (View::Absent, View::Absent) | (View::Null, View::Null) => true,
        (View::Bool(one), View::Bool(other)) => one == other,
        (View::Int(one), View::Int(other)) => one == other,
        (View::Float(one), View::Float(other)) => one == other,
        (View::Text(one), View::Text(other)) => one == other,
        (View::Json(one), View::Json(other)) => one == other,
        (View::Map(one), View::Map(other)) => one == other,
        (View::Record(one), View::Record(other)) => equal(*one, *other),
        (View::List(one), View::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (View::Indexed(one), View::Indexed(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.0 == other.0 && same(&one.1, &other.1))
        }
        _ => false,
    }
}
