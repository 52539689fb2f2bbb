//! Storages, and the backups that lie on them.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use sdk_proxmox::pve::{
    ClusterResourcesRow, ClusterResourcesRowType, GetNodesNodeStorageStorageContent, GetStorage,
};
use sdk_proxmox::{Client, parse};

use super::super::Scope;
use super::super::answers::{Answers, Shelf};
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
    let shelves = shelves(answers);
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

/// Each storage that holds backups, once where all nodes share it.
fn shelves(answers: &Answers) -> Vec<Shelf> {
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
    shelves.sort();
    shelves
}
