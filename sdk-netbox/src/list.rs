//! Lists, page by page.

use std::marker::PhantomData;

use async_stream::try_stream;
use futures_util::{Stream, TryStreamExt};
use proxbox_runtime::{Call, Op, Page, Query, Request, Slot};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::{Outgoing, method_of};

/// NetBox's `MAX_PAGE_SIZE` unless an administrator changed it. It cuts larger limits down.
const LARGEST_PAGE: usize = 1000;

/// Ids in one request: 4,094 bytes of request line hold about 350.
const IDS: usize = 200;

/// A list that is about to be read.
#[derive(Debug)]
#[must_use = "nothing is read before `stream`, `all`, `first` or `count`"]
pub struct List<T> {
    client: Client,
    op: &'static Op,
    query: Vec<(String, String)>,
    limit: usize,
    start: Start,
    rows: PhantomData<fn() -> T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            op: self.op,
            query: self.query.clone(),
            limit: self.limit,
            start: self.start.clone(),
            rows: PhantomData,
        }
    }
}

impl Client {
    /// The objects that all `filters` match. Values of one filter are alternatives.
    ///
    /// A filter that the operation does not declare is an error when the list is read, because
    /// NetBox ignores it and answers with everything.
    pub fn list<T>(
        &self,
        call: &Call<(), Page<T>>,
        filters: impl IntoIterator<Item = Query>,
    ) -> List<T> {
        List {
            client: self.clone(),
            op: call.op,
            query: filters.into_iter().flat_map(|filter| filter.0).collect(),
            limit: LARGEST_PAGE,
            start: Start::Offset(0),
            rows: PhantomData,
        }
    }
}

impl<T: Slot + Default> List<T> {
    /// Reads these fields only, and the id. Two to three times cheaper for wide objects.
    pub fn fields<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut fields = vec!["id"];
        fields.extend(names.into_iter().filter(|name| *name != "id"));
        self.set("fields", fields.join(","));
        self
    }

    /// Leaves these fields out.
    pub fn omit<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "id").collect();
        self.set("omit", names.join(","));
        self
    }

    /// Reads the short form of the objects: id, name and the like.
    pub fn brief(mut self) -> Self {
        self.set("brief", "1".to_owned());
        self
    }

    /// Sorts by a field, downwards with a `-` before it.
    pub fn ordering(mut self, field: &str) -> Self {
        self.set("ordering", field.to_owned());
        self
    }

    /// Objects in one page; 1,000 unless set. NetBox may answer with fewer.
    pub fn limit(mut self, objects: usize) -> Self {
        self.limit = objects.max(1);
        self
    }

    /// Pages by id instead of by position: an object that is created or deleted meanwhile makes no
    /// other be missed or come twice. NetBox 4.5 does not know this and pages by position.
    ///
    /// NetBox does not combine this with an ordering.
    pub fn by_cursor(mut self) -> Self {
        self.start = Start::Cursor("0".to_owned());
        self
    }

    /// Any other parameter, `cf_` filters for instance; not checked.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    fn set(&mut self, name: &str, value: String) {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value));
    }

    /// The objects, read page by page as they are asked for.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send {
        try_stream! {
            self.check()?;
            for part in self.split() {
                let mut at = Some(part.start.clone());
                while let Some(start) = at.take() {
                    let page = part.page(&start).await?;
                    at = start.after(&page);
                    for row in page.results {
                        yield row;
                    }
                }
            }
        }
    }

    /// All objects.
    pub async fn all(self) -> Result<Vec<T>, Error> {
        self.stream().try_collect().await
    }

    /// The first object, if there is one.
    pub async fn first(self) -> Result<Option<T>, Error> {
        Ok(self.some(1).await?.into_iter().next())
    }

    /// At most the first `most` objects, in one request.
    pub(crate) async fn some(mut self, most: usize) -> Result<Vec<T>, Error> {
        self.check()?;
        self.limit = most;
        Ok(self.page(&Start::Offset(0)).await?.results.into_vec())
    }

    /// How many objects there are.
    pub async fn count(self) -> Result<u64, Error> {
        self.check()?;
        let mut total = 0;
        for mut part in self.split() {
            part.limit = 1;
            part.set("fields", "id".to_owned());
            let page = part.page(&Start::Offset(0)).await?;
            let count = page.count.and_then(|count| u64::try_from(count).ok());
            total += count.ok_or_else(|| {
                part.error(ErrorKind::Missing("the page does not say how many".to_owned()))
            })?;
        }
        Ok(total)
    }

    async fn page(&self, start: &Start) -> Result<Page<T>, Error> {
        let mut request = Request::new(self.op, &[]);
        request.query.clone_from(&self.query);
        request.query.push(("limit".to_owned(), self.limit.to_string()));
        request.query.extend(start.query());
        let decoded = self.client.fetch(&Outgoing::read(&request)).await?;
        Ok(decoded.value)
    }

    /// One list for each request line's worth of ids: an object has one id, so none comes twice.
    fn split(&self) -> Vec<Self> {
        let (ids, others): (Vec<_>, Vec<_>) =
            self.query.iter().cloned().partition(|(name, _)| name == "id");
        if ids.len() <= IDS {
            return vec![self.clone()];
        }
        let part = |ids: &[(String, String)]| {
            let mut part = self.clone();
            part.query = others.iter().chain(ids).cloned().collect();
            part
        };
        ids.chunks(IDS).map(part).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let declared = |name: &str| {
            let lookup = |field: &proxbox_runtime::QueryField| {
                let rest = name.strip_prefix(field.name)?;
                let suffix = rest.strip_prefix("__");
                Some(
                    rest.is_empty()
                        || suffix.is_some_and(|s| field.lookups.suffixes().contains(&s)),
                )
            };
            self.op.filters.iter().filter_map(lookup).any(|known| known)
        };
        let free = |name: &str| name.starts_with("cf_") || PLAIN.contains(&name);
        let unknown = self.query.iter().find(|(name, _)| !free(name) && !declared(name));
        match unknown {
            Some((name, _)) if !self.op.filters.is_empty() => {
                Err(self.error(ErrorKind::Invalid(format!(
                    "`{name}` is no filter here; NetBox would ignore it and answer with everything"
                ))))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&method_of(self.op.method), self.op.path, kind)
    }

    pub(crate) fn is_filtered(&self) -> bool {
        self.query.iter().any(|(name, _)| !PLAIN.contains(&name.as_str()))
    }
}

