//! Finds out whether a port speaks TLS, for endpoints that do not say so.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::resolver::resolve;

/// An answer that takes longer says nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// A TLS 1.2 ClientHello without extensions: enough for a TLS server to answer something.
const HELLO: [u8; 52] = {
    let mut hello = [0x5a; 52];
    // Record: handshake, 47 bytes. Message: ClientHello, 43 bytes.
    let start = [0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3];
    // No session, the suites ECDHE-RSA and ECDHE-ECDSA with AES-128-GCM, no compression.
    let end = [0, 0, 4, 0xc0, 0x2f, 0xc0, 0x2b, 1, 0];
    let mut at = 0;
    while at < start.len() {
        hello[at] = start[at];
        at += 1;
    }
    at = 0;
    while at < end.len() {
        hello[hello.len() - end.len() + at] = end[at];
        at += 1;
    }
    hello
};

/// `https`, unless certificates need not be valid and the port answers in plain text.
///
/// Endpoints of the plugin's contract have no scheme. No secret is sent to find out; and where the
/// certificate is not verified, whoever could forge the answer could read the secret anyway.
///
/// Nothing where the port does not say anything: it may be another one when it does.
pub(super) async fn scheme(host: &str, port: u16, verify_ssl: bool) -> Option<&'static str> {
    if verify_ssl || port == 443 {
        return Some("https");
    }
    match timeout(PATIENCE, first_byte(host, port)).await {
        Ok(Ok(byte)) if !is_tls(byte) => Some("http"),
        Ok(Ok(_)) => Some("https"),
        // Refused, silent or unknown: the client says so better than we can.
        _ => None,
    }
}

async fn first_byte(host: &str, port: u16) -> std::io::Result<u8> {
    let mut stream = TcpStream::connect(resolve(host, port).await?.as_slice()).await?;
    // A plain server waits for the end of a line before it complains. It comes in the same write:
    // a server that has complained already would reset the connection on more.
    stream.write_all(&[HELLO.as_slice(), b"\r\n\r\n"].concat()).await?;
    stream.read_u8().await
}

/// Alert or handshake.
fn is_tls(byte: u8) -> bool {
    matches!(byte, 0x15 | 0x16)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Like gunicorn: says nothing until a whole request head is there.
    async fn port_that_waits_for_a_line() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                seen.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
        });
        port
    }

    #[tokio::test]
    async fn a_plain_server_that_waits_for_a_line_is_told_too() {
        let port = port_that_waits_for_a_line().await;
        assert_eq!(scheme("127.0.0.1", port, false).await, Some("http"));
    }

    async fn port_that_answers(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; HELLO.len() + 4];
            stream.read_exact(&mut hello).await.unwrap();
            stream.write_all(answer).await.unwrap();
        });
        port
    }

    #[tokio::test]
    async fn a_plain_server_is_told_from_a_tls_server() {
        for (answer, expected) in [
            (b"HTTP/1.1 400 Bad Request\r\n".as_slice(), Some("http")),
            (b"\x15\x03\x03\x00\x02\x02\x28", Some("https")),
            (b"\x16\x03\x03", Some("https")),
            (b"", None),
        ] {
            let port = port_that_answers(answer).await;
            assert_eq!(scheme("127.0.0.1", port, false).await, expected, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_verified_endpoint_is_never_asked_in_plain_text() {
        let port = port_that_answers(b"HTTP/1.1 400 Bad Request\r\n").await;
        assert_eq!(scheme("127.0.0.1", port, true).await, Some("https"));
    }
}
