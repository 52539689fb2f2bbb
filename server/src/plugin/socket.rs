//! `/ws`: a sync by text commands, with the frames of old. The key comes in the first frame.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::auth::{Refusal, Scope};
use crate::edge::App;
use crate::edge::Peer;
use crate::endpoints::{Selection, connect};
use crate::order::Order;
use crate::part::Part;
use crate::runs::{StartError, Subscription, stage};
use crate::store::StoredEvent;

/// Who has not said a key by then is sent away.
const FIRST_FRAME: Duration = Duration::from_secs(10);

/// Who has not read a frame by then is sent away; the run goes on.
const SLOW: Duration = Duration::from_secs(30);

/// Nobody has a longer command.
const LONGEST: usize = 16 * 1024;

/// How long a sync waits for its turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Close codes: without a valid key, going down, and something that is not text.
const NO_KEY: u16 = 4001;
const AWAY: u16 = 1001;

const COMMANDS: &str = "Valid commands: 'Sync Nodes', 'Sync Virtual Machines', 'Full Update Sync'";

/// What a command brings in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Everything,
    Nodes,
    Guests,
}

impl Command {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "Full Update Sync" | "Full Update" => Some(Self::Everything),
            "Sync Nodes" => Some(Self::Nodes),
            "Sync Virtual Machines" => Some(Self::Guests),
            _ => None,
        }
    }

    /// The contract's word for what it brings.
    const fn object(self) -> &'static str {
        match self {
            Self::Everything => "full-update",
            Self::Nodes => "device",
            Self::Guests => "virtual_machine",
        }
    }

    fn order(self) -> Order {
        let parts = match self {
            Self::Everything => Part::all(),
            Self::Nodes => [Part::Devices].into(),
            Self::Guests => {
                [Part::VirtualMachines, Part::VirtualDisks, Part::VmInterfaces, Part::IpAddresses]
                    .into()
            }
        };
        Order { parts, ..Order::default() }
    }
}

/// Takes commands one after another.
pub(super) async fn commands(
    State(app): State<App>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let client = app.settings.trusted_proxies.client(peer.ip(), &headers);
    let upgrade = upgrade.max_message_size(LONGEST).max_frame_size(LONGEST);
    upgrade.on_upgrade(async move |socket| {
        if let Some(mut session) = Session::open(app, socket, client).await {
            session.commands().await;
        }
    })
}

/// Syncs guests at once, and ends.
pub(super) async fn guests(
    State(app): State<App>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let client = app.settings.trusted_proxies.client(peer.ip(), &headers);
    let upgrade = upgrade.max_message_size(LONGEST).max_frame_size(LONGEST);
    upgrade.on_upgrade(async move |socket| {
        if let Some(mut session) = Session::open(app, socket, client).await {
            let _ = session.guests().await;
        }
    })
}

/// The client has gone away, or does not read.
struct Gone;

/// A client with a valid key.
struct Session {
    app: App,
    socket: WebSocket,
    client: IpAddr,
    key: Option<SecretString>,
}

/// The first frame.
#[derive(Deserialize)]
struct Hello {
    api_key: String,
}

impl Session {
    async fn open(app: App, mut socket: WebSocket, client: IpAddr) -> Option<Self> {
        let first = timeout(FIRST_FRAME, socket.recv()).await.ok()??.ok()?;
        let hello: Option<Hello> =
            first.to_text().ok().and_then(|text| serde_json::from_str(text).ok());
        let key = hello.map(|hello| SecretString::from(hello.api_key));
        let mut session = Self { app, socket, client, key };
        session.admitted().await.ok()?;
        Some(session)
    }

    /// Looks whether the key is for syncs, now; closes the connection where it is not.
    async fn admitted(&mut self) -> Result<(), Gone> {
        let admitted = self.app.door.admit(self.client, self.key.as_ref()).await;
        let why = match admitted.map(|caller| caller.scopes.permit(&Scope::SyncRun)) {
            Ok(true) => return Ok(()),
            Ok(false) => "The key is not for syncs: it lacks the scope sync:run.".to_owned(),
            Err(refusal) => reason(refusal),
        };
        self.close(NO_KEY, &why).await;
        Err(Gone)
    }

