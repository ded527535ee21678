//! Sends writes to hbase:meta, many at a time.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hmaster_types::RegionInfo;
use tokio::sync::mpsc;

use super::{Access, CatalogError, Write};
use crate::ports::{RemoteError, RowMutation};

/// Rows in one call. More would make the region server hold too many row locks at once.
const ROWS_MAX: usize = 1000;
/// Calls under way at a time.
const CALLS_MAX: usize = 4;
const OPERATION: &str = "write hbase:meta";

/// The task behind [`super::Catalog::write`].
#[derive(Debug)]
pub struct Writer {
    access: Access,
    waiting: mpsc::Receiver<Write>,
}

impl Writer {
    pub(super) fn new(access: Access, waiting: mpsc::Receiver<Write>) -> Self {
        Self { access, waiting }
    }

    /// Runs until the master stops, or nobody can write any more.
    pub async fn run(mut self) {
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = self.access.shutdown.cancelled() => return,
                Some(()) = calls.next() => {}
                write = self.waiting.recv(), if calls.len() < CALLS_MAX => {
                    let Some(write) = write else { break };
                    let batch = self.batch(write);
                    calls.push(send(self.access.clone(), batch));
                }
            }
        }
        while calls.next().await.is_some() {}
    }

    /// What waits by now goes along, as long as it may be mixed.
    fn batch(&mut self, first: Write) -> Vec<Write> {
        let mut rows = first.rows.len();
        let atomic = first.atomic;
        let mut batch = vec![first];
        while !atomic && rows < ROWS_MAX {
            match self.waiting.try_recv() {
                Ok(next) if next.atomic => {
                    // It can't be put back; it is sent on its own right after this batch.
                    batch.push(next);
                    break;
                }
                Ok(next) => {
                    rows += next.rows.len();
                    batch.push(next);
                }
                Err(_) => break,
            }
        }
        batch
    }
}

async fn send(access: Access, batch: Vec<Write>) {
    let (atomic, mixed): (Vec<_>, Vec<_>) = batch.into_iter().partition(|write| write.atomic);
    if !mixed.is_empty() {
        send_mixed(&access, mixed).await;
    }
    for write in atomic {
        let rows: Arc<[RowMutation]> = write.rows.into();
        let outcome = access
            .persist(OPERATION, |server| {
                let (servers, rows) = (access.servers.clone(), rows.clone());
                async move { servers.mutate_atomically(&server, &RegionInfo::meta(), &rows).await }
            })
            .await;
        // Whoever waited may have gone.
        let _ = write.done.send(outcome);
    }
}

/// Rows that failed for a passing reason are sent again; a write ends with its last row.
async fn send_mixed(access: &Access, writes: Vec<Write>) {
    let mut left: Vec<(usize, RowMutation)> = Vec::new();
    let mut waiting = Vec::new();
    for (at, write) in writes.into_iter().enumerate() {
        left.extend(write.rows.into_iter().map(|row| (at, row)));
        waiting.push((Some(write.done), Ok(())));
    }
    while !left.is_empty() {
        let rows: Arc<[RowMutation]> = left.iter().map(|(_, row)| row.clone()).collect();
        let outcome = access
            .persist(OPERATION, |server| {
                let (access, rows) = (access.clone(), rows.clone());
                async move {
                    let outcomes = access.servers.mutate(&server, &RegionInfo::meta(), &rows).await?;
                    let all_failed =
                        outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|e| !e.do_not_retry));
                    match outcomes.first() {
                        // Typical of a region that isn't there: worth a pause before the next attempt.
                        Some(Err(exception)) if all_failed => {
                            Err(RemoteError::Refused { server, exception: exception.clone() })
                        }
                        _ => Ok(outcomes),
                    }
                }
            })
            .await;
        let outcomes = match outcome {
            Ok(outcomes) => outcomes,
            Err(error) => {
                left.iter().for_each(|(at, _)| waiting[*at].1 = Err(error.clone()));
                break;
            }
        };
        let mut again = Vec::new();
        for ((at, row), outcome) in left.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => {}
                Err(exception) if exception.do_not_retry => {
                    waiting[at].1 = Err(CatalogError::Refused { operation: OPERATION, exception });
                }
                Err(_) => again.push((at, row)),
            }
        }
        left = again;
        finish(&mut waiting, &left);
    }
    finish(&mut waiting, &[]);
}

type Waiting = (Option<tokio::sync::oneshot::Sender<Result<(), CatalogError>>>, Result<(), CatalogError>);

/// Answers the writes that have no row left.
fn finish(waiting: &mut [Waiting], left: &[(usize, RowMutation)]) {
    for (at, (done, outcome)) in waiting.iter_mut().enumerate() {
        if !left.iter().any(|(other, _)| *other == at)
            && let Some(done) = done.take()
        {
            // Whoever waited may have gone.
            let _ = done.send(outcome.clone());
        }
    }
}
