//! How requests prove who sends them: API token, or a ticket that is renewed.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proxbox_runtime::{Method, Op, Payload, Permission, Request, Value};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::wire::Wire;
use crate::{Error, Product, answer};

/// A ticket is good for two hours; it is renewed with half an hour left, as Proxmox's own UI does.
const RENEW_AFTER: Duration = Duration::from_secs(90 * 60);
const GOOD_FOR: Duration = Duration::from_secs(120 * 60);

/// Gives the current time-based code of the second factor.
pub(crate) type TotpCode = Arc<dyn Fn() -> String + Send + Sync>;

static TICKET: Op = Op {
    method: Method::Post,
    path: "/access/ticket",
    permission: &Permission::World,
    ..Op::PLAIN
};

/// How requests prove who sends them.
pub(crate) enum Login {
    /// Not at all: for the few calls that are open.
    Anonymous,
    /// By a token, which does not expire by itself.
    Token(HeaderValue),
    /// By a ticket.
    Ticket(Session),
}

/// A user's login and the ticket it gave.
pub(crate) struct Session {
    pub(crate) product: Product,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) totp: Option<TotpCode>,
    pub(crate) ticket: Mutex<Option<Arc<Ticket>>>,
}

pub(crate) struct Ticket {
    secret: SecretString,
    cookie: HeaderValue,
    csrf: HeaderValue,
    since: Instant,
}

/// What one request carries.
pub(crate) struct Pass {
    pub(crate) headers: HeaderMap,
    ticket: Option<Arc<Ticket>>,
}

impl Login {
    /// A token, `user@realm!name`, and its secret.
    pub(crate) fn token(product: Product, id: &str, secret: &SecretString) -> Result<Self, Error> {
        let well_formed = id.split_once('!').is_some_and(|(user, name)| {
            !name.is_empty()
                && user
                    .split_once('@')
                    .is_some_and(|(user, realm)| !user.is_empty() && !realm.is_empty())
        });
        if !well_formed {
            return Err(Error::Invalid(format!("`{id}` is not a token's id: user@realm!name is")));
        }
        if secret.expose_secret().trim().is_empty() {
            return Err(Error::Invalid(format!("the secret of token {id} is empty")));
        }
        let header = product.token(id, secret.expose_secret().trim());
        Ok(Self::Token(sensitive(&header, "token")?))
    }

    /// The headers for a request; logs in where there is no good ticket.
    pub(crate) async fn pass(&self, wire: &Wire, method: Method) -> Result<Pass, Error> {
        let mut headers = HeaderMap::new();
        let mut ticket = None;
        match self {
            Self::Anonymous => {}
            Self::Token(header) => {
                headers.insert(AUTHORIZATION, header.clone());
            }
            Self::Ticket(session) => {
                let current = Box::pin(session.current(wire)).await?;
                headers.insert(COOKIE, current.cookie.clone());
                if method != Method::Get {
                    headers.insert("CSRFPreventionToken", current.csrf.clone());
                }
                ticket = Some(current);
            }
        }
        Ok(Pass { headers, ticket })
    }

    /// Takes note that a pass was refused; true where a new one is worth trying.
    pub(crate) async fn refused(&self, pass: &Pass) -> bool {
        let (Self::Ticket(session), Some(refused)) = (self, &pass.ticket) else {
            return false;
        };
        let mut current = session.ticket.lock().await;
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, refused)) {
            *current = None;
        }
        true
    }
}

impl Session {
    async fn current(&self, wire: &Wire) -> Result<Arc<Ticket>, Error> {
        let mut current = self.ticket.lock().await;
        let renewed = match current.as_ref().map(|ticket| (ticket, ticket.since.elapsed())) {
            Some((ticket, age)) if age < RENEW_AFTER => return Ok(ticket.clone()),
            // A ticket stands in for the password, and for the second factor.
            Some((ticket, age)) if age < GOOD_FOR => {
                match self.log_in(wire, &ticket.secret).await {
                    Err(Error::Auth { .. } | Error::Tfa { .. }) => {
                        self.log_in(wire, &self.password).await
                    }
                    // The old one is still good: no reason to fail now.
                    Err(error) => {
                        tracing::debug!(%error, "ticket is not renewed yet");
                        return Ok(ticket.clone());
                    }
                    renewed => renewed,
                }
            }
            _ => self.log_in(wire, &self.password).await,
        };
        let ticket = Arc::new(renewed?);
        *current = Some(ticket.clone());
        Ok(ticket)
    }

