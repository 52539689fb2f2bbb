//! The commands, as a shell runs them.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use harness::Mocks;
use proxbox::store::Store;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Runs `proxbox` with its state in `folder`, and nothing of our own environment.
async fn proxbox(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(arguments)
        .env_clear()
        .env("PROXBOX_DATABASE", folder.join("proxbox.db"))
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn wrong_usage_exits_with_64_and_help_with_0() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&[], 64),
        (&["nonsense"], 64),
        (&["sync", "run"], 64),
        (&["serve", "--listen", "nowhere"], 64),
        (&["sync", "run", "--once", "--netbox-url", "http://netbox"], 64),
    ] {
        let output = proxbox(folder.path(), arguments, &[]).await;
        assert_eq!(code(&output), expected, "{arguments:?}: {}", err(&output));
    }
}

#[tokio::test]
async fn a_key_is_created_once_and_listed_without_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let created = proxbox(folder.path(), &["keys", "create", "--label", "plugin"], &[]).await;
    let key = out(&created).trim().to_owned();
    assert!(code(&created) == 0 && key.starts_with("pxb_"), "{}", err(&created));
    let listed = out(&proxbox(folder.path(), &["keys", "list"], &[]).await);
    assert!(listed.contains("plugin") && !listed.contains(&key), "{listed}");
}

#[tokio::test]
async fn endpoints_are_added_and_listed_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let netbox = ["endpoints", "add", "netbox", "--url", "https://netbox.example.org"];
    let missing = proxbox(folder.path(), &netbox, &[]).await;
    assert_eq!(code(&missing), 1);
    assert!(err(&missing).contains("PROXBOX_NETBOX_TOKEN"), "{}", err(&missing));
    let token = [("PROXBOX_NETBOX_TOKEN", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334")];
    assert_eq!(code(&proxbox(folder.path(), &netbox, &token).await), 0);
    let proxmox = [
        "endpoints",
        "add",
        "proxmox",
        "--url",
        "https://pve1.example.org:8006",
        "--token-id",
        "sync@pve!proxbox",
    ];
    let secret = [("PROXBOX_PROXMOX_TOKEN_SECRET", "an-api-token-secret")];
    assert_eq!(code(&proxbox(folder.path(), &proxmox, &secret).await), 0);
    let twice = proxbox(folder.path(), &proxmox, &secret).await;
    assert_eq!(code(&twice), 1);
    assert!(err(&twice).contains("already exists"), "{}", err(&twice));
    let listed = out(&proxbox(folder.path(), &["endpoints", "list"], &[]).await);
    for part in ["netbox.example.org:443", "pve1.example.org:8006"] {
        assert!(listed.contains(part), "{listed}");
    }
    assert!(!listed.contains("a1b2c3") && !listed.contains("an-api-token-secret"), "{listed}");
}

#[tokio::test]
async fn an_endpoint_that_must_not_be_contacted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://169.254.169.254", "ftp://pve", "https://pve/api2"] {
        let arguments = ["endpoints", "add", "netbox", "--url", url];
        let token = [("PROXBOX_NETBOX_TOKEN", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334")];
        assert_eq!(code(&proxbox(folder.path(), &arguments, &token).await), 1, "{url}");
    }
}

#[tokio::test]
async fn a_sync_without_endpoints_says_how_to_add_them() {
    let folder = tempfile::tempdir().unwrap();
    let output = proxbox(folder.path(), &["sync", "run", "--once"], &[]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("proxbox endpoints add"), "{}", err(&output));
}

/// What `sync run` needs to reach the mocks.
fn to_mocks(mocks: &Mocks) -> [(&'static str, String); 5] {
    [
        ("PROXBOX_NETBOX_URL", mocks.netbox.url()),
        ("PROXBOX_NETBOX_TOKEN", mocks.netbox.token().to_owned()),
        ("PROXBOX_PROXMOX_URL", mocks.proxmox.url()),
        ("PROXBOX_PROXMOX_TOKEN_ID", mocks.proxmox.token_id()),
        ("PROXBOX_PROXMOX_TOKEN_SECRET", mocks.proxmox.token_secret()),
    ]
}

#[tokio::test]
async fn one_sync_from_the_shell_fills_netbox() {
    let (folder, mocks) = (tempfile::tempdir().unwrap(), Mocks::start().await);
    let environment = to_mocks(&mocks);
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = proxbox(folder.path(), &["sync", "run", "--once", "--json"], &environment).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    let frame: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(frame["result"]["virtual_machines_count"], 6);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);
}

#[tokio::test]
async fn a_plan_is_shown_saved_and_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let mocks = Mocks::start().await;
    let environment = to_mocks(&mocks);
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let file = folder.path().join("plan.json");
    let file = file.to_str().unwrap();

    let planned = proxbox(folder.path(), &["sync", "plan", "-o", file], &environment).await;
    assert_eq!(planned.status.code(), Some(2), "{planned:?}");
    let text = String::from_utf8(planned.stdout).unwrap();
    assert!(text.contains("+ virtual machine demo/100 [missing]"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("Plan: "), "{text}");
    assert_eq!(mocks.netbox.writes(), 0);

    let applied = proxbox(folder.path(), &["sync", "apply", file], &environment).await;
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);

    let again = proxbox(folder.path(), &["sync", "plan"], &environment).await;
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    // What was created is there: the same plan is not true any more.
    let stale = proxbox(folder.path(), &["sync", "apply", file], &environment).await;
    assert_eq!(stale.status.code(), Some(4), "{stale:?}");
}

