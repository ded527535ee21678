//! Old WALs and the archive. Store files lie at `data/namespace/table/region/family/file`.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MasterLink;
use crate::ports::files::FilesError;
use crate::ports::old_files::{Attic, OldFile, OldFiles};
use crate::testing::root::{FileName, Root};

type Done<T> = Result<T, FilesError>;

/// The archive's files as paths.
fn archived(root: &Root) -> Vec<String> {
    let files = root.archive.iter().flat_map(|((table, region), files)| {
        let folder = format!("data/{}/{}/{region}", table.namespace(), table.qualifier());
        files
            .keys()
            .map(move |file| format!("{folder}/{}/{}", String::from_utf8_lossy(&file.family), file.name))
    });
    files.collect()
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

    /// There are no links in a world.
    async fn is_in_root(&self, _: &str) -> Done<bool> {
        self.look(|_| Ok(false)).await
    }

    async fn snapshot_files(&self) -> Done<Vec<String>> {
        self.look(|root| Ok(root.snapshot_files.iter().cloned().collect())).await
    }
}
