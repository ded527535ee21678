//! The end of an HFile, which says where all else is. Counterpart of `FixedFileTrailer`.

use bytes::{BufMut as _, Bytes, BytesMut};
use hmaster_protocol::{decode_delimited_slice, pb};
use hmaster_types::CellOrder;
use prost::Message as _;

use crate::compression::Compression;
use crate::error::{Malformed, ParseFailure};

const MAGIC: &[u8; 8] = b"TRABLK\"$";
/// The longest trailer, that of version 3; version 2's is shorter.
pub(super) const TRAILER_BYTES_MAX: usize = 4096;
const V2_TRAILER_BYTES: usize = 212;
/// What we write, as Java 2.x does.
const VERSION: u32 = 3 | 3 << 24;
/// Version 2 from this minor version on is like version 3.
const V2_MINOR_MIN: u32 = 3;
const MINOR_MAX: u32 = 3;
/// The name that HBase 1 knew, which newer releases write and read, too.
const USER_COMPARATOR: &str = "org.apache.hadoop.hbase.KeyValue$KVComparator";
const USER_COMPARATORS: [&str; 5] = [
    USER_COMPARATOR,
    "org.apache.hadoop.hbase.KeyValue$KeyComparator",
    "org.apache.hadoop.hbase.CellComparator",
    "org.apache.hadoop.hbase.CellComparatorImpl",
    "org.apache.hadoop.hbase.InnerStoreCellComparator",
];
const META_COMPARATOR: &str = "org.apache.hadoop.hbase.KeyValue$MetaComparator";
const META_COMPARATORS: [&str; 5] = [
    META_COMPARATOR,
    "org.apache.hadoop.hbase.KeyValue$MetaKeyComparator",
    "org.apache.hadoop.hbase.CellComparator$MetaCellComparator",
    "org.apache.hadoop.hbase.CellComparatorImpl$MetaCellComparator",
    "org.apache.hadoop.hbase.MetaCellComparator",
];

/// Where the parts of a file are, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// 2 or 3.
    pub major_version: u32,
    /// Minor version.
    pub minor_version: u32,
    /// Where the root of the index, the file info and what else is read at open begin.
    pub load_on_open_offset: u64,
    /// Where the file info is.
    pub file_info_offset: u64,
    /// Entries in the root of the index of data blocks.
    pub data_index_count: u32,
    /// Levels of that index; 1 when there is just the root.
    pub data_index_levels: u32,
    /// Entries in the index of meta blocks.
    pub meta_index_count: u32,
    /// Bytes of the index of data blocks.
    pub data_index_bytes: u64,
    /// Bytes of all blocks when decompressed.
    pub uncompressed_bytes: u64,
    /// Number of cells.
    pub entry_count: u64,
    /// Where the first data block is; none in a file without cells.
    pub first_data_block_offset: Option<u64>,
    /// Where the last data block is; none in a file without cells.
    pub last_data_block_offset: Option<u64>,
    /// How cells are sorted.
    pub order: CellOrder,
    /// What blocks are compressed with.
    pub compression: Compression,
    /// Length of the trailer itself.
    pub length: usize,
}

impl Trailer {
    /// Reads the trailer of a file of `file_length` bytes, of which `end` is the end: at least as much as a trailer
    /// takes, or all of it.
    ///
    /// # Errors
    /// When it isn't a trailer, or of a version that isn't supported, or the file is encrypted.
    pub fn parse(end: &[u8], file_length: u64) -> Result<Self, ParseFailure> {
        let base = file_length.saturating_sub(end.len() as u64);
        Self::parse_end(end, file_length - base, base).map_err(|failure| failure.after(base))
    }

    fn parse_end(end: &[u8], end_length: u64, base: u64) -> Result<Self, ParseFailure> {
        let bad = |reason: &'static str| Malformed::new(end_length, reason);
        let version = end.last_chunk::<4>().ok_or_else(|| bad("too short for an HFile"))?;
        let version = u32::from_be_bytes(*version);
        let length = trailer_length(version).map_err(|reason| ParseFailure::Unsupported(reason.into()))?;
        let at = end.len().checked_sub(length).ok_or_else(|| bad("too short for an HFile"))?;
        let rest = end[at..]
            .strip_prefix(MAGIC)
            .ok_or_else(|| Malformed::new(at as u64, "there is no trailer's magic"))?;
        let decoded = decode_delimited_slice::<pb::FileTrailerProto>(&rest[..rest.len() - 4]);
        let (message, _) = decoded.map_err(|error| Malformed::new(at as u64, error.to_string()))?;
        let lacks = |field| Malformed::new(at as u64, format!("the trailer lacks {field}"));
        absent(&message).map_or(Ok(()), |field| Err(lacks(field)))?;
        let trailer = Self::from_message(&message, version, length)?;
        trailer.check(base + at as u64).map_err(|reason| Malformed::new(at as u64, reason))?;
        Ok(trailer)
    }

