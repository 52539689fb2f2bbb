//! Reading a source: a file or a URL.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Where a description is read from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    File(PathBuf),
    Url(String),
}

/// Larger answers are not descriptions.
const LIMIT: u64 = 64 << 20;

impl Source {
    /// A URL if it begins like one, else a file.
    pub(crate) fn parse(text: &str) -> Self {
        match text.starts_with("http://") || text.starts_with("https://") {
            true => Self::Url(text.to_owned()),
            false => Self::File(PathBuf::from(text)),
        }
    }

    /// The whole text.
    pub(crate) fn read(&self) -> Result<String> {
        match self {
            Self::File(path) => std::fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display())),
            Self::Url(url) => read_url(url),
        }
    }

    /// What a page at this source means by `reference`.
    pub(crate) fn join(&self, reference: &str) -> Result<Self> {
        if reference.contains("://") {
            return Ok(Self::parse(reference));
        }
        match self {
            Self::File(path) => Ok(Self::File(path.with_file_name(reference))),
            Self::Url(url) => {
                let joined = url::Url::parse(url).and_then(|base| base.join(reference));
                let joined = joined.with_context(|| format!("{reference} as seen from {url}"))?;
                Ok(Self::Url(joined.into()))
            }
        }
    }

    /// The name that the manifest keeps: the URL, or the file's name without folders.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

fn read_url(url: &str) -> Result<String> {
    let mut answer = ureq::get(url)
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(std::time::Duration::from_secs(120)))
        .build()
        .call()
        .with_context(|| format!("{url} cannot be fetched"))?;
    let status = answer.status();
    if !status.is_success() {
        bail!("{url} answered {status}");
    }
    answer
        .body_mut()
        .with_config()
        .limit(LIMIT)
        .read_to_string()
        .with_context(|| format!("{url}: the answer broke off"))
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_reference_is_resolved_against_the_page() {
        let cases = [
            ("http://h:1/viewer/index.html", "apidoc.js", "http://h:1/viewer/apidoc.js"),
            ("http://h:1/viewer/", "apidoc.js", "http://h:1/viewer/apidoc.js"),
            ("http://h:1/viewer/", "/doc/apidoc.js", "http://h:1/doc/apidoc.js"),
            ("http://h:1", "apidoc.js", "http://h:1/apidoc.js"),
            ("http://h:1/v/", "http://other/apidoc.js", "http://other/apidoc.js"),
            ("dir/index.html", "apidoc.js", "dir/apidoc.js"),
        ];
        for (page, reference, expected) in cases {
            let joined = Source::parse(page).join(reference).unwrap();
            assert_eq!(joined, Source::parse(expected), "{page}");
        }
    }
}
