//! Why a client's wish isn't carried out, in Java's classes.

use hmaster_procedure::ExecutorError;
use hmaster_types::{JavaException, class};

use crate::assignment::RegionError;

/// The reign has ended. Whoever asked looks for the next active master, and finds with it what was submitted here.
pub(super) fn reign_over() -> JavaException {
    JavaException::new(class::SERVER_NOT_RUNNING_YET, "this master is no longer active")
}

/// Why the executor didn't take a procedure.
pub(super) fn executor(error: ExecutorError) -> JavaException {
    match error {
        ExecutorError::Stopped => reign_over(),
        ExecutorError::Unfit(exception) => exception,
    }
}

/// Why a region isn't to be had, as `AssignmentManager.preTransitCheck` says it.
pub(super) fn region(error: &RegionError) -> JavaException {
    let class = match error {
        RegionError::Unknown(_) => class::UNKNOWN_REGION,
        RegionError::UnexpectedState(_) => class::DO_NOT_RETRY_REGION,
        // It may be over soon.
        RegionError::InTransition { .. } => class::HBASE_IO,
    };
    JavaException::new(class, error.to_string())
}
