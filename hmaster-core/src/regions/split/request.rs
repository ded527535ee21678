//! From a wish to split a region to a procedure. Counterpart of the constructor of `SplitTableRegionProcedure` and of
//! `RegionSplitRestriction`.

use bytes::Bytes;
use hmaster_procedure::StateMachineProcedure;
use hmaster_types::{JavaException, RegionInfo, TableDescriptor, class, to_string_binary};

use super::SplitRegion;
use crate::environment::MasterEnv;
use crate::regions::common;
use crate::step::ProcedureUser;
use crate::switches::Switch;

/// Settings of a table that keep rows with a common prefix together.
const RESTRICTION: &str = "hbase.regionserver.region.split_restriction.type";
const PREFIX_LENGTH: &str = "hbase.regionserver.region.split_restriction.prefix_length";
const DELIMITER: &str = "hbase.regionserver.region.split_restriction.delimiter";

/// Splits are switched on, in the cluster and for the table.
///
/// # Errors
/// `DoNotRetryIOException` when they aren't.
pub fn check_switches(env: &MasterEnv, region: &RegionInfo) -> Result<(), JavaException> {
    let refuse = |why: &str| {
        let message = format!("Split region {} failed {why}", region.name());
        Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
    };
    if !env.switches.is_on(Switch::Split) {
        return refuse("due to split switch off");
    }
    match common::schema(env, region.table())?.is_split_enabled() {
        true => Ok(()),
        false => refuse("as region split is disabled for the table"),
    }
}

impl SplitRegion {
    /// Splits `parent` at `row`, or where its server says.
    ///
    /// # Errors
    /// When the region can't be split, or not there.
    pub async fn procedure(
        env: &MasterEnv,
        user: ProcedureUser,
        parent: &RegionInfo,
        row: Option<Bytes>,
    ) -> Result<StateMachineProcedure<Self>, JavaException> {
        if parent.is_meta() {
            // Without it nothing else works. Region servers say that it can't be split, too.
            let message = format!("Can't split {}", parent.table());
            return Err(JavaException::new(class::ILLEGAL_ARGUMENT, message));
        }
        common::check_enabled(env, parent.table())?;
        let node = common::check_online(env, parent)?;
        if !parent.is_default_replica() {
            let message = "Can't invoke split on non-default regions directly";
            return Err(JavaException::new(class::ILLEGAL_ARGUMENT, message));
        }
        let schema = common::schema(env, parent.table())?;
        let row = row.filter(|row| !row.is_empty()).map(|row| restricted(&schema, &row));
        let answer = common::ask(env, &node, row.is_none()).await;
        let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        let answer = match answer {
            Ok(answer) if answer.splittable() => answer,
            Ok(_) => return refuse(format!("{} NOT splittable", parent.encoded_name())),
            Err(error) => return refuse(format!("{} NOT splittable: {error}", parent.encoded_name())),
        };
        let row = row.or(answer.best_split_row).filter(|row| !row.is_empty());
        let daughters = daughters(node.info(), row.as_deref(), env.clock.now_ms())?;
        let parent = node.info().clone();
        Ok(StateMachineProcedure::new(Self { user, parent, daughters }))
    }
}

/// The two halves of a region.
fn daughters(parent: &RegionInfo, row: Option<&[u8]>, now_ms: u64) -> Result<[RegionInfo; 2], JavaException> {
    let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
    let Some(row) = row else {
        return refuse(
            "Region not splittable because bestSplitPoint = null, maybe table is too small for auto split. For force \
             split, try specifying split row"
                .into(),
        );
    };
    let text = to_string_binary(row);
    if parent.start_key() == row {
        return refuse(format!("Split row is equal to startkey: {text}"));
    }
    if !parent.contains_row(row) {
        return refuse(format!("Split row is not inside region key range splitKey:{text} region: {parent}"));
    }
    // Later than the parent's, whatever the clock says: the first daughter has the parent's start key, too.
    let id = now_ms.max(parent.region_id() + 1);
    let daughter = || RegionInfo::builder(parent.table().clone()).region_id(id);
    let a = daughter().start_key(parent.start_key()).end_key(row).build();
    let b = daughter().start_key(row).end_key(parent.end_key()).build();
    Ok([a, b])
}

