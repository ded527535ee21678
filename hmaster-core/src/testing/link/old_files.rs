//! Old WALs and the archive. Store files lie at `data/namespace/table/region/family/file`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hmaster_types::TableName;

use super::MasterLink;
use crate::ports::files::FilesError;
use crate::ports::old_files::{Attic, OldFile, OldFiles};
use crate::testing::root::{FileName, Root, StoreFile};

type Done<T> = Result<T, FilesError>;

/// The archive's files as paths.
fn archived(root: &Root) -> Vec<String> {
    let files = root.archive.iter().flat_map(|((table, region), files)| {
        let folder = format!("data/{}/{}/{region}", table.namespace(), table.qualifier());
        files
            .keys()
            .map(move |file| format!("{folder}/{}/{}", String::from_utf8_lossy(&file.family), file.name))
    });
    files.chain(back_references(root)).collect()
}

/// Every link in a table is known where its file would be archived.
fn back_references(root: &Root) -> impl Iterator<Item = String> + '_ {
    let regions = root.tables.values().flat_map(|table| table.regions.values());
    regions.flat_map(|folder| {
        let of = |file: &StoreFile| {
            let StoreFile::Link { table, region, file } = file else { return None };
            let (linking_region, linking) =
                (folder.info.encoded_name(), folder.info.table().as_str().replace(':', "="));
            let family = String::from_utf8_lossy(&file.family);
            let path = format!("data/{}/{}/{region}/{family}", table.namespace(), table.qualifier());
            Some(format!("{path}/.links-{}/{linking_region}.{linking}", file.name))
        };
        folder.files.values().filter_map(of).collect::<Vec<_>>()
    })
}

/// Whether a store file is there, by its path below the root folder.
fn has(root: &Root, path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let ["data", namespace, table, region, family, name] = parts[..] else { return false };
    let (Ok(table), Ok(region)) = (TableName::new(namespace, table), region.parse()) else { return false };
    let file = FileName { family: family.as_bytes().to_vec(), name: name.to_owned() };
    let folder = root.tables.get(&table).and_then(|table| table.regions.get(&region));
    folder.is_some_and(|folder| folder.files.contains_key(&file))
}

fn paths(root: &Root, attic: Attic) -> Vec<String> {
    match attic {
        Attic::Wals => root.old_wals.keys().cloned().collect(),
        Attic::StoreFiles => archived(root),
    }
}

fn delete(root: &mut Root, attic: Attic, path: &str) {
    if attic == Attic::Wals {
        root.old_wals.remove(path);
        return;
    }
    let mut parts = path.rsplit('/');
    let (Some(name), Some(family), Some(region)) = (parts.next(), parts.next(), parts.next()) else { return };
    let file = FileName { family: family.as_bytes().to_vec(), name: name.to_owned() };
    for ((_, other), files) in &mut root.archive {
        if other.to_string() == region {
            files.remove(&file);
        }
    }
    root.archive.retain(|_, files| !files.is_empty());
}

#[async_trait]
impl OldFiles for MasterLink {
    async fn list(&self, attic: Attic, folder: &str) -> Done<Vec<OldFile>> {
        let now_ms = self.world.now_ms();
        let list = |root: &Root| {
            let modified_ms = root.old_since_ms.unwrap_or(now_ms);
            let mut entries = BTreeMap::new();
            for path in paths(root, attic) {
                let below = match folder {
                    "" => Some(&path[..]),
                    _ => path.strip_prefix(folder).and_then(|below| below.strip_prefix('/')),
                };
                let Some(below) = below else { continue };
                let (name, is_folder) =
                    below.split_once('/').map_or((below, false), |(name, _)| (name, true));
                let entry = OldFile { name: name.to_owned(), is_folder, modified_ms };
                entries.insert(name.to_owned(), entry);
            }
            Ok(entries.into_values().collect())
        };
        self.look(list).await
    }

    async fn delete(&self, attic: Attic, path: &str) -> Done<()> {
        let what = || format!("old file {path} deleted");
        self.change(what, |root| {
            delete(root, attic, path);
            Ok(())
        })
        .await
    }

    async fn is_in_root(&self, path: &str) -> Done<bool> {
        self.look(|root| Ok(has(root, path))).await
    }

    async fn snapshot_files(&self) -> Done<Vec<String>> {
        let list = |root: &Root| {
            let mut names: Vec<String> = root.snapshot_files.iter().cloned().collect();
            let folders = root.snapshots.values().chain(root.unfinished_snapshots.values());
            let families =
                folders.flat_map(|folder| folder.regions.values()).flat_map(|region| &region.family_files);
            names.extend(families.flat_map(|family| &family.store_files).map(|file| file.name.clone()));
            Ok(names)
        };
        self.look(list).await
    }
}
