//! Writes what several sources have to one new store file, without what nobody needs. Counterpart of `StoreFlusher`,
//! `Compactor` and `StoreFileWriter`.

use bytes::Bytes;
use hmaster_fs::FsPath;
use hmaster_store::hfile::{HFileOptions, HFileWriter, StoreFileOrigin};
use hmaster_types::attribute;

use super::StorageError;
use super::files::RegionFiles;
use crate::query::{CompactionMatcher, CompactionTerms};
use crate::scan::{Merge, Next, Source, Target};
use crate::schema::FamilySchema;

/// Cells looked at before others get a turn.
const STEP_CELLS_MAX: usize = 1024;
/// `BLOCKSIZE` of a family that says nonsense.
const BLOCK_BYTES_RANGE: std::ops::RangeInclusive<usize> = 1 << 10..=16 << 20;

/// What is to be written.
pub(super) struct Rewrite<'a> {
    pub(super) family: &'a FamilySchema,
    /// The newest first.
    pub(super) sources: Vec<Source>,
    pub(super) terms: CompactionTerms,
    pub(super) with_tags: bool,
    pub(super) origin: StoreFileOrigin,
}

impl Rewrite<'_> {
    /// Writes a file that belongs to no store yet. None when `is_stopped` says so meanwhile.
    pub(super) async fn write(
        self,
        files: &RegionFiles,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<FsPath>, StorageError> {
        let path = files.new_path(&self.family.name).await?;
        let written = self.write_to(&path, files, is_stopped).await;
        if !matches!(written, Ok(true)) {
            files.discard(&path).await;
        }
        Ok(written?.then_some(path))
    }

    async fn write_to(
        self,
        path: &FsPath,
        files: &RegionFiles,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, StorageError> {
        let Self { family, sources, terms, with_tags, origin } = self;
        let mut writer = HFileWriter::create(files.fs(), path, options(family, with_tags, files)).await?;
        let mut merge = Merge::rising(sources, family.order, u64::MAX, &Target::Row(Bytes::new()));
        let mut matcher = CompactionMatcher::new(family, terms);
        let (mut row, mut steps) = (None::<Bytes>, 0);
        loop {
            let cell = match merge.peek() {
                Next::Waiting => {
                    merge.load().await?;
                    continue;
                }
                Next::End => break,
                Next::Cell(cell) => cell.clone(),
            };
            if row.as_deref() != Some(cell.row()) {
                row = Some(Bytes::copy_from_slice(cell.row()));
                matcher.begin_row();
            }
            if matcher.decide(&cell).includes() {
                writer.append(&cell).await?;
            }
            merge.advance();
            steps += 1;
            if steps % STEP_CELLS_MAX == 0 {
                tokio::task::yield_now().await;
                if is_stopped() {
                    return Ok(false);
                }
            }
        }
        writer.finish(&origin).await?;
        Ok(true)
    }
}

fn options(family: &FamilySchema, with_tags: bool, files: &RegionFiles) -> HFileOptions {
    let usual = HFileOptions::new(family.order, files.clock.now_ms());
    let block_bytes = family.descriptor.parsed::<usize>(attribute::BLOCKSIZE);
    let block_bytes = block_bytes.filter(|bytes| BLOCK_BYTES_RANGE.contains(bytes));
    HFileOptions { with_tags, block_bytes: block_bytes.unwrap_or(usual.block_bytes), ..usual }
}
