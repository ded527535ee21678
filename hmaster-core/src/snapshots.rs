//! Snapshots of tables: taken, listed, brought back, deleted. Counterpart of `SnapshotManager`.
//!
//! A snapshot is a list of store files, which the cleaners then leave alone. The regions' servers flush and list those of
//! an enabled table, the master lists those of regions that nobody serves. [`restore`] makes a table what it was,
//! [`clone`] makes another one; both link to the files. Differs from Java in these:
//!
//! - Every snapshot is a procedure. Java has a barrier over ZooKeeper for clients up to 2.5; what these see is the same.
//! - What a snapshot refers to is always checked by the master, whatever the number of regions.
//! - Tables with big values in files of their own (MOB) are refused, and so is a working folder elsewhere.
//! - A region that can't be listed after some attempts makes the snapshot fail; Java tries for ever.
//! - A snapshot that is being brought back can't be deleted.

pub(crate) mod before;
pub mod clone;
mod expiry;
mod layout;
pub mod region;
pub mod restore;
pub mod take;
mod verify;

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, ProcId, TableDescriptor, TableName, class};

use crate::environment::MasterEnv;

pub use clone::CloneSnapshot;
pub use restore::RestoreSnapshot;
pub use take::TakeSnapshot;

/// Of files that consist of one manifest for each region, and one for all in the end.
const LAYOUT_VERSION: i32 = 2;

/// Completes a client's description. Counterpart of `SnapshotDescriptionUtils.validate`.
///
/// # Errors
/// When the name or the table's isn't one, and when this master has no such snapshots.
pub fn validate(
    env: &MasterEnv,
    mut snapshot: pb::SnapshotDescription,
) -> Result<pb::SnapshotDescription, JavaException> {
    check_name(&snapshot.name)?;
    if snapshot.table.is_none() {
        let message = "Descriptor doesn't apply to a table, so we can't build it.";
        return Err(JavaException::new(class::ILLEGAL_ARGUMENT, message));
    }
    table_of(&snapshot)?;
    if env.options.snapshots.working_dir.is_some() {
        let message = "hbase.snapshot.working.dir: this master takes snapshots in the root folder only";
        return Err(JavaException::new(class::SNAPSHOT_CREATION, message));
    }
    if snapshot.creation_time() == 0 {
        snapshot.creation_time = Some(env.clock.now_ms().cast_signed());
    }
    // Longer than Java can count in milliseconds is no bound at all; a negative one means for ever.
    if snapshot.ttl() == 0 || snapshot.ttl() > i64::MAX / 1000 {
        snapshot.ttl = Some(i64::try_from(env.options.snapshots.ttl.as_secs()).unwrap_or(0));
    }
    // Java makes old layouts when it is asked to. What reads those reads this one, too.
    snapshot.version = Some(LAYOUT_VERSION);
    Ok(snapshot)
}

/// A snapshot's name becomes that of a folder beside others.
///
/// # Errors
/// When it isn't made like a table's.
pub fn check_name(name: &str) -> Result<(), JavaException> {
    let checked = TableName::new("default", name);
    checked.map(drop).map_err(|error| JavaException::new(class::ILLEGAL_ARGUMENT, error.to_string()))
}

fn table_of(snapshot: &pb::SnapshotDescription) -> Result<TableName, JavaException> {
    let table = snapshot.table().parse::<TableName>();
    table.map_err(|error| JavaException::new(class::ILLEGAL_ARGUMENT, error.to_string()))
}

