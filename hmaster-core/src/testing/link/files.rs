//! The root folder.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_types::{
    ColumnFamilyDescriptor, EncodedName, RegionInfo, SeqNum, ServerName, TableDescriptor, TableName,
};

use super::MasterLink;
use crate::environment::Bug;
use crate::ports::files::{FilesError, MasterFiles, RootInfo, WalFolder, WalKind};
use crate::testing::root::{
    RegionFolder, Root, StoreFile, TableFolder, is_meta_wal, parse_folder, parse_wal, splitting_folder,
    wal_uri,
};
use crate::testing::state::State;

/// The longest that a file operation takes by chance.
const SLOW_MS_MAX: u64 = 20_000;

type Done<T> = Result<T, FilesError>;

fn failed(message: impl Into<String>) -> FilesError {
    FilesError { message: message.into(), not_found: false, fenced: false }
}

impl MasterLink {
    fn fails(&self, share: impl FnOnce(&State) -> f64) -> Done<()> {
        match self.world.with(|state| self.world.chance().happens(share(state))) {
            true => Err(failed("the file system fails")),
            false => Ok(()),
        }
    }

    async fn wait_for_slow_file(&self) {
        let chance = self.world.chance();
        if self.world.with(|state| chance.happens(state.faults.slow_files)) {
            tokio::time::sleep(Duration::from_millis(chance.bits() % SLOW_MS_MAX)).await;
            self.not_dead().await;
        }
    }

    pub(super) async fn look<T>(&self, look: impl FnOnce(&Root) -> Done<T>) -> Done<T> {
        self.alive().await;
        self.fails(|state| state.faults.files_before)?;
        self.wait_for_slow_file().await;
        self.read(|state| look(&state.root)).await
    }

    pub(super) async fn change<T>(
        &self,
        what: impl FnOnce() -> String,
        change: impl FnOnce(&mut Root) -> Done<T>,
    ) -> Done<T> {
        self.alive().await;
        self.fails(|state| state.faults.files_before)?;
        self.wait_for_slow_file().await;
        let change = |state: &mut State| {
            let changed = change(&mut state.root);
            state.check_references();
            changed
        };
        let changed = self.write(what, change).await?;
        self.fails(|state| state.faults.files_after)?;
        Ok(changed)
    }
}

/// hbase:meta's schema in short.
fn meta_schema() -> TableDescriptor {
    let family = |name: &'static str| ColumnFamilyDescriptor::builder(name).build();
    TableDescriptor::builder(TableName::meta())
        .family(family("info"))
        .family(family("table"))
        .family(family("rep_barrier"))
        .build()
}

fn make_regions(root: &mut Root, regions: &[RegionInfo]) -> Done<()> {
    for region in regions.iter().filter(|region| region.is_default_replica()) {
        let table = root.tables.get_mut(region.table());
        let table = table.ok_or_else(|| failed(format!("{} has no folder", region.table())))?;
        table.regions.entry(region.encoded_name()).or_insert_with(|| RegionFolder::new(region));
    }
    Ok(())
}

/// A new region with references to the files of closed ones, between its own keys.
fn refer(root: &mut Root, parents: &[RegionInfo], child: &RegionInfo) -> Done<()> {
    let mut folder = RegionFolder::new(child);
    for parent in parents {
        let parent_folder = root.region(parent).ok_or_else(|| failed(format!("{parent} has no folder")))?;
        for name in parent_folder.files.keys() {
            let reference = StoreFile::Reference {
                region: parent.encoded_name(),
                file: name.clone(),
                start: child.start_key().to_vec(),
                end: child.end_key().to_vec(),
            };
            let mut own = name.clone();
            own.name = format!("{}.{}", name.name, parent.encoded_name());
            folder.files.insert(own, reference);
        }
    }
    let table = root.tables.get_mut(child.table()).ok_or_else(|| failed("the table has no folder"))?;
    table.regions.insert(child.encoded_name(), folder);
    Ok(())
}

fn kind_of(file: &str) -> WalKind {
    if is_meta_wal(file) { WalKind::Meta } else { WalKind::Other }
}

