//! Terminals of nodes and guests as streams of bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use proxbox_runtime::{Kind, Method, Op, Operation, Permission, Request, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::Role};

use crate::{ByteStream, CallName, Client, Error};

/// How the paths end of the operations that give tickets for terminals.
const TICKET: &str = "/termproxy";
/// Proxies in between close connections that are silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the terminal has to take the ticket; its own time for that is the same.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that wait on either side of the relay.
const BUFFER: usize = 64 * 1024;
/// Bytes of one input: pveproxy closes connections with frames above 128 KiB.
const INPUT: usize = 32 * 1024;

type WebSocket = WebSocketStream<ByteStream>;

static WEBSOCKET: Op = Op {
    method: Method::Get,
    path: "/vncwebsocket",
    permission: &Permission::World,
    returns: Kind::Any,
    ..Op::PLAIN
};

/// An open terminal: what is read from it was printed, what is written to it is typed.
///
/// The program inside sees 80 columns and 20 rows until [`Console::resize`] tells others. Reading ends
/// when the program does. Shutting the console down, or dropping it, hangs up.
#[derive(Debug)]
pub struct Console {
    pipe: DuplexStream,
    sizes: mpsc::Sender<(u16, u16)>,
    broken: Arc<OnceLock<io::Error>>,
    upid: Option<String>,
}

impl Client {
    /// Opens the terminal that an operation gives a ticket for: `PostNodesNodeTermproxy`,
    /// `PostNodesNodeLxcVmidTermproxy`, and every other whose path ends in `termproxy`.
    ///
    /// With an API token this needs Proxmox VE 9.0.13; before, log in with a password.
    pub async fn console<O: Operation>(&self, operation: &O) -> Result<Console, Error> {
        if !O::OP.path.ends_with(TICKET) {
            return Err(Error::Invalid(format!("{} opens no terminal", O::OP)));
        }
        self.admit(operation).await?;
        let ticket = operation.request();
        let call = CallName::from(&ticket);
        let place = ticket.path.strip_suffix(TICKET).unwrap_or(&ticket.path).to_owned();
        let reply = self.answer(ticket).await?;
        let pass = Pass::read(&call, &reply.body)?;
        let mut request = Request::new(&WEBSOCKET, &[]);
        request.path = format!("{place}/vncwebsocket");
        request.query =
            vec![("port".into(), pass.port.clone()), ("vncticket".into(), pass.ticket.clone())];
        // The terminal listens on the host that was asked for it.
        let stream = self.transport.upgrade(request, reply.host.as_deref()).await?;
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let first = greet(&mut socket, &pass).await.map_err(|why| Error::Console { call, why })?;
        Ok(Console::over(socket, first, pass.upid))
    }
}

/// What `termproxy` answers. Not its generated type: each product has one of its own.
struct Pass {
    user: String,
    port: String,
    ticket: String,
    upid: Option<String>,
}

impl Pass {
    fn read(call: &CallName, body: &[u8]) -> Result<Self, Error> {
        // The text of the answer stays out of the error: it holds the ticket.
        let unreadable = |source| Error::Decode { call: call.clone(), start: "...".into(), source };
        let answer: Value = serde_json::from_slice(body).map_err(unreadable)?;
        let text = |name: &str| match answer.pointer(&format!("/data/{name}")) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        match (text("user"), text("port"), text("ticket")) {
            (Some(user), Some(port), Some(ticket)) => {
                Ok(Self { user, port, ticket, upid: text("upid") })
            }
            _ => Err(Error::Console {
                call: call.clone(),
                why: "the answer lacks user, port or ticket".into(),
            }),
        }
    }
}

/// Shows the ticket; what came behind the `OK` is the beginning of the output.
async fn greet(socket: &mut WebSocket, pass: &Pass) -> Result<Bytes, String> {
    let greeted = timeout(PATIENCE, accepted(socket, pass)).await;
    greeted.unwrap_or_else(|_| Err("the terminal stays silent".to_owned()))
}

async fn accepted(socket: &mut WebSocket, pass: &Pass) -> Result<Bytes, String> {
    let hello = format!("{}:{}\n", pass.user, pass.ticket);
    socket.send(Message::binary(hello)).await.map_err(|error| error.to_string())?;
    let mut came = BytesMut::new();
    while came.len() < 2 {
        match socket.next().await {
            Some(Ok(message)) if message.is_binary() || message.is_text() => {
                came.extend_from_slice(&message.into_data());
            }
            Some(Ok(message)) if !message.is_close() => {}
            Some(Err(error)) if !is_end(&error) => return Err(error.to_string()),
            Some(_) | None => {
                let why = "the terminal ended before it took the ticket";
                return Err(format!("{why}; tokens can open one since Proxmox VE 9.0.13 only"));
            }
        }
    }
    if !came.starts_with(b"OK") {
        return Err("the terminal did not take the ticket".into());
    }
    Ok(came.freeze().slice(2..))
}

impl Console {
    fn over(socket: WebSocket, first: Bytes, upid: Option<String>) -> Self {
        let (pipe, mut other) = tokio::io::duplex(BUFFER);
        let (sizes, new_sizes) = mpsc::channel(1);
        let broken = Arc::new(OnceLock::new());
        let failure = broken.clone();
        tokio::spawn(async move {
            if let Err(error) = relay(socket, &mut other, first, new_sizes).await {
                // Nothing else sets it. The pipe ends after this, so that its reader sees why.
                let _ = failure.set(error);
            }
            drop(other);
        });
        Self { pipe, sizes, broken, upid }
    }

