//! What people put into a guest's notes for NetBox: a fenced block with NetBox's ids.

use std::collections::BTreeMap;

use sdk_proxmox::Value;

/// Fields that a block may set.
const FIELDS: [&str; 5] = ["device", "platform", "role", "site", "tenant"];

/// The fields in the block, and what of it cannot be understood.
pub(super) fn parse(notes: &str) -> (BTreeMap<&'static str, i64>, Vec<String>) {
    let Some(block) = block(notes) else { return Default::default() };
    let members = match serde_json::from_str(block) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return (BTreeMap::new(), vec!["it is no JSON object".into()]),
        Err(error) => return (BTreeMap::new(), vec![format!("it is no JSON: {error}")]),
    };
    let (mut fields, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, value) in members {
        match (FIELDS.iter().find(|field| **field == name), value.as_i64()) {
            (Some(field), Some(id)) if id > 0 => {
                fields.insert(*field, id);
            }
            (Some(_), _) => wrong.push(format!("{name} is no id of NetBox")),
            (None, _) => wrong.push(format!("{name} is none of {}", FIELDS.join(", "))),
        }
    }
    (fields, wrong)
}

/// The text between the fences.
fn block(notes: &str) -> Option<&str> {
    let (_, rest) = notes.split_once("```netbox-metadata")?;
    let (_, rest) = rest.split_once('\n')?;
    rest.split_once("```").map(|(block, _)| block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_fenced_block_are_read_and_nothing_else() {
        let notes =
            "Web shop\r\n```netbox-metadata\r\n{\"role\": 4, \"tenant\": 13}\r\n```\r\nmore";
        assert_eq!(parse(notes), ([("role", 4), ("tenant", 13)].into(), Vec::new()));
        for notes in ["", "role: 4", "```\n{\"role\": 4}\n```", "```netbox-metadata {\"role\": 4}"]
        {
            assert_eq!(parse(notes), Default::default(), "{notes}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let wrong = |text: &str| parse(&format!("```netbox-metadata\n{text}\n```")).1.join(" ");
        assert!(wrong("{role: 4}").contains("no JSON"));
        assert!(wrong("[4]").contains("no JSON object"));
        assert!(wrong("{\"role\": \"web\"}").contains("role is no id"));
        assert!(wrong("{\"role\": -1}").contains("role is no id"));
        assert!(wrong("{\"name\": 4}").contains("name is none of"));
    }
}