#[async_trait]
impl MasterFiles for MasterLink {
    async fn prepare(&self) -> Done<RootInfo> {
        self.change(
            || "root folder".into(),
            |root| {
                let is_new = root.cluster_id.is_none();
                let cluster_id = root.cluster_id.get_or_insert_with(|| "world".into()).clone();
                Ok(RootInfo { cluster_id, is_new })
            },
        )
        .await
    }

    async fn bootstrap_meta(&self) -> Done<TableDescriptor> {
        let make = |root: &mut Root| {
            let meta = RegionInfo::meta();
            if root.region(&meta).is_some_and(|folder| !folder.files.is_empty()) {
                return Err(failed("hbase:meta has data"));
            }
            let mut folder = TableFolder { schema: meta_schema(), regions: Default::default() };
            folder.regions.insert(meta.encoded_name(), RegionFolder::new(&meta));
            root.tables.insert(TableName::meta(), folder);
            Ok(meta_schema())
        };
        self.change(|| "folder of hbase:meta".into(), make).await
    }

    async fn table_descriptors(&self) -> Done<Vec<(TableName, Done<TableDescriptor>)>> {
        let all = |root: &Root| {
            Ok(root.tables.iter().map(|(table, folder)| (table.clone(), Ok(folder.schema.clone()))).collect())
        };
        self.look(all).await
    }

    async fn table_descriptor(&self, table: &TableName) -> Done<Option<TableDescriptor>> {
        self.look(|root| Ok(root.tables.get(table).map(|folder| folder.schema.clone()))).await
    }

    async fn write_table_descriptor(&self, schema: &TableDescriptor) -> Done<()> {
        let write = |root: &mut Root| {
            let table = root.tables.get_mut(schema.name());
            table.ok_or_else(|| failed("no such table"))?.schema = schema.clone();
            Ok(())
        };
        self.change(|| format!("schema of {}", schema.name()), write).await
    }

    async fn create_table(&self, schema: &TableDescriptor, regions: &[RegionInfo]) -> Done<()> {
        let make = |root: &mut Root| {
            let new = || TableFolder { schema: schema.clone(), regions: Default::default() };
            root.tables.entry(schema.name().clone()).or_insert_with(new).schema = schema.clone();
            make_regions(root, regions)
        };
        self.change(|| format!("folder of {}", schema.name()), make).await
    }

    async fn create_regions(&self, regions: &[RegionInfo]) -> Done<()> {
        self.change(|| "folders of regions".into(), |root| make_regions(root, regions)).await
    }

    async fn clear_table(&self, table: &TableName, kept: &[RegionInfo]) -> Done<()> {
        let kept: BTreeSet<_> = kept.iter().map(|region| region.with_replica(0).encoded_name()).collect();
        let mut regions = self.region_folders(table).await?;
        regions.retain(|region| !kept.contains(region));
        let clear = |root: &mut Root| {
            regions.into_iter().for_each(|region| root.archive_region(table, region));
            Ok(())
        };
        self.change(|| format!("regions of {table} archived"), clear).await
    }

    async fn delete_table(&self, table: &TableName) -> Done<()> {
        let regions = self.region_folders(table).await?;
        let delete = |root: &mut Root| {
            regions.into_iter().for_each(|region| root.archive_region(table, region));
            if root.tables.get(table).is_some_and(|folder| folder.regions.is_empty()) {
                root.tables.remove(table);
            }
            Ok(())
        };
        self.change(|| format!("folder of {table} deleted"), delete).await
    }

    async fn archive_family(&self, regions: &[RegionInfo], family: &[u8]) -> Done<()> {
        let archive = |root: &mut Root| {
            for region in regions {
                let Some(folder) = root.region_mut(region) else { continue };
                let files = std::mem::take(&mut folder.files);
                let (gone, kept) = files.into_iter().partition(|(name, _)| name.family == family);
                folder.files = kept;
                let at = (region.table().clone(), region.with_replica(0).encoded_name());
                let gone: std::collections::BTreeMap<_, _> = gone;
                root.archive.entry(at).or_default().extend(gone);
            }
            Ok(())
        };
        self.change(|| "family archived".into(), archive).await
    }

