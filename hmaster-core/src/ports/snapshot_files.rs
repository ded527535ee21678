//! Files of snapshots. Counterpart of the parts of `SnapshotDescriptionUtils`, `SnapshotManifest` and `SnapshotManager`
//! that touch files.
//!
//! A snapshot is made in a working folder of its name, into which region servers write what they know of their regions,
//! and is complete when that folder is renamed. Every operation can be repeated.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_types::{EncodedName, RegionInfo, TableDescriptor};

use super::files::FilesError;

/// Files of snapshots.
#[async_trait]
pub trait SnapshotFiles: Send + Sync {
    /// The descriptions of complete snapshots. One that can't be read is left out, as Java does, with a warning.
    async fn snapshots(&self) -> Result<Vec<pb::SnapshotDescription>, FilesError>;

    /// Whether there is a complete snapshot of this name.
    async fn has_snapshot(&self, name: &str) -> Result<bool, FilesError>;

    /// The description of a complete snapshot, if there is one of this name.
    async fn snapshot_info(&self, name: &str) -> Result<Option<pb::SnapshotDescription>, FilesError>;

    /// What a complete snapshot consists of.
    async fn snapshot_manifest(&self, name: &str) -> Result<pb::SnapshotDataManifest, FilesError>;

    /// Makes a closed region, with its folder if need be, have exactly the files that a snapshot lists for `listed`'s region,
    /// mostly by linking to them; what else it has goes to the archive. `names` says which region of the snapshot has
    /// become which.
    async fn restore_region(
        &self,
        schema: &TableDescriptor,
        region: &RegionInfo,
        listed: &pb::SnapshotRegionManifest,
        names: &BTreeMap<EncodedName, EncodedName>,
    ) -> Result<(), FilesError>;

    /// Deletes the edits that a closed region would replay when it opens: they are of before it was restored.
    async fn discard_recovered_edits(&self, region: &RegionInfo) -> Result<(), FilesError>;

    /// Deletes a complete snapshot; false when there was none.
    async fn delete_snapshot(&self, name: &str) -> Result<bool, FilesError>;

    /// The names of working folders. [`SnapshotFiles::discard_snapshot`] takes any of them.
    async fn unfinished_snapshots(&self) -> Result<Vec<String>, FilesError>;

    /// Makes an empty working folder. What an attempt before this one left is deleted.
    async fn begin_snapshot(&self, name: &str) -> Result<(), FilesError>;

    /// Writes the description into the working folder.
    async fn write_snapshot_info(&self, snapshot: &pb::SnapshotDescription) -> Result<(), FilesError>;

    /// Writes what files these regions have, which no region server has open, into the working folder.
    async fn snapshot_closed_regions(
        &self,
        name: &str,
        schema: &TableDescriptor,
        regions: &[RegionInfo],
    ) -> Result<(), FilesError>;

    /// Puts what is known of the regions into one file with the table's schema, and returns it.
    async fn consolidate_snapshot(
        &self,
        name: &str,
        schema: &TableDescriptor,
    ) -> Result<pb::SnapshotDataManifest, FilesError>;

    /// Which of the files that a manifest names are neither in the table's folder nor in the archive, or have another length
    /// there.
    async fn missing_of_snapshot(
        &self,
        manifest: &pb::SnapshotDataManifest,
    ) -> Result<Vec<String>, FilesError>;

    /// Makes the snapshot complete.
    async fn complete_snapshot(&self, name: &str) -> Result<(), FilesError>;

    /// Deletes the working folder.
    async fn discard_snapshot(&self, name: &str) -> Result<(), FilesError>;
}
