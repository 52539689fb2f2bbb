//! A client for the examples: of the NetBox that `NETBOX_URL` and `NETBOX_TOKEN` name, or of a mock.

use std::error::Error;

use sdk_netbox::Client;
use sdk_netbox::mock::Mock;

/// The client, and the mock that must live as long as it.
pub(crate) async fn client() -> Result<(Client, Option<Mock>), Box<dyn Error>> {
    let Ok(url) = std::env::var("NETBOX_URL") else {
        let mock = Mock::start().await?;
        return Ok((Client::builder(mock.url()).token(mock.token()).build()?, Some(mock)));
    };
    let token = std::env::var("NETBOX_TOKEN")?;
    Ok((Client::builder(url).token(token).build()?, None))
}
