//! `proxbox demo`: the whole line on a made-up cluster, driven over HTTP as a user would.

mod api;
mod stage;
mod tell;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::api::Api;
use self::stage::Stage;
use crate::cli::say::say;
use crate::cli::{Exit, Progress, stop_requested};

/// Time for runs to end after Ctrl-C: nothing here is worth waiting for.
const GRACE: Duration = Duration::from_secs(1);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Ends after the second run instead of staying up.
    #[arg(long)]
    once: bool,
    /// Ends the output with the figures as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Guests in the cluster.
    #[arg(long, default_value_t = 60, value_name = "NUMBER")]
    guests: usize,
    /// Nodes of the cluster.
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    nodes: usize,
    /// Where the server listens; a free port otherwise.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// What a run came to and what it cost NetBox, as NetBox counted it.
struct Figures {
    frame: Value,
    requests: usize,
    writes: usize,
    seconds: f64,
}

impl Demo {
    /// Builds everything up, runs twice, and stays.
    pub async fn run(self) -> anyhow::Result<Exit> {
        let stage = Stage::build(self.listen, self.nodes, self.guests).await?;
        tell::cast(&stage, self.nodes, self.guests);
        let api = Api::new(stage.server.url(), stage.key.clone())?;
        tell::heading("Registering the key and the endpoints");
        api.register(&stage).await?;

        tell::heading("First full update");
        let first = update(&stage, &api).await?;
        tell::first(&stage, &first);
        tell::heading("Second full update, of the same cluster");
        let second = update(&stage, &api).await?;
        tell::second(&second);
        let exit = verdict(&first, &second);

        if !self.once {
            tell::places(&stage);
        }
        if self.json {
            say!("{}", summary(&first, &second));
        }
        if !self.once {
            stop_requested().await;
        }
        stage.tear_down(GRACE).await;
        Ok(exit)
    }
}

async fn update(stage: &Stage, api: &Api) -> anyhow::Result<Figures> {
    stage.netbox.forget_requests();
    let started = Instant::now();
    let mut progress = Progress::new();
    let frame = api.full_update(|event, data| progress.show(event, data)).await;
    progress.finish();
    Ok(Figures {
        frame: frame?,
        requests: stage.netbox.requests().len(),
        writes: stage.netbox.writes(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The demo has done its job when everything got in and the second run found nothing to do.
fn verdict(first: &Figures, second: &Figures) -> Exit {
    let ok = |figures: &Figures| figures.frame["ok"] == true;
    match (ok(first) && ok(second), second.writes) {
        (true, 0) => Exit::Done,
        (true, _) => Exit::Error,
        (false, _) => Exit::Failures,
    }
}

fn summary(first: &Figures, second: &Figures) -> Value {
    let result = &first.frame["result"];
    let rounded = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
    json!({
        "first": {
            "created": result["created"], "updated": result["updated"],
            "failed": result["failed"], "requests": first.requests,
            "seconds": rounded(first.seconds),
        },
        "second": {
            "writes": second.writes, "requests": second.requests,
            "seconds": rounded(second.seconds),
        },
    })
}