    async fn log_in(&self, wire: &Wire, password: &SecretString) -> Result<Ticket, Error> {
        tracing::debug!(user = self.user, "logging in");
        let answer = self.ask(wire, password.expose_secret(), None).await?;
        if !needs_second_factor(&answer) {
            return self.ticket(&answer);
        }
        let Some(code) = &self.totp else {
            let why = "give a code provider (`totp`), or use an API token, which needs none";
            return Err(Error::Tfa { user: self.user.clone(), why: why.into() });
        };
        let response = format!("totp:{}", code());
        let challenge = text(&answer, "ticket").unwrap_or_default();
        match self.ask(wire, &response, Some(challenge)).await {
            Err(Error::Auth { user, why }) => {
                let why = format!("the code was refused: {why}; check the clock and the key");
                Err(Error::Tfa { user, why })
            }
            answer => self.ticket(&answer?),
        }
    }

    async fn ask(
        &self,
        wire: &Wire,
        password: &str,
        challenge: Option<&str>,
    ) -> Result<Value, Error> {
        let mut form = vec![
            ("username".to_owned(), self.user.clone()),
            ("password".to_owned(), password.to_owned()),
        ];
        if self.product == Product::Pve {
            // Release 7 and older answer in a form of their own without it; others do not know it.
            form.push(("new-format".to_owned(), "1".to_owned()));
        }
        form.extend(challenge.map(|ticket| ("tfa-challenge".to_owned(), ticket.to_owned())));
        let mut request = Request::new(&TICKET, &[]);
        request.payload = Payload::Form(form);
        let reply = wire.exchange(&request, &HeaderMap::new()).await?;
        let reply = answer::check((&request).into(), reply).map_err(|error| match error {
            Error::Api(api) if api.status == 401 => {
                Error::Auth { user: self.user.clone(), why: api.message }
            }
            other => other,
        })?;
        // Not through `answer::decode`: its error quotes the answer, and this one holds a ticket.
        let mut answer: Value = serde_json::from_slice(&reply.body).map_err(|source| {
            Error::Decode { call: (&request).into(), start: "...".into(), source }
        })?;
        Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
    }

    fn ticket(&self, answer: &Value) -> Result<Ticket, Error> {
        let (Some(ticket), Some(csrf)) =
            (text(answer, "ticket"), text(answer, "CSRFPreventionToken"))
        else {
            let why = "the answer holds no ticket".to_owned();
            return Err(Error::Auth { user: self.user.clone(), why });
        };
        let name = self.product.cookie();
        let cookie = format!("{name}={}", utf8_percent_encode(ticket, NON_ALPHANUMERIC));
        Ok(Ticket {
            cookie: sensitive(&cookie, "ticket")?,
            csrf: sensitive(csrf, "CSRF prevention token")?,
            secret: SecretString::from(ticket),
            since: Instant::now(),
        })
    }
}

fn text<'a>(answer: &'a Value, member: &str) -> Option<&'a str> {
    answer.get(member).and_then(Value::as_str)
}

/// A half ticket looks like a ticket: using it would fail on every call with `No ticket`.
fn needs_second_factor(answer: &Value) -> bool {
    let flagged = answer.get("NeedTFA").is_some_and(|flag| {
        flag.as_bool().unwrap_or_else(|| flag.to_string().trim_matches('"') == "1")
    });
    flagged || text(answer, "ticket").is_some_and(|ticket| ticket.contains("!tfa!"))
}

fn sensitive(text: &str, what: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::Invalid(format!("the {what} holds characters no header can carry")))?;
    value.set_sensitive(true);
    Ok(value)
}
