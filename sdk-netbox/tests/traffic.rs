//! The mock answers recorded requests as the NetBox did that they were recorded with: with the same
//! status, and with the same keys.
//!
//! The recordings are not part of the project; without them (`../shared/traffic`) the test says that
//! it was skipped.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use sdk_netbox::mock::Mock;
use serde_json::{Value, json};

/// What is not compared: summaries for pages of the plugin, what it asks a backend, and its list of
/// links, which has names that no schema has.
const NOT_COMPARED: [&str; 2] =
    ["/api/plugins/proxbox/resources/", "/api/plugins/proxbox/endpoints/fastapi/"];

/// One request, and how it was answered.
struct Recorded {
    method: String,
    path: String,
    query: String,
    body: String,
    status: u16,
    /// Nothing where the recording was cut, or was no JSON.
    answer: Option<Value>,
}

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traffic");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("backend-to-netbox.") && name.ends_with(".jsonl")
    });
    files.sort();
    files
}

fn read(path: &Path) -> Vec<Recorded> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    rows.sort_by(|a, b| a["t"].as_f64().partial_cmp(&b["t"].as_f64()).unwrap());
    let of = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| Recorded {
            method: of(row, "m"),
            path: of(row, "path"),
            query: of(row, "q"),
            body: of(row, "body"),
            status: of(row, "status")[..3].parse().unwrap(),
            answer: serde_json::from_str(&of(row, "resp")).ok(),
        })
        .collect()
}

impl Recorded {
    /// The collection, and the object in it.
    fn place(&self) -> (String, Option<i64>) {
        let parts: Vec<&str> = self.path.trim_matches('/').split('/').skip(1).collect();
        match parts.split_last() {
            Some((last, above)) if last.parse::<i64>().is_ok() => {
                (above.join("/"), last.parse().ok())
            }
            _ => (parts.join("/"), None),
        }
    }

    /// The objects in the answer.
    fn objects(&self) -> Vec<&Value> {
        match &self.answer {
            Some(Value::Array(rows)) => rows.iter().collect(),
            Some(answer) if answer["results"].is_array() => {
                answer["results"].as_array().into_iter().flatten().collect()
            }
            Some(answer) if answer["id"].is_i64() => vec![answer],
            _ => Vec::new(),
        }
    }
}

/// Where two answers differ: in keys, or in what kind of value stands there.
fn compare(wanted: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let missing = wanted.keys().filter(|name| !got.contains_key(*name));
            found.extend(missing.map(|name| format!("-{place}.{name}")));
            let more = got.keys().filter(|name| !wanted.contains_key(*name));
            found.extend(more.map(|name| format!("+{place}.{name}")));
            for (name, member) in wanted {
                // Free keys: what is in them is the user's.
                let free = ["custom_fields", "raw_config", "data", "config_context"];
                if let Some(other) = got.get(name).filter(|_| !free.contains(&name.as_str())) {
                    compare(member, other, &format!("{place}.{name}"), found);
                }
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            // Objects of another kind may not refer to this one yet, so that its lists are empty.
            let rows = place == ".results" || place.is_empty();
            if rows && wanted.is_empty() != got.is_empty() {
                found.push(format!("{place}: {} rows, not {}", got.len(), wanted.len()));
            }
            for (at, wanted) in wanted.iter().enumerate() {
                // The order of the plugin's objects is not published.
                let same = |row: &&Value| row["id"].is_i64() && row["id"] == wanted["id"];
                if let Some(got) = got.iter().find(same).or(got.get(at)) {
                    compare(wanted, got, &format!("{place}[]"), found);
                }
            }
        }
        (wanted, got) if kind(wanted) != kind(got) => {
            found.push(format!("{place}: {}, not {}", kind(got), kind(wanted)));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "object",
        Value::Array(_) => "list",
        Value::Null => "null",
        _ => "scalar",
    }
}

/// `virtualization/cluster-types` as `virtualization.clustertype`.
fn label(collection: &str) -> String {
    let (app, plural) = collection.split_once('/').unwrap_or((collection, ""));
    let one = plural.replace('-', "");
    let one = one
        .strip_suffix("addresses")
        .map(|word| format!("{word}address"))
        .unwrap_or_else(|| one.trim_end_matches('s').to_owned());
    match (app, one.as_str()) {
        ("virtualization", "interface") => "virtualization.vminterface".to_owned(),
        (app, one) => format!("{app}.{one}"),
    }
}

struct Replay {
    mock: Mock,
    http: reqwest::Client,
}

