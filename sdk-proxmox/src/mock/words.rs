//! What a Proxmox VE node says about collections that are kept by their shape alone.

use super::answer::{Refusal, bad_param, failed};

/// What is said of one collection; `{}` is the name of what it is about.
struct Words {
    collection: &'static str,
    taken: &'static str,
    missing: &'static str,
    /// The parameter that is named, where the answer is 400.
    field: Option<&'static str>,
}

const WORDS: &[Words] = &[
    Words {
        collection: "/access/groups",
        taken: "create group failed: group '{}' already exists",
        missing: "group '{}' does not exist",
        field: None,
    },
    Words {
        collection: "/access/domains",
        taken: "add auth server failed: authentication domain '{}' already exists",
        missing: "domain '{}' does not exist",
        field: None,
    },
    Words {
        collection: "/cluster/backup",
        taken: "Job '{}' already exists",
        missing: "No such job '{}'",
        field: Some("id"),
    },
    Words {
        collection: "/cluster/replication",
        taken: "create replication job failed: replication job '{}' already exists",
        missing: "no such replication job '{}'",
        field: None,
    },
    Words {
        collection: "/cluster/ha/resources",
        taken: "create resource failed: resource ID '{}' already defined",
        missing: "no such resource '{}'",
        field: None,
    },
    Words {
        collection: "/cluster/ha/rules",
        taken: "create ha rule failed: HA rule '{}' already defined",
        missing: "no such ha rule '{}'",
        field: None,
    },
    Words {
        collection: "/cluster/sdn/zones",
        taken: "create sdn zone object failed: sdn zone object ID '{}' already defined",
        missing: "sdn '{}' does not exist",
        field: None,
    },
    Words {
        collection: "/cluster/sdn/vnets",
        taken: "create sdn vnet object failed: sdn vnet object ID '{}' already defined",
        missing: "sdn '{}' does not exist",
        field: None,
    },
    Words {
        collection: "/cluster/firewall/groups",
        taken: "Security group '{}' already exists",
        missing: "no such security group '{}'",
        field: Some("group"),
    },
    Words {
        collection: "/firewall/aliases",
        taken: "alias '{}' already exists",
        missing: "no such alias",
        field: Some("name"),
    },
    Words {
        collection: "/firewall/ipset",
        taken: "IPSet '{}' already exists",
        missing: "no such IPSet",
        field: Some("name"),
    },
    Words {
        collection: "/firewall/ipset/{name}",
        taken: "address '{}' already exists",
        missing: "no such IP/Network",
        field: Some("cidr"),
    },
    Words {
        collection: "/firewall/rules",
        taken: "",
        missing: "no rule at position {}",
        field: None,
    },
];

/// The words for a collection at this template; those of firewalls are the same everywhere.
fn of(template: &str) -> Option<&'static Words> {
    WORDS.iter().find(|words| {
        words.collection == template
            || (words.collection.starts_with("/firewall") && template.ends_with(words.collection))
    })
}

fn said(words: &Words, text: &str, id: &str) -> Refusal {
    let text = text.replace("{}", id);
    match words.field {
        Some(field) => bad_param(field, text),
        None => failed(text),
    }
}

/// The refusal of a name that is taken.
pub(crate) fn taken(template: &str, id: &str) -> Option<Refusal> {
    of(template).map(|words| said(words, words.taken, id))
}

/// The refusal of a name that is not there.
pub(crate) fn missing(template: &str, id: &str) -> Option<Refusal> {
    of(template).map(|words| said(words, words.missing, id))
}
