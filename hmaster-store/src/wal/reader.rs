//! Reads a WAL from its beginning. Counterpart of `AbstractProtobufWALReader` and `ProtobufWALStreamReader`.
//!
//! The files of a server that died end anywhere: inside an entry, in zeros, right after the header, before it. None of
//! that is an error; [`WalReader::end`] tells. What is damaged in the middle is an error, as in Java.

use bytes::{Bytes, BytesMut};
use hmaster_fs::{FileSystem, FsPath, READ_BYTES_MAX, Reader};
use tracing::warn;

use super::entry::WalEntry;
use super::header::{self, HeaderStop, TRAILER_END_BYTES};
use super::parse::{Damage, EntryParser, EntryStop, zeros_from};
use crate::error::{FileError, FileKind, Malformed, ParseFailure};

/// How much is read at once, unless an entry is longer; more than any header may have.
const CHUNK_BYTES: usize = 1 << 20;
/// Compressed files are held in memory as a whole, since what an entry means depends on all before it. Java rolls
/// them at a tenth of this.
pub const COMPRESSED_FILE_BYTES_MAX: u64 = 1 << 30;
const RECOVERED_EDITS: &str = "recovered.edits";

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalEnd {
    /// With a trailer: its writer closed it.
    Closed,
    /// After an entry, or after the header, or the file is empty.
    Open,
    /// In the middle of something that was never completed.
    Torn {
        /// Where the last whole entry ends.
        offset: u64,
    },
}

/// A WAL that is being read.
#[derive(Debug)]
pub struct WalReader {
    file: Box<dyn Reader>,
    path: FsPath,
    parser: EntryParser,
    /// Where the next entry begins.
    position: u64,
    /// Where entries end at the latest.
    limit: u64,
    has_trailer: bool,
    /// What was read from `position` on.
    window: Bytes,
    end: Option<WalEnd>,
}

