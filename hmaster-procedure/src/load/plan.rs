//! What is to be loaded, and what is wrong with the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hmaster_protocol::pb;
use hmaster_types::ProcId;

use super::stub::Stub;
use super::tree::{is_ended_root, is_valid_id, plant, problem};
use super::{LoadProblem, ProblemKind, Registry, StateError};
use crate::{Environment, Loaded, Procedure};

/// Everything a store held, tree by tree, checked. Prints as one line per tree that isn't well.
pub struct LoadPlan<E: Environment> {
    trees: BTreeMap<ProcId, TreePlan<E>>,
    max_proc_id: u64,
}

struct TreePlan<E: Environment> {
    rows: Vec<LoadedProcedure<E>>,
    problems: Vec<LoadProblem>,
    verdict: Verdict,
}

/// What is done with a tree that isn't well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is loaded, if nothing is wrong with it.
    Load,
    /// Its rows stay where they are, and nothing is done with them.
    SetAside,
    /// Its broken rows are deleted.
    Discard,
}

/// A row and, if it could be read, the procedure in it.
pub struct LoadedProcedure<E: Environment> {
    /// The row.
    pub record: pb::Procedure,
    /// The procedure; none for a row that can't be read, and for an ended root, of which only the row matters.
    pub procedure: Option<Box<dyn Procedure<E>>>,
    /// The row was changed by a decision, and must be stored before anything runs.
    pub(crate) changed: bool,
}

/// What an engine starts from.
pub(crate) struct Restorable<E: Environment> {
    pub(crate) trees: Vec<Vec<LoadedProcedure<E>>>,
    pub(crate) discarded: Vec<ProcId>,
    pub(crate) max_proc_id: u64,
}

impl<E: Environment> LoadPlan<E> {
    /// Reads and checks what a store held.
    pub fn new(loaded: Loaded, registry: &Registry<E>) -> Self {
        let ids = loaded.records.iter().map(|record| record.proc_id);
        let max_proc_id = ids.chain([loaded.max_proc_id]).filter(|&id| is_valid_id(id)).max().unwrap_or(0);
        let mut trees = BTreeMap::new();
        for (root, tree) in plant(loaded.records).trees {
            let mut problems = tree.problems;
            let rows = tree.rows.into_iter().map(|record| read(record, registry, root, &mut problems));
            let rows = rows.collect();
            trees.insert(root, TreePlan { rows, problems, verdict: Verdict::Load });
        }
        Self { trees, max_proc_id }
    }

    /// A plan for an empty store.
    pub fn empty() -> Self {
        Self { trees: BTreeMap::new(), max_proc_id: 0 }
    }

    /// What is wrong and hasn't been decided about, in order of trees.
    pub fn problems(&self) -> impl Iterator<Item = &LoadProblem> {
        let open = self.trees.values().filter(|tree| tree.verdict == Verdict::Load);
        open.flat_map(|tree| &tree.problems)
    }

    /// The procedures that will be loaded, roots before their children.
    pub fn procedures(&self) -> impl Iterator<Item = &LoadedProcedure<E>> {
        self.trees.values().filter(|tree| tree.is_loadable()).flat_map(|tree| &tree.rows)
    }

    /// The highest id that was ever stored.
    pub fn max_proc_id(&self) -> u64 {
        self.max_proc_id
    }

    /// Leaves the tree that `id` belongs to alone: its rows stay as they are, none of it runs. What Java does with
    /// broken trees. False if there is no such row.
    pub fn set_aside(&mut self, id: ProcId) -> bool {
        self.tree_of(id).map(|tree| tree.verdict = Verdict::SetAside).is_some()
    }

    /// Deletes the broken rows of the tree that `id` belongs to, where that leaves a whole: rows without a root, or
    /// with a bad id, or whose root has ended. False if that isn't what is wrong with it.
    pub fn discard(&mut self, id: ProcId) -> bool {
        let Some(tree) = self.tree_of(id) else { return false };
        let goes = |id| tree.problems.iter().any(|other| other.id == id && other.kind.is_discardable());
        let fits = !tree.problems.is_empty() && tree.problems.iter().all(|problem| goes(problem.id));
        if fits {
            tree.verdict = Verdict::Discard;
        }
        fits
    }

    /// Lets a procedure and its ancestors end without doing anything, like HBCK2's bypass. Where the steps of its tree
    /// don't add up, all of the tree. False if there is no such row, or no bypassing would mend it.
    pub fn bypass(&mut self, id: ProcId) -> bool {
        self.tree_of(id).is_some_and(|tree| tree.bypass(id))
    }

    fn tree_of(&mut self, id: ProcId) -> Option<&mut TreePlan<E>> {
        self.trees.values_mut().find(|tree| tree.rows.iter().any(|row| row.id() == id))
    }

