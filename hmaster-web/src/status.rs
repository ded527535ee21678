//! What pages and dumps show, as plain rows: read from the master's mind, decided here, drawn elsewhere.
//!
//! Everything that may be long is cut to a page while it is read, so that what is copied and drawn never grows with the
//! cluster.

pub(crate) mod format;
pub(crate) mod masters;
pub(crate) mod paging;
pub(crate) mod procedures;
pub(crate) mod regions;
pub(crate) mod servers;
pub(crate) mod tables;
pub(crate) mod warnings;
