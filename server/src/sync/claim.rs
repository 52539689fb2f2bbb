//! Shows in NetBox who writes, so that two servers that do not share a state see each other: in the
//! description of a tag, the one thing that every NetBox has and that takes a condition.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proxbox_runtime::{Query, Untyped};
use sdk_netbox::{Client, Error};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::calls::Calls;
use crate::mirror::read_versions;
use crate::plan::Kind;
use crate::store::Ledger;

pub(super) const SLUG: &str = "proxbox-lease";
const NAME: &str = "Proxbox lease";
const FREE: &str = "Nobody writes at the moment.";

/// Whoever has not renewed a claim for so long is taken for dead.
const LASTS: SignedDuration = SignedDuration::from_secs(120);

/// How often a claim is renewed.
const RENEWED: Duration = Duration::from_secs(40);

/// Attempts against others who claim at the same moment.
const TRIES: usize = 3;

/// Why a claim was not made.
pub(super) enum Refusal {
    /// Another server writes.
    Taken(String),
    /// NetBox does not let us, or cannot be reached.
    Netbox(Error),
}

/// The right to write to a NetBox, as others see it.
pub(super) struct Claim<'n> {
    netbox: &'n Client,
    instance: String,
    run: String,
    tag: i64,
    version: Option<String>,
}

/// Gives up a claim that an earlier run of this state left behind, because it was killed.
pub(super) async fn clear(netbox: &Client, ledger: &Ledger, shown: &str) {
    let Some(instance) = ledger.instance().await else { return };
    if !shown.starts_with(&format!("Server {instance} writes until ")) {
        return;
    }
    match Claim::make(netbox, ledger).await {
        Ok(Some(claim)) => claim.release().await,
        Ok(None) | Err(Refusal::Taken(_)) => {}
        Err(Refusal::Netbox(error)) => {
            tracing::warn!(%error, "the claim of an earlier run was not given up; it expires");
        }
    }
}

/// The tag as it is.
struct Tag {
    id: i64,
    text: String,
    version: Option<String>,
}

impl<'n> Claim<'n> {
    /// Claims a NetBox. A claim of the same state is taken over: there only one run writes at a time.
    pub(super) async fn make(netbox: &'n Client, ledger: &Ledger) -> Result<Option<Self>, Refusal> {
        let (Some(instance), Some(run)) = (ledger.instance().await, ledger.run()) else {
            return Ok(None);
        };
        let mut claim = Self { netbox, instance, run: run.to_string(), tag: 0, version: None };
        for _ in 0..TRIES {
            let Some(tag) = find(netbox).await.map_err(Refusal::Netbox)? else {
                match create(netbox, &claim.text()).await {
                    // Somebody else created it at the same moment.
                    Err(error) if error.status() == Some(400) => continue,
                    Err(error) => return Err(Refusal::Netbox(error)),
                    Ok((tag, version)) => {
                        (claim.tag, claim.version) = (tag, version);
                        return Ok(Some(claim));
                    }
                }
            };
            if let Some(holder) = holder(&tag.text, &claim.instance, Timestamp::now()) {
                return Err(Refusal::Taken(holder));
            }
            (claim.tag, claim.version) = (tag.id, tag.version);
            let text = claim.text();
            match claim.write(&text).await {
                Err(error) if error.status() == Some(412) => {}
                Err(error) => return Err(Refusal::Netbox(error)),
                Ok(()) => return Ok(Some(claim)),
            }
        }
        Err(Refusal::Taken("somebody who was faster".into()))
    }

    /// Renews the claim as long as it is polled; says when it is lost.
    pub(super) async fn keep(&mut self, lost: &CancellationToken) {
        loop {
            tokio::time::sleep(RENEWED).await;
            let text = self.text();
            if let Err(error) = self.write(&text).await {
                tracing::warn!(%error, "the claim on NetBox was not renewed");
                if error.status() == Some(412) {
                    lost.cancel();
                    return;
                }
            }
        }
    }

    /// Gives the claim up. One that stays behind expires.
    pub(super) async fn release(mut self) {
        if let Err(error) = self.write(FREE).await {
            tracing::warn!(%error, "the claim on NetBox was not given up; it expires");
        }
    }

    fn text(&self) -> String {
        let until = Timestamp::now() + LASTS;
        let until = until.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!("Server {} writes until {until}, run {}.", self.instance, self.run)
    }

    async fn write(&mut self, text: &str) -> Result<(), Error> {
        let netbox = match &self.version {
            Some(version) => self.netbox.if_unchanged(version)?,
            None => self.netbox.clone(),
        };
        let row = object(json!({ "id": self.tag, "description": text }));
        let written = netbox.update_all(&Calls::of(Kind::Tag).update, &[row]).await?;
        for item in written.items {
            self.version = version(&item.map_err(|failed| failed.error)?);
        }
        Ok(())
    }
}

async fn find(netbox: &Client) -> Result<Option<Tag>, Error> {
    let by_slug = Query(vec![("slug".to_owned(), SLUG.to_owned())]);
    let fields = ["slug", "description"].into();
    let found = read_versions(netbox, Kind::Tag, by_slug, &fields).await?;
    let tag = found.into_iter().find(|(tag, _)| tag.text("slug") == SLUG);
    Ok(tag.map(|(tag, version)| {
        let text = tag.text("description").to_owned();
        Tag { id: tag.id, text, version }
    }))
}

/// The new tag's id and version.
async fn create(netbox: &Client, text: &str) -> Result<(i64, Option<String>), Error> {
    let tag = object(json!({ "name": NAME, "slug": SLUG, "description": text }));
    let created = netbox.create(&Calls::of(Kind::Tag).create, &tag).await?;
    let id = created.extra.get("id").and_then(Value::as_i64).unwrap_or_default();
    Ok((id, version(&created)))
}

fn version(row: &Untyped) -> Option<String> {
    row.extra.get("last_updated").and_then(Value::as_str).map(str::to_owned)
}

fn object(json: Value) -> Untyped {
    let members: Map<String, Value> = match json {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.into()
}

/// Who holds the claim that a text tells of, if that is somebody else and not expired.
fn holder(text: &str, own: &str, now: Timestamp) -> Option<String> {
    let rest = text.strip_prefix("Server ")?;
    let (server, rest) = rest.split_once(" writes until ")?;
    let (until, _) = rest.split_once(',')?;
    let until: Timestamp = until.parse().ok()?;
    (server != own && until > now).then(|| format!("server {server}, until {until}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_against_others_until_it_expires() {
        let text = "Server abc writes until 2026-01-01T00:02:00Z, run 1.";
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let before = at("2026-01-01T00:01:00Z");
        assert!(holder(text, "other", before).unwrap().contains("server abc"));
        assert_eq!(holder(text, "abc", before), None);
        assert_eq!(holder(text, "other", at("2026-01-01T00:02:01Z")), None);
        for free in [FREE, "", "what somebody wrote"] {
            assert_eq!(holder(free, "other", before), None);
        }
    }
}
