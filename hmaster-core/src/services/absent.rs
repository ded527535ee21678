//! What this master can't do, said so that nobody repeats the request.

use hmaster_types::{JavaException, class};

use crate::role::RoleCell;

/// `java.lang.UnsupportedOperationException`, as Java wraps it for clients; `what` says what is missing.
pub(super) fn absent(what: &str) -> JavaException {
    let cause = class::UNSUPPORTED_OPERATION.name;
    JavaException::new(class::DO_NOT_RETRY_IO, format!("{cause}: {what}"))
}

/// Snapshots, whichever call asks for them.
pub(super) fn snapshots<T>(role: &RoleCell) -> Result<T, JavaException> {
    role.initialized()?;
    Err(no_snapshots())
}

/// Why there are none.
pub(super) fn no_snapshots() -> JavaException {
    absent("this master takes, lists, restores and deletes no snapshots yet; those that are there stay")
}
