//! Takes a file away from whoever writes it. Counterpart of `RecoverLeaseFSUtils`.
//!
//! The NameNode takes the lease away at once and has the DataNodes agree on the length of the last block;
//! until they have, it answers that the file isn't closed. There is no other way to ask here. Asking again
//! does no harm: Hadoop 3 ignores it until the attempt under way has timed out, which takes more than a
//! minute. So it may take that long when a DataNode couldn't be reached, and callers should be ready to wait
//! for several (Java's master waits 15 minutes, `hbase.lease.recovery.timeout`).

use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use super::HdfsFileSystem;
use crate::{FsError, FsErrorKind, FsPath, Operation};

/// The first pauses are short because everybody waits for the successor to start.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// Each pause is this part of the time waited so far.
const PAUSE_PART: u32 = 4;

pub(super) async fn recover(fs: &HdfsFileSystem, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
    let started = Instant::now();
    loop {
        let asked = fs.call(Operation::RecoverLease, path, fs.client.recover_lease(path.as_str())).await;
        match asked {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if is_in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        let pause = (started.elapsed() / PAUSE_PART).clamp(PAUSE_MIN, PAUSE_MAX);
        if started.elapsed() + pause > wait_max {
            let kind = FsErrorKind::TimedOut(format!("the file isn't closed after {wait_max:?}"));
            return Err(FsError::new(Operation::RecoverLease, path, kind));
        }
        debug!(%path, ?pause, "waiting for the file's lease to be recovered");
        tokio::time::sleep(pause).await;
    }
}

/// Another process asked just before.
fn is_in_progress(error: &FsError) -> bool {
    let source = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    source.contains("RecoveryInProgressException")
}
