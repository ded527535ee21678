//! What can be wrong with a row or a tree of rows.

use std::fmt;

use hmaster_types::ProcId;

use super::StateError;

/// Something wrong with one row, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProblem {
    /// The procedure.
    pub id: ProcId,
    /// The root of its tree, if it has one.
    pub root: Option<ProcId>,
    /// Its class.
    pub class: String,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// An id that no master gives out. Java 2.6.0 to 2.6.2 could write such a row, see HBASE-29259.
    #[error("its id is outside of 1..=2^63-1")]
    BadId,
    /// Two rows of one id.
    #[error("another row has the same id")]
    SameId,
    /// The class isn't known.
    #[error("unknown class")]
    UnknownClass,
    /// The state data can't be read.
    #[error("{0}")]
    BadState(#[from] StateError),
    /// The parent isn't there, or is its own ancestor.
    #[error("its parent pid={0} leads to no root")]
    Orphan(ProcId),
    /// The tree's steps have a hole. HBASE-28210 let Java write such rows.
    #[error("step {missing} of the tree is missing, the last is {last}")]
    MissingStep {
        /// The lowest number that is missing.
        missing: u32,
        /// The highest number.
        last: u32,
    },
    /// Two rows claim one step of the tree.
    #[error("step {step} of the tree is also claimed by pid={other}")]
    SameStep {
        /// The number of the step.
        step: u32,
        /// The other.
        other: ProcId,
    },
    /// The root has ended, but has children.
    #[error("its root has ended")]
    RootEnded,
}

impl fmt::Display for LoadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid={}", self.id)?;
        if let Some(root) = self.root.filter(|&root| root != self.id) {
            write!(f, ", root={root}")?;
        }
        write!(f, " {}: {}", self.class, self.kind)?;
        if let ProblemKind::BadState(error) = &self.kind
            && let Some(source) = std::error::Error::source(error)
        {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}