impl WalReader {
    /// Opens a WAL that nobody writes any more: its lease has been recovered.
    ///
    /// # Errors
    /// When it can't be read, isn't a WAL, or is encrypted or otherwise beyond what is supported.
    pub async fn open(fs: &dyn FileSystem, path: &FsPath) -> Result<Self, FileError> {
        let file = fs.open(path).await.map_err(FileKind::Wal.fs())?;
        let start = read(&*file, 0, CHUNK_BYTES).await?;
        let length = file.length();
        let is_recovered_edits = path.as_str().contains(RECOVERED_EDITS);
        let (format, entries_at, end) = match header::parse_header(&start) {
            Ok((format, entries_at)) => (format, entries_at as u64, None),
            Err(stop) => {
                let end = end_without_header(&*file, path, stop).await?;
                (header::EntryFormat::Plain, length, Some(end))
            }
        };
        let trailer_at = trailer_at(&*file, entries_at).await?;
        let mut reader = Self {
            file,
            path: path.clone(),
            parser: EntryParser::new(format, is_recovered_edits),
            position: entries_at,
            limit: trailer_at.unwrap_or(length),
            has_trailer: trailer_at.is_some(),
            window: Bytes::new(),
            end,
        };
        if !reader.parser.can_repeat() {
            reader.read_whole().await?;
        }
        Ok(reader)
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// When the file is damaged here, or can't be read.
    pub async fn next(&mut self) -> Result<Option<WalEntry>, FileError> {
        while self.end.is_none() {
            if self.position >= self.limit {
                self.end = Some(if self.has_trailer { WalEnd::Closed } else { WalEnd::Open });
                break;
            }
            match self.parser.parse(&self.window) {
                Ok((entry, length)) => {
                    self.position += length as u64;
                    let _ = self.window.split_to(length);
                    return Ok(Some(entry));
                }
                Err(EntryStop::Short(needed)) if self.position + (self.window.len() as u64) < self.limit => {
                    self.widen(needed).await?;
                }
                Err(stop) => self.end = Some(self.end_at(stop).await?),
            }
        }
        Ok(None)
    }

    /// How the file ends; none before [`WalReader::next`] said so.
    pub fn end(&self) -> Option<WalEnd> {
        self.end
    }

    /// Where the next entry begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the file is.
    pub fn path(&self) -> &FsPath {
        &self.path
    }

    /// An error at the entry that was read last, which began at `offset`.
    pub fn malformed(&self, offset: u64, reason: String) -> FileError {
        ParseFailure::from(Malformed::new(offset, reason)).of(FileKind::Wal, &self.path)
    }

    async fn widen(&mut self, needed: usize) -> Result<(), FileError> {
        let length = needed.max(CHUNK_BYTES).max(2 * self.window.len()).min(READ_BYTES_MAX);
        let left = self.limit - self.position;
        let length = usize::try_from(left).map_or(length, |left| length.min(left));
        let before = self.window.len();
        self.window = read(&*self.file, self.position, length).await?;
        if self.window.len() <= before {
            let reason = format!("an entry is longer than {before} bytes");
            return Err(self.malformed(self.position, reason));
        }
        Ok(())
    }

    async fn read_whole(&mut self) -> Result<(), FileError> {
        if self.limit > COMPRESSED_FILE_BYTES_MAX {
            let feature = format!("a compressed file of {} bytes", self.limit);
            return Err(ParseFailure::Unsupported(feature.into()).of(FileKind::Wal, &self.path));
        }
        let mut whole = BytesMut::new();
        while self.position + (whole.len() as u64) < self.limit {
            let at = self.position + whole.len() as u64;
            let length = usize::try_from(self.limit - at).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            whole.extend_from_slice(&read(&*self.file, at, length).await?);
        }
        self.window = whole.freeze();
        Ok(())
    }

    /// Whether what is no entry is the end of the file, or damage.
    async fn end_at(&self, stop: EntryStop) -> Result<WalEnd, FileError> {
        let torn = WalEnd::Torn { offset: self.position };
        match stop {
            EntryStop::Short(_) => {
                if self.has_trailer {
                    warn!(path = %self.path, offset = self.position, "an entry runs into the trailer; as in Java, the file ends before it");
                }
                Ok(torn)
            }
            EntryStop::Damaged(Damage { malformed, end }) => {
                let zeros = zeros_begin(&*self.file, self.position).await?;
                // What isn't zeros; a trailer that is longer than the window has been told from one before.
                let rest = usize::try_from(zeros - self.position).unwrap_or(usize::MAX);
                let rest = &self.window[..rest.min(self.window.len())];
                if zeros < self.position + end as u64 || header::begins_trailer(rest) {
                    return Ok(torn);
                }
                let malformed = malformed.after(self.position);
                Err(ParseFailure::from(malformed).of(FileKind::Wal, &self.path))
            }
        }
    }
}

/// A file without a whole header has no entries; it may be empty.
async fn end_without_header(file: &dyn Reader, path: &FsPath, stop: HeaderStop) -> Result<WalEnd, FileError> {
    match stop {
        HeaderStop::Short if file.length() == 0 => Ok(WalEnd::Open),
        HeaderStop::Short => Ok(WalEnd::Torn { offset: 0 }),
        HeaderStop::Failed { end, .. } if zeros_begin(file, 0).await? < end as u64 => {
            Ok(WalEnd::Torn { offset: 0 })
        }
        HeaderStop::Failed { failure, .. } => Err(failure.of(FileKind::Wal, path)),
    }
}

/// Where the trailer begins, if there is one.
async fn trailer_at(file: &dyn Reader, entries_at: u64) -> Result<Option<u64>, FileError> {
    let Some(end_at) = file.length().checked_sub(TRAILER_END_BYTES as u64) else { return Ok(None) };
    let end = read(file, end_at, TRAILER_END_BYTES).await?;
    let at = header::trailer_length(&end).and_then(|length| end_at.checked_sub(length));
    Ok(at.filter(|at| *at >= entries_at))
}

/// Where the zeros begin that the file ends with, not looking before `from`.
async fn zeros_begin(file: &dyn Reader, from: u64) -> Result<u64, FileError> {
    let (mut zeros, mut at) = (from, from);
    while at < file.length() {
        let chunk = read(file, at, CHUNK_BYTES).await?;
        match zeros_from(&chunk) {
            0 => {}
            begin => zeros = at + begin as u64,
        }
        at += chunk.len() as u64;
    }
    Ok(zeros)
}

async fn read(file: &dyn Reader, offset: u64, length: usize) -> Result<Bytes, FileError> {
    file.read_at(offset, length).await.map_err(FileKind::Wal.fs())
}

/// Parses all of a WAL that is in memory: what [`WalReader`] does, without a file. For tests of what the parsers make
/// of any bytes.
///
/// # Errors
/// When the bytes are damaged or use what isn't supported.
pub fn parse_wal(bytes: &Bytes) -> Result<(Vec<WalEntry>, WalEnd), ParseFailure> {
    let zeros = zeros_from(bytes);
    let (format, mut at) = match header::parse_header(bytes) {
        Ok(parsed) => parsed,
        Err(HeaderStop::Short) if bytes.is_empty() => return Ok((Vec::new(), WalEnd::Open)),
        Err(HeaderStop::Failed { failure, end }) if zeros >= end => return Err(failure),
        Err(_) => return Ok((Vec::new(), WalEnd::Torn { offset: 0 })),
    };
    let end_at = bytes.len().saturating_sub(TRAILER_END_BYTES);
    let trailer = header::trailer_length(&bytes[end_at..])
        .and_then(|length| end_at.checked_sub(usize::try_from(length).ok()?))
        .filter(|trailer| *trailer >= at);
    let limit = trailer.unwrap_or(bytes.len());
    let (mut parser, mut entries) = (EntryParser::new(format, false), Vec::new());
    while at < limit {
        match parser.parse(&bytes.slice(at..limit)) {
            Ok((entry, length)) => {
                entries.push(entry);
                at += length;
            }
            Err(EntryStop::Damaged(damage))
                if zeros >= at + damage.end && !header::begins_trailer(&bytes[at..zeros]) =>
            {
                return Err(damage.malformed.after(at as u64).into());
            }
            Err(_) => return Ok((entries, WalEnd::Torn { offset: at as u64 })),
        }
    }
    Ok((entries, if trailer.is_some() { WalEnd::Closed } else { WalEnd::Open }))
}
