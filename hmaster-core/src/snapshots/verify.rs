//! Whether a manifest says what it must. Counterpart of `MasterSnapshotVerifier`, apart from looking for the files.

use std::collections::BTreeMap;

use hmaster_protocol::pb;
use hmaster_types::{EncodedName, JavaException, RegionInfo, TableDescriptor, class};

use super::describe;

/// Each of the table's regions must be in it, once, and no others: otherwise regions were split or merged meanwhile.
pub(super) fn verify(
    snapshot: &pb::SnapshotDescription,
    manifest: &pb::SnapshotDataManifest,
    regions: &[RegionInfo],
) -> Result<(), JavaException> {
    let corrupted = |message: String| JavaException::new(class::CORRUPTED_SNAPSHOT, message);
    let schema = TableDescriptor::try_from(&manifest.table_schema)?;
    if schema.name().as_str() != snapshot.table() {
        let found = schema.name();
        let message = format!("Invalid Table Descriptor. Expected {} name, got {found}", snapshot.table());
        return Err(corrupted(message));
    }
    let mut listed: BTreeMap<EncodedName, RegionInfo> = BTreeMap::new();
    for region in &manifest.region_manifests {
        let info = RegionInfo::try_from(&region.region_info)?;
        listed.insert(info.encoded_name(), info);
    }
    if listed.is_empty() {
        return Err(corrupted(format!("Snapshot {} looks empty", describe(snapshot))));
    }
    if listed.len() != regions.len() {
        return Err(corrupted(format!(
            "Regions moved during the snapshot '{}'. expected={} snapshotted={}.",
            describe(snapshot),
            regions.len(),
            listed.len()
        )));
    }
    for region in regions {
        let Some(info) = listed.get(&region.encoded_name()) else {
            return Err(corrupted(format!("No snapshot region directory found for region:{region}")));
        };
        if info != region {
            let message = format!("Manifest region info {info} doesn't match expected region:{region}");
            return Err(corrupted(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hmaster_types::TableName;

    use super::*;

    fn regions(ids: &[u64]) -> Vec<RegionInfo> {
        let table: TableName = "t".parse().unwrap();
        ids.iter().map(|id| RegionInfo::builder(table.clone()).region_id(*id).build()).collect()
    }

    fn manifest(table: &str, ids: &[u64]) -> pb::SnapshotDataManifest {
        let schema = TableDescriptor::builder(table.parse().unwrap()).build();
        let region =
            |info: &RegionInfo| pb::SnapshotRegionManifest { region_info: info.into(), ..Default::default() };
        pb::SnapshotDataManifest {
            table_schema: (&schema).into(),
            region_manifests: regions(ids).iter().map(region).collect(),
        }
    }

    #[test]
    fn every_region_is_there_once() {
        let snapshot =
            pb::SnapshotDescription { name: "s".into(), table: Some("t".into()), ..Default::default() };
        assert_eq!(verify(&snapshot, &manifest("t", &[1, 2]), &regions(&[1, 2])), Ok(()));
        for (bad, expected) in [
            (manifest("other", &[1, 2]), vec![1, 2]),
            (manifest("t", &[]), vec![]),
            (manifest("t", &[1]), vec![1, 2]),
            (manifest("t", &[1, 2]), vec![1]),
            (manifest("t", &[1, 3]), vec![1, 2]),
        ] {
            let error = verify(&snapshot, &bad, &regions(&expected)).unwrap_err();
            assert!(error.is(class::CORRUPTED_SNAPSHOT), "{error}");
        }
    }
}
