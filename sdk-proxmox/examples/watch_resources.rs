//! Watches a cluster: tells what came, went and changed since the last look.
//!
//! `watch_resources [SECONDS] [LOOKS]`; nodes push nothing, so this asks again and again.

mod common;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use sdk_proxmox::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let argument = |n: usize, usual: f64| match std::env::args().nth(n) {
        Some(text) => text.parse::<f64>(),
        None => Ok(usual),
    };
    let (pause, looks) = (Duration::from_secs_f64(argument(1, 0.1)?), argument(2, 3.0)? as usize);
    let (client, mock) = common::client().await?;
    let mut before = BTreeMap::new();
    for look in 0..looks {
        if let (Some(mock), true) = (&mock, look > 0) {
            mock.with(|cluster| cluster.rename(100, &format!("renamed-{look}")))?;
        }
        let now = look_at(&client).await?;
        for (id, state) in now.iter().filter(|(id, state)| before.get(*id) != Some(*state)) {
            println!("{id}: {state}");
        }
        for id in before.keys().filter(|id| !now.contains_key(*id)) {
            println!("{id}: gone, or no longer to be seen");
        }
        before = now;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn look_at(client: &Client) -> Result<BTreeMap<String, String>, sdk_proxmox::Error> {
    let rows = client.pve().cluster().resources().get().await?;
    let told = |row: sdk_proxmox::pve::ClusterResourcesRow| {
        let state = format!("{} {}", row.status.unwrap_or_default(), row.name.unwrap_or_default());
        Some((row.id?, state.trim().to_owned()))
    };
    Ok(rows.into_iter().filter_map(told).collect())
}
