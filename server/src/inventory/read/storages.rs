//! Storages, and the backups that lie on them.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetNodesNodeStorageStorageContent, GetStorage,
    StorageRow,
};
use sdk_proxmox::{Client, Value, parse};

use super::super::answers::{Answers, Shelf};
use super::super::{Problem, Scope};
use super::nodes::online;
use super::{ask, note_silence, problem, rows};
use crate::part::Part;

pub(super) async fn read(client: &Client, scope: &Scope, answers: &mut Answers) {
    if scope.any(&[Part::Storage]) {
        match ask(client, GetStorage::new()).await {
            Ok(found) => answers.storages = Some(rows(found, "/storage", answers)),
            Err(error) => problem(answers, "storages", &error, "they are left as they are"),
        }
    }
    if scope.any(&[Part::Backups]) {
        read_backups(client, scope, answers).await;
    }
}

async fn read_backups(client: &Client, scope: &Scope, answers: &mut Answers) {
    let one = |shelf: Shelf| async move {
        let mut operation =
            GetNodesNodeStorageStorageContent::new(shelf.node.as_str(), shelf.storage.as_str());
        operation.content = Some("backup".into());
        operation.vmid = match &scope.guests {
            Some(guests) if guests.len() == 1 => guests.first().copied(),
            _ => None,
        };
        let answer = ask(client, operation).await;
        (shelf, answer)
    };
    let settings = settings(client, answers).await;
    let shelves = shelves(answers, &settings);
    if shelves.is_empty() {
        let why = "no storage for backups is to be seen; if there is one, the token needs \
                   Datastore.Audit on it";
        answers.problems.push(Problem { object: "backups".into(), why: why.into() });
    }
    answers.asked.extend(shelves.iter().cloned());
    let found: Vec<_> = stream::iter(shelves).map(one).buffered(scope.calls.max(1)).collect().await;
    for (shelf, answer) in found {
        match answer {
            Ok(content) => {
                let content = rows(content, "the content of a storage", answers);
                answers.backups.insert(shelf, content);
            }
            Err(error) => {
                note_silence(answers, &shelf.node, &error);
                let object = format!("storage {} of node {}", shelf.storage, shelf.node);
                problem(answers, &object, &error, "backups on it are left as they are");
            }
        }
    }
}

/// How the storages are set up; nothing where that cannot be read.
async fn settings(client: &Client, answers: &mut Answers) -> Vec<StorageRow> {
    if let Some(known) = &answers.storages {
        return known.clone();
    }
    match ask(client, GetStorage::new()).await {
        Ok(found) => rows(found, "/storage", answers),
        Err(error) => {
            problem(answers, "storages", &error, "only those in the list of resources are read");
            Vec::new()
        }
    }
}

/// Each storage that holds backups, once where all nodes share it: those in the list of resources,
/// and those that are set up and not in it.
fn shelves(answers: &Answers, settings: &[StorageRow]) -> Vec<Shelf> {
    let nodes: BTreeSet<String> = online(answers).into_iter().collect();
    let holds_backups = |row: &&ClusterResourcesRow| {
        let content = row.content.as_deref().unwrap_or_default();
        row.kind == Some(ClusterResourcesRowType::Storage)
            && row.status.as_deref() != Some("unknown")
            && parse::split_list(content).contains(&"backup")
    };
    let mut shared = BTreeSet::new();
    let mut shelves = Vec::new();
    for row in answers.resources.iter().filter(holds_backups) {
        let (Some(storage), Some(node)) = (&row.storage, &row.node) else { continue };
        let once = row.shared.unwrap_or(false);
        if nodes.contains(node) && (!once || shared.insert(storage)) {
            shelves.push(Shelf { storage: storage.clone(), node: node.clone() });
        }
    }
    let listed: BTreeSet<&String> =
        answers.resources.iter().filter_map(|row| row.storage.as_ref()).collect();
    for row in settings.iter().filter(|row| !listed.contains(&row.storage)) {
        shelves.extend(set_up(row, &nodes));
    }
    shelves.sort();
    shelves
}

/// A storage that is set up to hold backups, on each of its nodes that answers.
fn set_up(row: &StorageRow, nodes: &BTreeSet<String>) -> Vec<Shelf> {
    let text = |name: &str| row.extra.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_set = |name: &str| {
        let value = row.extra.get(name);
        value.is_some_and(|value| *value == Value::Bool(true) || value.as_i64() == Some(1))
    };
    if is_set("disable") || !parse::split_list(text("content")).contains(&"backup") {
        return Vec::new();
    }
    let own = parse::split_list(text("nodes"));
    let has_it = |node: &&String| own.is_empty() || own.contains(&node.as_str());
    let most = if is_set("shared") { 1 } else { usize::MAX };
    let on = nodes.iter().filter(has_it).take(most);
    on.map(|node| Shelf { storage: row.storage.clone(), node: node.clone() }).collect()
}
