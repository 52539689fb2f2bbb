//! Where a NetBox is: its URL with the path it is mounted under.

use url::Url;

/// A NetBox's base URL, without a trailing slash.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    base: String,
    host: String,
    secure: bool,
}

impl Address {
    /// Reads a URL such as `https://netbox.example.com` or `https://example.com/netbox/`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url =
            Url::parse(text.trim()).map_err(|error| format!("`{text}` is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{text}` must start with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a user name or password; NetBox wants a token".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{text}` must have neither query nor fragment"));
        }
        let host = url.host_str().ok_or_else(|| format!("`{text}` has no host"))?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = url.path().trim_end_matches('/');
        // The address of the API is a common way to name a NetBox.
        let path = path.strip_suffix("/api").unwrap_or(path);
        Ok(Self {
            base: format!("{}://{host}{path}", url.scheme()),
            secure: url.scheme() == "https",
            host,
        })
    }

    /// The URL of a path that starts at NetBox's root; `query` is already encoded.
    pub(crate) fn join(&self, path: &str, query: &str) -> Result<Url, String> {
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("{}{path}{mark}{query}", self.base);
        Url::parse(&text).map_err(|error| format!("`{path}` is no path: {error}"))
    }

    /// Host and port as given, for messages.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The base URL.
    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_that_netbox_is_mounted_under_is_kept() {
        for (given, base) in [
            ("https://nb.example", "https://nb.example"),
            ("https://nb.example/", "https://nb.example"),
            ("http://nb.example:8000/netbox/", "http://nb.example:8000/netbox"),
            ("https://nb.example/netbox/api/", "https://nb.example/netbox"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            let address = Address::parse(given).unwrap();
            let url = address.join("/api/status/", "a=b").unwrap();
            assert_eq!(url.as_str(), format!("{base}/api/status/?a=b"));
        }
    }

    #[test]
    fn an_address_that_cannot_be_meant_is_refused_in_words() {
        for (given, word) in [
            ("nb.example", "no URL"),
            ("ftp://nb.example", "http://"),
            ("https://me:secret@nb.example", "token"),
            ("https://nb.example/?x=1", "query"),
        ] {
            let message = Address::parse(given).unwrap_err();
            assert!(message.contains(word), "{given}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
