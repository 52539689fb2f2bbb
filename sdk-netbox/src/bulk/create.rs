//! Bulk creation.

use proxbox_runtime::{Call, Payload, Record, Request, Rows, Slot, record_to_value};
use serde_json::Value;

use crate::bulk::Bulk;
use crate::bulk::batch::{BulkWrite, batches, run};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::Outgoing;

impl Client {
    /// Creates many objects, 50 in one request unless [`Client::with_batch`] says otherwise.
    ///
    /// NetBox stores a batch as a whole or not at all. A refused batch is sent again without the
    /// objects that are wrong, so each of these gets its own error and the others are created.
    /// An object whose creation is uncertain is [`ItemError::is_ambiguous`]; it is never sent again.
    /// Fails as a whole only when nothing was created.
    ///
    /// [`ItemError::is_ambiguous`]: crate::ItemError::is_ambiguous
    pub async fn create_all<B, R>(&self, call: &Call<B, R>, bodies: &[B]) -> Result<Bulk<R>, Error>
    where
        B: Record,
        R: Slot + Default + Send,
    {
        let creation = Creation {
            client: self,
            call: *call,
            bodies: bodies.iter().map(|body| record_to_value(body)).collect(),
        };
        run(self, &creation, batches(bodies.len(), self.batch)).await
    }
}

struct Creation<'a, B, R> {
    client: &'a Client,
    call: Call<B, R>,
    bodies: Vec<Value>,
}

impl<B, R> BulkWrite for Creation<'_, B, R>
where
    B: Record,
    R: Slot + Default + Send,
{
    type Row = R;

    async fn write(&self, places: &[usize]) -> Result<Vec<Result<R, Error>>, Error> {
        let bodies = places.iter().filter_map(|&place| self.bodies.get(place).cloned());
        let mut request = Request::new(self.call.op, &[]);
        request.payload = Payload::Json(Value::Array(bodies.collect()));
        let outgoing = Outgoing::read(&request);
        let rows: Rows<R> = self.client.fetch(&outgoing).await?.value;
        let rejected: Vec<usize> = rows.rejected().iter().map(|held| held.index).collect();
        let mut rows = rows.into_iter();
        let row = |place| match rejected.contains(&place) {
            true => None,
            false => rows.next(),
        };
        let missing = || {
            let reason = "the object was created, but its answer cannot be read".to_owned();
            outgoing.error(ErrorKind::Missing(reason))
        };
        Ok((0..places.len()).map(row).map(|row| row.ok_or_else(missing)).collect())
    }

    fn id(&self, _place: usize) -> Option<i64> {
        None
    }
}
