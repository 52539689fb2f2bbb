//! Reading `/cluster/resources` of 10,000 guests: typed, with all leniency, and as plain JSON whose
//! fields are looked at. `cargo xtask bench codegen` shows it beside the cost of building.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench ends by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use proxbox_runtime::{Operation, decode_member};
use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::GetClusterResources;
use serde_json::{Value, json};

const ROUNDS: usize = 15;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mock = Mock::start(Cluster::demo(16, 10_000, 1)).await.expect("a port");
    let client = mock.client().build().expect("a client");
    let body = client.answer(GetClusterResources::new().request()).await.expect("a list").body;
    let (mut typed, mut plain) = (Vec::new(), Vec::new());
    // One after the other, so that a slow moment of the machine falls on both.
    for _ in 0..ROUNDS {
        typed.push(time(|| {
            let decoded =
                decode_member::<<GetClusterResources as Operation>::Output>(&body, "data");
            let rows = decoded.expect("a list").value;
            let running = rows.iter().filter(|row| row.status.as_deref() == Some("running"));
            let names = running.filter_map(|row| row.name.as_deref().map(str::len));
            names.sum::<usize>() + rows.iter().filter_map(|row| row.maxmem).count()
        }));
        plain.push(time(|| {
            let answer: Value = serde_json::from_slice(&body).expect("JSON");
            let rows = answer["data"].as_array().expect("a list");
            let running = rows.iter().filter(|row| row["status"].as_str() == Some("running"));
            let names = running.filter_map(|row| row["name"].as_str().map(str::len));
            names.sum::<usize>() + rows.iter().filter_map(|row| row["maxmem"].as_u64()).count()
        }));
    }
    let millis = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    let (typed, plain) = (millis(typed), millis(plain));
    println!("{}", json!({ "bytes": body.len(), "typed_ms": typed, "value_ms": plain }));
}

fn time(work: impl Fn() -> usize) -> Duration {
    let begin = Instant::now();
    black_box(work());
    begin.elapsed()
}
