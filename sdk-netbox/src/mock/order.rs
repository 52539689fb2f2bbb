//! The order of objects in a list.

use serde_json::Value;

use super::model::{Model, models};
use super::render;
use super::state::{Row, State};

/// One value to sort by.
#[derive(Debug, PartialEq, PartialOrd)]
enum Key {
    Number(f64),
    /// Text as people sort it: digits by value, letters without case.
    Text(Vec<Piece>),
    /// NetBox's database puts null last.
    Null,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Digits(u128),
    Letters(String),
}

/// Sorts ids by fields, downwards for those with a `-`, and by id where all else is equal.
pub(super) fn sort(state: &State, model: &Model, ids: &mut [i64], fields: &[&str]) {
    let mut keyed: Vec<(Vec<(Key, bool)>, i64)> = ids
        .iter()
        .map(|id| {
            let row = state.row(model.path, *id);
            let keys = fields.iter().map(|field| {
                let (name, down) =
                    field.strip_prefix('-').map_or((*field, false), |name| (name, true));
                (row.map_or(Key::Null, |row| key(state, model, *id, row, name)), down)
            });
            (keys.collect(), *id)
        })
        .collect();
    keyed.sort_by(|(a, id_a), (b, id_b)| {
        let compare = |((a, down), (b, _)): (&(Key, bool), &(Key, bool))| {
            let order = a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
            if *down { order.reverse() } else { order }
        };
        let orders = a.iter().zip(b).map(compare);
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(id_a.cmp(id_b))
    });
    for (slot, (_, id)) in ids.iter_mut().zip(keyed) {
        *slot = id;
    }
}

fn key(state: &State, model: &Model, id: i64, row: &Row, name: &str) -> Key {
    if name == "id" {
        return number(id);
    }
    let value = row.get(name).unwrap_or(&Value::Null);
    if let (Some(reference), Some(target)) = (model.references.get(name), value.as_i64()) {
        let found = models().get(reference.target).zip(state.row(reference.target, target));
        return found.map_or(Key::Null, |(model, row)| {
            Key::Text(pieces(&render::display(model, target, row)))
        });
    }
    match value {
        Value::Number(number) => Key::Number(number.as_f64().unwrap_or_default()),
        Value::Bool(truth) => number(i64::from(*truth)),
        Value::String(text) => Key::Text(pieces(text)),
        _ => Key::Null,
    }
}

#[allow(clippy::cast_precision_loss)]
fn number(value: i64) -> Key {
    Key::Number(value as f64)
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(match piece.parse() {
            Ok(number) if digits => Piece::Digits(number),
            _ => Piece::Letters(piece.to_lowercase()),
        });
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_sort_by_their_value() {
        let mut names = ["net10", "Net2", "net1", "eth0"];
        names.sort_by_key(|name| pieces(name));
        assert_eq!(names, ["eth0", "net1", "Net2", "net10"]);
    }
}
