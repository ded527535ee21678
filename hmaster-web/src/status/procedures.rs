//! Procedures and locks.

use hmaster_core::environment::MasterEnv;
use hmaster_procedure::{LockMode, LockView, ProcedureView, simple_class_name};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, ProcId};

use super::format::{count, duration, short, time};
use super::paging::{Cut, Paging};

/// With more procedures than this locks aren't listed: to collect them takes a while in which no procedure goes on.
const PROCEDURES_WITH_LOCKS_MAX: usize = 10_000;

/// A procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcedureRow {
    pub(crate) id: u64,
    pub(crate) parent: String,
    pub(crate) details: String,
    pub(crate) state: &'static str,
    /// What it is doing, or how it ended.
    pub(crate) doing: String,
    pub(crate) owner: String,
    pub(crate) submitted: String,
    pub(crate) updated: String,
    pub(crate) took: String,
    pub(crate) is_bad: bool,
    pub(crate) is_locked: bool,
}

/// The procedures that haven't ended, the oldest first.
pub(crate) fn running(env: &MasterEnv, filter: &str, paging: Paging) -> Cut<ProcedureRow> {
    let Some(executor) = env.executor() else { return paging.collect() };
    let now_ms = env.clock.now_ms();
    if filter.is_empty() {
        // One may end while the page is made.
        let found = paging.cut(executor.ids(), |id| executor.view(id));
        let mut found = found.map(|view| view.map(|view| running_row(&view, now_ms)));
        found.rows.retain(Option::is_some);
        return found.map(|row| row.unwrap_or_else(|| unreachable!("only rows were kept")));
    }
    let mut found = paging.collect();
    for view in executor.ids().into_iter().filter_map(|id| executor.view(id)) {
        if view.details.contains(filter) || view.record.class_name.contains(filter) {
            found.offer(|| running_row(&view, now_ms));
        }
    }
    found
}

fn running_row(view: &ProcedureView, now_ms: u64) -> ProcedureRow {
    let mut doing = match view.state_name {
        Some(state) => format!("{state}: {}", view.waiting),
        None => view.waiting.to_string(),
    };
    if view.children > 0 {
        doing += &format!(", {} children", count(view.children.into()));
    }
    if view.attempts > 0 {
        doing += &format!(", attempt {}", u64::from(view.attempts) + 1);
    }
    let took_ms = now_ms.saturating_sub(view.record.submitted_time);
    let is_bad = view.attempts > 0 || view.record.exception.is_some();
    row(&view.record, short(&view.details), doing, took_ms, is_bad)
}

/// The ended procedures whose results are kept, the latest first.
pub(crate) fn finished(env: &MasterEnv, filter: &str, paging: Paging) -> Cut<ProcedureRow> {
    let records = env.executor().map(|executor| executor.result_records()).unwrap_or_default();
    let wanted =
        records.iter().rev().filter(|record| filter.is_empty() || record.class_name.contains(filter));
    paging.cut(wanted, |record| finished_row(record))
}

fn finished_row(record: &pb::Procedure) -> ProcedureRow {
    let exception = record.exception.as_ref().map(JavaException::from);
    let doing =
        exception.as_ref().map_or_else(|| "done".to_owned(), |exception| short(&exception.to_string()));
    let simple = simple_class_name(&record.class_name);
    let took_ms = record.last_update.saturating_sub(record.submitted_time);
    row(record, short(simple), doing, took_ms, exception.is_some())
}

fn row(record: &pb::Procedure, details: String, doing: String, took_ms: u64, is_bad: bool) -> ProcedureRow {
    ProcedureRow {
        id: record.proc_id,
        parent: record.parent_id.map_or_else(String::new, |id| id.to_string()),
        details,
        state: record.state().as_str_name(),
        doing,
        owner: short(record.owner()),
        submitted: time(record.submitted_time),
        updated: time(record.last_update),
        took: duration(took_ms),
        is_bad,
        is_locked: record.locked(),
    }
}

/// A resource that is held or waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockRow {
    pub(crate) resource: String,
    pub(crate) mode: &'static str,
    pub(crate) holders: String,
    pub(crate) waiters: String,
}

/// Everything that is locked; none when there are so many procedures that to look would hold them up.
pub(crate) fn locks(env: &MasterEnv, paging: Paging) -> Option<Cut<LockRow>> {
    let Some(executor) = env.executor() else { return Some(paging.collect()) };
    if executor.len() > PROCEDURES_WITH_LOCKS_MAX {
        return None;
    }
    Some(paging.cut(executor.locks(), |lock| lock_row(&lock)))
}

fn lock_row(lock: &LockView) -> LockRow {
    LockRow {
        resource: lock.resource.to_string(),
        mode: match lock.mode {
            LockMode::Exclusive => "exclusive",
            LockMode::Shared if lock.holders.is_empty() => "free",
            LockMode::Shared => "shared",
        },
        holders: ids(&lock.holders),
        waiters: ids(&lock.waiters),
    }
}

/// The first few, and how many more there are.
fn ids(records: &[std::sync::Arc<pb::Procedure>]) -> String {
    const SHOWN_MAX: usize = 10;
    let mut text: Vec<_> =
        records.iter().take(SHOWN_MAX).map(|record| ProcId(record.proc_id).to_string()).collect();
    if records.len() > SHOWN_MAX {
        text.push(format!("and {} more", count((records.len() - SHOWN_MAX) as u64)));
    }
    text.join(", ")
}