    pub(crate) fn into_restorable(self) -> Restorable<E> {
        let mut trees = Vec::new();
        let mut discarded = Vec::new();
        for mut tree in self.trees.into_values() {
            if tree.verdict != Verdict::Discard && !tree.is_loadable() {
                continue;
            }
            let broken: Vec<_> = tree.problems.iter().map(|problem| problem.id).collect();
            tree.rows.retain(|row| !broken.contains(&row.id()));
            discarded.extend(broken);
            if !tree.rows.is_empty() {
                trees.push(tree.rows);
            }
        }
        Restorable { trees, discarded, max_proc_id: self.max_proc_id }
    }
}

impl<E: Environment> TreePlan<E> {
    fn is_loadable(&self) -> bool {
        self.problems.is_empty() && self.verdict == Verdict::Load
    }

    fn bypass(&mut self, id: ProcId) -> bool {
        if !self.problems.iter().all(|problem| problem.kind.is_bypassable()) {
            return false;
        }
        let steps_broken = self.problems.iter().any(|problem| problem.kind.is_about_steps());
        let mut next = Some(id);
        while let Some(row) = next.and_then(|id| self.rows.iter_mut().find(|row| row.id() == id)) {
            row.bypass();
            next = row.record.parent_id.map(ProcId);
        }
        if steps_broken {
            self.rows.iter_mut().for_each(LoadedProcedure::bypass);
            self.renumber();
        }
        let rows = &self.rows;
        let bypassed = |id| rows.iter().any(|row| row.id() == id && row.record.bypass());
        self.problems.retain(|problem| !bypassed(problem.id));
        true
    }

    /// Numbers the steps without holes, in the order they have.
    fn renumber(&mut self) {
        let mut steps: Vec<_> = (0..self.rows.len())
            .flat_map(|row| self.rows[row].record.stack_id.iter().map(move |&step| (step, row)))
            .collect();
        steps.sort_unstable();
        for row in &mut self.rows {
            row.record.stack_id.clear();
        }
        for (place, (_, row)) in (0..).zip(steps) {
            self.rows[row].record.stack_id.push(place);
        }
    }
}

impl<E: Environment> LoadedProcedure<E> {
    /// The procedure's id.
    pub fn id(&self) -> ProcId {
        ProcId(self.record.proc_id)
    }

    fn bypass(&mut self) {
        self.record.bypass = Some(true);
        self.changed = true;
        if self.procedure.is_none() {
            self.procedure = Some(Box::new(Stub::new(&self.record)));
        }
    }
}

impl ProblemKind {
    /// Deleting the row leaves a whole.
    fn is_discardable(&self) -> bool {
        matches!(self, Self::BadId | Self::Orphan(_) | Self::RootEnded)
    }

    /// Ending the procedure, or all of its tree, mends it.
    fn is_bypassable(&self) -> bool {
        matches!(self, Self::UnknownClass | Self::BadState(_)) || self.is_about_steps()
    }

    fn is_about_steps(&self) -> bool {
        matches!(self, Self::MissingStep { .. } | Self::SameStep { .. })
    }
}

/// Reads one row; what is wrong with it is added to the problems of its tree.
fn read<E: Environment>(
    record: pb::Procedure,
    registry: &Registry<E>,
    root: ProcId,
    problems: &mut Vec<LoadProblem>,
) -> LoadedProcedure<E> {
    if is_ended_root(&record) {
        return LoadedProcedure { record, procedure: None, changed: false };
    }
    let decoded = catch_unwind(AssertUnwindSafe(|| registry.decode(&record)));
    let decoded = decoded.unwrap_or_else(|_| Some(Err(StateError::Invalid("decoding it panics".into()))));
    let kind = match decoded {
        Some(Ok(procedure)) => {
            return LoadedProcedure { record, procedure: Some(procedure), changed: false };
        }
        // Somebody has decided about it before.
        _ if record.bypass() => {
            let procedure: Box<dyn Procedure<E>> = Box::new(Stub::new(&record));
            return LoadedProcedure { record, procedure: Some(procedure), changed: false };
        }
        Some(Err(error)) => ProblemKind::BadState(error),
        None => ProblemKind::UnknownClass,
    };
    problems.push(problem(&record, Some(root), kind));
    LoadedProcedure { record, procedure: None, changed: false }
}

impl<E: Environment> fmt::Debug for LoadPlan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: Environment> fmt::Display for LoadPlan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (results, active): (Vec<_>, Vec<_>) =
            self.procedures().partition(|row| is_ended_root(&row.record));
        let trees = self.trees.values().filter(|tree| tree.is_loadable()).count() - results.len();
        write!(f, "{} procedures in {trees} trees, {} results", active.len(), results.len())?;
        write!(f, ", highest id {}", self.max_proc_id)?;
        for (root, tree) in &self.trees {
            match tree.verdict {
                Verdict::Load => {}
                Verdict::SetAside => write!(f, "\nset aside: tree of pid={root}")?,
                Verdict::Discard => write!(f, "\ndiscarded: broken rows in the tree of pid={root}")?,
            }
            for problem in &tree.problems {
                write!(f, "\n{problem}")?;
            }
        }
        Ok(())
    }
}