impl Replay {
    async fn send(&self, one: &Recorded) -> (u16, Option<Value>) {
        let method = one.method.parse().unwrap();
        let query = if one.query.is_empty() { String::new() } else { format!("?{}", one.query) };
        let url = format!("{}{}{query}", self.mock.url(), one.path);
        let mut request = self.http.request(method, url);
        if one.status != 403 {
            request = request.header("Authorization", format!("Token {}", self.mock.token()));
        }
        if !one.body.is_empty() {
            request = request.header("Content-Type", "application/json").body(one.body.clone());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).ok())
    }

    /// Brings the mock into the state that the recorded NetBox must have been in.
    async fn prepare(&self, one: &Recorded) {
        let (collection, id) = one.place();
        let creates = one.method == "POST" && one.status == 201;
        for object in one.objects() {
            if creates {
                // What it refers to is there, it is not yet.
                self.mock.keep(&collection, object);
                let id = object["id"].as_i64().unwrap_or_default();
                self.mock.forget(&collection, id);
            } else {
                self.mock.keep(&collection, object);
            }
        }
        if let Some(id) = id.filter(|_| one.objects().is_empty()) {
            // Whatever is known about it from elsewhere stays.
            self.mock.keep(&collection, &json!({ "id": id }));
        }
        if one.status < 300 {
            self.define_fields(one);
        }
        // What exists already was made before the recording began.
        let taken = one.answer.as_ref().is_some_and(|answer| {
            let text = answer.to_string();
            text.contains("already exists.") || text.contains("already has")
        });
        if taken && one.method == "POST" {
            self.send(one).await;
        }
    }

    /// Custom fields that a request could set were defined.
    fn define_fields(&self, one: &Recorded) {
        let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
        let bodies = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
        let names = bodies.iter().filter_map(|body| body["custom_fields"].as_object());
        for name in names.flat_map(|fields| fields.keys()) {
            let known = self.mock.objects("extras/custom-fields");
            let known = known.iter().find(|field| field["name"] == name.as_str());
            let mut labels: BTreeSet<String> = known
                .into_iter()
                .flat_map(|field| field["object_types"].as_array().into_iter().flatten())
                .filter_map(|label| label.as_str().map(str::to_owned))
                .collect();
            labels.insert(label(&one.place().0));
            let count = self.mock.count("extras/custom-fields");
            let id =
                known.map_or_else(|| 1000 + count as i64, |field| field["id"].as_i64().unwrap());
            let field = json!({
                "id": id, "name": name, "type": "json", "object_types": labels,
                "default": null, "required": false,
            });
            self.mock.keep("extras/custom-fields", &field);
        }
    }

    /// Puts what was created under the id that it had.
    fn settle(&self, one: &Recorded, got: &Value) {
        if one.method != "POST" || one.status != 201 {
            return;
        }
        let (collection, _) = one.place();
        let made = match got {
            Value::Array(rows) => rows.iter().collect(),
            row => vec![row],
        };
        for row in made {
            self.mock.forget(&collection, row["id"].as_i64().unwrap_or_default());
        }
        for object in one.objects() {
            self.mock.keep(&collection, object);
        }
    }
}

#[tokio::test]
async fn recorded_requests_are_answered_with_the_same_status_and_keys() {
    let files = recordings();
    if files.is_empty() {
        // Past the test harness, which keeps what is printed by tests that pass.
        let _ = writeln!(std::io::stderr(), "skipped: no recordings in ../shared/traffic");
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut compared = 0;
    for file in &files {
        let mock = Mock::start().await.unwrap();
        mock.install_proxbox();
        // What the plugin was set up with.
        mock.keep("plugins/proxbox/endpoints/proxmox", &json!({ "id": 1, "name": "e2e" }));
        let replay = Replay { mock, http: reqwest::Client::new() };
        for one in read(file) {
            if NOT_COMPARED.iter().any(|prefix| one.path.starts_with(prefix))
                || one.path == "/api/plugins/proxbox/"
            {
                continue;
            }
            replay.prepare(&one).await;
            let (status, got) = replay.send(&one).await;
            compared += 1;
            let call = format!("{} {}?{}", one.method, one.path, one.query);
            let got = got.unwrap_or_default();
            if status != one.status {
                let told =
                    format!("{call}: {status} instead of {}: {got} for {}", one.status, one.body);
                wrong.entry("status".to_owned()).or_default().push(told);
                continue;
            }
            // The description has prose, the mock's has not; what is installed is the recorded one's.
            if let Some(answer) = &one.answer
                && !matches!(one.path.as_str(), "/api/schema/" | "/api/status/" | "/api/")
            {
                let mut found = Vec::new();
                compare(answer, &got, "", &mut found);
                for difference in found {
                    wrong.entry(difference).or_default().push(call.clone());
                }
            }
            replay.settle(&one, &got);
        }
    }
    let told: Vec<String> = wrong
        .iter()
        .map(|(what, calls)| {
            format!(
                "{what} ({} times): {}",
                calls.len(),
                calls[..calls.len().min(4)].join("\n    ")
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{compared} compared\n{}", told.join("\n"));
    assert!(compared > 600, "only {compared} requests");
}
