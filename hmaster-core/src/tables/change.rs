//! What a change of a table's schema means, and whether it may be made. Counterpart of the checks of
//! `ModifyTableProcedure` and of `StoreFileTrackerValidationUtils.checkForModifyTable`.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_types::{
    ColumnFamilyDescriptor, JavaException, RegionInfo, StoreFileTracker, TableDescriptor, UnknownTracker,
    attribute, class, to_string_binary,
};

/// hbase:meta can't be without these.
const META_FAMILIES: [&str; 3] = ["info", "table", "rep_barrier"];
/// The attribute that says which group of region servers a table belongs to.
const GROUP: &str = "hbase.rsgroup.name";
/// Attributes that take effect only when regions are reopened.
const NEED_REOPENING: [&str; 3] =
    [attribute::REGION_REPLICATION, attribute::REGION_MEMSTORE_REPLICATION, GROUP];

/// The families that are in `old` and not in `new`.
pub(crate) fn families_that_go(old: &TableDescriptor, new: &TableDescriptor) -> Vec<Bytes> {
    let gone = old.families().filter(|family| new.family(family.name()).is_none());
    gone.map(|family| family.name().clone()).collect()
}

/// Checks the new schema of hbase:meta.
///
/// # Errors
/// When it lacks a family.
pub(crate) fn check_meta(new: &TableDescriptor) -> Result<(), JavaException> {
    match META_FAMILIES.iter().find(|family| new.family(family.as_bytes()).is_none()) {
        Some(family) if new.name().is_meta() => {
            let message = format!("Delete of hbase:meta column family {family}");
            Err(JavaException::new(class::HBASE_IO, message))
        }
        _ => Ok(()),
    }
}

/// Checks a change that regions are to take up when they open next, whenever that is.
///
/// # Errors
/// When it touches what regions must be reopened for.
pub(crate) fn check_without_reopening(
    old: &TableDescriptor,
    new: &TableDescriptor,
) -> Result<(), JavaException> {
    let refuse = |message: String| Err(JavaException::new(class::HBASE_IO, message));
    if old.families().len() != new.families().len() {
        return refuse(
            "Cannot add or remove column families when this modification won't reopen regions.".into(),
        );
    }
    if coprocessors(old) != coprocessors(new) {
        return refuse("Can not modify Coprocessor when table modification won't reopen regions".into());
    }
    match NEED_REOPENING.iter().find(|key| old.attribute(key) != new.attribute(key)) {
        Some(key) => {
            refuse(format!("Can not modify {key} of a table when modification won't reopen regions"))
        }
        None => Ok(()),
    }
}

fn coprocessors(schema: &TableDescriptor) -> BTreeMap<&Bytes, &Bytes> {
    let is_one = |key: &&Bytes| key.to_ascii_lowercase().starts_with(b"coprocessor$");
    schema.attributes().iter().filter(|(key, _)| is_one(key)).collect()
}

/// Checks that families that stay go from one store file tracker to another by way of a migration, and that new ones
/// don't begin with one. `otherwise` is what the cluster's configuration says.
///
/// # Errors
/// When a step is left out; files would be lost from sight.
pub(crate) fn check_trackers(
    old: &TableDescriptor,
    new: &TableDescriptor,
    otherwise: &str,
    is_disabled: bool,
) -> Result<(), JavaException> {
    for family in new.families() {
        let tracker = StoreFileTracker::of(new, family, otherwise).map_err(unknown_tracker)?;
        let place = format!("family {} of table {}", to_string_binary(family.name()), new.name());
        match old.family(family.name()) {
            None => check_new_family(tracker, &place)?,
            Some(before) => {
                let before = StoreFileTracker::of(old, before, otherwise).map_err(unknown_tracker)?;
                check_tracker(before, tracker, &place, new, is_disabled)?;
            }
        }
    }
    Ok(())
}

/// Checks that families keep the store file tracker they have when a snapshot is restored. Counterpart of
/// `validatePreRestoreSnapshot`.
///
/// # Errors
/// When one would change; files would be lost from sight.
pub(crate) fn check_same_trackers(
    current: &TableDescriptor,
    snapshot: &TableDescriptor,
    otherwise: &str,
) -> Result<(), JavaException> {
    for family in current.families() {
        let Some(restored) = snapshot.family(family.name()) else { continue };
        let is = StoreFileTracker::of(current, family, otherwise).map_err(unknown_tracker)?;
        let was = StoreFileTracker::of(snapshot, restored, otherwise).map_err(unknown_tracker)?;
        if is.name() != was.name() {
            let message = format!(
                "Restoring Snapshot is not possible because  the config for column family {} has incompatible configuration. \
                 Current SFT: {} SFT from snapshot: {}",
                to_string_binary(family.name()),
                is.name(),
                was.name()
            );
            return Err(JavaException::new(class::RESTORE_SNAPSHOT, message));
        }
    }
    Ok(())
}

