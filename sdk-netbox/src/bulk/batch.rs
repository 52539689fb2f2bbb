//! Splits a bulk write into batches, and a refused batch until each bad object stands alone.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures_util::{StreamExt, stream};

use crate::api_error::{ApiError, RowKey};
use crate::bulk::{Bulk, ItemError};
use crate::client::Client;
use crate::error::{Error, ErrorKind};

/// A kind of bulk write: how to send some of its objects.
pub(crate) trait BulkWrite: Sync {
    type Row: Send;

    /// Sends the objects at `places`; one answer for each, in that order.
    fn write(
        &self,
        places: &[usize],
    ) -> impl Future<Output = Result<Vec<Result<Self::Row, Error>>, Error>> + Send;

    /// The id that NetBox calls the object at `place` by, where it has one.
    fn id(&self, place: usize) -> Option<i64>;
}

type Items<R> = Vec<(usize, Result<R, ItemError>)>;

/// Runs a bulk write over all `batches`.
///
/// Fails as a whole only where nothing can have been written: the token is refused, or no host
/// answers. All else is an error of the objects concerned.
pub(crate) async fn run<W: BulkWrite>(
    client: &Client,
    write: &W,
    batches: Vec<Range<usize>>,
) -> Result<Bulk<W::Row>, Error> {
    let stop = Stop::default();
    let stop = &stop;
    let one = |range: Range<usize>| async move {
        let places: Vec<usize> = range.collect();
        match stop.error() {
            Some(cause) => skipped(&places, &cause),
            None => settle(write, places, stop).await,
        }
    };
    let mut items: BTreeMap<usize, Result<W::Row, ItemError>> = BTreeMap::new();
    let mut done = stream::iter(batches).map(one).buffer_unordered(client.lanes);
    while let Some(batch) = done.next().await {
        items.extend(batch);
    }
    let untouched = |item: &Result<W::Row, ItemError>| match item {
        Ok(_) => false,
        Err(failed) => failed.error.is_not_sent() || failed.error.is_auth(),
    };
    match stop.error() {
        Some(error) if items.values().all(untouched) => Err(error),
        _ => Ok(Bulk { items: items.into_values().collect() }),
    }
}

/// Sends a batch, and after a refusal its parts, until every object has its own outcome.
async fn settle<W: BulkWrite>(write: &W, places: Vec<usize>, stop: &Stop) -> Items<W::Row> {
    let mut open = vec![places];
    let mut items = Vec::new();
    while let Some(places) = open.pop() {
        if places.is_empty() {
            continue;
        }
        let error = match write.write(&places).await {
            Ok(rows) => {
                items.extend(places.into_iter().zip(rows).map(|(place, row)| {
                    (place, row.map_err(|error| ItemError::new(place, error)))
                }));
                continue;
            }
            Err(error) => error,
        };
        if let Some(named) = named_rows(&error, &places, |place| write.id(place)) {
            let good = places.iter().copied().filter(|place| !named.contains_key(place));
            open.push(good.collect());
            items.extend(
                named.into_iter().map(|(place, error)| (place, Err(ItemError::new(place, error)))),
            );
        } else if places.len() > 1 && is_about_content(&error) {
            let half = places.len() / 2;
            open.push(places[half..].to_vec());
            open.push(places[..half].to_vec());
        } else {
            let alone = places.len() == 1 && is_about_content(&error);
            items.extend(
                places.iter().map(|&place| (place, Err(ItemError::new(place, error.clone())))),
            );
            if !alone {
                stop.because(error.clone());
                items.extend(open.drain(..).flat_map(|rest| skipped(&rest, &error)));
            }
        }
    }
    items
}

fn skipped<R>(places: &[usize], cause: &Error) -> Items<R> {
    let error = cause.with_kind(ErrorKind::Skipped(Box::new(cause.clone())));
    let skip = |&place: &usize| (place, Err(ItemError::new(place, error.clone())));
    places.iter().map(skip).collect()
}

/// Whether another batch, or a part of this one, may fare better.
///
/// 500 with an exception is how NetBox 4.5 and 4.6 answer a batch that holds the same object twice.
fn is_about_content(error: &Error) -> bool {
    match error.api() {
        Some(api) => {
            matches!(api.status, 400 | 404 | 409 | 412 | 413)
                || (api.status == 500 && api.exception.is_some())
        }
        None => matches!(error.kind(), ErrorKind::Invalid(_)),
    }
}

/// The objects that the error itself names, each with its own error; nothing if it names none.
fn named_rows(
    error: &Error,
    places: &[usize],
    id: impl Fn(usize) -> Option<i64>,
) -> Option<BTreeMap<usize, Error>> {
    let api = error.api()?;
    let parallel = api.rows.len() == places.len();
    let mut named = BTreeMap::new();
    for row in api.rows.iter().filter(|row| !row.fields.is_empty()) {
        let place = match row.key {
            RowKey::Index(index) => places.get(index).copied(),
            RowKey::Id(wanted) => places.iter().copied().find(|&place| id(place) == Some(wanted)),
        }?;
        let own =
            ApiError { rows: Vec::new(), detail: None, fields: row.fields.clone(), ..api.clone() };
        named.insert(place, error.with_kind(ErrorKind::Api(own)));
    }
    // A list of another length speaks of something else; halves find out.
    let trusted = parallel || api.rows.iter().all(|row| !row.fields.is_empty());
    (trusted && !named.is_empty()).then_some(named)
}

/// Ends the batches that have not begun.
#[derive(Default)]
struct Stop {
    stopped: AtomicBool,
    cause: std::sync::Mutex<Option<Error>>,
}

impl Stop {
    fn because(&self, error: Error) {
        if let Ok(mut cause) = self.cause.lock() {
            cause.get_or_insert(error);
            self.stopped.store(true, Relaxed);
        }
    }

    fn error(&self) -> Option<Error> {
        if !self.stopped.load(Relaxed) {
            return None;
        }
        self.cause.lock().ok().and_then(|cause| cause.clone())
    }
}

/// Batches of at most `size` consecutive objects.
pub(crate) fn batches(count: usize, size: usize) -> Vec<Range<usize>> {
    (0..count).step_by(size).map(|from| from..(from + size).min(count)).collect()
}
