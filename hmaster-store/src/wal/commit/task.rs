//! The log's task: takes what is queued, writes, syncs, tells.

use std::sync::Arc;

use bytes::BytesMut;
use hmaster_fs::FsError;
use tokio::task::JoinSet;
use tracing::{error, info};

use super::queue::{Queue, Taken, Work};
use super::{Journal, LogFailure};
use crate::wal::file::{WalFile, WalFolder};

/// Encoded entries go to the file in pieces of about this size.
const PIECE_BYTES: usize = 1 << 20;

pub(super) async fn run<J: Journal>(
    journal: J,
    folder: WalFolder,
    file: WalFile,
    queue: Arc<Queue<J::Batch>>,
) {
    // Told last, also when the task is aborted or panics: nobody waits forever.
    let _last_word = LastWord(Arc::clone(&queue));
    let mut task = Task { journal, folder, file, out: BytesMut::new(), putting_away: JoinSet::new() };
    let done = task.serve(&queue).await;
    let done = match done {
        Ok(()) => task.close().await,
        failed => failed,
    };
    if let Err(failure) = &done {
        error!(error = failure as &dyn std::error::Error, "the log has failed");
    }
    queue.fail(done.err().unwrap_or(LogFailure::Closed));
}

struct LastWord<B>(Arc<Queue<B>>);

impl<B> Drop for LastWord<B> {
    fn drop(&mut self) {
        self.0.fail(LogFailure::Ended);
    }
}

struct Task<J: Journal> {
    journal: J,
    folder: WalFolder,
    file: WalFile,
    out: BytesMut,
    /// At most one: an older file goes before a newer one.
    putting_away: JoinSet<Result<(), FsError>>,
}

impl<J: Journal> Task<J> {
    /// Does what is queued until the log is to be closed.
    async fn serve(&mut self, queue: &Queue<J::Batch>) -> Result<(), LogFailure> {
        loop {
            let work = tokio::select! {
                biased;
                Some(done) = self.putting_away.join_next() => {
                    self.was_put_away(done)?;
                    continue;
                }
                work = queue.next() => work?,
            };
            match work {
                Work::Write(batches, group) => {
                    let written = self.write(batches).await;
                    self.tell(written, queue, &group)?;
                    if self.journal.wants_new_file(self.file.length()) {
                        self.new_file().await?;
                    }
                }
                Work::NewFile => self.new_file().await?,
                Work::Close => return Ok(()),
            }
        }
    }

    async fn write(&mut self, batches: Vec<J::Batch>) -> Result<Vec<u64>, FsError> {
        let mut sequences = Vec::with_capacity(batches.len());
        for batch in batches {
            sequences.push(self.journal.encode(batch, &mut self.out));
            if self.out.len() >= PIECE_BYTES {
                self.file.write(self.out.split().freeze()).await?;
            }
        }
        if !self.out.is_empty() {
            self.file.write(self.out.split().freeze()).await?;
        }
        self.file.sync().await?;
        Ok(sequences)
    }

    /// The queue fails before the group is told: who learns of the failure finds it there.
    fn tell(
        &mut self,
        written: Result<Vec<u64>, FsError>,
        queue: &Queue<J::Batch>,
        group: &Taken,
    ) -> Result<(), LogFailure> {
        match written {
            Ok(sequences) => {
                self.journal.committed();
                group.tell(Ok(sequences));
                Ok(())
            }
            Err(error) => {
                let failure = LogFailure::from(error);
                queue.fail(failure.clone());
                group.tell(Err(failure.clone()));
                Err(failure)
            }
        }
    }

    async fn new_file(&mut self) -> Result<(), LogFailure> {
        self.finish_putting_away().await?;
        let mut file = self.folder.create().await?;
        loop {
            let more = self.journal.checkpoint(&mut self.out);
            file.write(self.out.split().freeze()).await?;
            if !more {
                break;
            }
        }
        file.sync().await?;
        let old = std::mem::replace(&mut self.file, file);
        info!(new = %self.file.path(), old = %old.path(), old_length = old.length(), "rolled");
        self.putting_away.spawn(self.journal.put_away(old));
        Ok(())
    }

    async fn finish_putting_away(&mut self) -> Result<(), LogFailure> {
        while let Some(done) = self.putting_away.join_next().await {
            self.was_put_away(done)?;
        }
        Ok(())
    }

    fn was_put_away(
        &mut self,
        done: Result<Result<(), FsError>, tokio::task::JoinError>,
    ) -> Result<(), LogFailure> {
        let done = done.map_err(|_| LogFailure::Ended)?;
        Ok(self.journal.was_put_away(done)?)
    }

    async fn close(mut self) -> Result<(), LogFailure> {
        self.finish_putting_away().await?;
        Ok(self.file.close().await?)
    }
}
