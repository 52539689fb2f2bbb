//! Starting and stopping guests.

use super::guest;
use crate::mock::Cluster;
use crate::mock::answer::{Outcome, data, failed};
use crate::mock::call::Call;
use crate::mock::task::Effect;

pub(crate) fn start(cluster: &mut Cluster, call: &Call) -> Outcome {
    switch(cluster, call, "start", true)
}

pub(crate) fn stop(cluster: &mut Cluster, call: &Call) -> Outcome {
    switch(cluster, call, "stop", false)
}

pub(crate) fn shutdown(cluster: &mut Cluster, call: &Call) -> Outcome {
    switch(cluster, call, "shutdown", false)
}

pub(crate) fn reboot(cluster: &mut Cluster, call: &Call) -> Outcome {
    switch(cluster, call, "reboot", true)
}

fn switch(cluster: &mut Cluster, call: &Call, verb: &str, running: bool) -> Outcome {
    let guest = guest(cluster, call, "VM.PowerMgmt")?;
    let (vmid, kind, node) = (guest.vmid, guest.kind, guest.node.clone());
    let who = format!("{} {vmid}", kind.short());
    if let Some(lock) = guest.text("lock") {
        return Err(failed(format!("{who} is locked ({lock})")));
    }
    match verb {
        "start" if guest.is_template() => {
            return Err(failed(format!("you can't start a {} if it's a template", kind.as_str())));
        }
        "start" if guest.running => return Err(failed(format!("{who} already running"))),
        "shutdown" | "reboot" if !guest.running => {
            return Err(failed(format!("{who} not running")));
        }
        _ => {}
    }
    let effect = Effect::Power { vmid, running };
    data(cluster.spawn(&node, (&kind.task(verb), &vmid.to_string()), &call.user, effect))
}
