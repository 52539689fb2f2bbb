//! Serves a demonstration cluster over HTTPS until it is interrupted.
//!
//! ```sh
//! cargo run -p sdk-proxmox --example proxmox_mock -- [PORT] [NODES] [GUESTS]
//! ```
//! With `--plain` as the last argument it speaks HTTP instead.

use std::error::Error;
use std::net::SocketAddr;

use sdk_proxmox::mock::{Cluster, Mock, TlsFront};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let plain = arguments.iter().any(|argument| argument == "--plain");
    let number = |index: usize, otherwise: usize| match arguments.get(index) {
        Some(text) if text != "--plain" => text.parse(),
        _ => Ok(otherwise),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(number(0, 8006)?)?));
    let cluster = Cluster::demo(number(1, 3)?, number(2, 30)?, 1);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mock = Mock::start_on(if plain { address } else { any }, cluster).await?;
    if plain {
        println!("URL:         {}", mock.url());
    } else {
        let front = TlsFront::start(address, mock.address()).await?;
        println!("URL:         https://{}", front.address);
        println!("Fingerprint: {}", front.fingerprint);
        println!("Certificate:\n{}", front.certificate_pem.trim());
    }
    println!("Token:       {}={}", mock.token_id(), mock.token_secret());
    println!("User:        root@pam, password mock-password");
    std::future::pending::<()>().await;
    Ok(())
}
