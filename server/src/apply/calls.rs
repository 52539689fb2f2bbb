//! Sends batches of objects of one kind.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proxbox_runtime::Untyped;
use sdk_netbox::{Bulk, Client, Error};
use serde_json::{Map, Value};

use crate::calls::Calls;
use crate::plan::Kind;

/// Objects for one request.
#[derive(Debug, Clone)]
pub(super) enum Batch {
    /// Bodies of new objects.
    Create(Vec<Map<String, Value>>),
    /// Changed fields with the `id`.
    Update(Vec<Map<String, Value>>),
    /// Ids of objects to delete.
    Delete(Vec<i64>),
}

impl Batch {
    fn len(&self) -> usize {
        match self {
            Self::Create(rows) | Self::Update(rows) => rows.len(),
            Self::Delete(ids) => ids.len(),
        }
    }
}

/// The id, or the error, of each object in the order of the batch.
pub(super) type Answers = Vec<Result<i64, Error>>;

/// Sends one batch; where `versions` are named, only objects that still have one of them change.
pub(super) fn send(
    netbox: &Client,
    kind: Kind,
    batch: Batch,
    versions: Vec<String>,
) -> BoxFuture<'_, Answers> {
    async move {
        let (calls, count) = (Calls::of(kind), batch.len());
        let mut netbox = netbox.with_batch(count);
        if !versions.is_empty() {
            netbox = match netbox.if_all_unchanged(versions.iter().map(String::as_str)) {
                Ok(netbox) => netbox,
                Err(error) => return vec![Err(error); count],
            };
        }
        let answer = match batch {
            Batch::Create(rows) => ids(netbox.create_all(&calls.create, &untyped(rows)).await),
            // Fields are set to values, so a PATCH may be sent twice.
            Batch::Update(rows) => {
                let netbox = netbox.repeating_patches();
                ids(netbox.update_all(&calls.update, &untyped(rows)).await)
            }
            Batch::Delete(wanted) => {
                let deleted = netbox.delete_all(&calls.delete, &wanted, None).await;
                deleted.map(|deleted| {
                    let answers = deleted.items.into_iter().zip(wanted);
                    answers.map(|(item, id)| item.map(|()| id).map_err(|one| one.error)).collect()
                })
            }
        };
        answer.unwrap_or_else(|error| vec![Err(error); count])
    }
    .boxed()
}

fn untyped(rows: Vec<Map<String, Value>>) -> Vec<Untyped> {
    rows.into_iter().map(Untyped::from).collect()
}

fn ids(answer: Result<Bulk<Untyped>, Error>) -> Result<Answers, Error> {
    let items = answer?.items.into_iter();
    Ok(items.map(|item| item.map(|row| id_of(&row)).map_err(|failed| failed.error)).collect())
}

fn id_of(row: &Untyped) -> i64 {
    row.extra.get("id").and_then(Value::as_i64).unwrap_or_default()
}
