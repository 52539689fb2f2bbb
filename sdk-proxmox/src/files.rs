//! Files to and from a node, streamed: they are larger than memory.

use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use proxbox_runtime::{Decoded, OpFlags, Operation, Payload, Request, Value};

use crate::{CallName, Client, Error};

/// Parts of a file, as they are sent or come.
pub type FileStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send + Sync>>;

/// A file to upload.
pub struct Upload {
    /// Its name on the storage.
    pub(crate) name: String,
    /// Its size in bytes; pveproxy takes no upload of unknown size.
    pub(crate) length: u64,
    pub(crate) content: FileStream,
}

impl Upload {
    /// The file at `path`, under its own name. Read while it is sent.
    pub async fn file(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let file = tokio::fs::File::open(path).await?;
        let length = file.metadata().await?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self::stream(name, length, tokio_util::io::ReaderStream::new(file)))
    }

    /// What is in memory.
    pub fn bytes(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let length = content.len() as u64;
        Self::stream(name, length, futures_util::stream::iter([Ok(content)]))
    }

    /// A stream of exactly `length` bytes.
    pub fn stream(
        name: impl Into<String>,
        length: u64,
        content: impl Stream<Item = std::io::Result<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), length, content: Box::pin(content) }
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("name", &self.name).field("length", &self.length).finish()
    }
}

/// A file that a node sends.
pub struct Download {
    /// Its size in bytes, where the node says it.
    pub length: Option<u64>,
    /// Its parts.
    pub content: FileStream,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends an operation that takes a file, `PostNodesNodeStorageStorageUpload` for instance, with
    /// the file. It is never sent twice.
    pub async fn upload<O: Operation>(
        &self,
        operation: &O,
        file: Upload,
    ) -> Result<Decoded<O::Output>, Error> {
        if !O::OP.flags.has(OpFlags::UPLOAD) {
            return Err(Error::Invalid(format!("{} takes no file", O::OP)));
        }
        self.admit(operation).await?;
        let request = operation.request();
        let call = CallName::from(&request);
        let reply = self.transport.upload(request, file).await?;
        let reply = crate::answer::check(call.clone(), reply)?;
        self.decode(call, &reply)
    }

    /// Sends an operation that may answer with a file, and gives its parts as they come.
    pub async fn download<O: Operation>(&self, operation: &O) -> Result<Download, Error> {
        self.admit(operation).await?;
        self.transport.download(operation.request()).await
    }
}

/// The text parts that go before the file.
pub(crate) fn text_parts(request: &Request) -> Vec<(String, String)> {
    let pairs = match &request.payload {
        Payload::Form(pairs) => pairs.clone(),
        Payload::Json(Value::Object(members)) => {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            members.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        Payload::Json(_) | Payload::Empty => Vec::new(),
    };
    let meant = |(name, value): &(String, String)| {
        !matches!(name.as_str(), "filename" | "tmpfilename") && !value.is_empty()
    };
    pairs.into_iter().filter(meant).collect()
}
