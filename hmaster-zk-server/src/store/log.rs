//! One log file: written frame by frame, read as a whole.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::StoreError;
use super::folder::log_path;
use super::frame::{self, HEADER_BYTES, Magic, Salt};

const LOG_MAGIC: Magic = *b"HMZKLOG1";

/// A log file that is written.
#[derive(Debug)]
pub(crate) struct LogWriter {
    path: PathBuf,
    file: File,
    salt: Salt,
    length: u64,
}

impl LogWriter {
    /// Makes the log whose first transaction will be this one. Replaces a log of the same name, which
    /// can't have any transaction.
    pub(crate) fn create(disk: &Disk, dir: &Path, first_zxid: i64) -> Result<Self, StoreError> {
        let path = log_path(dir, first_zxid);
        let error = |operation| {
            let path = path.clone();
            move |source| StoreError::Io { operation, path, source }
        };
        if let Ok(metadata) = fs::metadata(&path) {
            if metadata.len() > HEADER_BYTES as u64 {
                return Err(StoreError::corrupt(&path, HEADER_BYTES, "transactions that can't be known yet"));
            }
            disk.remove(&path).map_err(error("remove"))?;
        }
        let file = disk.create(&path).map_err(error("create"))?;
        let salt = frame::new_salt();
        disk.write(&file, &frame::header(LOG_MAGIC, salt, first_zxid)).map_err(error("write"))?;
        disk.sync(&file).map_err(error("sync"))?;
        disk.sync_dir(dir).map_err(error("sync the folder of"))?;
        Ok(Self { path, file, salt, length: HEADER_BYTES as u64 })
    }

    /// Continues a log behind its last good frame.
    pub(crate) fn reopen(path: &Path, salt: Salt, length: u64) -> Result<Self, StoreError> {
        let open = OpenOptions::new().append(true).open(path);
        let file = open.map_err(|source| StoreError::io("open", path, source))?;
        Ok(Self { path: path.to_owned(), file, salt, length })
    }

    /// Appends a frame and waits until it is on the disk.
    pub(crate) fn append(&mut self, disk: &Disk, payload: &[u8]) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(frame::FRAME_HEADER_BYTES + payload.len());
        frame::put_frame(&mut bytes, self.salt, self.length, payload);
        disk.write(&self.file, &bytes).map_err(|source| StoreError::io("write", &self.path, source))?;
        disk.sync(&self.file).map_err(|source| StoreError::io("sync", &self.path, source))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Length of the file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// A log file that was read.
#[derive(Debug)]
pub(crate) struct LogFile {
    bytes: Vec<u8>,
    /// Its salt.
    pub salt: Salt,
    /// Number of its first transaction.
    pub first_zxid: i64,
    frames: Vec<(usize, usize)>,
    /// Where the last good frame ends.
    pub good_bytes: usize,
    /// Why what follows isn't a frame, if something follows.
    pub torn: Option<&'static str>,
}

impl LogFile {
    /// Reads a log. `Ok(None)` is a log that was never begun: its header isn't whole, and nothing
    /// follows. Damage before a good frame is an error.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let bytes = fs::read(path).map_err(|source| StoreError::io("read", path, source))?;
        let (salt, first_zxid) = match frame::read_header(&bytes, LOG_MAGIC) {
            Ok(header) => header,
            // The header is synced before the first frame is written.
            Err(_) if bytes.len() <= HEADER_BYTES => return Ok(None),
            Err(reason) => return Err(StoreError::corrupt(path, 0, reason)),
        };
        let mut log =
            Self { bytes, salt, first_zxid, frames: Vec::new(), good_bytes: HEADER_BYTES, torn: None };
        log.find_frames(path)?;
        Ok(Some(log))
    }

    fn find_frames(&mut self, path: &Path) -> Result<(), StoreError> {
        while self.good_bytes < self.bytes.len() {
            match frame::read_frame(&self.bytes, self.salt, self.good_bytes) {
                Ok(payload) => {
                    let start = self.good_bytes + frame::FRAME_HEADER_BYTES;
                    self.good_bytes = start + payload.len();
                    self.frames.push((start, self.good_bytes));
                }
                Err(reason) => {
                    // A frame is written when the one before is durable: so this one was.
                    if frame::find_frame(&self.bytes, self.salt, self.good_bytes + 1).is_some() {
                        return Err(StoreError::corrupt(path, self.good_bytes, reason));
                    }
                    self.torn = Some(reason);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The payloads, each with its offset in the file.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.frames.iter().map(|(start, end)| (*start, &self.bytes[*start..*end]))
    }

    /// Bytes behind the last good frame.
    pub(crate) fn torn_bytes(&self) -> usize {
        self.bytes.len() - self.good_bytes
    }
}
