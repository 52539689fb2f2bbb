//! Files that are sent to the mock: read to their end, of which only name and size are kept.

use axum::extract::{FromRequest, Multipart, Request};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use super::answer::{Refusal, refuse};

/// The size of the file that came, beside the parameters.
pub(crate) const SIZE: &str = "(size)";

/// Checksums of the file, beside the parameters: `(sha256)`.
#[derive(Default)]
struct Sums {
    short: Sha256,
    long: Sha512,
}

impl Sums {
    fn add(&mut self, part: &[u8]) {
        self.short.update(part);
        self.long.update(part);
    }

    fn shown(self) -> [(String, Value); 2] {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        [
            ("(sha256)".to_owned(), hex(&self.short.finalize()).into()),
            ("(sha512)".to_owned(), hex(&self.long.finalize()).into()),
        ]
    }
}

/// Whether a request is a form with a file.
pub(crate) fn has_file(request: &Request) -> bool {
    let kind = request.headers().get(http::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// The text parts as parameters, and the file as its name and size.
pub(crate) async fn read(request: Request) -> Result<Map<String, Value>, Refusal> {
    let broken = |error: &dyn std::fmt::Display| refuse(400, format!("wrong form data: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| broken(&e))?;
    let mut params = Map::new();
    while let Some(mut part) = form.next_field().await.map_err(|e| broken(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file) => {
                let (mut size, mut sums) = (0_u64, Sums::default());
                while let Some(chunk) = part.chunk().await.map_err(|e| broken(&e))? {
                    size += chunk.len() as u64;
                    sums.add(&chunk);
                }
                params.extend(sums.shown());
                params.insert(name, file.into());
                params.insert(SIZE.to_owned(), size.into());
            }
            None => {
                let text = part.text().await.map_err(|e| broken(&e))?;
                params.insert(name, text.into());
            }
        }
    }
    Ok(params)
}