/// As messages name one. Counterpart of `ClientSnapshotDescriptionUtils.toString`.
pub(crate) fn describe(snapshot: &pb::SnapshotDescription) -> String {
    format!("{{ ss={} table={} type={} }}", snapshot.name, snapshot.table(), snapshot.r#type().as_str_name())
}

/// The newest procedure that takes such a snapshot, or has taken one.
pub(crate) fn newest(
    records: &[Arc<pb::Procedure>],
    is_meant: impl Fn(&pb::SnapshotDescription) -> bool,
) -> Option<Arc<pb::Procedure>> {
    let of = |record: &pb::Procedure| {
        let mut states = record.state_message.iter();
        let state: Option<pb::SnapshotProcedureStateData> = states.find_map(|state| state.unpack().ok());
        state.map(|state| state.snapshot)
    };
    let mut all = records.iter().rev().filter(|record| record.class_name == take::CLASS);
    all.find(|record| of(record).is_some_and(|snapshot| is_meant(&snapshot))).cloned()
}

/// A procedure of a snapshot that is under way.
#[derive(Debug)]
pub(crate) struct Work {
    /// Its Java class.
    pub(crate) class: &'static str,
    /// The snapshot.
    pub(crate) snapshot: pb::SnapshotDescription,
    /// The table that it is taken of, or brought back in.
    pub(crate) table: TableName,
}

impl Work {
    fn of(record: &pb::Procedure) -> Option<Self> {
        let mut messages = record.state_message.iter();
        let (class, snapshot, table) = match &record.class_name[..] {
            take::CLASS => {
                let state: pb::SnapshotProcedureStateData = messages.find_map(|state| state.unpack().ok())?;
                let table = table_of(&state.snapshot).ok()?;
                (take::CLASS, state.snapshot, table)
            }
            restore::CLASS => {
                let state: pb::RestoreSnapshotStateData = messages.find_map(|state| state.unpack().ok())?;
                let schema = TableDescriptor::try_from(&state.modified_table_schema).ok()?;
                (restore::CLASS, state.snapshot, schema.name().clone())
            }
            clone::CLASS => {
                let state: pb::CloneSnapshotStateData = messages.find_map(|state| state.unpack().ok())?;
                let schema = TableDescriptor::try_from(&state.table_schema).ok()?;
                (clone::CLASS, state.snapshot, schema.name().clone())
            }
            _ => return None,
        };
        Some(Self { class, snapshot, table })
    }

    /// Whether it takes a snapshot, rather than bringing one back.
    pub(crate) fn takes(&self) -> bool {
        self.class == take::CLASS
    }
}

/// Whether the time of a snapshot is over. Counterpart of `SnapshotDescriptionUtils.isExpiredSnapshot`.
pub(crate) fn is_expired(snapshot: &pb::SnapshotDescription, now_ms: u64) -> bool {
    const MS_PER_S: i64 = 1000;
    let (created_ms, ttl) = (snapshot.creation_time(), snapshot.ttl());
    let is_meant = created_ms > 0 && ttl > 0 && ttl < i64::MAX / MS_PER_S;
    is_meant && created_ms.saturating_add(ttl * MS_PER_S) < now_ms.cast_signed()
}

/// A snapshot whose time is over is as good as deleted.
pub(crate) fn check_expiry(env: &MasterEnv, snapshot: &pb::SnapshotDescription) -> Result<(), JavaException> {
    if !is_expired(snapshot, env.clock.now_ms()) {
        return Ok(());
    }
    let message = format!("TTL for snapshot '{}' has already expired.", snapshot.name);
    Err(JavaException::new(class::SNAPSHOT_TTL_EXPIRED, message))
}

/// Whether a table can be made, or made anew, of what a snapshot lists.
///
/// # Errors
/// When it can't.
pub(crate) fn check_manifest(
    table: &TableName,
    manifest: &pb::SnapshotDataManifest,
) -> Result<(), JavaException> {
    let schema = TableDescriptor::try_from(&manifest.table_schema)?;
    if take::has_mob(&schema) {
        let message =
            format!("{} has MOB families: this master restores no snapshots of them", schema.name());
        return Err(JavaException::new(class::RESTORE_SNAPSHOT, message));
    }
    layout::Layout::new(table, manifest.clone()).map(drop)
}

impl MasterEnv {
    /// What is being done with snapshots.
    pub(crate) fn snapshot_work(&self) -> Vec<Work> {
        let views = self.executor().map(|executor| executor.views()).unwrap_or_default();
        views.iter().filter_map(|view| Work::of(&view.record)).collect()
    }

    /// The last procedure, if no snapshot is being taken now. A list of what snapshots refer to, made meanwhile, may
    /// lack what moves from one file to another: it is good if no snapshot was taken before its end either.
    pub(crate) fn no_snapshot_runs(&self) -> Option<ProcId> {
        let last = self.executor()?.last_id();
        (!self.snapshot_work().iter().any(Work::takes)).then_some(last)
    }

    /// Whether no snapshot has been taken, or begun, after that procedure.
    pub(crate) fn no_snapshot_since(&self, last: ProcId) -> bool {
        self.executor().is_some_and(|executor| {
            let records = executor.records();
            !records.iter().any(|record| record.class_name == take::CLASS && record.proc_id > last.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_live_as_long_as_they_say() {
        for (created, ttl, now, is_over) in [
            (1000, 5, 6000, false),
            (1000, 5, 6001, true),
            (1000, 0, u64::MAX / 2, false),
            (1000, -1, u64::MAX / 2, false),
            (0, 5, u64::MAX / 2, false),
            (1000, i64::MAX / 1000, u64::MAX / 2, false),
            (i64::MAX - 1, 5, 6001, false),
        ] {
            let snapshot = pb::SnapshotDescription {
                creation_time: Some(created),
                ttl: Some(ttl),
                ..Default::default()
            };
            assert_eq!(is_expired(&snapshot, now), is_over, "{created} {ttl} {now}");
        }
    }
}
