//! What has no types: plugin paths, GraphQL, the status page.

use http::Method;
use proxbox_runtime::Payload;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::{Outgoing, json};

/// What NetBox says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// NetBox's version, `4.6.8`.
    pub version: String,
    /// Installed plugins with their versions.
    pub plugins: Map<String, Value>,
    /// Everything that NetBox said.
    pub all: Value,
}

impl Status {
    /// Major and minor version, for comparing: `(4, 6)`.
    pub fn release(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.split(['.', '-']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl Client {
    /// Sends any request and returns the answer as JSON, null if it has no body.
    ///
    /// `path` starts at NetBox's root with a slash (`/api/plugins/x/`), else below `/api/`.
    /// NetBox redirects paths without a slash at the end, which is an error here.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, Error> {
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/api/{path}"),
        };
        if path.contains(['?', '#', '\\', ' ']) || path.split('/').any(|part| part == "..") {
            let reason = "the path must be encoded, without query and without `..`";
            return Err(Error::invalid(&method, &path, reason));
        }
        let pairs: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let outgoing = Outgoing {
            method,
            path,
            query: Payload::encode_form(&pairs),
            body: body.as_ref().map(json),
            limits: Vec::new(),
        };
        Ok(self.fetch(&outgoing).await?.value)
    }

    /// Runs a GraphQL query and returns its `data`.
    ///
    /// Fails with [`Error::is_not_found`] where an administrator has switched GraphQL off.
    pub async fn graphql(&self, query: &str, variables: Value) -> Result<Value, Error> {
        let body = serde_json::json!({ "query": query, "variables": variables });
        let outgoing = Outgoing {
            method: Method::POST,
            path: "/graphql/".to_owned(),
            query: String::new(),
            body: Some(json(&body)),
            limits: Vec::new(),
        };
        let mut answer: Value = self.fetch(&outgoing).await?.value;
        if let Some(Value::Array(errors)) = answer.get("errors")
            && let Some(first) = errors.first()
        {
            let words = first["message"].as_str().unwrap_or("no reason given").to_owned();
            return Err(outgoing.error(ErrorKind::Invalid(format!("GraphQL: {words}"))));
        }
        Ok(answer["data"].take())
    }

    /// NetBox's versions and plugins. The cheapest request that proves the token.
    pub async fn status(&self) -> Result<Status, Error> {
        let all = self.raw(Method::GET, "/api/status/", &[], None).await?;
        let version = all["netbox-version"].as_str().map(str::to_owned);
        let version = version.ok_or_else(|| {
            let reason = "the answer names no NetBox version; is this address a NetBox?".to_owned();
            Error::new(&Method::GET, "/api/status/", ErrorKind::Missing(reason))
        })?;
        Ok(Status {
            version,
            plugins: all["plugins"].as_object().cloned().unwrap_or_default(),
            all,
        })
    }
}
