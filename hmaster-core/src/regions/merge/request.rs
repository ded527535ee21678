//! From a wish to merge regions to a procedure. Counterpart of the constructor of `MergeTableRegionsProcedure`.

use std::collections::BTreeSet;

use hmaster_procedure::StateMachineProcedure;
use hmaster_types::{JavaException, RegionInfo, class};

use super::MergeRegions;
use crate::environment::MasterEnv;
use crate::regions::common;
use crate::step::ProcedureUser;
use crate::switches::Switch;

/// Merges are switched on, in the cluster and for the table.
///
/// # Errors
/// `DoNotRetryIOException` when they aren't.
pub fn check_switches(env: &MasterEnv, regions: &[RegionInfo]) -> Result<(), JavaException> {
    let names: Vec<_> = regions.iter().map(|region| region.encoded_name().to_string()).collect();
    let refuse = |why: &str| {
        let message = format!("Merge of [{}] failed {why}", names.join(", "));
        Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
    };
    if !env.switches.is_on(Switch::Merge) {
        return refuse("because merge switch is off");
    }
    let Some(first) = regions.first() else { return Ok(()) };
    match common::schema(env, first.table())?.is_merge_enabled() {
        true => Ok(()),
        false => refuse("as region merge is disabled for the table"),
    }
}

impl MergeRegions {
    /// Merges `regions`; those with others between them only if `forcible`.
    ///
    /// # Errors
    /// When they can't be merged.
    pub fn procedure(
        env: &MasterEnv,
        user: ProcedureUser,
        mut regions: Vec<RegionInfo>,
        forcible: bool,
    ) -> Result<StateMachineProcedure<Self>, JavaException> {
        check(&regions, forcible)?;
        for region in &regions {
            let online = common::check_online(env, region);
            online.map_err(|error| JavaException::new(class::MERGE_REGION, error.to_string()))?;
        }
        regions.sort();
        let merged = merged(&regions);
        common::check_enabled(env, merged.table())?;
        Ok(StateMachineProcedure::new(Self { user, parents: regions, merged, forcible, server: None }))
    }
}

/// What can be told of the regions alone.
fn check(regions: &[RegionInfo], forcible: bool) -> Result<(), JavaException> {
    let refuse = |message: String| Err(JavaException::new(class::MERGE_REGION, message));
    let unique: BTreeSet<_> = regions.iter().map(RegionInfo::encoded_name).collect();
    if unique.len() != regions.len() {
        return refuse(format!(
            "Duplicate regions specified; cannot merge a region to itself. Passed in {} but only {} unique.",
            regions.len(),
            unique.len()
        ));
    }
    if regions.len() < 2 {
        return refuse("Need two Regions at least to run a Merge".into());
    }
    for pair in regions.windows(2) {
        let [previous, region] = pair else { continue };
        if previous.table() != region.table() {
            return refuse(format!("Can't merge regions from different tables: {previous}, {region}"));
        }
        if !forcible && !region.is_adjacent(previous) && !region.overlaps(previous) {
            return refuse(format!(
                "Unable to merge non-adjacent or non-overlapping regions '{}', '{}' when force=false",
                previous.encoded_name(),
                region.encoded_name()
            ));
        }
    }
    match regions.iter().find(|region| !region.is_default_replica()) {
        Some(replica) => refuse(format!("Can't merge non-default replicas; {replica}")),
        None => Ok(()),
    }
}

/// The region with all rows of `regions`, of which there is at least one.
fn merged(regions: &[RegionInfo]) -> RegionInfo {
    let start = regions.iter().map(RegionInfo::start_key).min().unwrap_or_default();
    let is_last = regions.iter().any(|region| region.end_key().is_empty());
    let end = regions.iter().map(RegionInfo::end_key).max().filter(|_| !is_last).unwrap_or_default();
    let id = regions.iter().map(RegionInfo::region_id).max().unwrap_or(0) + 1;
    let table = regions[0].table().clone();
    RegionInfo::builder(table).start_key(start).end_key(end).region_id(id).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(table: &str, start: &str, end: &str, id: u64) -> RegionInfo {
        let builder = RegionInfo::builder(table.parse().unwrap()).region_id(id);
        builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
    }

    #[test]
    fn which_regions_can_be_merged() {
        let (a, b, c) = (region("t", "", "b", 1), region("t", "b", "c", 1), region("t", "c", "", 1));
        let inner = region("t", "a", "bb", 7);
        for (regions, forcible, message) in [
            (vec![&a, &b], false, None),
            (vec![&b, &a], false, None),
            (vec![&a, &b, &c], false, None),
            (vec![&a, &inner], false, None),
            (vec![&a, &c], true, None),
            (vec![&a, &c], false, Some("non-adjacent")),
            (vec![&a], false, Some("Need two Regions")),
            (vec![], false, Some("Need two Regions")),
            (vec![&a, &a], true, Some("Duplicate")),
            (vec![&a, &region("u", "b", "", 1)], true, Some("different tables")),
            (vec![&a, &b.with_replica(1)], false, Some("non-default replicas")),
        ] {
            let regions: Vec<_> = regions.into_iter().cloned().collect();
            match (check(&regions, forcible), message) {
                (Ok(()), None) => {}
                (Err(error), Some(message)) => assert!(error.message.contains(message), "{error}"),
                (checked, _) => panic!("{regions:?}: {checked:?}"),
            }
        }
    }

    #[test]
    fn a_merged_region_covers_all_and_is_newer() {
        let bounds = |regions: &[RegionInfo]| {
            let merged = merged(regions);
            (merged.start_key().to_vec(), merged.end_key().to_vec(), merged.region_id())
        };
        let (a, b, c) = (region("t", "", "b", 4), region("t", "b", "c", 9), region("t", "c", "", 2));
        assert_eq!(bounds(&[a.clone(), b.clone()]), (b"".to_vec(), b"c".to_vec(), 10));
        assert_eq!(bounds(&[b.clone(), c.clone()]), (b"b".to_vec(), b"".to_vec(), 10));
        assert_eq!(bounds(&[c, a]), (b"".to_vec(), b"".to_vec(), 5));
        assert_eq!(bounds(&[region("t", "a", "z", 1), b]), (b"a".to_vec(), b"z".to_vec(), 10));
    }
}
