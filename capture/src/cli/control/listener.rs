//! The end of the socket that a capture listens on: requests come in on tasks of their own, and are
//! handed one after the other to whoever runs the capture.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::{MAX_LINE, Request, place};

/// Connections at once; others wait.
const MAX_CONNECTIONS: usize = 16;
/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes the answer to where the request came from.
#[derive(Debug)]
pub(in crate::cli) struct Reply(oneshot::Sender<Value>);

impl Reply {
    /// It was done.
    pub(in crate::cli) fn done(self) {
        self.answer(json!({"ok": true}));
    }

    /// It was not done, and why.
    pub(in crate::cli) fn refuse(self, reason: &str) {
        self.answer(json!({"ok": false, "error": reason}));
    }

    /// The answer itself.
    pub(in crate::cli) fn answer(self, answer: Value) {
        // Whoever asked may have gone meanwhile.
        drop(self.0.send(answer));
    }
}

/// The socket of this process; it goes with this value.
#[derive(Debug)]
pub(in crate::cli) struct Listener {
    /// `None` where there is no socket: then nothing is ever asked.
    path: Option<PathBuf>,
    requests: mpsc::Receiver<(Request, Reply)>,
    /// Keeps the channel open where there is no socket.
    _sender: mpsc::Sender<(Request, Reply)>,
}

impl Listener {
    /// No socket.
    pub(in crate::cli) fn none() -> Self {
        let (sender, requests) = mpsc::channel(1);
        Self {
            path: None,
            requests,
            _sender: sender,
        }
    }

    /// Listens at this path, or at the usual place.
    ///
    /// # Errors
    ///
    /// When that cannot be.
    pub(in crate::cli) fn listen(path: Option<&Path>) -> anyhow::Result<Self> {
        let (path, listener) = match path {
            Some(path) => (
                path.to_owned(),
                bind(path).with_context(|| format!("cannot listen at {}", path.display()))?,
            ),
            None => bind_usual()?,
        };
        let (sender, requests) = mpsc::channel(MAX_CONNECTIONS);
        tokio::spawn(accept(listener, sender.clone()));
        Ok(Self {
            path: Some(path),
            requests,
            _sender: sender,
        })
    }

    /// The next request. May be given up and asked again.
    pub(in crate::cli) async fn next(&mut self) -> Option<(Request, Reply)> {
        self.requests.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            drop(std::fs::remove_file(path));
        }
    }
}

/// Makes the socket, for its owner alone. One that is there and that nobody listens on is left over
/// from a process that died.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    // Nobody may connect between the making of the socket and the setting of its mode, so it is made
    // without rights. No other thread makes files yet.
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(mask);
    let listener = listener?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn bind_usual() -> anyhow::Result<(PathBuf, UnixListener)> {
    let mut reasons = Vec::new();
    for folder in place::folders() {
        let path = place::socket(&folder, std::process::id());
        match place::prepare(&folder).and_then(|()| bind(&path)) {
            Ok(listener) => return Ok((path, listener)),
            Err(error) => reasons.push(format!("{}: {error}", path.display())),
        }
    }
    anyhow::bail!(
        "no place for the control socket ({}); name one with --control PATH, or do without by --no-control",
        reasons.join("; ")
    )
}

/// Takes connections until the capture ends.
async fn accept(listener: UnixListener, sender: mpsc::Sender<(Request, Reply)>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let sender = sender.clone();
                tokio::spawn(async move {
                    // A connection that breaks is the business of whoever made it.
                    drop(serve(stream, &sender).await);
                    drop(permit);
                });
            }
            Err(error) => {
                log::warn!("the control socket takes no connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Answers one line after the other.
async fn serve(stream: UnixStream, sender: &mpsc::Sender<(Request, Reply)>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut reader).take(MAX_LINE);
        let Ok(read) = timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await else {
            return Ok(());
        };
        if read? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let answer = if line.ends_with(b"\n") {
            match Request::from_json(&text) {
                Ok(request) => ask(request, sender).await,
                Err(reason) => json!({"ok": false, "error": reason}),
            }
        } else {
            json!({"ok": false, "error": format!("a line has at most {MAX_LINE} bytes")})
        };
        writer.write_all(format!("{answer}\n").as_bytes()).await?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

async fn ask(request: Request, sender: &mpsc::Sender<(Request, Reply)>) -> Value {
    let (reply, answer) = oneshot::channel();
    let ending = || json!({"ok": false, "error": "the capture is ending"});
    if sender.send((request, Reply(reply))).await.is_err() {
        return ending();
    }
    answer.await.unwrap_or_else(|_| ending())
}
