//! Reading a page of 1,000 virtual machines: typed, with all leniency, and as plain JSON whose fields
//! are looked at. `cargo xtask bench codegen` shows it beside the cost of building.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench ends by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use http::Method;
use proxbox_runtime::{Page, decode};
use sdk_netbox::Client;
use sdk_netbox::mock::Mock;
use sdk_netbox::types::VirtualMachineWithConfigContext;
use serde_json::{Value, json};

const ROUNDS: usize = 15;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mock = Mock::start().await.expect("a port");
    let netbox = Client::builder(mock.url()).token(mock.token()).build().expect("a client");
    let make = async |path: &str, body: Value| {
        netbox.raw(Method::POST, path, &[], Some(body)).await.expect("an object")
    };
    make("virtualization/cluster-types/", json!({ "name": "a", "slug": "a" })).await;
    make("virtualization/clusters/", json!({ "name": "a", "type": 1 })).await;
    make("extras/tags/", json!({ "name": "a", "slug": "a" })).await;
    let machine = |number: usize| {
        json!({
            "name": format!("vm-{number}"), "cluster": 1, "memory": 2048, "vcpus": 2, "disk": 8,
            "comments": "Runs the shop", "tags": [1], "serial": format!("{number:08}"),
        })
    };
    let machines: Vec<Value> = (0..1000).map(machine).collect();
    make("virtualization/virtual-machines/", machines.into()).await;
    let query = [("limit", "1000")];
    let page = netbox.raw(Method::GET, "virtualization/virtual-machines/", &query, None).await;
    let body = serde_json::to_vec(&page.expect("a page")).expect("JSON");
    let (mut typed, mut plain) = (Vec::new(), Vec::new());
    // One after the other, so that a slow moment of the machine falls on both.
    for _ in 0..ROUNDS {
        typed.push(time(|| {
            let page =
                decode::<Page<VirtualMachineWithConfigContext>>(&body).expect("a page").value;
            let names = page
                .results
                .iter()
                .filter_map(|row| row.name.as_ref())
                .map(String::len)
                .sum::<usize>();
            names + page.results.iter().filter_map(|row| row.memory).count()
        }));
        plain.push(time(|| {
            let page: Value = serde_json::from_slice(&body).expect("JSON");
            let rows = page["results"].as_array().expect("a list");
            let names =
                rows.iter().filter_map(|row| row["name"].as_str()).map(str::len).sum::<usize>();
            names + rows.iter().filter_map(|row| row["memory"].as_i64()).count()
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
