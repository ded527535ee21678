//! Commands to region servers: batches, retries, answers. Counterpart of `RSProcedureDispatcher`.
//!
//! Commands for one server travel together: while a call is under way others gather for the next, so there is no fixed
//! delay and no more than one call per server.

mod dispatcher;
mod doubt;
mod operation;
pub mod policy;
mod region_call;

pub use dispatcher::{Dispatcher, NotOnline};
pub use doubt::Doubtful;
pub use operation::{RemoteOperation, build_request};
pub use policy::{Attempts, Next, RetryPolicy};
pub(crate) use region_call::{RegionCall, open_region};
