//! The frames of a run.

use std::collections::BTreeSet;

use proxbox::store::Ledger;

use crate::rig::Rig;

const STAGES: [&str; 6] = [
    "devices",
    "node-interfaces",
    "virtual-machines",
    "vm-interfaces",
    "virtual-disks",
    "vm-ip-addresses",
];

#[tokio::test]
async fn a_run_tells_every_stage_in_frames_that_logs_keep_whole() {
    let rig = Rig::new().await;
    let (outcome, frames) = rig.sync_as(&rig.client(), &[rig.target()]).await;
    assert_eq!(frames[0].event, "bootstrap_done");
    assert_eq!(frames[0].data["ok"], true);
    for frame in &frames {
        let length = frame.data.to_string().len();
        assert!(length < 600, "{length}: {}", frame.data);
    }
    for stage in STAGES {
        for status in ["started", "completed"] {
            let told = frames.iter().any(|frame| {
                frame.event == "step"
                    && frame.data["step"] == stage
                    && frame.data["status"] == status
            });
            assert!(told, "{stage} {status}");
        }
        let of_stage = |event: &str| {
            frames.iter().any(|frame| frame.event == event && frame.data["phase"] == stage)
        };
        assert!(of_stage("discovery") && of_stage("phase_summary"), "{stage}");
    }
    let created: BTreeSet<&str> = frames
        .iter()
        .filter(|frame| frame.data["operation"] == "created")
        .filter(|frame| frame.data["phase"] == "virtual-machines")
        .filter_map(|frame| frame.data["item"]["name"].as_str())
        .collect();
    assert_eq!(created.len(), 12);
    let complete = outcome.complete_frame();
    assert_eq!(complete.event, "complete");
    assert_eq!(complete.data["ok"], true);
    assert_eq!(complete.data["result"]["virtual_machines_count"], 12);
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_listens() {
    let rig = Rig::new().await;
    let (events, told) = tokio::sync::mpsc::unbounded_channel();
    drop(told);
    let policy = proxbox::sync::Policy::default();
    let outcome = proxbox::sync::run(
        &rig.client(),
        &[rig.target()],
        &policy,
        &Ledger::nowhere(),
        None,
        events,
    )
    .await;
    assert!(outcome.ok);
    assert_eq!(rig.machines().len(), 12);
}
