//! Writes: decide, carry out, count as a transaction, tell the watchers, answer.

use super::decide::{Decision, decide};
use super::{Caller, Effects, Machine, Now};
use crate::transaction::Change;
use crate::tree::change::{Notification, TreeChange, Undo, WriteContext};
use crate::wire::error_code::ErrorCode;
use crate::wire::reply::{OpResult, multi_body};
use crate::wire::request::{CreateKind, WriteOp};
use crate::wire::types::put_stat;

/// What carried out changes of a multi leave behind until it is known whether all succeed.
#[derive(Default)]
struct Journal {
    changes: Vec<TreeChange>,
    undos: Vec<Undo>,
    notifications: Vec<Notification>,
}

impl Machine {
    /// One write; the body of the reply.
    pub(super) fn write(
        &mut self,
        op: &WriteOp,
        caller: &Caller,
        now: Now,
        effects: &mut Effects,
    ) -> Result<Vec<u8>, ErrorCode> {
        let at = self.next_write(now);
        let mut journal = Journal::default();
        match self.carry_out(op, caller, at, &mut journal) {
            Ok(result) => {
                self.commit_journal(caller.session, at, journal, effects);
                let mut body = Vec::new();
                match (op, self.state.tree.get(path_of(op))) {
                    // Java means to answer a check like a setData; a bug keeps it from answering.
                    (WriteOp::Check { .. }, Some(node)) => put_stat(&mut body, &node.client_stat()),
                    _ => result.put_body(&mut body),
                }
                Ok(body)
            }
            Err(error) => {
                self.commit(caller.session, at, Change::Failed { error: error.wire() }, effects);
                Err(error)
            }
        }
    }

    /// Several writes, all or none; the body of the reply, which tells of failures too.
    pub(super) fn multi(
        &mut self,
        ops: &[WriteOp],
        caller: &Caller,
        now: Now,
        effects: &mut Effects,
    ) -> Vec<u8> {
        let at = self.next_write(now);
        let mut journal = Journal::default();
        let mut results = Vec::new();
        for op in ops {
            match self.carry_out(op, caller, at, &mut journal) {
                Ok(result) => results.push(result),
                Err(error) => {
                    self.roll_back(journal);
                    self.commit(caller.session, at, Change::Failed { error: error.wire() }, effects);
                    return multi_body(&failed_results(ops.len(), results.len(), error));
                }
            }
        }
        self.commit_journal(caller.session, at, journal, effects);
        multi_body(&results)
    }

    fn carry_out(
        &mut self,
        op: &WriteOp,
        caller: &Caller,
        at: WriteContext,
        journal: &mut Journal,
    ) -> Result<OpResult, ErrorCode> {
        let change = match decide(&self.state.tree, op, caller.session, &caller.identities)? {
            Decision::Checked => return Ok(OpResult::Check),
            Decision::Change(change) => change,
        };
        let step = self.state.tree.apply(&change, at)?;
        let result = match op {
            WriteOp::Create(create) => match create.kind {
                CreateKind::Plain | CreateKind::Ttl(_) => OpResult::Create(change.path().to_owned()),
                CreateKind::WithStat | CreateKind::Container => {
                    OpResult::Create2(change.path().to_owned(), step.stat)
                }
            },
            WriteOp::Delete { .. } => OpResult::Delete,
            _ => OpResult::SetData(step.stat),
        };
        journal.changes.push(change);
        journal.undos.push(step.undo);
        journal.notifications.extend(step.notification);
        Ok(result)
    }

    fn commit_journal(&mut self, session: i64, at: WriteContext, journal: Journal, effects: &mut Effects) {
        self.commit(session, at, Change::Tree(journal.changes), effects);
        for notification in journal.notifications {
            self.notify(notification, effects);
        }
    }

    fn roll_back(&mut self, journal: Journal) {
        for undo in journal.undos.into_iter().rev() {
            self.state.tree.undo(undo);
        }
    }
}

fn path_of(op: &WriteOp) -> &str {
    match op {
        WriteOp::Create(create) => &create.path,
        WriteOp::Delete { path, .. }
        | WriteOp::SetData { path, .. }
        | WriteOp::SetAcl { path, .. }
        | WriteOp::Check { path, .. } => path,
        WriteOp::DeleteContainer | WriteOp::Reconfig => "",
    }
}

/// The results of a multi of which the operation at `failed` failed: 0 for those before it, which
/// were rolled back, RuntimeInconsistency for those after it, which weren't tried.
fn failed_results(count: usize, failed: usize, error: ErrorCode) -> Vec<OpResult> {
    let result = |index: usize| match index.cmp(&failed) {
        std::cmp::Ordering::Less => OpResult::Error(0),
        std::cmp::Ordering::Equal => OpResult::Error(error.wire()),
        std::cmp::Ordering::Greater => OpResult::Error(ErrorCode::RuntimeInconsistency.wire()),
    };
    (0..count).map(result).collect()
}