    fn from_message(
        message: &pb::FileTrailerProto,
        version: u32,
        length: usize,
    ) -> Result<Self, ParseFailure> {
        let unsupported = |feature: String| ParseFailure::Unsupported(feature.into());
        if message.encryption_key.is_some() {
            return Err(unsupported("encryption".into()));
        }
        let compression = message.compression_codec();
        let compression = Compression::from_ordinal(compression)
            .ok_or_else(|| unsupported(format!("compression number {compression}")))?;
        if !compression.is_supported() {
            return Err(unsupported(format!("compression {compression}")));
        }
        let comparator = message.comparator_class_name();
        let order =
            order_of(comparator).ok_or_else(|| unsupported(format!("the comparator {comparator}")))?;
        Ok(Self {
            major_version: version & 0xff_ffff,
            minor_version: version >> 24,
            load_on_open_offset: message.load_on_open_data_offset(),
            file_info_offset: message.file_info_offset(),
            data_index_count: message.data_index_count(),
            data_index_levels: message.num_data_index_levels(),
            meta_index_count: message.meta_index_count(),
            data_index_bytes: message.uncompressed_data_index_size(),
            uncompressed_bytes: message.total_uncompressed_bytes(),
            entry_count: message.entry_count(),
            first_data_block_offset: offset(message.first_data_block_offset),
            last_data_block_offset: offset(message.last_data_block_offset),
            order,
            compression,
            length,
        })
    }

    /// Offsets must lie before the trailer, which begins at `end`.
    fn check(&self, end: u64) -> Result<(), String> {
        let offsets = [
            ("load-on-open section", Some(self.load_on_open_offset)),
            ("first data block", self.first_data_block_offset),
            ("last data block", self.last_data_block_offset),
        ];
        match offsets.iter().find(|(_, offset)| offset.is_some_and(|offset| offset >= end)) {
            Some((what, offset)) => Err(format!("the {what} is said to begin at {}", offset.unwrap_or(0))),
            None if self.first_data_block_offset > self.last_data_block_offset => {
                Err("the last data block is said to be before the first".into())
            }
            None if self.data_index_levels > INDEX_LEVELS_MAX => {
                Err(format!("the index is said to have {} levels", self.data_index_levels))
            }
            None => Ok(()),
        }
    }

    /// The trailer as version 3 has it.
    pub fn encode(&self) -> Bytes {
        let message = pb::FileTrailerProto {
            file_info_offset: Some(self.file_info_offset),
            load_on_open_data_offset: Some(self.load_on_open_offset),
            uncompressed_data_index_size: Some(self.data_index_bytes),
            total_uncompressed_bytes: Some(self.uncompressed_bytes),
            data_index_count: Some(self.data_index_count),
            meta_index_count: Some(self.meta_index_count),
            entry_count: Some(self.entry_count),
            num_data_index_levels: Some(self.data_index_levels),
            first_data_block_offset: Some(self.first_data_block_offset.unwrap_or(NO_OFFSET)),
            last_data_block_offset: Some(self.last_data_block_offset.unwrap_or(NO_OFFSET)),
            comparator_class_name: Some(comparator_of(self.order).into()),
            compression_codec: Some(self.compression.ordinal()),
            encryption_key: None,
        };
        let mut bytes = BytesMut::from(&MAGIC[..]);
        message.encode_length_delimited(&mut bytes).expect("BytesMut grows");
        bytes.resize(TRAILER_BYTES_MAX - 4, 0);
        bytes.put_u32(VERSION);
        bytes.freeze()
    }
}

/// Java's -1.
const NO_OFFSET: u64 = u64::MAX;
/// Java's writer stops here.
const INDEX_LEVELS_MAX: u32 = 16;

fn offset(offset: Option<u64>) -> Option<u64> {
    offset.filter(|offset| *offset != NO_OFFSET)
}