    /// Tells the program how large the terminal is.
    pub async fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        self.sizes.send((columns, rows)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// The identifier of the task that the terminal runs in.
    pub fn upid(&self) -> Option<&str> {
        self.upid.as_deref()
    }
}

/// Carries bytes between a WebSocket and a pipe until one of them ends. Each direction goes on while
/// the other waits.
async fn relay(
    socket: WebSocket,
    pipe: &mut DuplexStream,
    first: Bytes,
    sizes: mpsc::Receiver<(u16, u16)>,
) -> io::Result<()> {
    let (typed, printed) = tokio::io::split(pipe);
    let (sink, stream) = socket.split();
    tokio::select! {
        end = output(stream, printed, first) => end,
        end = input(sink, typed, sizes) => end,
    }
}

async fn output(
    mut stream: SplitStream<WebSocket>,
    mut printed: impl AsyncWrite + Unpin,
    first: Bytes,
) -> io::Result<()> {
    printed.write_all(&first).await?;
    while let Some(message) = stream.next().await {
        match message {
            Ok(message) if message.is_binary() || message.is_text() => {
                // Nobody reads any more: the other direction hangs up.
                printed.write_all(&message.into_data()).await?;
            }
            Ok(message) if message.is_close() => break,
            Ok(_) => {}
            Err(error) if is_end(&error) => break,
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(())
}

async fn input(
    mut sink: SplitSink<WebSocket, Message>,
    mut typed: impl AsyncRead + Unpin,
    mut sizes: mpsc::Receiver<(u16, u16)>,
) -> io::Result<()> {
    let mut buffer = vec![0; INPUT];
    let mut alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    loop {
        let message = tokio::select! {
            // A new size holds for what is typed after it.
            biased;
            Some((columns, rows)) = sizes.recv() => format!("1:{columns}:{rows}:").into(),
            count = typed.read(&mut buffer) => match count? {
                0 => break,
                count => keys(&buffer[..count]),
            },
            _ = alive.tick() => "2".into(),
        };
        sink.send(Message::Binary(message)).await.map_err(io::Error::other)?;
    }
    // Whoever hung up does not wait long for the server to agree.
    let _ = timeout(Duration::from_secs(1), sink.close()).await;
    Ok(())
}

/// pveproxy ends a terminal by ending the connection, without a word of the protocol.
fn is_end(error: &tungstenite::Error) -> bool {
    use tungstenite::Error::{AlreadyClosed, ConnectionClosed, Protocol};
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    matches!(error, AlreadyClosed | ConnectionClosed | Protocol(ResetWithoutClosingHandshake))
}

/// Input as termproxy takes it: `0:LENGTH:BYTES`.
fn keys(input: &[u8]) -> Bytes {
    let mut message = BytesMut::from(format!("0:{}:", input.len()).as_bytes());
    message.extend_from_slice(input);
    message.freeze()
}

impl AsyncRead for Console {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(cx, buffer))?;
        let ended = buffer.filled().len() == before && buffer.remaining() > 0;
        match self.broken.get().filter(|_| ended) {
            Some(error) => Poll::Ready(Err(io::Error::new(error.kind(), error.to_string()))),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Console {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass() -> Pass {
        let text = |text: &str| text.to_owned();
        Pass { user: text("root@pam"), port: text("5900"), ticket: text("t"), upid: None }
    }

    /// Both ends of a connection.
    async fn connected() -> (WebSocket, WebSocketStream<DuplexStream>) {
        let (here, there) = tokio::io::duplex(1024);
        let here: ByteStream = Box::pin(here);
        let client = WebSocketStream::from_raw_socket(here, Role::Client, None).await;
        (client, WebSocketStream::from_raw_socket(there, Role::Server, None).await)
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_that_stays_silent_is_not_waited_for_forever() {
        let (mut client, _server) = connected().await;
        let told = greet(&mut client, &pass()).await.expect_err("it is silent");
        assert_eq!(told, "the terminal stays silent");
    }

    #[tokio::test]
    async fn the_ticket_is_shown_and_what_came_behind_the_answer_is_output() {
        let (mut client, mut server) = connected().await;
        let serve = tokio::spawn(async move {
            let hello = server.next().await.expect("a message").expect("no error").into_data();
            server.send(Message::binary("O")).await.expect("sent");
            server.send(Message::binary("Klogin: ")).await.expect("sent");
            hello
        });
        assert_eq!(greet(&mut client, &pass()).await.as_deref(), Ok(b"login: ".as_slice()));
        assert_eq!(serve.await.expect("no panic").as_ref(), b"root@pam:t\n");
    }

    #[tokio::test]
    async fn a_connection_that_just_ends_is_the_end_of_the_terminal() {
        let (client, server) = connected().await;
        let mut console = Console::over(client, Bytes::from_static(b"bye"), None);
        drop(server);
        let mut rest = String::new();
        console.read_to_string(&mut rest).await.expect("no error");
        assert_eq!(rest, "bye");
    }

    #[tokio::test]
    async fn a_flood_in_one_direction_does_not_stop_the_other() {
        let (client, mut server) = connected().await;
        let console = Console::over(client, Bytes::new(), None);
        let (mut screen, mut keyboard) = tokio::io::split(console);
        // The server prints all that is typed before it reads on, as a terminal does that echoes.
        tokio::spawn(async move {
            while let Some(Ok(message)) = server.next().await {
                if server.send(Message::Binary(message.into_data())).await.is_err() {
                    break;
                }
            }
        });
        let typing = tokio::spawn(async move {
            keyboard.write_all(&vec![b'x'; 1 << 20]).await.expect("typed");
            keyboard
        });
        let mut printed = vec![0; 1 << 20];
        screen.read_exact(&mut printed).await.expect("printed");
        typing.await.expect("no panic");
    }
}