    async fn clear_region(&self, region: &RegionInfo) -> Done<()> {
        let clear = |root: &mut Root| {
            let folder = root.region_mut(region).ok_or_else(|| failed("no such region"))?;
            let (files, info) = (std::mem::take(&mut folder.files), folder.info.clone());
            folder.recovered.clear();
            root.archive.entry((info.table().clone(), info.encoded_name())).or_default().extend(files);
            Ok(())
        };
        self.change(|| format!("files of {region}"), clear).await
    }

    async fn archive_region(&self, region: &RegionInfo) -> Done<()> {
        let archive = |root: &mut Root| {
            root.archive_region(region.table(), region.with_replica(0).encoded_name());
            Ok(())
        };
        self.change(|| format!("{region} archived"), archive).await
    }

    async fn delete_new_region(&self, region: &RegionInfo) -> Done<()> {
        let delete = |root: &mut Root| {
            if let Some(table) = root.tables.get_mut(region.table()) {
                table.regions.remove(&region.encoded_name());
            }
            Ok(())
        };
        self.change(|| format!("{region} deleted"), delete).await
    }

    async fn split_region(
        &self,
        _: &TableDescriptor,
        parent: &RegionInfo,
        daughters: [&RegionInfo; 2],
    ) -> Done<()> {
        let parents = std::slice::from_ref(parent);
        let split = |root: &mut Root| daughters.into_iter().try_for_each(|child| refer(root, parents, child));
        self.change(|| format!("daughters of {parent}"), split).await
    }

    async fn merge_regions(
        &self,
        _: &TableDescriptor,
        parents: &[RegionInfo],
        merged: &RegionInfo,
    ) -> Done<()> {
        self.change(|| format!("{merged} merged"), |root| refer(root, parents, merged)).await
    }

    async fn write_sequence_id(&self, region: &RegionInfo, sequence_id: SeqNum) -> Done<()> {
        let write = |root: &mut Root| {
            let folder = root.region_mut(region).ok_or_else(|| failed("no such region"))?;
            if folder.sequence_id.is_some_and(|known| known > sequence_id.0) {
                return Err(failed(format!("the sequence id of {region} goes back to {sequence_id}")));
            }
            folder.sequence_id = Some(sequence_id.0);
            Ok(())
        };
        self.change(|| format!("sequence id of {region}"), write).await
    }

    async fn has_references(&self, _: &TableDescriptor, region: &RegionInfo) -> Done<Option<bool>> {
        let look = |root: &Root| {
            let is_reference = |file: &StoreFile| matches!(file, StoreFile::Reference { .. });
            Ok(root.region(region).map(|folder| folder.files.values().any(is_reference)))
        };
        self.look(look).await
    }

    async fn region_folders(&self, table: &TableName) -> Done<Vec<EncodedName>> {
        let list = |root: &Root| {
            Ok(root
                .tables
                .get(table)
                .map(|table| table.regions.keys().copied().collect())
                .unwrap_or_default())
        };
        self.look(list).await
    }

    async fn region_info(&self, table: &TableName, region: EncodedName) -> Done<Option<RegionInfo>> {
        let look = |root: &Root| {
            let folder = root.tables.get(table).and_then(|table| table.regions.get(&region));
            Ok(folder.map(|folder| folder.info.clone()))
        };
        self.look(look).await
    }

    async fn tables(&self) -> Done<Vec<TableName>> {
        self.look(|root| Ok(root.tables.keys().cloned().collect())).await
    }

    async fn create_namespace(&self, namespace: &str) -> Done<()> {
        let make = |root: &mut Root| {
            root.namespaces.insert(namespace.to_owned());
            Ok(())
        };
        self.change(|| format!("folder of namespace {namespace}"), make).await
    }

