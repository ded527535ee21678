//! Parses entries out of bytes. Counterpart of `ProtobufWALStreamReader.next` and `WALKeyImpl.readFieldsFromPb`.
//!
//! Differs from Java in what it makes of a WAL on a local disk whose end is zeros, as a loss of power may leave it:
//! Java takes it for damage and the master doesn't start; here it is the end of the file. And where entries have
//! checksums, an entry that parses but isn't what was written is told from one that is.

use bytes::Bytes;
use hmaster_protocol::{decode_slice, pb};
use hmaster_types::{Cell, TableName};

use super::checksum::{self, Verdict};
use super::compressed::Decompressor;
use super::entry::WalEntry;
use super::header::EntryFormat;
use crate::cursor::{Cursor, Stepped, Stop};
use crate::error::Malformed;

/// Java's own limit is 2 GB; a longer entry than this one is taken for damage rather than read into memory.
pub const ENTRY_BYTES_MAX: usize = 256 << 20;

/// There is no entry here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryStop {
    /// The bytes end before the entry does: at least this many are needed.
    Short(usize),
    /// The bytes are no entry.
    Damaged(Damage),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) malformed: Malformed,
    /// Where the part that makes no sense ends: if all is zeros from before there on, it was never written as a whole.
    pub(super) end: usize,
}

/// Parses one entry after the other.
#[derive(Debug)]
pub(super) struct EntryParser {
    decompressor: Option<Box<Decompressor>>,
    /// An earlier entry had a checksum, so all must.
    checksums: bool,
    /// The table of the last entry, which usually is that of the next.
    table: Bytes,
}

impl EntryParser {
    pub(super) fn new(format: EntryFormat, is_recovered_edits: bool) -> Self {
        let decompressor = match format {
            EntryFormat::Plain => None,
            EntryFormat::Compressed { tags, values } => {
                Some(Box::new(Decompressor::new(is_recovered_edits, tags, values)))
            }
        };
        Self { decompressor, checksums: false, table: Bytes::new() }
    }

    /// True when a call that ended with `Short` can be repeated with more bytes.
    pub(super) fn can_repeat(&self) -> bool {
        self.decompressor.is_none()
    }

    /// Parses the entry that begins with the first of `bytes`; gives its length, too.
    pub(super) fn parse(&mut self, bytes: &Bytes) -> Result<(WalEntry, usize), EntryStop> {
        let mut cursor = Cursor::new(bytes);
        let key = self.key(&mut cursor)?;
        let cells_at = cursor.pos();
        let cells = self.cells(&mut cursor, bytes, &key)?;
        let end = cursor.pos();
        self.check(&key, &bytes[cells_at..end])
            .map_err(|reason| damage(Malformed::new(cells_at as u64, reason), end))?;
        self.table = key.table_name.clone();
        Ok((WalEntry { key, cells }, end))
    }

    fn key(&mut self, cursor: &mut Cursor<'_>) -> Result<pb::WalKey, EntryStop> {
        let length = stepped(cursor.varint32(), cursor.pos() + 1)?;
        let at = cursor.pos();
        if usize::try_from(length).is_ok_and(|length| length > ENTRY_BYTES_MAX) {
            return Err(damage(Malformed::new(at as u64, format!("a key claims {length} bytes")), at));
        }
        let message = stepped(cursor.take_i32(length, "a key"), at)?;
        let bad = |reason: String| damage(Malformed::new(at as u64, reason), at + message.len().max(1));
        let mut key = decode_slice::<pb::WalKey>(message).map_err(|error| bad(error.to_string()))?;
        if let Some(decompressor) = &mut self.decompressor {
            let done = decompressor.key(&mut key);
            done.map_err(|malformed| bad(format!("the key's dictionary: {malformed}")))?;
        }
        if key.table_name != self.table {
            check_table(&key.table_name).map_err(bad)?;
        }
        Ok(key)
    }

    fn cells(
        &mut self,
        cursor: &mut Cursor<'_>,
        bytes: &Bytes,
        key: &pb::WalKey,
    ) -> Result<Vec<Cell>, EntryStop> {
        let mut cells = Vec::new();
        for _ in 0..key.following_kv_count.unwrap_or(0) {
            let at = cursor.pos();
            if at > ENTRY_BYTES_MAX {
                return Err(damage(Malformed::new(at as u64, "an entry is too long"), at));
            }
            let cell = match &mut self.decompressor {
                None => plain_cell(cursor, bytes)?,
                Some(decompressor) => stepped(decompressor.cell(cursor), at + 1)?,
            };
            cells.push(cell.with_sequence_id(key.log_sequence_number));
        }
        Ok(cells)
    }

    fn check(&mut self, key: &pb::WalKey, cells: &[u8]) -> Result<(), &'static str> {
        match checksum::verify(key, cells) {
            Verdict::Right => self.checksums = true,
            Verdict::Wrong => return Err("an entry's checksum is wrong"),
            Verdict::Absent if self.checksums => return Err("an entry has no checksum though others have"),
            Verdict::Absent => {}
        }
        Ok(())
    }
}

/// A cell with its length before it.
fn plain_cell(cursor: &mut Cursor<'_>, bytes: &Bytes) -> Result<Cell, EntryStop> {
    let length = stepped(cursor.i32(), cursor.pos() + 4)?;
    let at = cursor.pos();
    if usize::try_from(length).is_ok_and(|length| length > ENTRY_BYTES_MAX) {
        return Err(damage(Malformed::new(at as u64, format!("a cell claims {length} bytes")), at));
    }
    let taken = stepped(cursor.take_i32(length, "a cell"), at)?;
    let cell = Cell::parse(bytes.slice(at..at + taken.len()));
    cell.map_err(|error| damage(Malformed::new(at as u64, error.to_string()), at + taken.len()))
}

fn check_table(name: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(name).map_err(|_| "the table's name isn't UTF-8".to_owned())?;
    text.parse::<TableName>().map(drop).map_err(|error| error.to_string())
}

/// A step of which, if it fails for what the bytes are, the part before `end` is at fault.
fn stepped<T>(step: Stepped<T>, end: usize) -> Result<T, EntryStop> {
    step.map_err(|stop| match stop {
        Stop::Short(needed) => EntryStop::Short(needed),
        Stop::Bad(malformed) => {
            let end = end.max(usize::try_from(malformed.offset).unwrap_or(end));
            damage(malformed, end)
        }
    })
}

fn damage(malformed: Malformed, end: usize) -> EntryStop {
    EntryStop::Damaged(Damage { malformed, end })
}

/// Where the zeros begin that `bytes` end with; their length when they don't.
pub(super) fn zeros_from(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}
