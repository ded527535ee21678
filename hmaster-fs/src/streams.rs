//! A file being read, a file being written. Counterpart of `FSDataInputStream` and `FSDataOutputStream`.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{FsError, FsErrorKind, FsPath, Operation};

/// A file that is being read. Reads don't disturb each other and may run at once.
#[async_trait]
pub trait Reader: Send + Sync + fmt::Debug {
    /// The file's length in bytes when it was opened; nothing beyond can be read.
    fn length(&self) -> u64;

    /// The bytes from `offset` on: `length` of them, fewer at the end of the file, none beyond it.
    ///
    /// # Errors
    /// `Invalid` for more than [`READ_BYTES_MAX`] at once; `Corrupt` when the file has become shorter.
    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, FsError>;
}

/// A file that is being written by this process alone.
///
/// After an error, or a call that was dropped before it answered, the writer answers everything with an
/// error: what a failed sync left on the disk isn't known, and a second one may falsely succeed. Drop it, and
/// recover the file's lease before reading it. Dropping a writer that wasn't closed gives the file up as well
/// as can be; only what was synced is sure to be there.
#[async_trait]
pub trait Writer: Send + fmt::Debug {
    /// The path that the file was created at.
    fn path(&self) -> &FsPath;

    /// How many bytes were given to `write`, synced or not.
    fn length(&self) -> u64;

    /// Appends bytes; they may wait in memory until `sync` or `close`.
    ///
    /// # Errors
    /// What the file system answers.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError>;

    /// Makes everything written so far durable, and the file's name with it (HDFS: hsync). `Ok` also says
    /// that the file was still this writer's after that: no successor that follows the rules of
    /// [`FileSystem`](crate::FileSystem) had read it yet.
    ///
    /// # Errors
    /// `Fenced` when the file was taken over, deleted or replaced; what was written since the last sync may
    /// or may not be in it.
    async fn sync(&mut self) -> Result<(), FsError>;

    /// As `sync`, and completes the file.
    ///
    /// # Errors
    /// As `sync`.
    async fn close(self: Box<Self>) -> Result<(), FsError>;
}

/// The most that one [`Reader::read_at`] answers with.
pub const READ_BYTES_MAX: usize = 256 << 20;

/// The length as a number of bytes to allocate, if it isn't more than the caller is ready for.
pub(crate) fn checked_length(path: &FsPath, length: u64, bytes_max: usize) -> Result<usize, FsError> {
    let too_large = FsErrorKind::TooLarge { bytes: length, bytes_max: bytes_max as u64 };
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= bytes_max)
        .ok_or_else(|| FsError::new(Operation::Read, path, too_large))
}

/// How many bytes a read at `offset` of a file of `file_length` answers with.
pub(crate) fn read_length(
    path: &FsPath,
    file_length: u64,
    offset: u64,
    length: usize,
) -> Result<usize, FsError> {
    if length > READ_BYTES_MAX {
        let reason = format!("{length} bytes at once, at most {READ_BYTES_MAX}");
        return Err(FsError::new(Operation::Read, path, FsErrorKind::Invalid(reason)));
    }
    let left = file_length.saturating_sub(offset);
    Ok(usize::try_from(left).map_or(length, |left| left.min(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_bounded() {
        let path = FsPath::root();
        assert_eq!(read_length(&path, 10, 8, 5).unwrap(), 2);
        assert_eq!(read_length(&path, 10, 11, 5).unwrap(), 0);
        assert_eq!(read_length(&path, u64::MAX, 0, 5).unwrap(), 5);
        assert!(read_length(&path, 10, 0, READ_BYTES_MAX + 1).is_err());
        assert_eq!(checked_length(&path, 5, 5).unwrap(), 5);
        let error = checked_length(&path, u64::MAX, 5).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::TooLarge { bytes: u64::MAX, bytes_max: 5 });
    }
}