/// A field that isn't there, though every writer writes it: nothing else would tell a damaged trailer.
fn absent(message: &pb::FileTrailerProto) -> Option<&'static str> {
    let fields = [
        ("load_on_open_data_offset", message.load_on_open_data_offset.is_none()),
        ("total_uncompressed_bytes", message.total_uncompressed_bytes.is_none()),
        ("data_index_count", message.data_index_count.is_none()),
        ("entry_count", message.entry_count.is_none()),
        ("num_data_index_levels", message.num_data_index_levels.is_none()),
        ("first_data_block_offset", message.first_data_block_offset.is_none()),
        ("last_data_block_offset", message.last_data_block_offset.is_none()),
        ("comparator_class_name", message.comparator_class_name.is_none()),
        ("compression_codec", message.compression_codec.is_none()),
    ];
    fields.into_iter().find(|(_, is_absent)| *is_absent).map(|(field, _)| field)
}

fn trailer_length(version: u32) -> Result<usize, String> {
    let (major, minor) = (version & 0xff_ffff, version >> 24);
    match major {
        3 if minor <= MINOR_MAX => Ok(TRAILER_BYTES_MAX),
        2 if (V2_MINOR_MIN..=MINOR_MAX).contains(&minor) => Ok(V2_TRAILER_BYTES),
        _ => Err(format!("version {major}.{minor}")),
    }
}

fn order_of(comparator: &str) -> Option<CellOrder> {
    if USER_COMPARATORS.contains(&comparator) {
        Some(CellOrder::User)
    } else {
        META_COMPARATORS.contains(&comparator).then_some(CellOrder::Meta)
    }
}

fn comparator_of(order: CellOrder) -> &'static str {
    match order {
        CellOrder::User => USER_COMPARATOR,
        CellOrder::Meta => META_COMPARATOR,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::hfile) fn trailer() -> Trailer {
        Trailer {
            major_version: 3,
            minor_version: 3,
            load_on_open_offset: 900,
            file_info_offset: 950,
            data_index_count: 1,
            data_index_levels: 1,
            meta_index_count: 0,
            data_index_bytes: 10,
            uncompressed_bytes: 5000,
            entry_count: 7,
            first_data_block_offset: Some(0),
            last_data_block_offset: Some(500),
            order: CellOrder::User,
            compression: Compression::None,
            length: TRAILER_BYTES_MAX,
        }
    }

    fn parse(trailer: &Trailer) -> Result<Trailer, ParseFailure> {
        Trailer::parse(&trailer.encode(), 1000 + TRAILER_BYTES_MAX as u64)
    }

    #[test]
    fn there_and_back() {
        assert_eq!(parse(&trailer()), Ok(trailer()));
        let empty = Trailer {
            first_data_block_offset: None,
            last_data_block_offset: None,
            order: CellOrder::Meta,
            compression: Compression::Gz,
            ..trailer()
        };
        assert_eq!(parse(&empty), Ok(empty));
    }

    #[test]
    fn bad_trailers() {
        let whole = trailer().encode();
        for cut in 0..whole.len() {
            assert!(Trailer::parse(&whole[..cut], cut as u64).is_err(), "{cut}");
        }
        let beyond = [
            Trailer { load_on_open_offset: 1000, ..trailer() },
            Trailer { last_data_block_offset: Some(u64::MAX - 1), ..trailer() },
            Trailer { first_data_block_offset: Some(501), ..trailer() },
            Trailer { data_index_levels: 17, ..trailer() },
        ];
        for trailer in beyond {
            assert!(matches!(parse(&trailer), Err(ParseFailure::Malformed(_))), "{trailer:?}");
        }
        for (at, byte, expected) in [
            (4095, 4, "version 4.3 isn't supported"),
            (4092, 9, "version 3.9 isn't supported"),
            (4095, 2, "there is no trailer's magic at byte 4884"),
            (0, b'X', "there is no trailer's magic at byte 1000"),
        ] {
            let mut bytes = whole.to_vec();
            bytes[at] = byte;
            let failure = Trailer::parse(&bytes, 1000 + bytes.len() as u64).unwrap_err();
            assert_eq!(failure.to_string(), expected);
        }
        let lzo = Trailer { compression: Compression::Lzo, ..trailer() };
        assert_eq!(parse(&lzo).unwrap_err().to_string(), "compression LZO isn't supported");
    }
}
