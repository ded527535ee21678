//! From rows to procedures, before anything runs. Counterpart of `ProcedureTree`, `ProcedureUtil.convertToProcedure` and
//! `ProcedureExecutor.loadProcedures`.
//!
//! [`LoadPlan::new`] reads all rows, finds everything that is wrong with any of them and says so by name; it has no
//! effects. Whoever starts the executor decides: refuse, set a tree of procedures aside, or bypass it. Java logs broken
//! trees and goes on without them, and dies of a class or state it doesn't know.

mod plan;
mod problem;
mod reader;
mod registry;
mod stub;
mod tree;

pub use plan::{LoadPlan, LoadedProcedure};
pub use problem::{LoadProblem, ProblemKind};
pub use reader::{StateError, StateReader};
pub use registry::Registry;