/// A setting that names no tracker, as clients are told.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(crate) fn unknown_tracker(error: UnknownTracker) -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, error.to_string())
}

fn check_new_family(tracker: StoreFileTracker, place: &str) -> Result<(), JavaException> {
    match tracker {
        StoreFileTracker::Plain(_) => Ok(()),
        StoreFileTracker::Migration { .. } => {
            let message = format!("Should not use MIGRATION as store file tracker for new {place}");
            Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
        }
    }
}

fn check_tracker(
    before: StoreFileTracker,
    after: StoreFileTracker,
    place: &str,
    table: &TableDescriptor,
    is_disabled: bool,
) -> Result<(), JavaException> {
    use StoreFileTracker::{Migration, Plain};
    let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
    #[expect(clippy::match_same_arms, reason = "in the order of the checks")]
    match (before, after) {
        (Plain(before), Plain(after)) if before == after => Ok(()),
        (Plain(before), Plain(_)) => refuse(format!(
            "Should change to MIGRATION first when migrating from {} for {place}",
            before.name()
        )),
        (Plain(before), Migration { source, .. }) if before != source => refuse(format!(
            "Should use src tracker {0} first but got {1} when migrating from {0} for {place}",
            before.name(),
            source.name()
        )),
        (Plain(_), Migration { source, destination }) if source == destination => {
            refuse(format!("The src tracker and dst tracker are both {} for {place}", source.name()))
        }
        (Plain(_), Migration { .. }) => Ok(()),
        (
            Migration { source, destination },
            Migration { source: new_source, destination: new_destination },
        ) => {
            let changed = |which: &str, from: &str, to: &str| {
                refuse(format!("The {which} tracker has been changed from {from} to {to} for {place}"))
            };
            if source != new_source {
                changed("src", source.name(), new_source.name())
            } else if destination != new_destination {
                changed("dst", destination.name(), new_destination.name())
            } else {
                Ok(())
            }
        }
        // Only open regions have written the destination's list.
        (Migration { .. }, Plain(_)) if is_disabled => {
            let message = format!(
                "Should not change store file tracker implementation from MIGRATION while table {} is disabled",
                table.name()
            );
            Err(JavaException::new(class::TABLE_NOT_ENABLED, message))
        }
        (Migration { destination, .. }, Plain(after)) if destination != after => refuse(format!(
            "Should migrate tracker to {} but got {} for {place}",
            destination.name(),
            after.name()
        )),
        (Migration { .. }, Plain(_)) => Ok(()),
    }
}

/// Checks a request to add a family.
///
/// # Errors
/// When it is there.
pub(crate) fn with_new_family(
    old: &TableDescriptor,
    family: ColumnFamilyDescriptor,
) -> Result<TableDescriptor, JavaException> {
    if old.family(family.name()).is_some() {
        let name = to_string_binary(family.name());
        return Err(no_family(format!(
            "Column family '{name}' in table '{}' already exists so cannot be added",
            old.name()
        )));
    }
    Ok(old.to_builder().family(family).build())
}

/// Checks a request to change a family.
///
/// # Errors
/// When it isn't there.
pub(crate) fn with_changed_family(
    old: &TableDescriptor,
    family: ColumnFamilyDescriptor,
) -> Result<TableDescriptor, JavaException> {
    if old.family(family.name()).is_none() {
        let name = to_string_binary(family.name());
        return Err(no_family(format!("Family '{name}' does not exist, so it cannot be modified")));
    }
    Ok(old.to_builder().family(family).build())
}

/// Checks a request to delete a family.
///
/// # Errors
/// When it isn't there, or is the only one.
pub(crate) fn without_family(old: &TableDescriptor, name: &[u8]) -> Result<TableDescriptor, JavaException> {
    let text = to_string_binary(name);
    if old.family(name).is_none() {
        return Err(no_family(format!("Family '{text}' does not exist, so it cannot be deleted")));
    }
    if old.families().len() == 1 {
        return Err(no_family(format!(
            "Family '{text}' is the only column family in the table, so it cannot be deleted"
        )));
    }
    Ok(old.to_builder().without_family(name).build())
}

fn no_family(message: String) -> JavaException {
    JavaException::new(class::INVALID_FAMILY_OPERATION, message)
}

