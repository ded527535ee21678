//! Takes a file away from whoever writes it. Counterpart of `RecoverLeaseFSUtils`.
//!
//! The NameNode takes the lease away at once and has the DataNodes agree on the length of the last block;
//! until they have, it answers that the file isn't closed. There is no other way to ask here, and on older
//! NameNodes each asking starts the agreement over, so the pauses become long. Java waits 4 s after the first
//! asking for the same reason.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::HdfsFileSystem;
use crate::{FsError, FsErrorKind, FsPath, Operation};

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);

pub(super) async fn recover(fs: &HdfsFileSystem, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
    let deadline = Instant::now() + wait_max;
    let mut pause = PAUSE_MIN;
    loop {
        let asked = fs.call(Operation::RecoverLease, path, fs.client.recover_lease(path.as_str())).await;
        match asked {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if is_in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() + pause > deadline {
            let kind = FsErrorKind::TimedOut(format!("the file isn't closed after {wait_max:?}"));
            return Err(FsError::new(Operation::RecoverLease, path, kind));
        }
        info!(%path, ?pause, "waiting for the file's lease to be recovered");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Another process asked just before.
fn is_in_progress(error: &FsError) -> bool {
    let source = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    source.contains("RecoveryInProgressException")
}
