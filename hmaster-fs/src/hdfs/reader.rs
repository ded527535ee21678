//! Reads files. What hdfs-native would panic about, reading beyond the end, is cut off before.

use async_trait::async_trait;
use bytes::Bytes;
use hdfs_native::file::FileReader;

use super::{HdfsFileSystem, gather};
use crate::streams::read_length;
use crate::{FsError, FsErrorKind, FsPath, Operation, Reader};

pub(super) struct HdfsReader {
    fs: HdfsFileSystem,
    path: FsPath,
    file: FileReader,
}

impl HdfsReader {
    pub(super) fn new(fs: HdfsFileSystem, path: FsPath, file: FileReader) -> Self {
        Self { fs, path, file }
    }
}

#[async_trait]
impl Reader for HdfsReader {
    fn length(&self) -> u64 {
        self.file.file_length() as u64
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, FsError> {
        let length = read_length(&self.path, self.length(), offset, length)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let offset =
            usize::try_from(offset).expect("something is left after it, so it is less than a length");
        let pieces = Box::pin(self.file.read_range_stream(offset, length));
        let bytes = self.fs.call(Operation::Read, &self.path, gather(pieces, length)).await?;
        if bytes.len() != length {
            let kind = FsErrorKind::Corrupt(format!("{} bytes instead of {length} at {offset}", bytes.len()));
            return Err(FsError::new(Operation::Read, &self.path, kind));
        }
        Ok(bytes)
    }
}

impl std::fmt::Debug for HdfsReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HdfsReader({})", self.path)
    }
}