    async fn delete_namespace(&self, namespace: &str) -> Done<()> {
        let delete = |root: &mut Root| {
            if root.tables.keys().any(|table| table.namespace() == namespace) {
                return Err(failed(format!("namespace {namespace} has tables")));
            }
            root.namespaces.remove(namespace);
            Ok(())
        };
        self.change(|| format!("folder of namespace {namespace} deleted"), delete).await
    }

    async fn has_recovered_edits(&self, region: &RegionInfo) -> Done<bool> {
        self.look(|root| Ok(root.region(region).is_some_and(|folder| !folder.recovered.is_empty()))).await
    }

    async fn max_sequence_id(&self, region: &RegionInfo) -> Done<Option<SeqNum>> {
        self.look(|root| Ok(root.region(region).and_then(|folder| folder.sequence_id).map(SeqNum))).await
    }

    async fn wal_folders(&self) -> Done<Vec<WalFolder>> {
        let list = |root: &Root| {
            let folders = root.wals.keys().filter_map(|name| parse_folder(name));
            Ok(folders.map(|(server, is_splitting)| WalFolder { server, is_splitting }).collect())
        };
        self.look(list).await
    }

    async fn fence_wals(&self, server: &ServerName) -> Done<()> {
        if self.world.with(|state| state.has_bug(Bug::ListsUnfenced)) {
            return Ok(());
        }
        let fence = |root: &mut Root| {
            if let Some(wals) = root.wals.remove(server.as_str()) {
                root.wals.entry(splitting_folder(server)).or_default().extend(wals);
            }
            Ok(())
        };
        self.change(|| format!("{server} fenced"), fence).await
    }

    async fn wals_to_split(&self, server: &ServerName, kind: WalKind) -> Done<Vec<String>> {
        let folder = match self.world.with(|state| state.has_bug(Bug::ListsUnfenced)) {
            true => server.to_string(),
            false => splitting_folder(server),
        };
        let list = |root: &Root| {
            let files = root.wals.get(&folder).into_iter().flat_map(|wals| wals.keys());
            Ok(files.filter(|file| kind_of(file) == kind).map(|file| wal_uri(&folder, file)).collect())
        };
        self.look(list).await
    }

    async fn wal_exists(&self, path: &str) -> Done<bool> {
        let exists = |root: &Root| {
            let wal = parse_wal(path).ok_or_else(|| failed(format!("{path} isn't a WAL")))?;
            Ok(root.wals.get(wal.folder).is_some_and(|wals| wals.contains_key(wal.file)))
        };
        self.look(exists).await
    }

    async fn archive_wal(&self, path: &str) -> Done<()> {
        let archive = |root: &mut Root| {
            let wal = parse_wal(path).ok_or_else(|| failed(format!("{path} isn't a WAL")))?;
            let moved = root.wals.get_mut(wal.folder).and_then(|wals| wals.remove(wal.file));
            root.old_wals.extend(moved.map(|moved| (wal.file.to_owned(), moved)));
            Ok(())
        };
        self.change(|| format!("{path} archived"), archive).await
    }

    async fn archive_meta_wals(&self, server: &ServerName) -> Done<()> {
        let archive = |root: &mut Root| {
            if let Some(wals) = root.wals.get_mut(&splitting_folder(server)) {
                let (meta, others) =
                    std::mem::take(wals).into_iter().partition(|(file, _)| is_meta_wal(file));
                *wals = others;
                let meta: std::collections::BTreeMap<_, _> = meta;
                root.old_wals.extend(meta);
            }
            Ok(())
        };
        self.change(|| format!("left-over WALs of {server}"), archive).await
    }

    async fn delete_wal_folder(&self, server: &ServerName) -> Done<()> {
        let delete = |root: &mut Root| match root.wals.get(&splitting_folder(server)) {
            Some(wals) if !wals.is_empty() => {
                Err(failed(format!("the folder of WALs of {server} isn't empty")))
            }
            _ => {
                root.wals.remove(&splitting_folder(server));
                Ok(())
            }
        };
        self.change(|| format!("folder of WALs of {server} deleted"), delete).await
    }
}
