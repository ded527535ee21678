//! Files of snapshots.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_types::{EncodedName, RegionInfo, TableDescriptor};

use super::MasterLink;
use crate::ports::files::FilesError;
use crate::ports::snapshot_files::SnapshotFiles;
use crate::testing::root::{FileName, RegionFolder, Root, SnapshotFolder, StoreFile, link_of};

type Done<T> = Result<T, FilesError>;

fn missing(name: &str) -> FilesError {
    FilesError { message: format!("no working folder of {name}"), not_found: true, fenced: false }
}

fn working<'a>(root: &'a mut Root, name: &str) -> Done<&'a mut SnapshotFolder> {
    root.unfinished_snapshots.get_mut(name).ok_or_else(|| missing(name))
}

/// A manifest with the names of a region's files.
pub(in crate::testing) fn manifest(root: &Root, region: &RegionInfo) -> pb::SnapshotRegionManifest {
    let mut families: BTreeMap<Vec<u8>, Vec<_>> = BTreeMap::new();
    for file in root.region(region).into_iter().flat_map(|folder| folder.files.keys()) {
        let listed =
            pb::snapshot_region_manifest::StoreFile { name: file.name.clone(), ..Default::default() };
        families.entry(file.family.clone()).or_default().push(listed);
    }
    let family = |(family_name, store_files): (Vec<u8>, _)| pb::snapshot_region_manifest::FamilyFiles {
        family_name: family_name.into(),
        store_files,
    };
    pb::SnapshotRegionManifest {
        version: None,
        region_info: region.into(),
        family_files: families.into_iter().map(family).collect(),
    }
}

fn consolidate(folder: &mut SnapshotFolder, schema: &TableDescriptor) -> pb::SnapshotDataManifest {
    let schema: pb::TableSchema = schema.into();
    folder.schema = Some(schema.clone());
    pb::SnapshotDataManifest {
        table_schema: schema,
        region_manifests: folder.regions.values().cloned().collect(),
    }
}

/// Whether a listed file leads somewhere.
fn is_listed_there(root: &Root, region: &RegionInfo, name: &FileName) -> bool {
    let (table, region) = (region.table(), region.encoded_name());
    match parent_of(&name.name) {
        Some((file, parent)) => {
            let file = FileName { family: name.family.clone(), name: file.to_owned() };
            link_of(&file)
                .map_or_else(|| root.linked(table, parent, &file).is_some(), |link| root.is_there(&link))
        }
        None => link_of(name)
            .map_or_else(|| root.linked(table, region, name).is_some(), |link| root.is_there(&link)),
    }
}

/// What a reference's name says: the file, and whose it is.
fn parent_of(name: &str) -> Option<(&str, EncodedName)> {
    let (file, parent) = name.rsplit_once('.')?;
    Some((file, parent.parse().ok()?))
}

/// What a listed file becomes in a region.
fn restored(
    source: &RegionInfo,
    region: &RegionInfo,
    name: &FileName,
    names: &BTreeMap<EncodedName, EncodedName>,
) -> Option<(FileName, StoreFile)> {
    let table = source.table().as_str().replace(':', "=");
    let named = |text: String| FileName { family: name.family.clone(), name: text };
    let link = |of: EncodedName, file: &str| match file.contains('=') {
        true => named(file.to_owned()),
        false => named(format!("{table}={of}-{file}")),
    };
    let Some((file, parent)) = parent_of(&name.name) else {
        let name = link(source.encoded_name(), &name.name);
        return Some((name.clone(), link_of(&name)?));
    };
    let link = link(parent, file);
    let Some(new_parent) = names.get(&parent) else { return Some((link.clone(), link_of(&link)?)) };
    let reference = StoreFile::Reference {
        region: *new_parent,
        start: region.start_key().to_vec(),
        end: region.end_key().to_vec(),
        file: link.clone(),
    };
    Some((named(format!("{}.{new_parent}", link.name)), reference))
}

fn restore(
    root: &mut Root,
    region: &RegionInfo,
    listed: &pb::SnapshotRegionManifest,
    names: &BTreeMap<EncodedName, EncodedName>,
) -> Done<()> {
    let told = |message: String| FilesError { message, not_found: false, fenced: false };
    let source = RegionInfo::try_from(&listed.region_info).map_err(|error| told(error.to_string()))?;
    let table = root.tables.get_mut(region.table()).ok_or_else(|| missing("a table"))?;
    let folder = table.regions.entry(region.encoded_name()).or_insert_with(|| RegionFolder::new(region));
    folder.info = region.clone();
    let before = std::mem::take(&mut folder.files);
    let mut kept = BTreeSet::new();
    for family in &listed.family_files {
        for file in &family.store_files {
            let name = FileName { family: family.family_name.to_vec(), name: file.name.clone() };
            match before.get(&name).filter(|_| source.encoded_name() == region.encoded_name()) {
                Some(own) => drop((kept.insert(name.clone()), folder.files.insert(name, own.clone()))),
                None => {
                    let made = restored(&source, region, &name, names);
                    let (name, file) = made.ok_or_else(|| told(format!("{name:?} is no store file")))?;
                    folder.files.insert(name, file);
                }
            }
        }
    }
    let gone =
        before.into_iter().filter(|(name, file)| !kept.contains(name) && matches!(file, StoreFile::Cells(_)));
    let gone: Vec<_> = gone.collect();
    root.archive.entry((region.table().clone(), region.encoded_name())).or_default().extend(gone);
    root.archive.retain(|_, files| !files.is_empty());
    Ok(())
}

