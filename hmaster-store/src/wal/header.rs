//! The beginning and the end of a WAL file. Counterpart of `readHeader` and `setTrailerIfPresent` in
//! `AbstractProtobufWALReader`, and of their writing in `AbstractProtobufLogWriter`.

use bytes::Bytes;
use hmaster_protocol::{DecodeError, decode_slice, pb};
use prost::Message as _;

use crate::compression::Compression;
use crate::cursor::{Cursor, Stop};
use crate::error::{Malformed, ParseFailure};

const MAGIC: &[u8; 4] = b"PWAL";
const TRAILER_MAGIC: &[u8; 4] = b"LAWP";
/// The length of the trailer's message and its magic.
pub(super) const TRAILER_END_BYTES: usize = 8;
/// Java's writers, as its readers know them.
const WRITERS: [&str; 4] = [
    "ProtobufLogWriter",
    "AsyncProtobufLogWriter",
    "SecureProtobufLogWriter",
    "SecureAsyncProtobufLogWriter",
];
/// What every Java writer calls itself, so that every Java reader knows it.
const WRITER: &str = WRITERS[0];
const CODEC: &str = "org.apache.hadoop.hbase.regionserver.wal.WALCellCodec";
/// Far beyond what any writer writes; a header that claims more is damaged.
const HEADER_BYTES_MAX: usize = 1 << 19;

/// How the entries of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryFormat {
    /// Keys and cells as they are.
    Plain,
    /// With dictionaries.
    Compressed {
        /// Tags have a dictionary, too.
        tags: bool,
        /// What values are compressed with.
        values: Option<Compression>,
    },
}

/// What a new file begins with.
pub(super) fn encode_header() -> Bytes {
    let header = pb::WalHeader {
        has_compression: Some(false),
        has_tag_compression: Some(false),
        has_value_compression: Some(false),
        writer_cls_name: Some(WRITER.into()),
        cell_codec_cls_name: Some(CODEC.into()),
        ..Default::default()
    };
    let mut bytes = MAGIC.to_vec();
    header.encode_length_delimited(&mut bytes).expect("a Vec has room");
    bytes.into()
}

/// What a file that is complete ends with: the trailer's message, which is empty, its length, and the magic.
pub(super) fn encode_trailer() -> Bytes {
    Bytes::from_static(b"\0\0\0\0LAWP")
}

/// Reads the header; gives the format of the entries and where they begin.
pub(super) fn parse_header(bytes: &[u8]) -> Result<(EntryFormat, usize), HeaderStop> {
    let mut cursor = Cursor::new(bytes);
    if let Some(at) = MAGIC.iter().zip(bytes).position(|(magic, byte)| magic != byte) {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        let malformed = Malformed::new(at as u64, format!("begins with {magic:02x?} in place of PWAL"));
        return Err(HeaderStop::Failed { failure: malformed.into(), end: at + 1 });
    }
    cursor.take(MAGIC.len())?;
    let length = cursor.varint32()?;
    if usize::try_from(length).is_ok_and(|length| length > HEADER_BYTES_MAX) {
        return Err(cursor.bad(format!("the header claims {length} bytes")).into());
    }
    let at = cursor.pos();
    let message = cursor.take_i32(length, "the header")?;
    let header = decode_slice::<pb::WalHeader>(message);
    let header = header.map_err(|error: DecodeError| Malformed::new(at as u64, error.to_string()).into());
    let format = header.and_then(|header| format_of(&header));
    match format {
        Ok(format) => Ok((format, cursor.pos())),
        Err(failure) => Err(HeaderStop::Failed { failure, end: cursor.pos() }),
    }
}

fn format_of(header: &pb::WalHeader) -> Result<EntryFormat, ParseFailure> {
    let unsupported = |feature: String| Err(ParseFailure::Unsupported(feature.into()));
    if header.encryption_key.is_some() {
        return unsupported("encryption".into());
    }
    if let Some(writer) = header.writer_cls_name.as_deref().filter(|writer| !WRITERS.contains(writer)) {
        return unsupported(format!("writer class {writer}"));
    }
    if let Some(codec) = header.cell_codec_cls_name.as_deref().filter(|codec| *codec != CODEC) {
        return unsupported(format!("cell codec {codec}"));
    }
    if !header.has_compression() {
        return Ok(EntryFormat::Plain);
    }
    Ok(EntryFormat::Compressed { tags: header.has_tag_compression(), values: value_compression(header)? })
}