/// Parameters that choose what of the objects is shown, not which objects.
const PLAIN: [&str; 6] = ["fields", "omit", "brief", "ordering", "start", "exclude"];

/// Where a page starts.
#[derive(Debug, Clone, PartialEq)]
enum Start {
    Offset(usize),
    /// NetBox 4.6 and later: by the id of the first object.
    Cursor(String),
}

impl Start {
    fn query(&self) -> Option<(String, String)> {
        match self {
            Self::Offset(0) => None,
            Self::Offset(offset) => Some(("offset".to_owned(), offset.to_string())),
            Self::Cursor(start) => Some(("start".to_owned(), start.clone())),
        }
    }

    /// Where the next page starts, counted by the rows that came: the server may cut the limit.
    ///
    /// The server's own `next` names the host it was asked as, which behind a proxy is another
    /// one, so only its `start` is used, and only where nothing else is known.
    fn after<T>(&self, page: &Page<T>) -> Option<Self> {
        let came = page.results.len() + page.results.rejected().len();
        if came == 0 {
            return None;
        }
        match (self, page.count) {
            (start, Some(count)) => {
                let offset = match start {
                    Self::Offset(offset) => *offset,
                    // NetBox before 4.6 ignores the cursor and has answered the first page.
                    Self::Cursor(_) => 0,
                };
                let next = offset + came;
                (i64::try_from(next).unwrap_or(i64::MAX) < count).then_some(Self::Offset(next))
            }
            (_, None) => cursor_of(page.next.as_deref()?).map(Self::Cursor),
        }
    }
}

/// The place in a list that a link to its next page names; nothing else of the link is used.
#[doc(hidden)]
pub fn cursor_of(next: &str) -> Option<String> {
    let url = url::Url::parse(next).ok()?;
    let mut pairs = url.query_pairs();
    let (_, start) = pairs.find(|(name, _)| name == "start")?;
    Some(start.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(count: Option<i64>, next: Option<&str>, rows: usize) -> Page<i64> {
        Page {
            count,
            next: next.map(str::to_owned),
            results: vec![0; rows].into(),
            ..Page::default()
        }
    }

    #[test]
    fn the_next_page_starts_after_the_rows_that_came() {
        let next = "http://other.host/api/x/?limit=2&start=31";
        let cases = [
            (Start::Offset(0), page(Some(5), None, 2), Some(Start::Offset(2))),
            (Start::Offset(4), page(Some(5), None, 1), None),
            (Start::Offset(0), page(Some(5000), None, 1000), Some(Start::Offset(1000))),
            (Start::Offset(0), page(Some(5), None, 0), None),
            (Start::Offset(0), page(None, Some(next), 2), Some(Start::Cursor("31".into()))),
            (Start::Cursor("31".into()), page(None, None, 2), None),
            (Start::Cursor("0".into()), page(Some(5), None, 2), Some(Start::Offset(2))),
        ];
        for (start, page, after) in cases {
            assert_eq!(start.after(&page), after);
        }
    }
}
