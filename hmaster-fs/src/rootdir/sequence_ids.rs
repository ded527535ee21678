//! Sequence ids of regions, and edits that wait to be replayed. Counterpart of `WALSplitUtil`.
//!
//! The highest sequence id that a region ever used is recorded as the name of an empty file, `<n>.seqid`,
//! among its recovered edits. It must never fall: edits with lower ids than a store file's are taken for
//! flushed.

use hmaster_types::{RegionInfo, SeqNum, TableName};
use tracing::warn;

use super::layout::default_replica;
use super::{RootDir, RootDirError};
use crate::{CreateOptions, FileStatus, FileSystem, FsError, FsPath, NotFoundAsNone as _};

const SUFFIX: &str = ".seqid";
/// What early releases wrote.
const OLD_SUFFIX: &str = "_seqid";

impl RootDir {
    /// The highest sequence id recorded for a region; none when none is.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn max_sequence_id(&self, region: &RegionInfo) -> Result<Option<SeqNum>, RootDirError> {
        let mut max = None;
        for (fs, folder) in self.edit_folders(region.table(), region) {
            let recorded = entries(fs, &folder).await?;
            max = max.max(recorded.iter().filter_map(|file| sequence_id(&folder, file)).max());
        }
        Ok(max.map(SeqNum))
    }

    /// Records that a region used sequence ids up to `sequence_id`, and removes older records.
    ///
    /// # Errors
    /// `SequenceIdFalls` when a higher one is recorded.
    pub async fn write_sequence_id(
        &self,
        region: &RegionInfo,
        sequence_id: SeqNum,
    ) -> Result<(), RootDirError> {
        let folder = self.layout().recovered_edits(region.table(), default_replica(region));
        let recorded = entries(&*self.wal_fs, &folder).await?;
        let max = recorded.iter().filter_map(|file| self::sequence_id(&folder, file)).max();
        let SeqNum(wanted) = sequence_id;
        if let Some(recorded) = max.filter(|max| *max > wanted) {
            return Err(RootDirError::SequenceIdFalls { folder, wanted, recorded });
        }
        let name = format!("{wanted}{SUFFIX}");
        // By name: a record of the old form is about to be removed.
        if !recorded.iter().any(|file| *file.name == *name) {
            self.wal_fs.mkdirs(&folder, None).await?;
            let file = folder.join(&name);
            match self.wal_fs.write_whole(&file, bytes::Bytes::new(), CreateOptions::new()).await {
                Err(error) if error.is_already_exists() => {}
                done => done?,
            }
        }
        for old in recorded.iter().filter(|file| is_record(&file.name) && *file.name != *name) {
            self.wal_fs.delete(&folder.join(&old.name)).await?;
        }
        Ok(())
    }

    /// The files of edits that a region has to replay when it opens, whole ones only.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn recovered_edits(&self, region: &RegionInfo) -> Result<Vec<FsPath>, RootDirError> {
        let mut files = Vec::new();
        // Replicas replay nothing.
        if region.is_default_replica() {
            for (fs, folder) in self.edit_folders(region.table(), region) {
                let found = entries(fs, &folder).await?;
                files.extend(found.iter().filter(|file| is_edits(file)).map(|file| folder.join(&file.name)));
            }
        }
        Ok(files)
    }

    /// Whether a region has edits to replay when it opens.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn has_recovered_edits(&self, region: &RegionInfo) -> Result<bool, RootDirError> {
        Ok(!self.recovered_edits(region).await?.is_empty())
    }

    fn edit_folders(&self, table: &TableName, region: &RegionInfo) -> Vec<(&dyn FileSystem, FsPath)> {
        let all = self.layout().all_recovered_edits(table, default_replica(region));
        let mut folders: Vec<_> = all.beside_wals.into_iter().map(|folder| (&*self.wal_fs, folder)).collect();
        if self.has_own_wal_root() {
            folders.push((&*self.fs, all.in_region));
        }
        folders
    }
}

async fn entries(fs: &dyn FileSystem, folder: &FsPath) -> Result<Vec<FileStatus>, FsError> {
    Ok(fs.list(folder).await.found()?.unwrap_or_default())
}

/// Files are named after a sequence id; `.temp` is one that is being written, and other suffixes mark bad
/// ones.
fn is_edits(file: &FileStatus) -> bool {
    let digits = file.name.strip_prefix('-').unwrap_or(&file.name);
    file.is_file() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_record(name: &str) -> bool {
    name.ends_with(SUFFIX) || name.ends_with(OLD_SUFFIX)
}

/// What a record says; none for other files, and for a name that says nothing.
fn sequence_id(folder: &FsPath, file: &FileStatus) -> Option<i64> {
    let digits = file.name.strip_suffix(SUFFIX).or_else(|| file.name.strip_suffix(OLD_SUFFIX))?;
    let id = digits.parse().ok().filter(|id| *id >= 0 && !digits.starts_with('+'));
    if id.is_none() {
        warn!(%folder, name = &*file.name, "the name of a sequence id file has no sequence id");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileKind, Permission};

    fn file(name: &str) -> FileStatus {
        let (kind, permission) = (FileKind::File, Permission::new(0o644));
        FileStatus { name: name.into(), kind, length: 0, modified_ms: 0, permission }
    }

    #[test]
    fn records_by_name() {
        let folder = FsPath::root();
        for (name, id) in [
            ("5.seqid", Some(5)),
            ("5_seqid", Some(5)),
            ("9223372036854775807.seqid", Some(i64::MAX)),
            ("9223372036854775808.seqid", None),
            (".seqid", None),
            ("-1.seqid", None),
            ("+1.seqid", None),
            ("x.seqid", None),
            ("5", None),
            ("5.seqid.temp", None),
        ] {
            assert_eq!(sequence_id(&folder, &file(name)), id, "{name}");
        }
    }

    #[test]
    fn edits_by_name() {
        for (name, is) in [
            ("0000000000000000005", true),
            ("-5", true),
            ("0000000000000000005.temp", false),
            ("0000000000000000005-host%2C1%2C2.temp", false),
            ("5.1700000000000", false),
            ("5.seqid", false),
            ("", false),
            ("-", false),
        ] {
            assert_eq!(is_edits(&file(name)), is, "{name}");
        }
        assert!(!is_edits(&FileStatus { kind: FileKind::Directory, ..file("5") }));
    }
}
