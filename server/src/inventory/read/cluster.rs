//! What the cluster as a whole answers.

use sdk_proxmox::pve::{
    GetAccessPermissions, GetClusterBackup, GetClusterReplication, GetClusterResources,
    GetClusterStatus,
};
use sdk_proxmox::{Client, Error, Value};

use super::super::answers::Answers;
use super::super::{Problem, Scope};
use super::{ask, problem, rows};
use crate::part::Part;

pub(super) async fn resources(client: &Client, answers: &mut Answers) -> Result<(), Error> {
    let found = ask(client, GetClusterResources::new()).await?;
    answers.resources = rows(found, "/cluster/resources", answers);
    Ok(())
}

/// The cluster's name tells its guests from those of other clusters, so without it nothing can be
/// done: under a stand-in every guest would be made a second time.
pub(super) async fn status(client: &Client, answers: &mut Answers) -> Result<(), Error> {
    let status = ask(client, GetClusterStatus::new()).await?;
    answers.status = rows(status, "/cluster/status", answers);
    if answers.status.iter().any(|row| row.quorate == Some(false)) {
        answers.gaps.push("the cluster has no quorum".into());
    }
    Ok(())
}

/// Guests that a token may not see are left out of lists without a word.
pub(super) async fn permissions(client: &Client, answers: &mut Answers) {
    match ask(client, GetAccessPermissions::new()).await {
        Ok(permissions) => {
            let mut missing = |why: &str| {
                let object = "permissions".to_owned();
                answers.problems.push(Problem { object, why: why.into() });
            };
            if !holds(&permissions, "VM.Audit", ["/", "/vms"]) {
                let gap =
                    "the token has VM.Audit neither on / nor on /vms: some guests may be hidden";
                missing(gap);
                answers.gaps.push(gap.into());
            }
            if !holds(&permissions, "SDN.Audit", ["/", "/sdn"]) {
                missing("the token has SDN.Audit neither on / nor on /sdn: bridges are hidden");
            }
        }
        Err(error) => answers.gaps.push(format!("the token's rights cannot be read: {error}")),
    }
}

/// Whether a privilege is granted on one of these paths and all below it.
fn holds(permissions: &Value, privilege: &str, paths: [&str; 2]) -> bool {
    paths.iter().any(|path| {
        let privileges = permissions.get(path);
        match privileges.and_then(|privileges| privileges.get(privilege)) {
            // The value says whether it holds for what lies below.
            Some(Value::Bool(inherited)) => *inherited,
            Some(Value::Number(inherited)) => inherited.as_i64() != Some(0),
            Some(Value::String(inherited)) => inherited != "0",
            _ => false,
        }
    })
}

/// Replication and backup jobs.
pub(super) async fn jobs(client: &Client, scope: &Scope, answers: &mut Answers) {
    if scope.any(&[Part::Replications]) {
        match ask(client, GetClusterReplication::new()).await {
            Ok(found) => {
                answers.replications = Some(rows(found, "/cluster/replication", answers));
            }
            Err(error) => problem(answers, "replication jobs", &error, "they are left as they are"),
        }
    }
    if scope.any(&[Part::BackupRoutines]) {
        match ask(client, GetClusterBackup::new()).await {
            Ok(found) => answers.backup_jobs = Some(rows(found, "/cluster/backup", answers)),
            Err(error) => problem(answers, "backup jobs", &error, "they are left as they are"),
        }
    }
}
