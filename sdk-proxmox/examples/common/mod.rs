//! A client for the examples: of the cluster that `PVE_URL` and perhaps `PVE_FINGERPRINT` name, with
//! `PVE_TOKEN_ID` (`user@realm!name`) and `PVE_TOKEN_SECRET`, or with `PVE_USER` and `PVE_PASSWORD`; or of
//! a mock. A shell of a node is given to root@pam with its password alone.

use std::error::Error;

use sdk_proxmox::Client;
use sdk_proxmox::mock::{Cluster, Mock};

/// The client, and the mock that must live as long as it.
pub(crate) async fn client() -> Result<(Client, Option<Mock>), Box<dyn Error>> {
    let Ok(url) = std::env::var("PVE_URL") else {
        let mock = Mock::start(Cluster::demo(2, 9, 1)).await?;
        let client = mock.client().password("root@pam", "mock-password").build()?;
        return Ok((client, Some(mock)));
    };
    let mut builder = Client::builder(&url);
    builder = match std::env::var("PVE_PASSWORD") {
        Ok(password) => builder.password(&std::env::var("PVE_USER")?, password),
        Err(_) => builder.token(std::env::var("PVE_TOKEN_ID")?, std::env::var("PVE_TOKEN_SECRET")?),
    };
    if let Ok(fingerprint) = std::env::var("PVE_FINGERPRINT") {
        builder = builder.fingerprint(&fingerprint);
    }
    Ok((builder.build()?, None))
}