fn value_compression(header: &pb::WalHeader) -> Result<Option<Compression>, ParseFailure> {
    let Some(ordinal) = header.value_compression_algorithm.filter(|_| header.has_value_compression()) else {
        return Ok(None);
    };
    match Compression::from_ordinal(ordinal) {
        Some(algorithm) if algorithm.is_supported() => Ok(Some(algorithm)),
        Some(algorithm) => {
            Err(ParseFailure::Unsupported(format!("compression of values with {algorithm}").into()))
        }
        None => Err(ParseFailure::Unsupported(format!("compression number {ordinal}").into())),
    }
}

/// The length of the trailer's message, if `end`, the last [`TRAILER_END_BYTES`] of a file, are those of a trailer.
pub(super) fn trailer_length(end: &[u8]) -> Option<u64> {
    let (length, magic) = end.split_at_checked(4)?;
    let length = i32::from_be_bytes(length.try_into().ok()?);
    (magic == TRAILER_MAGIC).then_some(length).and_then(|length| u64::try_from(length).ok())
}

/// Whether `rest`, which is followed by zeros or nothing, is the beginning of a trailer.
pub(super) fn begins_trailer(rest: &[u8]) -> bool {
    rest.len() < TRAILER_END_BYTES && encode_trailer().starts_with(rest)
}

/// A header isn't all there, or can't be used.
#[derive(Debug)]
pub(super) enum HeaderStop {
    /// There are too few bytes.
    Short,
    /// The part before `end` makes no sense.
    Failed { failure: ParseFailure, end: usize },
}

impl From<Stop> for HeaderStop {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Short(_) => Self::Short,
            Stop::Bad(malformed) => {
                let end = usize::try_from(malformed.offset).unwrap_or(usize::MAX);
                Self::Failed { failure: malformed.into(), end }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&mut pb::WalHeader)) -> Vec<u8> {
        let mut header = pb::WalHeader::default();
        change(&mut header);
        let mut bytes = MAGIC.to_vec();
        header.encode_length_delimited(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn our_own_header() {
        let bytes = encode_header();
        let (format, end) = parse_header(&bytes).unwrap();
        assert_eq!((format, end), (EntryFormat::Plain, bytes.len()));
        for cut in 0..bytes.len() {
            assert!(matches!(parse_header(&bytes[..cut]), Err(HeaderStop::Short)), "{cut}");
        }
    }

    #[test]
    fn compression_is_read_off() {
        let bytes = with(|header| {
            header.has_compression = Some(true);
            header.has_tag_compression = Some(true);
            header.has_value_compression = Some(true);
            header.value_compression_algorithm = Some(Compression::Gz.ordinal());
        });
        let expected = EntryFormat::Compressed { tags: true, values: Some(Compression::Gz) };
        assert_eq!(parse_header(&bytes).unwrap().0, expected);
    }

    #[test]
    fn bad_headers() {
        let unsupported: [(&str, Vec<u8>); 5] = [
            ("encryption", with(|header| header.encryption_key = Some(Bytes::new()))),
            ("writer class X", with(|header| header.writer_cls_name = Some("X".into()))),
            ("cell codec X", with(|header| header.cell_codec_cls_name = Some("X".into()))),
            ("compression of values with LZO", with(|header| values(header, 0))),
            ("compression number 9", with(|header| values(header, 9))),
        ];
        for (expected, bytes) in unsupported {
            let failed = parse_header(&bytes);
            let Err(HeaderStop::Failed { failure, .. }) = failed else { panic!("{expected}: {failed:?}") };
            assert_eq!(failure, ParseFailure::Unsupported(expected.into()));
        }
        let malformed: [&[u8]; 5] =
            [b"\0", b"PWAX", b"SEQ6", b"PWAL\xff\xff\xff\xff\x0f", b"PWAL\x80\x80\x80\x01"];
        for bytes in malformed {
            let failed = parse_header(bytes);
            let Err(HeaderStop::Failed { failure, .. }) = failed else { panic!("{bytes:02x?}: {failed:?}") };
            assert!(matches!(failure, ParseFailure::Malformed(_)), "{bytes:02x?}");
        }
    }

    fn values(header: &mut pb::WalHeader, ordinal: u32) {
        header.has_compression = Some(true);
        header.has_value_compression = Some(true);
        header.value_compression_algorithm = Some(ordinal);
    }

    #[test]
    fn trailers() {
        let trailer = encode_trailer();
        assert_eq!(trailer_length(&trailer), Some(0));
        assert_eq!(trailer_length(b"\0\0\0\x05LAWP"), Some(5));
        for bad in [&b"\xff\0\0\0LAWP"[..], b"\0\0\0\0LAWQ", b"LAWP", b""] {
            assert_eq!(trailer_length(bad), None);
        }
        assert!((0..TRAILER_END_BYTES).all(|cut| begins_trailer(&trailer[..cut])));
        assert!(!begins_trailer(b"\0\x01") && !begins_trailer(&trailer));
    }
}