#[tokio::test]
async fn a_plan_that_proxmox_has_overtaken_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mocks = Mocks::start().await;
    let environment = to_mocks(&mocks);
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let file = folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    let run = proxbox(folder.path(), &["sync", "run", "--once"], &environment).await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");

    let rename = |name: &str| mocks.proxmox.with(|cluster| cluster.rename(100, name)).unwrap();
    rename("first");
    let arguments = ["sync", "plan", "-o", file, "--part", "virtual-machines", "--vmid", "100"];
    let planned = proxbox(folder.path(), &arguments, &environment).await;
    assert_eq!(planned.status.code(), Some(2), "{planned:?}");
    rename("second");
    mocks.netbox.forget_requests();
    let stale = proxbox(folder.path(), &["sync", "apply", file], &environment).await;
    assert_eq!(stale.status.code(), Some(4), "{stale:?}");
    let text = String::from_utf8(stale.stdout).unwrap();
    assert!(text.contains("stale") && text.contains("demo/100"), "{text}");
    assert_eq!(mocks.netbox.writes(), 0);
    // What is saved is still true once it is called so again.
    rename("first");
    let applied = proxbox(folder.path(), &["sync", "apply", file], &environment).await;
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
}

#[tokio::test]
async fn a_run_is_listed_shown_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mocks = Mocks::start().await;
    let environment = to_mocks(&mocks);
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let file = folder.path().join("back.json");
    let file = file.to_str().unwrap();
    let command = async |arguments: &[&str], expected: i32| {
        let output = proxbox(folder.path(), arguments, &environment).await;
        assert_eq!(code(&output), expected, "{arguments:?} {}{}", out(&output), err(&output));
        out(&output)
    };
    let name = || {
        let machines = mocks.netbox.objects("virtualization/virtual-machines");
        let is_it = |one: &&Value| one["custom_fields"]["proxmox_vm_id"] == 100;
        machines.iter().find(is_it).unwrap()["name"].clone()
    };
    command(&["sync", "run", "--once"], 0).await;
    let before = name();
    mocks.proxmox.with(|cluster| cluster.rename(100, "shop")).unwrap();
    command(&["sync", "run", "--once"], 0).await;
    assert_eq!(name(), "shop");

    let listed = command(&["runs", "list", "--json"], 0).await;
    let last: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!((listed.lines().count(), &last["state"]), (2, &json!("completed")));
    let run = last["id"].as_str().unwrap();
    let shown = command(&["runs", "show", run], 0).await;
    assert!(shown.contains("confirmed  update virtualization.virtualmachine"), "{shown}");

    let back = command(&["runs", "revert", run, "-o", file], 2).await;
    assert!(back.contains("name: \"shop\" -> "), "{back}");
    assert_eq!(name(), "shop", "a plan alone changes nothing");
    command(&["sync", "apply", file], 0).await;
    assert_eq!(name(), before);
    // It is as it should be now, and nothing is left to take back; the next run leaves it so.
    command(&["runs", "revert", run], 0).await;
    command(&["sync", "apply", file], 4).await;
    command(&["sync", "run", "--once"], 0).await;
    assert_eq!(name(), before);
    command(&["runs", "revert", "01890000-0000-7000-8000-000000000000"], 1).await;
}

