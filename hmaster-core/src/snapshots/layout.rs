//! Which regions a table consists of once a snapshot is brought back in it, decided from what the snapshot lists.
//! Counterpart of `RestoreSnapshotHelper.RestoreMetaChanges`, and of the changes of hbase:meta that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_protocol::{meta, pb};
use hmaster_types::{EncodedName, JavaException, RegionInfo, RegionState, TableDescriptor, TableName, class};

use crate::assignment::RegionRecord;
use crate::environment::MasterEnv;
use crate::ports::RowMutation;

/// Regions that were split when the snapshot was taken, with those that still need their files.
pub(super) type Daughters = BTreeMap<EncodedName, [EncodedName; 2]>;

/// A table as a snapshot has it.
#[derive(Debug)]
pub(super) struct Layout {
    /// The table's regions, with what each is to have.
    pub(super) regions: Vec<(RegionInfo, pb::SnapshotRegionManifest)>,
    /// Which region of the snapshot has become which.
    pub(super) names: BTreeMap<EncodedName, EncodedName>,
    /// Who needs whose files, by the names in the table.
    pub(super) daughters: Daughters,
}

impl Layout {
    /// The regions of `table`, which is the snapshot's own or another one. They keep keys and ids, so that the same
    /// snapshot always makes the same regions.
    ///
    /// # Errors
    /// When the manifest isn't one of a whole table.
    pub(super) fn new(table: &TableName, manifest: pb::SnapshotDataManifest) -> Result<Self, JavaException> {
        let schema = TableDescriptor::try_from(&manifest.table_schema)?;
        let mut layout = Self { regions: Vec::new(), names: BTreeMap::new(), daughters: BTreeMap::new() };
        for listed in manifest.region_manifests {
            let source = RegionInfo::try_from(&listed.region_info)?;
            let unknown =
                listed.family_files.iter().find(|files| schema.family(&files.family_name).is_none());
            if let Some(files) = unknown {
                let family = hmaster_types::to_string_binary(&files.family_name);
                return Err(corrupted(format!("{source} has a family {family} that its table hasn't")));
            }
            if source.table() != schema.name() || !source.is_default_replica() {
                return Err(corrupted(format!("{source} is listed as a region of {}", schema.name())));
            }
            let region = in_table(table, &source);
            if layout.names.insert(source.encoded_name(), region.encoded_name()).is_some() {
                return Err(corrupted(format!("{source} is listed twice")));
            }
            layout.regions.push((region, listed));
        }
        if layout.regions.is_empty() {
            return Err(corrupted("no region is listed".into()));
        }
        layout.regions.sort_by(|a, b| a.0.cmp(&b.0));
        layout.daughters = layout.find_daughters();
        Ok(layout)
    }

    /// The regions.
    pub(super) fn infos(&self) -> Vec<RegionInfo> {
        self.regions.iter().map(|(region, _)| region.clone()).collect()
    }

    /// A region needs its parent's files as long as it has references. Of two daughters, one may be rid of them already;
    /// then the other counts twice, as in Java.
    fn find_daughters(&self) -> Daughters {
        let mut found: BTreeMap<EncodedName, BTreeSet<EncodedName>> = BTreeMap::new();
        for (region, listed) in &self.regions {
            let files = listed.family_files.iter().flat_map(|family| &family.store_files);
            let parents = files.filter_map(|file| referred_region(&file.name));
            for parent in parents.filter_map(|parent| self.names.get(&parent)) {
                found.entry(*parent).or_default().insert(region.encoded_name());
            }
        }
        let pair = |children: BTreeSet<EncodedName>| {
            let in_order = self.regions.iter().map(|(region, _)| region.encoded_name());
            let mut children = in_order.filter(|name| children.contains(name));
            let first = children.next()?;
            Some([first, children.next().unwrap_or(first)])
        };
        found.into_iter().filter_map(|(parent, children)| Some((parent, pair(children)?))).collect()
    }
}

/// The same region in another table. Counterpart of `cloneRegionInfo`.
fn in_table(table: &TableName, source: &RegionInfo) -> RegionInfo {
    RegionInfo::builder(table.clone())
        .start_key(source.start_key())
        .end_key(source.end_key())
        .region_id(source.region_id())
        .split(source.is_split())
        .offline(source.is_offline())
        .build()
}

/// The region that a reference's name ends with. A link's name may look like that, but doesn't end with a region.
fn referred_region(name: &str) -> Option<EncodedName> {
    name.rsplit_once('.')?.1.parse().ok()
}

fn corrupted(message: String) -> JavaException {
    JavaException::new(class::CORRUPTED_SNAPSHOT, message)
}

/// What hbase:meta is to say about the regions, which aren't in it.
pub(super) fn rows(
    regions: &[RegionInfo],
    daughters: &Daughters,
    replicas: u16,
    now_ms: i64,
) -> Vec<RowMutation> {
    let by_name: BTreeMap<_, _> = regions.iter().map(|region| (region.encoded_name(), region)).collect();
    let mut rows = Vec::with_capacity(regions.len());
    for region in regions {
        rows.push(meta::add_region(region, if region.is_split_parent() { 1 } else { replicas }, now_ms));
        if !region.is_split_parent() {
            continue;
        }
        let names = daughters.get(&region.encoded_name());
        let found = names.and_then(|[a, b]| Some([*by_name.get(a)?, *by_name.get(b)?]));
        match found {
            Some(found) => rows.push(meta::put_daughters(region, found, now_ms)),
            None => tracing::warn!(%region, "was split, and nobody needs its files any more"),
        }
    }
    rows
}

