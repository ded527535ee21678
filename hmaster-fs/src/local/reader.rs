//! Reads files.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{blocking, os};
use crate::streams::{checked_length, read_length};
use crate::{FsError, FsErrorKind, FsPath, Operation, Reader};

#[derive(Debug)]
pub(super) struct LocalReader {
    path: FsPath,
    file: Arc<File>,
    length: u64,
}

pub(super) fn open(path: &FsPath) -> Result<LocalReader, FsError> {
    let opened = File::open(os(path)).and_then(|file| {
        let metadata = file.metadata()?;
        let is_dir = metadata.is_dir();
        if is_dir { Err(io::ErrorKind::IsADirectory.into()) } else { Ok((file, metadata.len())) }
    });
    match opened {
        Ok((file, length)) => Ok(LocalReader { path: path.clone(), file: Arc::new(file), length }),
        Err(error) => Err(FsError::from_io(Operation::Open, path, error)),
    }
}

pub(super) fn read_whole(path: &FsPath, bytes_max: usize) -> Result<Bytes, FsError> {
    let reader = open(path)?;
    let length = checked_length(path, reader.length, bytes_max)?;
    read_exact(path, &reader.file, 0, length)
}

fn read_exact(path: &FsPath, file: &File, offset: u64, length: usize) -> Result<Bytes, FsError> {
    let mut buffer = vec![0; length];
    match file.read_exact_at(&mut buffer, offset) {
        Ok(()) => Ok(buffer.into()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let kind = FsErrorKind::Corrupt("the file has become shorter while it was read".into());
            Err(FsError::new(Operation::Read, path, kind))
        }
        Err(error) => Err(FsError::from_io(Operation::Read, path, error)),
    }
}

#[async_trait]
impl Reader for LocalReader {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, FsError> {
        let length = read_length(&self.path, self.length, offset, length)?;
        let file = Arc::clone(&self.file);
        blocking(Operation::Read, &self.path, move |path| read_exact(path, &file, offset, length)).await
    }
}
