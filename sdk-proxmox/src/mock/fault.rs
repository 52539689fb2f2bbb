//! Requests that go wrong on purpose.

use std::time::Duration;

use proxbox_runtime::Method;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// An answer with this status and text; 595 and 401 have no body, as in reality.
    Status(u16, String),
    /// An answer with this status and an HTML page, as proxies in front of Proxmox send them.
    Page(u16, String),
    /// The connection ends without an answer.
    Reset,
    /// The answer comes later.
    Delay(Duration),
    /// The body ends in the middle.
    Truncate,
}

/// Requests that go wrong on purpose.
#[derive(Debug, Clone)]
pub struct Fault {
    path: String,
    method: Option<Method>,
    from: u32,
    to: u32,
    trouble: Trouble,
    seen: u32,
}

impl Fault {
    /// Trouble for every request whose path, without `/api2/json`, begins with `path`.
    pub fn on(path: &str, trouble: Trouble) -> Self {
        Self { path: path.to_owned(), method: None, from: 1, to: u32::MAX, trouble, seen: 0 }
    }

    /// Only for this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only for the n-th of these requests, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: u32) -> Self {
        (self.from, self.to) = (n, n);
        self
    }

    /// Only for the first n of these requests.
    #[must_use]
    pub fn first(mut self, n: u32) -> Self {
        (self.from, self.to) = (1, n);
        self
    }

    fn strikes(&mut self, method: &str, path: &str) -> Option<Trouble> {
        let meant = path.starts_with(&self.path)
            && self.method.is_none_or(|expected| expected.as_str() == method);
        if !meant {
            return None;
        }
        self.seen += 1;
        (self.from..=self.to).contains(&self.seen).then(|| self.trouble.clone())
    }
}

/// The trouble for one request; every fault counts it.
pub(crate) fn strike(faults: &mut [Fault], method: &str, path: &str) -> Option<Trouble> {
    let struck: Vec<Trouble> =
        faults.iter_mut().filter_map(|fault| fault.strikes(method, path)).collect();
    struck.into_iter().next()
}
