//! Serves the mock NetBox on a port, for clients in other languages: `netbox_mock [PORT]`.

use std::net::SocketAddr;

use sdk_netbox::mock::Mock;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 0,
    };
    let mock = Mock::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    println!("url {}", mock.url());
    println!("token {}", mock.token());
    std::future::pending().await
}