    async fn commands(&mut self) {
        let greeted = async {
            self.say("Connected!").await?;
            self.say("Connected 2!").await
        };
        if greeted.await.is_err() {
            return;
        }
        let closing = self.app.runs.closing();
        tokio::pin!(closing);
        loop {
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = sleep(self.app.settings.keepalive) => {
                    if self.send(Message::Ping(Default::default())).await.is_err() {
                        return;
                    }
                    continue;
                }
                () = &mut closing => return self.close(AWAY, "the server is stopping").await,
            };
            let Some(Ok(message)) = message else { return };
            let Message::Text(text) = message else { continue };
            let answered = match Command::parse(&text) {
                Some(command) => match self.admitted().await {
                    Ok(()) => self.sync(command).await,
                    Err(gone) => Err(gone),
                },
                None => self.refuse(&text).await,
            };
            if answered.is_err() {
                return;
            }
        }
    }

    async fn guests(&mut self) -> Result<(), Gone> {
        self.say("Connected!").await?;
        self.sync(Command::Guests).await?;
        self.close(1000, "").await;
        Ok(())
    }

    async fn refuse(&mut self, text: &str) -> Result<(), Gone> {
        let shown: String = text.chars().take(100).collect();
        self.say(&format!("Invalid command: {shown}")).await?;
        self.say(COMMANDS).await
    }

    /// Starts a sync and shows it to its end. A client that goes away does not stop it.
    async fn sync(&mut self, command: Command) -> Result<(), Gone> {
        let order = command.order();
        let connected = connect(&self.app.store, &Selection::default(), &order.options).await;
        let started = match connected.map_err(StartError::from) {
            Ok(connected) => stage(&self.app.runs, connected, order, PATIENCE).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(log) => self.show(command, log.subscribe()).await,
            Err(error) => {
                let object = command.object();
                let error = json!({ "object": object, "data": { "error": error.to_string() } });
                self.say(&error.to_string()).await?;
                self.say(&json!({ "object": object, "end": true }).to_string()).await
            }
        }
    }

    async fn show(&mut self, command: Command, mut events: Subscription) -> Result<(), Gone> {
        loop {
            let event = tokio::select! {
                event = timeout(self.app.settings.keepalive, events.next()) => event,
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(Message::Text(_))) => {
                        self.say("A sync is under way; say it again when it has ended.").await?;
                        continue;
                    }
                    Some(Ok(_)) => continue,
                },
            };
            match event {
                Ok(Some(event)) => {
                    for frame in frames(command, &event) {
                        self.say(&frame.to_string()).await?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => self.send(Message::Ping(Default::default())).await?,
            }
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), Gone> {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SLOW, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = self.send(Message::Close(Some(frame))).await;
    }
}

fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::Missing => "The first frame has to be {\"api_key\": \"...\"}.".into(),
        Refusal::Wrong { remaining } => {
            format!("Invalid API key. {remaining} attempts remaining.")
        }
        Refusal::Limited { retry_after } => {
            format!("Too many wrong keys. Wait {} seconds.", retry_after.as_secs())
        }
        Refusal::Busy { .. } => "Too many keys wait to be looked at. Try again.".into(),
        Refusal::Hurried { retry_after } => {
            format!("Rate limit exceeded. Wait {} seconds.", retry_after.as_secs().max(1))
        }
        Refusal::Store(error) => {
            tracing::error!(%error, "the keys cannot be read");
            "The server failed; its log says why.".into()
        }
    }
}

/// What an event of a run is called here: nodes and guests one by one, and the end of each.
fn frames(command: Command, event: &StoredEvent) -> Vec<Value> {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let object = |name: &Value| match name.as_str() {
        Some("node" | "devices") => Some("device"),
        Some("virtual_machine" | "virtual-machines") => Some("virtual_machine"),
        _ => None,
    };
    match event.event.as_str() {
        // What is linked and removed later is no news of a row.
        "item_progress" if object(&data["phase"]).is_some() => {
            object(&data["item"]["item_type"]).map(|name| item(name, &data)).into_iter().collect()
        }
        "step" if data["status"] == "completed" || data["status"] == "failed" => {
            let ended = object(&data["step"]).filter(|name| *name != command.object());
            ended.map(|name| json!({ "object": name, "end": true })).into_iter().collect()
        }
        "complete" => {
            let object = command.object();
            let mut frames = vec![json!({ "object": object, "end": true })];
            if data["ok"] != true {
                let error = json!({ "error": data["message"] });
                frames.insert(0, json!({ "object": object, "data": error }));
            }
            frames
        }
        _ => Vec::new(),
    }
}

fn item(object: &str, data: &Value) -> Value {
    let label = data["item"]["name"].as_str().unwrap_or_default();
    // `web01 (lab/100)`, `lab/pve1`
    let name = label.split(" (").next().unwrap_or(label).rsplit('/').next().unwrap_or(label);
    if let Some(error) = data["error"].as_str() {
        return json!({ "object": object, "data": { "error": error, "rowid": name } });
    }
    if let Some(warning) = data["warning"].as_str() {
        let data =
            json!({ "completed": true, "status": "warning", "warning": warning, "rowid": name });
        return json!({ "object": object, "data": data });
    }
    let done = data["operation"].as_str().unwrap_or_default();
    json!({
        "object": object, "type": done.trim_end_matches('d'),
        "data": {
            "completed": true, "sync_status": "synced", "rowid": name, "name": name,
            "netbox_id": data["item"]["netbox_id"],
        },
    })
}
