//! Addresses of endpoints: looked up once for each connection, checked, and connected to.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::check_address;

/// Finds the addresses of names, and gives none of a name that leads anywhere an endpoint may not be:
/// the owner of a domain can point it anywhere, and between a check and a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckedResolver;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host, all of which may be connected to.
pub(super) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    for address in &found {
        check_address(address.ip())
            .map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_no_endpoint_has_is_not_connected_to() {
        assert!(resolve("127.0.0.1", 1).await.is_ok());
        for host in ["169.254.169.254", "0.0.0.0", "::ffff:169.254.169.254"] {
            let error = resolve(host, 80).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{host}");
        }
    }
}
