//! The snapshot that is taken before data is destroyed, if the configuration wants one. Counterpart of
//! `RecoverySnapshotUtils`.
//!
//! Differs from Java in that the name of a table in a namespace loses its colon, which no file system takes, and in that
//! regions aren't truncated at all then: the snapshot of the table would wait for the region's lock.

use hmaster_procedure::Procedure;
use hmaster_protocol::pb;
use hmaster_protocol::pb::snapshot_description::Type;
use hmaster_types::{JavaException, TableName, TableState};

use super::{LAYOUT_VERSION, TakeSnapshot};
use crate::environment::MasterEnv;

/// A table's own time to live of such snapshots, in seconds.
const TABLE_TTL: &str = "RECOVERY_SNAPSHOT_TTL";

/// Whether there is to be one.
pub(crate) fn is_wanted(env: &MasterEnv) -> bool {
    env.options.snapshots.before_destruction && env.options.snapshots.enabled
}

/// The procedure that takes it, and its name.
///
/// # Errors
/// When there can't be one of this table.
pub(crate) fn take(
    env: &MasterEnv,
    table: &TableName,
) -> Result<(String, Box<dyn Procedure<MasterEnv>>), JavaException> {
    let schema = super::take::check_table(env, table)?;
    let configured = i64::try_from(env.options.snapshots.before_destruction_ttl.as_secs()).unwrap_or(0);
    let is_disabled = env.tables.is_in(table, &[TableState::Disabled]);
    let now_ms = env.clock.now_ms();
    let name = format!("auto_{}_{now_ms}", table.as_str().replace(':', "_"));
    let snapshot = pb::SnapshotDescription {
        name: name.clone(),
        table: Some(table.to_string()),
        creation_time: Some(now_ms.cast_signed()),
        r#type: Some(if is_disabled { Type::Skipflush } else { Type::Flush }.into()),
        version: Some(LAYOUT_VERSION),
        ttl: Some(schema.parsed(TABLE_TTL).unwrap_or(configured)),
        ..Default::default()
    };
    Ok((name, Box::new(TakeSnapshot::procedure(snapshot)?)))
}

/// Deletes it again: nothing is destroyed after all. If that fails it stays until its time is over.
pub(crate) async fn discard(env: &MasterEnv, name: Option<&str>) {
    let Some(name) = name.filter(|name| super::check_name(name).is_ok()) else { return };
    if let Err(error) = env.files.delete_snapshot(name).await {
        tracing::warn!(name, %error, "a snapshot that nobody needs stays");
    }
}