#[tokio::test]
async fn a_sync_is_refused_while_another_run_has_the_lease() {
    let (folder, mocks) = (tempfile::tempdir().unwrap(), Mocks::start().await);
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let other = uuid::Uuid::now_v7();
    let netbox = proxbox::runs::lease_name(&mocks.netbox.url());
    store.start_run(other, &netbox, Duration::from_secs(60)).await.unwrap();
    let environment = to_mocks(&mocks);
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = proxbox(folder.path(), &["sync", "run", "--once"], &environment).await;
    assert_eq!(code(&output), 4, "{}", err(&output));
    assert!(err(&output).contains(&other.to_string()), "{}", err(&output));
    assert_eq!(mocks.netbox.requests().len(), 0);
}

#[tokio::test]
async fn a_wrong_token_fails_the_run_with_a_message_that_says_so() {
    let (folder, mocks) = (tempfile::tempdir().unwrap(), Mocks::start().await);
    let mut environment = to_mocks(&mocks);
    environment[1].1 = "0000000000000000000000000000000000000000".into();
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = proxbox(folder.path(), &["sync", "run", "--once"], &environment).await;
    assert_eq!(code(&output), 1);
    assert!(out(&output).contains("token"), "{}{}", out(&output), err(&output));
}

#[tokio::test]
async fn the_demo_ends_in_a_second_run_that_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--once", "--json", "--guests", "12", "--nodes", "2"];
    let output = proxbox(folder.path(), &arguments, &[]).await;
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let text = out(&output);
    let figures: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(figures["first"]["failed"], json!(0));
    assert!(figures["first"]["created"].as_u64().unwrap() > 12, "{figures}");
    assert_eq!(figures["second"]["writes"], json!(0));
    for (run, member) in [("first", "requests"), ("first", "updated"), ("second", "requests")] {
        assert!(figures[run][member].is_u64(), "{run}.{member} in {figures}");
    }
    assert!(figures["first"]["seconds"].is_f64() && figures["second"]["seconds"].is_f64());
}

#[tokio::test]
async fn the_key_file_and_the_state_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&proxbox(folder.path(), &["keys", "create"], &[]).await), 0);
    for name in ["proxbox.db", "proxbox.db.key"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// A server of its own process, and what it has logged so far.
struct Serving {
    process: Child,
    url: String,
    log: JoinHandle<String>,
}

impl Serving {
    async fn start(folder: &Path, level: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_proxbox"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("PROXBOX_DATABASE", folder.join("proxbox.db"))
            .env("RUST_LOG", level)
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut logged = String::new();
        let url = loop {
            let before = logged.len();
            assert_ne!(log.read_line(&mut logged).await.unwrap(), 0, "{logged}");
            if let Some((_, rest)) = logged[before..].split_once("url=\"") {
                break rest.split('"').next().unwrap().to_owned();
            }
        };
        // The pipe is small: somebody has to read it while the server works.
        let log = tokio::spawn(async move {
            log.read_to_string(&mut logged).await.unwrap();
            logged
        });
        Self { process, url, log }
    }

    /// Asks it to stop, and answers how it ended and all that it logged.
    async fn terminate(mut self) -> (ExitStatus, String) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        (self.process.wait().await.unwrap(), self.log.await.unwrap())
    }
}

