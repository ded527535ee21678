//! What this master can't do, said so that nobody repeats the request.

use hmaster_types::{JavaException, class};

/// `java.lang.UnsupportedOperationException`, as Java wraps it for clients; `what` says what is missing.
pub(super) fn absent(what: &str) -> JavaException {
    let cause = class::UNSUPPORTED_OPERATION.name;
    JavaException::new(class::DO_NOT_RETRY_IO, format!("{cause}: {what}"))
}
