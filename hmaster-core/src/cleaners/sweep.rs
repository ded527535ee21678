//! One run through an attic: files first, then folders below, then the folder itself if nothing is left in it. Counterpart
//! of `CleanerChore.traverseAndDelete` and `HFileLinkCleaner`.

use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use super::chain::{Chain, Keeps, Needed};
use super::names;
use crate::ports::files::FilesError;
use crate::ports::old_files::{Attic, OldFile, OldFiles};

/// Folders within folders, at most: HBase's are seven deep.
const DEPTH_MAX: usize = 16;

/// A run.
pub(super) struct Sweep<'a> {
    pub(super) files: &'a dyn OldFiles,
    pub(super) attic: Attic,
    pub(super) chain: &'a Chain,
    pub(super) needed: &'a Needed,
    /// When it was found out what is needed.
    pub(super) began_ms: u64,
    /// The end of the reign: from then on another master may need what nobody needed before.
    pub(super) stop: &'a CancellationToken,
}

/// What became of the files.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swept {
    pub(super) deleted: u64,
    pub(super) kept: u64,
}

impl Swept {
    fn add(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.kept += other.kept;
    }
}

const KEPT: Swept = Swept { deleted: 0, kept: 1 };

impl Sweep<'_> {
    pub(super) async fn run(&self) -> Swept {
        self.folder(String::new(), DEPTH_MAX).await
    }

    fn folder(&self, path: String, depth: usize) -> Pin<Box<dyn Future<Output = Swept> + Send + '_>> {
        Box::pin(async move {
            let listed = match self.files.list(self.attic, &path).await {
                Ok(listed) => listed,
                Err(error) => return self.kept(&path, &error),
            };
            let mut swept = Swept::default();
            for file in listed.iter().filter(|entry| !entry.is_folder) {
                swept.add(self.file(&path, file).await);
            }
            for folder in listed.iter().filter(|entry| entry.is_folder) {
                let below = join(&path, &folder.name);
                if depth == 0 || self.chain.excluded.contains(&below) {
                    swept.add(KEPT);
                } else {
                    swept.add(self.folder(below, depth - 1).await);
                }
            }
            if swept.kept == 0 && !path.is_empty() {
                // Somebody may have put a file there meanwhile; then it isn't deleted.
                if let Err(error) = self.delete(&path).await {
                    tracing::debug!(path, %error, "the folder stays");
                }
            }
            swept
        })
    }

    async fn file(&self, folder: &str, file: &OldFile) -> Swept {
        let path = join(folder, &file.name);
        if let Some(keeps) = self.keeps(folder, file).await {
            match keeps {
                Keeps::Unknown => tracing::warn!(path, "not one of HBase's names, left alone"),
                Keeps::FromTheFuture => tracing::warn!(path, "newer than the clock, left alone"),
                Keeps::Young | Keeps::NewerThanTheList | Keeps::Needed => {
                    tracing::trace!(path, ?keeps, "stays");
                }
            }
            return KEPT;
        }
        match self.delete(&path).await {
            Ok(()) => Swept { deleted: 1, kept: 0 },
            Err(error) => self.kept(&path, &error),
        }
    }

    async fn keeps(&self, folder: &str, file: &OldFile) -> Option<Keeps> {
        let in_folder = folder.rsplit('/').next().unwrap_or_default();
        let is_back_reference = names::back_referenced(in_folder).is_some();
        // A back reference is named after a region and a table, not as a store file.
        let name = if is_back_reference { "0" } else { &file.name };
        let kept = self.chain.keeps(name, file.modified_ms, self.began_ms, self.needed);
        if kept.is_some() || self.attic == Attic::Wals {
            return kept;
        }
        let linked = match is_back_reference {
            true => self.is_link_there(&join(folder, &file.name)).await,
            false => self.has_links(folder, &file.name).await,
        };
        match linked {
            Ok(false) => None,
            Ok(true) => Some(Keeps::Needed),
            Err(error) => {
                tracing::warn!(folder, file = file.name, %error, "not known whether there are links to it");
                Some(Keeps::Needed)
            }
        }
    }

    /// Whether any of the links is there that back references to a file tell of.
    async fn has_links(&self, folder: &str, file: &str) -> Result<bool, FilesError> {
        if names::is_link(file) {
            return Ok(false);
        }
        let references = join(folder, &names::back_references(file));
        for reference in self.files.list(self.attic, &references).await? {
            if self.is_link_there(&join(&references, &reference.name)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A back reference whose meaning isn't clear counts as one of a link that is there.
    async fn is_link_there(&self, reference: &str) -> Result<bool, FilesError> {
        let Some(places) = names::links_of(reference) else { return Ok(true) };
        for place in places {
            if self.files.is_in_root(&place).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn delete(&self, path: &str) -> Result<(), FilesError> {
        if self.stop.is_cancelled() {
            let message = format!("delete {path}: the master stops");
            return Err(FilesError { message, not_found: false, fenced: false });
        }
        tracing::debug!(path, attic = ?self.attic, "deleting");
        self.files.delete(self.attic, path).await
    }

    fn kept(&self, path: &str, error: &FilesError) -> Swept {
        tracing::info!(path, attic = ?self.attic, %error, "not cleaned");
        KEPT
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use async_trait::async_trait;
    use hmaster_config::Options;
    use parking_lot::Mutex;

    use super::*;

    /// Files by path with their times; folders are where files are. Every operation may fail.
    #[derive(Default)]
    struct Memory {
        archive: Mutex<BTreeMap<String, u64>>,
        root: BTreeSet<String>,
        fails: Option<&'static str>,
    }

    impl Memory {
        fn check(&self, operation: &str) -> Result<(), FilesError> {
            match self.fails == Some(operation) {
                true => Err(FilesError { message: operation.into(), not_found: false, fenced: false }),
                false => Ok(()),
            }
        }
    }

    #[async_trait]
    impl OldFiles for Memory {
        async fn list(&self, _: Attic, folder: &str) -> Result<Vec<OldFile>, FilesError> {
            // Only back references: the walk itself must go on.
            if folder.contains(".links-") {
                self.check("list")?;
            }
            let mut entries = BTreeMap::new();
            for (path, modified_ms) in self.archive.lock().iter() {
                let below = if folder.is_empty() {
                    Some(&path[..])
                } else {
                    path.strip_prefix(&format!("{folder}/"))
                };
                let Some(below) = below else { continue };
                let (name, is_folder) = match below.split_once('/') {
                    Some((name, _)) => (name, true),
                    None => (below, false),
                };
                entries.insert(
                    name.to_owned(),
                    OldFile { name: name.to_owned(), is_folder, modified_ms: *modified_ms },
                );
            }
            Ok(entries.into_values().collect())
        }

        async fn delete(&self, _: Attic, path: &str) -> Result<(), FilesError> {
            self.check("delete")?;
            self.archive.lock().remove(path);
            Ok(())
        }

        async fn is_in_root(&self, path: &str) -> Result<bool, FilesError> {
            self.check("exists")?;
            Ok(self.root.contains(path))
        }

        async fn snapshot_files(&self) -> Result<Vec<String>, FilesError> {
            Ok(Vec::new())
        }
    }

    const NOW: u64 = 100 * 24 * 3_600_000;
    const REGION: &str = "data/default/t/aa/f";

    async fn sweep(memory: &Memory, needed: &[&str], excluded: &[&str]) -> (Swept, Vec<String>) {
        let mut options = Options::default().cleaners;
        options.custom_paths = excluded.iter().map(|path| (*path).to_owned()).collect();
        let chain = Chain::of_store_files(&options).unwrap();
        let needed = Needed { names: needed.iter().map(|name| (*name).to_owned()).collect() };
        let stop = CancellationToken::new();
        let sweep = Sweep {
            files: memory,
            attic: Attic::StoreFiles,
            chain: &chain,
            needed: &needed,
            began_ms: NOW,
            stop: &stop,
        };
        let swept = sweep.run().await;
        let left = memory.archive.lock().keys().map(|path| path.replace(REGION, "R")).collect();
        (swept, left)
    }

    fn memory(files: &[(&str, u64)], root: &[&str]) -> Memory {
        let archive = files.iter().map(|(path, age)| (path.replace('R', REGION), NOW - age)).collect();
        Memory {
            archive: Mutex::new(archive),
            root: root.iter().map(|path| (*path).to_owned()).collect(),
            fails: None,
        }
    }

    const OLD: u64 = 3_600_000;
    const LINK: &str = "data/default/u/bb/f/t=aa-00ff";

    #[tokio::test]
    async fn what_is_referred_to_stays() {
        let linked = [("R/00ff", OLD), ("R/.links-00ff/bb.u", OLD)];
        let cases: [(&str, Memory, &[&str], &[&str]); 9] = [
            ("old", memory(&[("R/00ff", OLD)], &[]), &[], &[]),
            ("young", memory(&[("R/00ff", 1)], &[]), &[], &["R/00ff"]),
            ("in a snapshot", memory(&[("R/00ff", OLD), ("R/00aa", OLD)], &[]), &["00aa"], &["R/00aa"]),
            ("linked", memory(&linked, &[LINK]), &[], &["R/.links-00ff/bb.u", "R/00ff"]),
            (
                "linked by what is being made",
                memory(&linked, &[&format!(".tmp/{LINK}")]),
                &[],
                &["R/.links-00ff/bb.u", "R/00ff"],
            ),
            (
                "linked by a big value",
                memory(&linked, &[&format!("mobdir/{LINK}")]),
                &[],
                &["R/.links-00ff/bb.u", "R/00ff"],
            ),
            ("no longer linked", memory(&linked, &[]), &[], &[]),
            (
                "unclear",
                memory(&[("R/00ff", OLD), ("R/.links-00ff/what", OLD)], &[]),
                &[],
                &["R/.links-00ff/what", "R/00ff"],
            ),
            ("unknown", memory(&[("R/some-thing", OLD)], &[]), &[], &["R/some-thing"]),
        ];
        for (what, memory, needed, left) in cases {
            let (swept, is_left) = sweep(&memory, needed, &[]).await;
            assert_eq!(is_left, left, "{what}");
            assert_eq!(swept.kept, left.len() as u64, "{what}");
        }
    }

    #[tokio::test]
    async fn what_cant_be_found_out_counts_as_needed() {
        for fails in ["exists", "list", "delete"] {
            let mut memory = memory(&[("R/00ff", OLD), ("R/.links-00ff/bb.u", OLD)], &[]);
            memory.fails = Some(fails);
            let (swept, left) = sweep(&memory, &[], &[]).await;
            assert!(left.contains(&"R/00ff".to_owned()), "{fails}: {left:?}");
            assert!(swept.kept > 0, "{fails}");
        }
    }

    #[tokio::test]
    async fn parts_with_plugins_of_their_own_arent_cleaned() {
        let memory = memory(&[("R/00ff", OLD), ("data/default/u/aa/f/00ff", OLD)], &[]);
        let (_, left) = sweep(&memory, &[], &["/data/default/t/"]).await;
        assert_eq!(left, ["R/00ff"]);
    }
}