/// The row in place of `row` at which no rows of one prefix come apart.
fn restricted(schema: &TableDescriptor, row: &Bytes) -> Bytes {
    let prefix = match schema.attribute(RESTRICTION).map(|kind| &kind[..]) {
        Some(b"KeyPrefix") => match schema.parsed::<usize>(PREFIX_LENGTH) {
            Some(length) if length > 0 => row.slice(..length.min(row.len())),
            _ => row.clone(),
        },
        Some(b"DelimitedKeyPrefix") => {
            let delimiter = schema.attribute(DELIMITER).filter(|delimiter| !delimiter.is_empty());
            let at = delimiter
                .and_then(|delimiter| row.windows(delimiter.len()).position(|part| part == delimiter));
            at.filter(|at| *at > 0).map_or_else(|| row.clone(), |at| row.slice(..at))
        }
        _ => row.clone(),
    };
    if prefix != row {
        let (wished, used) = (to_string_binary(row), to_string_binary(&prefix));
        tracing::warn!(wished, used, "the split row isn't at the end of a prefix of the table");
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &str, end: &str) -> RegionInfo {
        let builder = RegionInfo::builder("t".parse().unwrap()).region_id(50);
        builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
    }

    #[test]
    fn a_region_is_split_inside_its_range() {
        let parent = region("b", "x");
        let [a, b] = daughters(&parent, Some(b"m"), 70).unwrap();
        assert_eq!((a.start_key(), a.end_key(), a.region_id()), (&b"b"[..], &b"m"[..], 70));
        assert_eq!((b.start_key(), b.end_key(), b.region_id()), (&b"m"[..], &b"x"[..], 70));
        assert!(parent.overlaps(&a) && !a.overlaps(&b));
        for (row, message) in [
            (None, "bestSplitPoint = null"),
            (Some(&b"b"[..]), "equal to startkey"),
            (Some(b"a"), "not inside region key range"),
            (Some(b"x"), "not inside region key range"),
        ] {
            let error = daughters(&parent, row, 70).unwrap_err();
            assert!(error.message.contains(message) && error.do_not_retry, "{error}");
        }
    }

    #[test]
    fn daughters_are_later_than_their_parent_even_if_the_clock_is_not() {
        for now_ms in [0, 49, 50] {
            let [a, _] = daughters(&region("", ""), Some(b"m"), now_ms).unwrap();
            assert_eq!(a.region_id(), 51, "{now_ms}");
        }
    }

    #[test]
    fn prefixes_stay_together() {
        let table = |pairs: &[(&'static str, &'static str)]| {
            let table = TableDescriptor::builder("t".parse().unwrap());
            pairs.iter().fold(table, |table, (key, value)| table.attribute(*key, *value)).build()
        };
        for (pairs, row, expected) in [
            (vec![], "abcdef", "abcdef"),
            (vec![(RESTRICTION, "KeyPrefix"), (PREFIX_LENGTH, "2")], "abcdef", "ab"),
            (vec![(RESTRICTION, "KeyPrefix"), (PREFIX_LENGTH, "9")], "abc", "abc"),
            (vec![(RESTRICTION, "KeyPrefix")], "abc", "abc"),
            (vec![(RESTRICTION, "DelimitedKeyPrefix"), (DELIMITER, "_")], "ab_cd", "ab"),
            (vec![(RESTRICTION, "DelimitedKeyPrefix"), (DELIMITER, "_")], "abcd", "abcd"),
            (vec![(RESTRICTION, "DelimitedKeyPrefix")], "ab_cd", "ab_cd"),
        ] {
            assert_eq!(restricted(&table(&pairs), &row.into()), expected, "{pairs:?}");
        }
    }
}
