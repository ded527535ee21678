//! Which rows belong together, and whether their steps add up. Counterpart of `ProcedureTree`.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::ProcId;

use super::{LoadProblem, ProblemKind};

/// The highest id that Java can hold.
const PROC_ID_MAX: u64 = i64::MAX as u64;

/// Rows by root, in order of ids; rows that lead to no root stand under their own id. With what is wrong with each.
#[derive(Debug, Default)]
pub(super) struct Forest {
    pub(super) trees: BTreeMap<ProcId, Tree>,
}

/// The rows of one tree, the root first, the rest in order of ids.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) rows: Vec<pb::Procedure>,
    pub(super) problems: Vec<LoadProblem>,
}

/// Where climbing from a row to its parent's parent ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Root(ProcId),
    Nowhere,
}

pub(super) fn is_valid_id(id: u64) -> bool {
    (1..=PROC_ID_MAX).contains(&id)
}

/// True for a root whose row is only kept for its result.
pub(super) fn is_ended_root(record: &pb::Procedure) -> bool {
    record.parent_id.is_none() && is_ended(record.state())
}

fn is_ended(state: ProcedureState) -> bool {
    matches!(state, ProcedureState::Success | ProcedureState::Rolledback)
}

/// Groups `rows` by root and checks each group.
pub(super) fn plant(mut rows: Vec<pb::Procedure>) -> Forest {
    rows.sort_by_key(|row| row.proc_id);
    let tops = tops(&rows);
    let mut forest = Forest::default();
    let mut last = 0;
    for row in rows {
        let id = ProcId(row.proc_id);
        let repeated = row.proc_id == last;
        last = row.proc_id;
        let top = tops[&id];
        let tree = match top {
            Top::Root(root) => forest.trees.entry(root).or_default(),
            Top::Nowhere => forest.trees.entry(id).or_default(),
        };
        let orphan = (top == Top::Nowhere).then(|| ProblemKind::Orphan(ProcId(row.parent_id())));
        let bad_id = (!is_valid_id(row.proc_id)).then_some(ProblemKind::BadId);
        let same_id = repeated.then_some(ProblemKind::SameId);
        let root = if let Top::Root(root) = top { Some(root) } else { None };
        if let Some(kind) = bad_id.or(same_id).or(orphan) {
            tree.problems.push(problem(&row, root, kind));
        }
        tree.rows.push(row);
    }
    for (root, tree) in &mut forest.trees {
        check(*root, tree);
    }
    forest
}

/// The top of every row.
fn tops(rows: &[pb::Procedure]) -> HashMap<ProcId, Top, FixedState> {
    let parents: HashMap<ProcId, Option<ProcId>, FixedState> =
        rows.iter().map(|row| (ProcId(row.proc_id), row.parent_id.map(ProcId))).collect();
    let mut tops: HashMap<ProcId, Top, FixedState> = HashMap::default();
    for row in rows {
        let mut path = vec![ProcId(row.proc_id)];
        let top = loop {
            let here = path[path.len() - 1];
            if let Some(&top) = tops.get(&here) {
                break top;
            }
            match parents.get(&here) {
                Some(None) => break Top::Root(here),
                // A path longer than there are rows goes in circles.
                Some(Some(parent)) if path.len() <= rows.len() => path.push(*parent),
                _ => break Top::Nowhere,
            }
        };
        // A missing parent is on the path, too, and must not be taken for a row.
        tops.extend(path.into_iter().filter(|id| parents.contains_key(id)).map(|id| (id, top)));
    }
    tops
}

/// Checks what a tree's rows say together.
fn check(root: ProcId, tree: &mut Tree) {
    if tree.problems.iter().any(|problem| problem.root.is_none()) {
        return;
    }
    let root_row = tree.rows.iter().position(|row| row.proc_id == root.0).unwrap_or_default();
    tree.rows.swap(0, root_row);
    tree.rows[1..].sort_by_key(|row| row.proc_id);
    if is_ended_root(&tree.rows[0]) {
        let children = tree.rows[1..].iter();
        tree.problems.extend(children.map(|row| problem(row, Some(root), ProblemKind::RootEnded)));
    } else if let Some((row, kind)) = step_problem(&tree.rows) {
        tree.problems.push(problem(row, Some(root), kind));
    }
}

/// The first step of a tree that isn't there exactly once. Steps are numbered from 0 without holes.
fn step_problem(rows: &[pb::Procedure]) -> Option<(&pb::Procedure, ProblemKind)> {
    let mut steps: Vec<_> =
        rows.iter().flat_map(|row| row.stack_id.iter().map(move |&id| (id, row))).collect();
    steps.sort_by_key(|&(id, row)| (id, row.proc_id));
    let (last, _) = *steps.last()?;
    for (place, &(step, row)) in (0u32..).zip(&steps) {
        if step < place {
            let (_, other) = steps[place as usize - 1];
            return Some((row, ProblemKind::SameStep { step, other: ProcId(other.proc_id) }));
        }
        if step > place {
            return Some((&rows[0], ProblemKind::MissingStep { missing: place, last }));
        }
    }
    None
}

