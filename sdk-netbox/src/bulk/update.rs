//! Bulk updates.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proxbox_runtime::{Call, Payload, Record, Request, Rows, Slot, View, record_to_value};
use serde_json::Value;

use crate::bulk::Bulk;
use crate::bulk::batch::{BulkWrite, run};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::{Outgoing, method_of};

impl Client {
    /// Changes many objects, each named by the `id` in its body.
    ///
    /// Answers are matched by id, because NetBox gives them in its own order. An id that NetBox
    /// does not have is an error of that object, as NetBox 4.5 and 4.6 skip it silently. See
    /// [`Client::create_all`] for batches and errors; PATCH is sent again after a broken
    /// connection only by [`Client::repeating_patches`].
    pub async fn update_all<B, R>(
        &self,
        call: &Call<Vec<B>, Rows<R>>,
        bodies: &[B],
    ) -> Result<Bulk<R>, Error>
    where
        B: Record,
        R: Record + Slot + Default + Send,
    {
        let ids: Vec<Option<i64>> = bodies.iter().map(|body| id_of(body)).collect();
        if let Some(place) = ids.iter().position(Option::is_none) {
            let reason = format!("object {place} of the update has no id");
            return Err(Error::invalid(&method_of(call.op.method), call.op.path, reason));
        }
        let update = Update {
            client: self,
            call: *call,
            batches: unique(&ids, self.batch),
            ids: ids.into_iter().flatten().collect(),
            bodies: bodies.iter().map(|body| record_to_value(body)).collect(),
        };
        run(self, &update, update.batches.clone()).await
    }
}

struct Update<'a, B, R> {
    client: &'a Client,
    call: Call<Vec<B>, Rows<R>>,
    batches: Vec<Range<usize>>,
    ids: Vec<i64>,
    bodies: Vec<Value>,
}

impl<B, R> BulkWrite for Update<'_, B, R>
where
    B: Record,
    R: Record + Slot + Default + Send,
{
    type Row = R;

    async fn write(&self, places: &[usize]) -> Result<Vec<Result<R, Error>>, Error> {
        let bodies = places.iter().filter_map(|&place| self.bodies.get(place).cloned());
        let mut request = Request::new(self.call.op, &[]);
        request.payload = Payload::Json(Value::Array(bodies.collect()));
        let outgoing = Outgoing::read(&request);
        let rows: Rows<R> = self.client.fetch(&outgoing).await?.value;
        let mut by_id: BTreeMap<i64, R> =
            rows.into_iter().filter_map(|row| Some((id_of(&row)?, row))).collect();
        let answer = |&place: &usize| {
            let id = self.id(place).unwrap_or_default();
            by_id.remove(&id).ok_or_else(|| {
                let reason =
                    format!("NetBox has no object with id {id}, or the token may not change it");
                outgoing.error(ErrorKind::Missing(reason))
            })
        };
        Ok(places.iter().map(answer).collect())
    }

    fn id(&self, place: usize) -> Option<i64> {
        self.ids.get(place).copied()
    }
}

/// Batches in which no id occurs twice: NetBox would apply the last and answer once.
fn unique(ids: &[Option<i64>], size: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut seen = BTreeSet::new();
    let mut from = 0;
    for (place, id) in ids.iter().enumerate() {
        if place - from == size || !seen.insert(*id) {
            batches.push(from..place);
            from = place;
            seen = BTreeSet::from([*id]);
        }
    }
    if from < ids.len() {
        batches.push(from..ids.len());
    }
    batches
}

fn id_of(record: &dyn Record) -> Option<i64> {
    let view = match record.schema().find("id") {
        Some(index) => record.view(index).shown(),
        None => View::Json(record.extra().get("id")?),
    };
    match view {
        View::Int(id) if id > 0 => Some(id),
        View::Json(value) => value.as_i64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_never_twice_in_one_batch() {
        let some = |ids: &[i64]| ids.iter().copied().map(Some).collect::<Vec<_>>();
        for (ids, size, ranges) in [
            (vec![], 2, vec![]),
            (vec![1, 2, 3], 2, vec![0..2, 2..3]),
            (vec![1, 2, 1, 3], 9, vec![0..2, 2..4]),
            (vec![1, 1, 1], 9, vec![0..1, 1..2, 2..3]),
        ] {
            assert_eq!(unique(&some(&ids), size), ranges, "{ids:?}");
        }
    }
}
