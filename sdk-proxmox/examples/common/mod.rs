//! A client for the examples: of the cluster that `PVE_URL`, `PVE_TOKEN_ID` (`user@realm!name`),
//! `PVE_TOKEN_SECRET` and perhaps `PVE_FINGERPRINT` name, or of a mock.

use std::error::Error;

use sdk_proxmox::Client;
use sdk_proxmox::mock::{Cluster, Mock};

/// The client, and the mock that must live as long as it.
pub(crate) async fn client() -> Result<(Client, Option<Mock>), Box<dyn Error>> {
    let Ok(url) = std::env::var("PVE_URL") else {
        let mock = Mock::start(Cluster::demo(2, 9, 1)).await?;
        return Ok((mock.client().build()?, Some(mock)));
    };
    let id = std::env::var("PVE_TOKEN_ID")?;
    let mut builder = Client::builder(&url).token(id, std::env::var("PVE_TOKEN_SECRET")?);
    if let Ok(fingerprint) = std::env::var("PVE_FINGERPRINT") {
        builder = builder.fingerprint(&fingerprint);
    }
    Ok((builder.build()?, None))
}
