//! Forms with a file: the parameters before the file are read and checked, the file is passed on as
//! it comes.

use std::io;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use sdk_proxmox::Passed;
use serde_json::{Map, Value};

use crate::edge::ApiError;

/// The parameters before the file come to less.
const HEAD: usize = 64 * 1024;

/// The parameters of a form, and the whole form to be passed on.
pub(super) async fn read(request: Request) -> Result<(Map<String, Value>, Passed), ApiError> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let content_type = content_type.ok_or_else(|| invalid("the content type is missing"))?;
    let boundary = content_type.to_str().ok().and_then(boundary_of);
    let boundary = boundary.ok_or_else(|| invalid("the boundary is missing"))?;
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let detail = "Proxmox takes no file of unknown size; send Content-Length.";
        ApiError::new(StatusCode::LENGTH_REQUIRED, "The size is missing", detail)
    })?;
    let mut stream = body.into_data_stream();
    let mut head = BytesMut::new();
    let members = loop {
        match parse(&head, &boundary).map_err(invalid)? {
            Some(members) => break members,
            None if head.len() >= HEAD => {
                return Err(invalid("the file does not begin within 64 KiB"));
            }
            None => {}
        }
        let part = stream.next().await.transpose();
        let part = part.map_err(|_| invalid("it breaks off"))?;
        head.extend_from_slice(&part.ok_or_else(|| invalid("it ends before the file"))?);
    };
    let first = futures_util::stream::iter([Ok::<Bytes, io::Error>(head.freeze())]);
    let rest = Body::from_stream(stream).into_data_stream().map_err(io::Error::other);
    // Only one of both ends is ever used at a time.
    let content = Box::pin(sync_wrapper(first.chain(rest)));
    Ok((members, Passed { content_type, length, content }))
}

/// Makes a stream shareable that nobody shares.
fn sync_wrapper(
    stream: impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream);
        while let Some(part) = stream.next().await {
            if sender.send(part).await.is_err() {
                break;
            }
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}

fn invalid(why: &str) -> ApiError {
    ApiError::bad_request("The form is not valid", format!("{why}."))
}

fn boundary_of(content_type: &str) -> Option<String> {
    let boundary = parameter(content_type, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// A parameter of a header's value; quoted ones may hold semicolons.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut quoted = false;
    let mut parts = value.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let same = name.trim().eq_ignore_ascii_case(wanted);
        same.then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The parameters before the file, once its head is there; nothing as long as it is not.
pub fn parse(bytes: &[u8], boundary: &str) -> Result<Option<Map<String, Value>>, &'static str> {
    let delimiter = format!("\r\n--{boundary}");
    let first = format!("--{boundary}");
    let mut members = Map::new();
    if bytes.len() < first.len() {
        return Ok(None);
    }
    let Some(mut rest) = bytes.strip_prefix(first.as_bytes()) else {
        return Err("it does not begin with its boundary");
    };
    loop {
        let Some(part) = rest.strip_prefix(b"\r\n") else {
            return match rest.starts_with(b"--") {
                true => Err("it holds no file"),
                false if rest.len() < 2 => Ok(None),
                false => Err("a boundary is followed by something else than a part"),
            };
        };
        let Some(end) = find(part, b"\r\n\r\n") else { return Ok(None) };
        let head =
            std::str::from_utf8(&part[..end]).map_err(|_| "the head of a part is no text")?;
        let (name, file) = disposition(head).ok_or("a part has no name")?;
        if let Some(file) = file {
            members.insert(name, file.into());
            return Ok(Some(members));
        }
        let body = &part[end + 4..];
        let Some(length) = find(body, delimiter.as_bytes()) else { return Ok(None) };
        let text = std::str::from_utf8(&body[..length]).map_err(|_| "a parameter is no text")?;
        members.insert(name, text.into());
        rest = &body[length + delimiter.len()..];
    }
}

/// The name of a part, and of the file that it holds.
fn disposition(head: &str) -> Option<(String, Option<String>)> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some((parameter(line, "name")?, parameter(line, "filename")))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n\
        --b\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"a b.iso\"\r\n\
        Content-Type: application/octet-stream\r\n\r\nBYTES\r\n--b--\r\n";

    #[test]
    fn the_parameters_before_the_file_are_read() {
        let members = parse(FORM.as_bytes(), "b").unwrap().unwrap();
        assert_eq!(Value::from(members), json!({"content": "iso", "filename": "a b.iso"}));
        let head = FORM.find("BYTES").unwrap();
        for length in 0..head - 1 {
            assert_eq!(parse(&FORM.as_bytes()[..length], "b"), Ok(None), "{length}");
        }
    }

    #[test]
    fn what_is_no_form_with_a_file_is_refused() {
        for (text, why) in [
            ("nonsense", "boundary"),
            ("--b--\r\n", "no file"),
            ("--b\r\nX: y\r\n\r\nz\r\n--b--", "no name"),
            ("--bc\r\n", "something else"),
        ] {
            assert!(parse(text.as_bytes(), "b").unwrap_err().contains(why), "{text}");
        }
        assert_eq!(boundary_of("multipart/form-data; boundary=\"x y\"").as_deref(), Some("x y"));
        assert_eq!(boundary_of("multipart/form-data"), None);
        let odd = "form-data; name=\"filename\"; filename=\"a;b=c.iso\"";
        assert_eq!(parameter(odd, "filename").as_deref(), Some("a;b=c.iso"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, boundary in "[a-z]{1,5}") {
            let _ = parse(&bytes, &boundary);
            let _ = parse(&[format!("--{boundary}\r\n").as_bytes(), &bytes].concat(), &boundary);
        }
    }
}