pub(super) fn problem(row: &pb::Procedure, root: Option<ProcId>, kind: ProblemKind) -> LoadProblem {
    LoadProblem { id: ProcId(row.proc_id), root, class: row.class_name.clone(), kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, parent: Option<u64>, state: ProcedureState, stack: &[u32]) -> pb::Procedure {
        pb::Procedure {
            class_name: "C".into(),
            proc_id: id,
            parent_id: parent,
            state: state as i32,
            stack_id: stack.to_vec(),
            ..Default::default()
        }
    }

    /// The problems of rows, as text, and the ids of each tree.
    fn judge(rows: Vec<pb::Procedure>) -> (Vec<String>, Vec<Vec<u64>>) {
        let forest = plant(rows);
        let problems = forest.trees.values().flat_map(|tree| &tree.problems).map(ToString::to_string);
        let ids = |tree: &Tree| tree.rows.iter().map(|row| row.proc_id).collect();
        (problems.collect(), forest.trees.values().map(ids).collect())
    }

    #[test]
    fn good_trees_pass() {
        use ProcedureState::{Runnable, Success, Waiting};
        let rows = vec![
            row(9, Some(4), Runnable, &[]),
            row(4, None, Waiting, &[0, 3]),
            row(5, Some(4), Success, &[1, 2]),
            row(7, None, Runnable, &[]),
            row(8, None, Success, &[0]),
        ];
        assert_eq!(judge(rows), (vec![], vec![vec![4, 5, 9], vec![7], vec![8]]));
    }

    #[test]
    fn each_fault_is_named() {
        use ProcedureState::{Rolledback, Runnable, Success, Waiting};
        let cases: Vec<(Vec<pb::Procedure>, &[&str])> = vec![
            (vec![row(0, None, Runnable, &[])], &["pid=0 C: its id is outside of 1..=2^63-1"]),
            (
                vec![row(u64::MAX, None, Runnable, &[])],
                &["pid=18446744073709551615 C: its id is outside of 1..=2^63-1"],
            ),
            (
                vec![row(1, None, Runnable, &[]), row(1, None, Runnable, &[])],
                &["pid=1 C: another row has the same id"],
            ),
            (vec![row(2, Some(1), Runnable, &[])], &["pid=2 C: its parent pid=1 leads to no root"]),
            (
                vec![row(2, Some(1), Runnable, &[]), row(3, Some(2), Runnable, &[])],
                &["pid=2 C: its parent pid=1 leads to no root", "pid=3 C: its parent pid=2 leads to no root"],
            ),
            (
                vec![row(1, Some(2), Runnable, &[]), row(2, Some(1), Runnable, &[])],
                &["pid=1 C: its parent pid=2 leads to no root", "pid=2 C: its parent pid=1 leads to no root"],
            ),
            (vec![row(1, Some(1), Runnable, &[])], &["pid=1 C: its parent pid=1 leads to no root"]),
            (
                vec![row(1, None, Waiting, &[0]), row(2, Some(1), Runnable, &[2])],
                &["pid=1 C: step 1 of the tree is missing, the last is 2"],
            ),
            (
                vec![row(1, None, Runnable, &[u32::MAX])],
                &["pid=1 C: step 0 of the tree is missing, the last is 4294967295"],
            ),
            (
                vec![row(1, None, Waiting, &[0, 1]), row(2, Some(1), Runnable, &[1])],
                &["pid=2, root=1 C: step 1 of the tree is also claimed by pid=1"],
            ),
            (
                vec![row(1, None, Success, &[0]), row(2, Some(1), Success, &[1])],
                &["pid=2, root=1 C: its root has ended"],
            ),
            (
                vec![row(1, None, Rolledback, &[]), row(2, Some(1), Runnable, &[])],
                &["pid=2, root=1 C: its root has ended"],
            ),
        ];
        for (rows, expected) in cases {
            assert_eq!(judge(rows).0, expected);
        }
    }

    #[test]
    fn a_tree_as_deep_as_there_are_rows_is_no_circle() {
        let rows = (1..=5_000).map(|id| row(id, (id > 1).then(|| id - 1), ProcedureState::Waiting, &[]));
        let (problems, trees) = judge(rows.rev().collect());
        assert_eq!((problems.len(), trees.len(), trees[0].len()), (0, 1, 5_000));
    }
}
