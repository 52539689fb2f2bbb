//! What is asked of a journal: by path or by query, and checked the same whichever it is.

use serde_json::Value;
use url::form_urlencoded;

use super::unit::Unit;
use crate::edge::ApiError;
use crate::endpoints::Selection;

const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// Units in one request at most.
const UNITS: usize = 20;

/// What is asked of a journal.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) node: Option<String>,
    pub(super) vmid: Option<i64>,
    pub(super) units: Vec<Unit>,
    limit: Option<u32>,
    pub(super) selection: Selection,
}

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            asked.take(&name, value.trim())?;
        }
        Ok(asked)
    }

    /// Takes what a path says; a query that says something else is refused.
    pub(super) fn with(
        mut self,
        node: Option<String>,
        vmid: Option<&str>,
        unit: Option<&str>,
    ) -> Result<Self, ApiError> {
        let differs = |what: &str| {
            let detail = format!("{what}: path and query say different things");
            Err(ApiError::bad_request("The query is not valid", detail))
        };
        if let Some(node) = node {
            if self.node.as_ref().is_some_and(|other| *other != node) {
                return differs("node");
            }
            self.node = Some(node);
        }
        if let Some(text) = vmid {
            let vmid = Some(number(text)?);
            if self.vmid.is_some() && self.vmid != vmid {
                return differs("vmid");
            }
            self.vmid = vmid;
        }
        if let Some(unit) = unit {
            self.add_unit(unit)?;
        }
        Ok(self)
    }

    /// How many lines of the past are wanted.
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL)
    }

    /// What the answer says was asked.
    pub(super) fn told(&self) -> Value {
        let units: Vec<&str> = self.units.iter().map(Unit::as_str).collect();
        serde_json::json!({ "node": self.node, "vmid": self.vmid, "services": units })
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let text = || Some(value.to_owned()).filter(|text| !text.is_empty());
        match name {
            "node" => self.node = text(),
            "vmid" => self.vmid = Some(number(value)?),
            "service" | "service[]" => self.add_unit(value)?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                let detail = format!("limit: 1 to {MOST}");
                let wrong = || ApiError::bad_request("The query is not valid", detail);
                self.limit = Some(limit.ok_or_else(wrong)?);
            }
            "proxmox_endpoint_ids" | "endpoint_ids" => {
                let ids: Result<Vec<i64>, _> =
                    value.split(',').map(|id| id.trim().parse()).collect();
                let detail = format!("{name}: numbers, as in 1,2");
                let wrong = |_| ApiError::bad_request("The query is not valid", detail);
                self.selection.proxmox_ids = Some(ids.map_err(wrong)?);
            }
            "endpoint" | "name" | "target_name" => self.selection.name = text(),
            "domain" | "target_domain" => self.selection.domain = text(),
            "ip_address" | "target_ip_address" => self.selection.ip_address = text(),
            "port" => {
                let detail = "port: a number from 1 to 65535";
                let wrong = |_| ApiError::bad_request("The query is not valid", detail);
                self.selection.port = Some(value.parse().map_err(wrong)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_unit(&mut self, text: &str) -> Result<(), ApiError> {
        let unit = Unit::parse(text)?;
        if !self.units.contains(&unit) {
            self.units.push(unit);
        }
        match self.units.len() > UNITS {
            true => {
                let detail = format!("service: up to {UNITS}");
                Err(ApiError::bad_request("The query is not valid", detail))
            }
            false => Ok(()),
        }
    }
}

fn number(text: &str) -> Result<i64, ApiError> {
    text.parse()
        .ok()
        .filter(|vmid| (100..=999_999_999).contains(vmid))
        .ok_or_else(|| ApiError::bad_request("The query is not valid", "vmid: 100 to 999999999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_checked_wherever_the_rest_comes_from() {
        for query in ["limit=0", "limit=1001", "limit=100000", "limit=x", "limit=", "limit=-1"] {
            let refused = Query::parse(query)
                .and_then(|asked| asked.with(Some("pve1".into()), Some("101"), None));
            assert!(refused.is_err(), "{query}");
        }
        assert_eq!(Query::parse("limit=1000").unwrap().limit(), 1000);
        assert_eq!(Query::parse("").unwrap().limit(), 100);
    }

    #[test]
    fn path_and_query_may_not_differ() {
        let parse = |query| Query::parse(query).unwrap();
        assert!(parse("node=a").with(Some("b".into()), None, None).is_err());
        assert!(parse("vmid=100").with(None, Some("101"), None).is_err());
        assert!(parse("vmid=100").with(Some("a".into()), Some("100"), Some("ssh")).is_ok());
        assert!(parse("").with(None, Some("7"), None).is_err());
        let both = parse("service=a&service=b&service=a").with(None, None, Some("c")).unwrap();
        assert_eq!(both.units.len(), 3);
        assert!(Query::parse("service=%3Bid").is_err());
        assert_eq!(parse("port=8006&domain=a").selection.port, Some(8006));
        assert!(Query::parse("port=x").is_err());
    }
}
