//! A plan as a document: drawn up now, read by people, carried out later.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::order::Order;
use crate::plan::{Operation, Plan, document};

/// The version of the form below.
const FORMAT: u32 = 1;

/// A document that is older is refused: too much may have happened since.
const LASTS: SignedDuration = SignedDuration::from_mins(60);

/// A plan that was saved.
///
/// A large one has a hundred thousand operations: those of a plan that was just drawn up are written
/// one by one ([`DrawnOperations`]), and only what was read is held as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SavedPlan<O = Vec<Json>> {
    /// Version of this form; readers refuse others.
    pub format_version: u32,
    /// When it was drawn up.
    pub created_at: Timestamp,
    /// The NetBox that it is for: host, port and path.
    pub netbox: String,
    /// Ids of the Proxmox endpoints that were read.
    pub endpoints: Vec<i64>,
    /// What was asked for.
    pub order: Order,
    /// The run that it takes back, where it is such a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<Uuid>,
    /// What is to be done, in this order.
    pub operations: O,
    /// Edits of people that stay, in words.
    pub kept: Vec<String>,
    /// Edits of people that go, because Proxmox has changed since; in words.
    pub overruled: Vec<String>,
    /// Objects that Proxmox no longer has and that stay.
    pub orphaned: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// Objects that are as they should be, by kind.
    pub unchanged: BTreeMap<String, usize>,
}

/// Why a saved plan is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Stale {
    /// Another version of the form.
    #[error("the plan has the format {0}, this program reads {FORMAT}; make a new one")]
    Format(u32),
    /// Too old.
    #[error("the plan is {0} minutes old, and one is good for 60; make a new one")]
    Old(i64),
    /// DrawnOperations up for another NetBox.
    #[error("the plan is for the NetBox {plan}, this is {here}")]
    Elsewhere {
        /// The plan's.
        plan: String,
        /// The one here.
        here: String,
    },
    /// NetBox or Proxmox has changed.
    #[error("the plan is stale: {0} is not to be done any more, or in another way; make a new one")]
    Changed(String),
}

/// The operations of a plan that was just drawn up.
#[derive(Debug, Clone, Copy)]
pub struct DrawnOperations<'p>(&'p [Operation]);

impl Serialize for DrawnOperations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(document::operation_to_json))
    }
}

impl<'p> SavedPlan<DrawnOperations<'p>> {
    /// The document of a plan that was drawn up now.
    pub fn new(plan: &'p Plan, netbox: String, endpoints: Vec<i64>, order: Order) -> Self {
        let mut unchanged = BTreeMap::new();
        for key in plan.unchanged.keys() {
            *unchanged.entry(key.kind.model().to_owned()).or_default() += 1;
        }
        Self {
            format_version: FORMAT,
            created_at: Timestamp::now(),
            netbox,
            endpoints,
            order,
            reverts: None,
            operations: DrawnOperations(&plan.operations),
            kept: plan.kept.iter().map(ToString::to_string).collect(),
            overruled: plan.overruled.iter().map(ToString::to_string).collect(),
            orphaned: plan.orphaned.keys().map(ToString::to_string).collect(),
            warnings: plan.skipped.iter().map(|one| format!("{} {}", one.key, one.why)).collect(),
            unchanged,
        }
    }

    /// The document of a plan that takes a run back.
    pub fn reverting(plan: &'p Plan, netbox: String, run: Uuid) -> Self {
        let reverts = Some(run);
        Self { reverts, ..Self::new(plan, netbox, Vec::new(), Order::default()) }
    }
}

impl SavedPlan {
    /// Refuses what is not for here and now.
    pub fn check(&self, netbox: &str, now: Timestamp) -> Result<(), Stale> {
        if self.format_version != FORMAT {
            return Err(Stale::Format(self.format_version));
        }
        if self.netbox != netbox {
            let (plan, here) = (self.netbox.clone(), netbox.to_owned());
            return Err(Stale::Elsewhere { plan, here });
        }
        let age = now.duration_since(self.created_at);
        if age > LASTS {
            return Err(Stale::Old(age.as_mins()));
        }
        Ok(())
    }

    /// Leaves in a fresh plan only what was saved; refused when something of that is not in it.
    pub fn limit(&self, fresh: &mut Plan) -> Result<(), Stale> {
        // By object: a plan has tens of thousands of operations, an object a handful.
        let mut wanted: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for saved in self.operations.iter().map(document::lasting) {
            wanted.entry(document::in_words(&saved)).or_default().push(saved);
        }
        fresh.operations.retain(|operation| {
            let now = document::lasting(&document::operation_to_json(operation));
            let of_object = wanted.get_mut(&document::in_words(&now));
            of_object.is_some_and(|saved| {
                let place = saved.iter().position(|one| *one == now);
                place.map(|place| saved.swap_remove(place)).is_some()
            })
        });
        match wanted.into_iter().find(|(_, left)| !left.is_empty()) {
            Some((gone, _)) => Err(Stale::Changed(gone)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::part::Part;
    use crate::plan::{Action, Fields, Key, Kind, Reason, Ref, Stage, Value};

    fn operation(path: &str, memory: i64, stamp: &str) -> Operation {
        Operation {
            number: 0,
            stage: Stage::Write(Kind::VirtualMachine),
            part: Part::VirtualMachines,
            key: Key::new(Kind::VirtualMachine, path),
            label: path.into(),
            action: Action::Update(Ref::Id(7)),
            before: Fields::from([("memory", Value::Int(1024))]),
            after: Fields::from([
                ("memory", Value::Int(memory)),
                (
                    "custom_fields",
                    Value::Custom([("proxmox_last_updated".to_owned(), json!(stamp))].into()),
                ),
            ]),
            base: None,
            reason: Reason::Changed,
        }
    }

    fn plan(operations: Vec<Operation>) -> Plan {
        Plan { operations, ..Plan::default() }
    }

    fn saved(operations: Vec<Operation>) -> SavedPlan {
        let plan = plan(operations);
        let saved = SavedPlan::new(&plan, "nb:80".into(), vec![1], Order::default());
        let text = serde_json::to_string(&saved).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_what_was_saved_is_carried_out() {
        let saved = saved(vec![operation("lab/100", 2048, "yesterday")]);
        let mut fresh =
            plan(vec![operation("lab/100", 2048, "today"), operation("lab/101", 512, "today")]);
        saved.limit(&mut fresh).unwrap();
        assert_eq!(fresh.operations.len(), 1);
        assert_eq!(fresh.operations[0].key.path, "lab/100");
    }

    #[test]
    fn a_plan_that_is_not_true_any_more_is_refused() {
        let saved = saved(vec![operation("lab/100", 2048, "")]);
        for fresh in [vec![], vec![operation("lab/100", 4096, "")]] {
            let stale = saved.limit(&mut plan(fresh)).unwrap_err().to_string();
            assert!(stale.contains("lab/100"), "{stale}");
        }
    }

    #[test]
    fn a_plan_is_for_one_netbox_and_for_an_hour() {
        let saved = saved(vec![]);
        let after = |minutes| saved.created_at + SignedDuration::from_mins(minutes);
        assert!(saved.check("nb:80", after(59)).is_ok());
        assert!(matches!(saved.check("nb:80", after(61)), Err(Stale::Old(61))));
        assert!(matches!(saved.check("other:80", after(1)), Err(Stale::Elsewhere { .. })));
        let other = SavedPlan { format_version: 2, ..saved.clone() };
        assert!(matches!(other.check("nb:80", after(1)), Err(Stale::Format(2))));
    }
}
