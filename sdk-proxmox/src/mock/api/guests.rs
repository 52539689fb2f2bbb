//! Guests: lists, configuration and state.

use serde_json::Value;

use super::{guest, node_name};
use crate::mock::answer::{Outcome, data};
use crate::mock::call::Call;
use crate::mock::{Cluster, old};

pub(crate) fn list(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (node, kind) = (node_name(cluster, call), call.kind());
    let here = cluster.visible().filter(|guest| guest.node == node && guest.kind == kind);
    data(here.map(|guest| old::guest(cluster, guest.row())).collect::<Vec<Value>>())
}

pub(crate) fn current(cluster: &mut Cluster, call: &Call) -> Outcome {
    let row = guest(cluster, call, "VM.Audit")?.current();
    data(old::guest(cluster, row))
}
