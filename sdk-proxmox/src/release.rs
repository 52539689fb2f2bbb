//! The server's release, and calls that it does not know.

use proxbox_runtime::{Op, Record, Release, Request, Value, is_limited, unavailable};
use tokio::sync::OnceCell;

use crate::{CallName, Client, Error, Product};

static VERSION: Op = Op { path: "/version", ..Op::PLAIN };

/// What is known of the server's release.
pub(crate) struct Releases {
    pub(crate) product: Product,
    check: bool,
    /// Kept once it is known; a server that did not answer is asked again.
    release: OnceCell<Release>,
}

impl Releases {
    pub(crate) fn new(product: Product, check: bool) -> Self {
        Self { product, check, release: OnceCell::new() }
    }

    /// Fails where the call uses what the server's release lacks. A server that does not tell its
    /// release is asked the call itself.
    pub(crate) async fn check(
        &self,
        client: &Client,
        op: &Op,
        params: &dyn Record,
    ) -> Result<(), Error> {
        if !self.check || !is_limited(op, params) {
            return Ok(());
        }
        let Some(release) = self.of(client).await else { return Ok(()) };
        match unavailable(op, params, release) {
            None => Ok(()),
            Some(missing) => {
                let (product, missing) = (self.product, Box::new(missing));
                Err(Error::Unavailable { product, missing })
            }
        }
    }

    pub(crate) async fn of(&self, client: &Client) -> Option<Release> {
        self.release.get_or_try_init(|| async { ask(client).await.ok_or(()) }).await.ok().copied()
    }
}

async fn ask(client: &Client) -> Option<Release> {
    let request = Request::new(&VERSION, &[]);
    let call = CallName::from(&request);
    let reply = client.answer(request).await.ok()?;
    let version = client.decode::<Value>(call, &reply).ok()?.value;
    // PBS has its patch in a member of its own, which decides nothing.
    version.get("version").and_then(Value::as_str)?.parse().ok()
}
