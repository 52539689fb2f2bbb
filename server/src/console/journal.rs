//! The journal of a node, by its cursor.

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use futures_util::Stream;
use sdk_proxmox::pve::GetNodesNodeJournal;
use sdk_proxmox::{Error, Value};
use serde_json::json;
use tokio::time::sleep;

use super::frame::Frame;
use crate::edge::ApiError;
use crate::endpoints::Session;
use crate::proxy::fault;
use crate::runs::StartError;

/// How often the journal is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// A journal that cannot be read so many times in a row is given up.
const TRIES: u32 = 5;

/// Lines, and the place behind them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) lines: Vec<String>,
    pub(super) cursor: Option<String>,
}

/// The latest lines, or those behind a place.
pub(super) async fn read(
    session: &Session,
    node: &str,
    limit: u32,
    after: Option<&str>,
) -> Result<Part, ApiError> {
    let client = session.client().await.map_err(StartError::from)?;
    let mut operation = GetNodesNodeJournal::new(node);
    match after {
        Some(cursor) => operation.startcursor = Some(cursor.to_owned()),
        None => operation.lastentries = Some(i64::from(limit)),
    }
    let answered: Result<_, Error> = client.send(&operation).await;
    let answered = answered.map_err(|error| fault(&session.row.name, &error))?;
    Ok(part(answered.value.iter().map(String::as_str), after))
}

/// The first and the last text of an answer are places in the journal; with nothing between them there
/// may be one alone.
fn part<'t>(texts: impl Iterator<Item = &'t str>, after: Option<&str>) -> Part {
    let mut texts: Vec<&str> = texts.collect();
    let cursor = texts.pop().map(str::to_owned).or_else(|| after.map(str::to_owned));
    let lines = texts.into_iter().skip(1).map(str::to_owned).collect();
    Part { lines, cursor }
}

/// The journal as it grows, from behind `after` on where a client has been there.
pub(super) fn follow(
    session: Arc<Session>,
    node: String,
    limit: u32,
    after: Option<String>,
) -> impl Stream<Item = Frame> + Send {
    stream! {
        let (mut cursor, mut seq, mut failed) = (after, 0, 0);
        yield Frame::meta("started", json!({ "node": node }));
        loop {
            match read(&session, &node, limit, cursor.as_deref()).await {
                Ok(part) => {
                    failed = 0;
                    let last = part.lines.len();
                    for (index, line) in part.lines.iter().enumerate() {
                        seq += 1;
                        let frame = Frame::line(seq, line);
                        // Only behind the last line of an answer is a place that is known.
                        match &part.cursor {
                            Some(place) if index + 1 == last => yield frame.at(place.clone()),
                            _ => yield frame,
                        }
                    }
                    cursor = part.cursor;
                }
                Err(error) => {
                    failed += 1;
                    yield Frame::meta("error", json!({ "message": error.to_string() }));
                    if failed >= TRIES {
                        yield Frame::ended(None, "the journal cannot be read");
                        break;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }
}

/// What is answered once.
pub(super) fn once(node: &str, part: &Part) -> Value {
    json!({ "node": node, "lines": part.lines, "cursor": part.cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_around_an_answer_are_no_lines() {
        let read = |texts: &[&'static str], after| part(texts.iter().copied(), after);
        let both = read(&["s=1", "a", "b", "s=2"], None);
        assert_eq!(both, Part { lines: vec!["a".into(), "b".into()], cursor: Some("s=2".into()) });
        assert_eq!(read(&["s=1", "s=1"], Some("s=1")).lines, Vec::<String>::new());
        assert_eq!(read(&["s=1"], Some("s=0")).cursor.as_deref(), Some("s=1"));
        assert_eq!(read(&[], Some("s=0")).cursor.as_deref(), Some("s=0"));
    }
}
