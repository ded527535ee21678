//! Locks on the nouns of the cluster, taken by procedures. Counterpart of `SchemaLocking`, `LockAndQueue` and the lock
//! helpers of `MasterProcedureScheduler`.
//!
//! A procedure names everything it needs in one [`LockRequest`] and gets all of it or nothing, so a procedure that
//! waits holds nothing that it asked for with this request.
//!
//! # Rules, as in Java
//! - A child whose ancestor holds a resource exclusively has access to it, in either mode.
//! - A shared lock is granted unless another procedure *holds* the resource exclusively. One that merely waits for it
//!   exclusively stands in nobody's way. That lets a stream of shared requests starve an exclusive one, but the other
//!   choice deadlocks: a parent holds a table shared, somebody waits for it exclusively, and the parent's child, which
//!   the parent waits for, would queue behind the waiter. Shared holders aren't known by name, so that the child can't
//!   be let past.
//! - An exclusive lock is granted when nobody else holds the resource in any mode.
//!
//! # Rules that differ
//! - Waiters are served in order of their ids, which is the order of their submission, at the moment of release; in
//!   Java they race from the front of the run queue, and whoever comes by may overtake them.
//! - Releasing an exclusive lock while children still hold the resource shared lets shared waiters in at once. Java
//!   wakes them only when the last shared lock goes.
//! - A waiter is registered on the first resource that blocks it, and nowhere else. When that one is released it asks
//!   for everything again, and may come to wait for another.

mod manager;
mod request;
mod turns;

pub(crate) use manager::{Held, LockId, LockManager};
pub use request::{LockMode, LockRequest, Resource};
pub(crate) use turns::{Claim, Turns};