/// The regions with their replicas; one that was split has none any more.
pub(super) fn with_copies(regions: &[RegionInfo], replicas: u16) -> Vec<RegionInfo> {
    let copies = |region: &RegionInfo| if region.is_split_parent() { 1 } else { replicas };
    regions.iter().flat_map(|region| (0..copies(region)).map(|id| region.with_replica(id))).collect()
}

/// Takes in regions, closed as they are.
pub(super) fn load(env: &MasterEnv, regions: &[RegionInfo]) {
    for region in regions {
        let state = if region.is_split_parent() { RegionState::Split } else { RegionState::Closed };
        env.regions.load(RegionRecord::new(region.clone(), state));
    }
}

/// The pairs as procedures store them.
pub(super) fn stored(daughters: &Daughters) -> Vec<pb::RestoreParentToChildRegionsPair> {
    let pair = |(parent, [a, b]): (&EncodedName, &[EncodedName; 2])| pb::RestoreParentToChildRegionsPair {
        parent_region_name: parent.to_string(),
        child1_region_name: a.to_string(),
        child2_region_name: b.to_string(),
    };
    daughters.iter().map(pair).collect()
}

/// Reads pairs. Java also notes what merged regions refer to; nobody looks at that.
pub(super) fn read(stored: &[pb::RestoreParentToChildRegionsPair]) -> Daughters {
    let pair = |pair: &pb::RestoreParentToChildRegionsPair| {
        let children = [pair.child1_region_name.parse().ok()?, pair.child2_region_name.parse().ok()?];
        Some((pair.parent_region_name.parse().ok()?, children))
    };
    stored.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use hmaster_types::ColumnFamilyDescriptor;

    use super::*;

    fn region(start: &str, end: &str, id: u64) -> RegionInfo {
        let builder = RegionInfo::builder("t".parse().unwrap()).region_id(id);
        builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
    }

    fn listed(region: &RegionInfo, family: &'static str, files: &[String]) -> pb::SnapshotRegionManifest {
        let file = |name: &String| pb::snapshot_region_manifest::StoreFile {
            name: name.clone(),
            ..Default::default()
        };
        pb::SnapshotRegionManifest {
            version: None,
            region_info: region.into(),
            family_files: vec![pb::snapshot_region_manifest::FamilyFiles {
                family_name: family.into(),
                store_files: files.iter().map(file).collect(),
            }],
        }
    }

    fn manifest(region_manifests: Vec<pb::SnapshotRegionManifest>) -> pb::SnapshotDataManifest {
        let family = ColumnFamilyDescriptor::builder("f").build();
        let schema = TableDescriptor::builder("t".parse().unwrap()).family(family).build();
        pb::SnapshotDataManifest { table_schema: (&schema).into(), region_manifests }
    }

    #[test]
    fn a_split_parent_comes_with_whoever_needs_its_files() {
        let parent = region("", "", 1).to_builder().split(true).offline(true).build();
        let (a, b) = (region("", "m", 2), region("m", "", 2));
        let refers = vec![format!("ff.{}", parent.encoded_name())];
        for (of_b, second) in [(refers.clone(), &b), (vec!["ee".to_owned()], &a)] {
            let all =
                vec![listed(&b, "f", &of_b), listed(&parent, "f", &["ff".into()]), listed(&a, "f", &refers)];
            let layout = Layout::new(&"u".parse().unwrap(), manifest(all)).unwrap();
            let named = |region: &RegionInfo| in_table(&"u".parse().unwrap(), region).encoded_name();
            assert_eq!(layout.daughters, [(named(&parent), [named(&a), named(second)])].into());
            assert_eq!(read(&stored(&layout.daughters)), layout.daughters);
            let infos = layout.infos();
            assert!(infos.iter().any(RegionInfo::is_split_parent) && infos.len() == 3);
            assert!(infos.iter().all(|region| region.table().as_str() == "u"));
            assert_eq!(rows(&infos, &layout.daughters, 2, 5).len(), 4, "one says who the daughters are");
        }
    }

    #[test]
    fn in_its_own_table_a_region_is_itself() {
        let a = region("", "m", 2);
        let layout = Layout::new(&"t".parse().unwrap(), manifest(vec![listed(&a, "f", &[])])).unwrap();
        assert_eq!(layout.infos(), std::slice::from_ref(&a));
        assert_eq!(layout.names, [(a.encoded_name(), a.encoded_name())].into());
    }

    #[test]
    fn bad_manifests_are_refused() {
        let (a, other) = (region("", "m", 2), RegionInfo::builder("u".parse().unwrap()).build());
        for bad in [
            vec![],
            vec![listed(&a, "f", &[]), listed(&a, "f", &[])],
            vec![listed(&a, "g", &[])],
            vec![listed(&other, "f", &[])],
            vec![listed(&a.with_replica(1), "f", &[])],
        ] {
            let error = Layout::new(&"t".parse().unwrap(), manifest(bad)).unwrap_err();
            assert!(error.is(class::CORRUPTED_SNAPSHOT), "{error}");
        }
    }
}
