//! The cases, by subject.

mod acls;
mod clients;
mod expiry;
mod frames;
mod multis;
mod nodes;
mod persistent_watches;
mod sequences;
mod sessions;
mod stats;
mod watches;
mod words;

use super::Case;

/// All of them.
pub(super) fn all() -> Vec<Case> {
    [
        sessions::list(),
        frames::list(),
        nodes::list(),
        stats::list(),
        sequences::list(),
        multis::list(),
        watches::list(),
        persistent_watches::list(),
        acls::list(),
        words::list(),
        clients::list(),
        expiry::list(),
    ]
    .concat()
}