#[tokio::test]
async fn a_server_answers_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), "info").await;
    let url = format!("{}/health", serving.url);
    assert_eq!(harness::http_client().get(url).send().await.unwrap().status(), 200);
    let (status, log) = serving.terminate().await;
    assert!(status.success(), "{log}");
}

#[tokio::test]
async fn not_even_a_trace_of_everything_holds_a_secret() {
    let (folder, mocks) = (tempfile::tempdir().unwrap(), Mocks::start().await);
    let key = out(&proxbox(folder.path(), &["keys", "create"], &[]).await).trim().to_owned();
    let netbox = ["endpoints", "add", "netbox", "--url", &mocks.netbox.url()];
    let token = [("PROXBOX_NETBOX_TOKEN", mocks.netbox.token())];
    assert_eq!(code(&proxbox(folder.path(), &netbox, &token).await), 0);
    let (id, secret) = (mocks.proxmox.token_id(), mocks.proxmox.token_secret());
    let serving = Serving::start(folder.path(), "trace").await;
    let (username, token_name) = id.split_once('!').unwrap();
    let proxmox = json!({
        "name": "cluster", "ip_address": "127.0.0.1", "port": mocks.proxmox.address().port(),
        "username": username, "token_name": token_name, "token_value": secret,
        "password": "a-password-of-root", "verify_ssl": false,
    });
    let http = harness::http_client();
    let url = |path: &str| format!("{}{path}", serving.url);
    let post = http.post(url("/proxmox/endpoints")).header("content-type", "application/json");
    let posted = post.header("X-Proxbox-API-Key", &key).body(proxmox.to_string()).send().await;
    assert_eq!(posted.unwrap().status(), 200);
    let update = http.get(url("/full-update")).header("X-Proxbox-API-Key", &key).send().await;
    let answer = update.unwrap().text().await.unwrap();
    assert!(answer.contains(r#""ok":true"#), "{answer}");
    let (_, log) = serving.terminate().await;
    assert!(log.contains("/full-update") && log.contains("TRACE"), "{} bytes", log.len());
    for secret in [key.as_str(), mocks.netbox.token(), &secret, "a-password-of-root"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// The lines that a command prints first, by their first word.
async fn first_lines(child: &mut tokio::process::Child, count: usize) -> BTreeMap<String, String> {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = BTreeMap::new();
    for _ in 0..count {
        let line = lines.next_line().await.unwrap().unwrap();
        let (name, value) = line.split_once(' ').unwrap();
        told.insert(name.to_owned(), value.trim().to_owned());
    }
    told
}

#[tokio::test]
async fn a_mock_is_served_with_its_seed_and_its_scripted_faults() {
    let folder = tempfile::tempdir().unwrap();
    let (seed, faults) = (folder.path().join("seed.json"), folder.path().join("faults.json"));
    std::fs::write(&seed, r#"{"/config/datastore": [{"name": "tank", "path": "/mnt"}]}"#).unwrap();
    let script = r#"[{"path": "/config/datastore", "first": 1, "trouble": {"status": 500}}]"#;
    std::fs::write(&faults, script).unwrap();
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["mock", "pbs", "--seed", seed.to_str().unwrap()])
        .args(["--faults", faults.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let told = first_lines(&mut child, 3).await;
    let (id, secret) = told["token"].split_once(' ').unwrap();
    let client = sdk_proxmox::Client::builder(&told["url"])
        .product(sdk_proxmox::Product::Pbs)
        .token(id, secret)
        .fingerprint(&told["sha256"])
        .retries(0)
        .build()
        .unwrap();
    let list = sdk_proxmox::pbs::GetConfigDatastore::new();
    let error = client.send(&list).await.unwrap_err();
    assert_eq!(error.status(), Some(500), "{error}");
    let stores = client.send(&list).await.unwrap().value;
    assert_eq!(
        stores.iter().map(|store| store.name.as_deref()).collect::<Vec<_>>(),
        [Some("tank")]
    );
}