/// What this master can't do to a schema.
///
/// # Errors
/// When the change asks for it.
pub(crate) fn check_supported(old: &TableDescriptor, new: &TableDescriptor) -> Result<(), JavaException> {
    let refuse = |message: &str| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
    if old.attribute(attribute::ERASURE_CODING_POLICY) != new.attribute(attribute::ERASURE_CODING_POLICY) {
        return refuse("Erasure coding policies are not supported by this master");
    }
    if new.name().is_meta() && old.region_replication() != new.region_replication() {
        return refuse("The number of replicas of hbase:meta can't be changed by this master");
    }
    match new.attribute(attribute::REGION_REPLICATION) {
        Some(value) if new.parsed(attribute::REGION_REPLICATION).is_none_or(|count: u16| count < 1) => {
            let (value, max) = (to_string_binary(value), RegionInfo::REPLICA_ID_MAX);
            refuse(&format!("Region Replication must be between 1 and {max}, it is {value}."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(attributes: &[(&'static str, &'static str)], families: &[&'static str]) -> TableDescriptor {
        let table = TableDescriptor::builder("t".parse().unwrap());
        let table = attributes.iter().fold(table, |table, (key, value)| table.attribute(*key, *value));
        let family = |name: &&'static str| ColumnFamilyDescriptor::builder(*name).build();
        families.iter().map(family).fold(table, hmaster_types::TableDescriptorBuilder::family).build()
    }

    #[test]
    fn some_changes_need_regions_to_be_reopened() {
        let old = schema(&[("coprocessor$1", "|a|1|"), ("MAX_FILESIZE", "1")], &["f"]);
        let allowed = schema(&[("coprocessor$1", "|a|1|"), ("MAX_FILESIZE", "2")], &["f"]);
        assert_eq!(check_without_reopening(&old, &allowed), Ok(()));
        for refused in [
            schema(&[("coprocessor$1", "|a|1|")], &["f", "g"]),
            schema(&[("coprocessor$1", "|b|1|")], &["f"]),
            schema(&[("coprocessor$1", "|a|1|"), (attribute::REGION_REPLICATION, "2")], &["f"]),
            schema(&[("coprocessor$1", "|a|1|"), (GROUP, "g")], &["f"]),
        ] {
            assert!(check_without_reopening(&old, &refused).unwrap_err().is(class::HBASE_IO), "{refused:?}");
        }
    }

    #[test]
    fn families_are_compared_by_name() {
        let (old, new) = (schema(&[], &["a", "b", "c"]), schema(&[], &["b", "d"]));
        assert_eq!(families_that_go(&old, &new), ["a", "c"]);
        assert!(families_that_go(&new, &new).is_empty());
        assert!(with_new_family(&old, ColumnFamilyDescriptor::builder("a").build()).is_err());
        assert!(with_changed_family(&old, ColumnFamilyDescriptor::builder("d").build()).is_err());
        assert!(without_family(&old, b"d").is_err());
        assert!(without_family(&schema(&[], &["a"]), b"a").is_err());
        assert_eq!(without_family(&old, b"a"), Ok(schema(&[], &["b", "c"])));
    }

    #[test]
    fn hbase_meta_keeps_its_families() {
        let families = |names: &[&'static str]| {
            let table = TableDescriptor::builder(hmaster_types::TableName::meta());
            let family = |name: &&'static str| ColumnFamilyDescriptor::builder(*name).build();
            names.iter().map(family).fold(table, hmaster_types::TableDescriptorBuilder::family).build()
        };
        assert_eq!(check_meta(&families(&["info", "table", "rep_barrier", "own"])), Ok(()));
        assert!(check_meta(&families(&["info", "table"])).unwrap_err().message.ends_with("rep_barrier"));
        assert_eq!(check_meta(&schema(&[], &["f"])), Ok(()));
    }

    #[test]
    fn trackers_change_by_migration_only() {
        let tracker = |name| schema(&[(attribute::STORE_FILE_TRACKER, name)], &["f"]);
        let migration = |source, destination| {
            schema(
                &[
                    (attribute::STORE_FILE_TRACKER, "MIGRATION"),
                    (attribute::MIGRATION_SOURCE, source),
                    (attribute::MIGRATION_DESTINATION, destination),
                ],
                &["f"],
            )
        };
        let (default, file) = (tracker("DEFAULT"), tracker("FILE"));
        let there = migration("DEFAULT", "FILE");
        for (old, new, is_disabled, message) in [
            (&default, &default, true, None),
            (&schema(&[], &["f"]), &default, false, None),
            (&default, &there, true, None),
            (&there, &there, false, None),
            (&there, &file, false, None),
            (&default, &file, false, Some("Should change to MIGRATION first")),
            (&file, &there, false, Some("Should use src tracker FILE first but got DEFAULT")),
            (&file, &migration("FILE", "FILE"), false, Some("are both FILE")),
            (&there, &migration("FILE", "DEFAULT"), false, Some("The src tracker has been changed")),
            (&there, &migration("DEFAULT", "DEFAULT"), false, Some("The dst tracker has been changed")),
            (&there, &file, true, Some("while table t is disabled")),
            (&there, &default, false, Some("Should migrate tracker to FILE but got DEFAULT")),
            (&default, &tracker("other"), false, Some("there is no store file tracker")),
            (&schema(&[], &[]), &there, false, Some("for new family f")),
        ] {
            let checked = check_trackers(old, new, "DEFAULT", is_disabled);
            match message {
                None => assert_eq!(checked, Ok(()), "{old:?} {new:?}"),
                Some(message) => {
                    let error = checked.unwrap_err();
                    assert!(error.message.contains(message), "{error}");
                }
            }
        }
    }
}
