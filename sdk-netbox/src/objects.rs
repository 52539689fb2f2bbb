//! One object at a time: read, create, change, delete.

use http::Method;
use proxbox_runtime::{Call, Page, Query, Record, Request, Slot};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::Outgoing;

/// An object that exists now, and who made it.
#[derive(Debug, Clone, PartialEq)]
pub enum Ensured<R> {
    /// It was there.
    Existing(R),
    /// This call created it.
    Created(R),
}

impl<R> Ensured<R> {
    /// The object.
    pub fn into_inner(self) -> R {
        match self {
            Self::Existing(object) | Self::Created(object) => object,
        }
    }

    /// Whether this call created it.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

impl Client {
    /// The object with this id; an error with [`Error::is_not_found`] if there is none.
    pub async fn get<R: Slot + Default>(&self, call: &Call<(), R>, id: i64) -> Result<R, Error> {
        let request = call.request(&[&id.to_string()]);
        Ok(self.send(request).await?.value)
    }

    /// Creates an object.
    pub async fn create<B, R>(&self, call: &Call<B, R>, body: &B) -> Result<R, Error>
    where
        B: Record,
        R: Slot + Default,
    {
        Ok(self.send(call.with(&[], body)).await?.value)
    }

    /// Changes an object: the given fields with a PATCH call, all of them with a PUT call.
    pub async fn update<B, R>(&self, call: &Call<B, R>, id: i64, body: &B) -> Result<R, Error>
    where
        B: Record,
        R: Slot + Default,
    {
        Ok(self.send(call.with(&[&id.to_string()], body)).await?.value)
    }

    /// Deletes an object. Fails with 404 if there is none, with 409 if others depend on it.
    pub async fn delete<B, R>(&self, call: &Call<B, R>, id: i64) -> Result<(), Error> {
        let outgoing = Outgoing::read(&Request::new(call.op, &[&id.to_string()]));
        match self.exchange_counted(&outgoing).await {
            // The first try may have deleted it before its answer was lost.
            (2.., Err(error)) if error.is_not_found() => Ok(()),
            (_, result) => result.map(|_| ()),
        }
    }

    /// The one object that `filters` match, created from `body` if there is none.
    ///
    /// When somebody else creates it at the same time, or the answer to the creation is lost, it
    /// is looked up again. Fails when the filters match several objects or are none at all.
    pub async fn get_or_create<B, R>(
        &self,
        list: &Call<(), Page<R>>,
        filters: impl IntoIterator<Item = Query>,
        create: &Call<B, R>,
        body: &B,
    ) -> Result<Ensured<R>, Error>
    where
        B: Record,
        R: Slot + Default,
    {
        let filters: Vec<Query> = filters.into_iter().collect();
        if let Some(found) = self.only(list, &filters).await? {
            return Ok(Ensured::Existing(found));
        }
        let error = match self.create(create, body).await {
            Ok(created) => return Ok(Ensured::Created(created)),
            Err(error) => error,
        };
        let raced = error.status() == Some(400) || error.is_ambiguous();
        match raced {
            true => match self.only(list, &filters).await? {
                Some(found) => Ok(Ensured::Existing(found)),
                None => Err(error),
            },
            false => Err(error),
        }
    }

    async fn only<R>(&self, call: &Call<(), Page<R>>, filters: &[Query]) -> Result<Option<R>, Error>
    where
        R: Slot + Default,
    {
        let list = self.list(call, filters.iter().cloned());
        let error = |reason: &str| {
            let kind = ErrorKind::Invalid(reason.to_owned());
            Error::new(&Method::GET, call.op.path, kind)
        };
        if !list.is_filtered() {
            return Err(error("without a filter any object would do"));
        }
        let mut found = list.some(2).await?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(error("the filters match several objects; add one that tells them apart")),
        }
    }
}
