//! Requests and replies over the pipes of the Java program, matched by their ids.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::JavaException;
use crate::process::{Child, CommandSpec, Log, READY_DEADLINE};

/// The id of the line that the program writes when it's ready.
const READY_ID: u64 = 0;

/// Lines of the program's log that an error shows.
const TAIL_LINES: usize = 20;

type Outcome = Result<Value, JavaException>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Outcome>>>>;

/// The program and who waits for its replies.
#[derive(Debug)]
pub(super) struct Link {
    child: Child,
    log: Log,
    input: tokio::sync::Mutex<ChildStdin>,
    waiting: Waiting,
    next_id: AtomicU64,
    reader: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Reply {
    id: u64,
    #[serde(default)]
    ok: Value,
    error: Option<Thrown>,
}

#[derive(Deserialize)]
struct Thrown {
    class: String,
    message: String,
}

impl Link {
    pub(super) async fn start(command: &CommandSpec, log: PathBuf) -> Result<Self> {
        let log = Log::new(log);
        let (child, input, output) = command.spawn_piped(log.begin()?)?;
        let waiting = Waiting::default();
        let (ready, is_ready) = oneshot::channel();
        waiting.lock().insert(READY_ID, ready);
        let reader = tokio::spawn(deliver(output, Arc::clone(&waiting)));
        let input = tokio::sync::Mutex::new(input);
        let link = Self { child, log, input, waiting, next_id: AtomicU64::new(READY_ID + 1), reader };
        link.outcome(READY_DEADLINE, is_ready).await?;
        Ok(link)
    }

    pub(super) async fn call(&self, deadline: Duration, op: &str, args: &Value) -> Result<Value> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, outcome) = oneshot::channel();
        self.waiting.lock().insert(id, sender);
        // Whoever enters after the reader ended would wait for nothing.
        if self.reader.is_finished() {
            self.waiting.lock().clear();
        }
        let line = format!("{}\n", json!({ "id": id, "op": op, "args": args }));
        // A program that is gone doesn't read; the outcome says so better than the broken pipe.
        let _ = self.input.lock().await.write_all(line.as_bytes()).await;
        self.outcome(deadline, outcome).await
    }

    async fn outcome(&self, deadline: Duration, outcome: oneshot::Receiver<Outcome>) -> Result<Value> {
        match timeout(deadline, outcome).await {
            Ok(Ok(outcome)) => Ok(outcome?),
            Ok(Err(_)) => {
                bail!("the Java client ended ({:?})\n{}", self.child.poll(), self.log.tail(TAIL_LINES))
            }
            Err(_) => Err(anyhow!("no reply within {deadline:?}")).with_context(|| self.log.tail(TAIL_LINES)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Hands out replies until the program ends; then nobody waits any more.
async fn deliver(output: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Reply { id, ok, error }) => {
                let outcome = match error {
                    Some(Thrown { class, message }) => Err(JavaException { class, message }),
                    None => Ok(ok),
                };
                if let Some(sender) = waiting.lock().remove(&id) {
                    // Nobody listens to a call that ran out of time.
                    let _ = sender.send(outcome);
                }
            }
            Err(error) => tracing::error!(%error, line, "not a reply of the Java client"),
        }
    }
    waiting.lock().clear();
}
