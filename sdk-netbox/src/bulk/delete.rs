//! Bulk deletion.

use proxbox_runtime::{Call, Payload, Request};
use serde_json::{Value, json};

use crate::bulk::Bulk;
use crate::bulk::batch::{BulkWrite, batches, run};
use crate::client::Client;
use crate::error::Error;
use crate::transport::Outgoing;

impl Client {
    /// Deletes many objects. What depends on one of them and may not go with it is a 409 for that
    /// object; an object that is gone already counts as deleted.
    ///
    /// Deletion costs NetBox about as much per object in bulk as alone, but one request for many.
    /// NetBox notes `message` in its log of changes.
    pub async fn delete_all<'a, B, R>(
        &self,
        call: &Call<B, R>,
        ids: &[i64],
        message: impl Into<Option<&'a str>>,
    ) -> Result<Bulk<()>, Error> {
        let deletion = Deletion { client: self, call: *call, ids, message: message.into() };
        run(self, &deletion, batches(ids.len(), self.batch)).await
    }
}

struct Deletion<'a, B, R> {
    client: &'a Client,
    call: Call<B, R>,
    ids: &'a [i64],
    message: Option<&'a str>,
}

impl<B, R> BulkWrite for Deletion<'_, B, R> {
    type Row = ();

    async fn write(&self, places: &[usize]) -> Result<Vec<Result<(), Error>>, Error> {
        let ids = places.iter().filter_map(|&place| self.id(place));
        let one = |id| match self.message {
            Some(message) => json!({ "id": id, "changelog_message": message }),
            None => json!({ "id": id }),
        };
        let mut request = Request::new(self.call.op, &[]);
        request.payload = Payload::Json(ids.map(one).collect::<Value>());
        self.client.exchange(&Outgoing::read(&request)).await?;
        Ok(places.iter().map(|_| Ok(())).collect())
    }

    fn id(&self, place: usize) -> Option<i64> {
        self.ids.get(place).copied()
    }
}