#[async_trait]
impl SnapshotFiles for MasterLink {
    async fn snapshots(&self) -> Done<Vec<pb::SnapshotDescription>> {
        self.look(|root| Ok(root.snapshots.values().filter_map(|folder| folder.info.clone()).collect())).await
    }

    async fn has_snapshot(&self, name: &str) -> Done<bool> {
        self.look(|root| Ok(root.snapshots.contains_key(name))).await
    }

    async fn snapshot_info(&self, name: &str) -> Done<Option<pb::SnapshotDescription>> {
        self.look(|root| Ok(root.snapshots.get(name).and_then(|folder| folder.info.clone()))).await
    }

    async fn snapshot_manifest(&self, name: &str) -> Done<pb::SnapshotDataManifest> {
        let read = |root: &Root| {
            let folder = root.snapshots.get(name).ok_or_else(|| missing(name))?;
            let table_schema = folder.schema.clone().ok_or_else(|| missing(name))?;
            let region_manifests = folder.regions.values().cloned().collect();
            Ok(pb::SnapshotDataManifest { table_schema, region_manifests })
        };
        self.look(read).await
    }

    async fn restore_region(
        &self,
        _: &TableDescriptor,
        region: &RegionInfo,
        listed: &pb::SnapshotRegionManifest,
        names: &BTreeMap<EncodedName, EncodedName>,
    ) -> Done<()> {
        self.change(|| format!("{region} restored"), |root| restore(root, region, listed, names)).await
    }

    async fn discard_recovered_edits(&self, region: &RegionInfo) -> Done<()> {
        let discard = |root: &mut Root| {
            if let Some(folder) = root.region_mut(region) {
                folder.recovered.clear();
            }
            Ok(())
        };
        self.change(|| format!("recovered edits of {region} discarded"), discard).await
    }

    async fn unfinished_snapshots(&self) -> Done<Vec<String>> {
        self.look(|root| Ok(root.unfinished_snapshots.keys().cloned().collect())).await
    }

    async fn delete_snapshot(&self, name: &str) -> Done<bool> {
        self.change(|| format!("snapshot {name} deleted"), |root| Ok(root.snapshots.remove(name).is_some()))
            .await
    }

    async fn begin_snapshot(&self, name: &str) -> Done<()> {
        let begin = |root: &mut Root| {
            root.unfinished_snapshots.insert(name.to_owned(), SnapshotFolder::default());
            Ok(())
        };
        self.change(|| format!("snapshot {name} begun"), begin).await
    }

    async fn write_snapshot_info(&self, snapshot: &pb::SnapshotDescription) -> Done<()> {
        let write = |root: &mut Root| {
            working(root, &snapshot.name)?.info = Some(snapshot.clone());
            Ok(())
        };
        self.change(|| format!("info of snapshot {}", snapshot.name), write).await
    }

    async fn snapshot_closed_regions(
        &self,
        name: &str,
        _: &TableDescriptor,
        regions: &[RegionInfo],
    ) -> Done<()> {
        let list = |root: &mut Root| {
            let listed: Vec<_> =
                regions.iter().map(|region| (region.encoded_name(), manifest(root, region))).collect();
            working(root, name)?.regions.extend(listed);
            Ok(())
        };
        self.change(|| format!("closed regions in snapshot {name}"), list).await
    }

    async fn consolidate_snapshot(
        &self,
        name: &str,
        schema: &TableDescriptor,
    ) -> Done<pb::SnapshotDataManifest> {
        let write = |root: &mut Root| Ok(consolidate(working(root, name)?, schema));
        self.change(|| format!("manifest of snapshot {name}"), write).await
    }

    async fn missing_of_snapshot(&self, manifest: &pb::SnapshotDataManifest) -> Done<Vec<String>> {
        let look = |root: &Root| {
            let mut missing = Vec::new();
            for region in &manifest.region_manifests {
                let Ok(info) = RegionInfo::try_from(&region.region_info) else { continue };
                for family in &region.family_files {
                    let lost = family.store_files.iter().filter(|file| {
                        let name = FileName { family: family.family_name.to_vec(), name: file.name.clone() };
                        !is_listed_there(root, &info, &name)
                    });
                    missing.extend(lost.map(|file| file.name.clone()));
                }
            }
            Ok(missing)
        };
        self.look(look).await
    }

    async fn complete_snapshot(&self, name: &str) -> Done<()> {
        let complete = |root: &mut Root| {
            match root.unfinished_snapshots.remove(name) {
                Some(folder) => drop(root.snapshots.insert(name.to_owned(), folder)),
                None if root.snapshots.contains_key(name) => {}
                None => return Err(missing(name)),
            }
            Ok(())
        };
        self.change(|| format!("snapshot {name} complete"), complete).await
    }

    async fn discard_snapshot(&self, name: &str) -> Done<()> {
        let discard = |root: &mut Root| {
            root.unfinished_snapshots.remove(name);
            Ok(())
        };
        self.change(|| format!("snapshot {name} discarded"), discard).await
    }
}
