//! The bytes of the small files: version, cluster id, region, schema. Pure code; counterpart of the parsing
//! methods of `FSUtils`, `ClusterId`, `RegionInfo` and `TableDescriptorBuilder`.

use std::error::Error;

use bytes::Bytes;
use hmaster_protocol::{decode_delimited_slice, pb, pbuf_decode, pbuf_encode, strip_pbuf_magic};
use hmaster_types::{RegionInfo, TableDescriptor};
use prost::Message as _;

/// The version of the layout since HBase 0.96; Java's `HConstants.FILE_SYSTEM_VERSION`.
pub const FILE_SYSTEM_VERSION: &str = "8";

/// The longest version or id file that is read. Real ones have some 10 and 50 bytes.
pub(super) const SMALL_BYTES_MAX: usize = 4096;
/// The longest `.regioninfo` that is read: two row keys of at most 32 KiB each, and names.
pub(super) const REGION_INFO_BYTES_MAX: usize = 256 << 10;
/// The longest schema that is read. Large ones have thousands of families and some hundred kilobytes.
pub(super) const TABLE_SCHEMA_BYTES_MAX: usize = 16 << 20;

/// Bytes aren't what they should be.
#[derive(Debug)]
pub(super) struct BadContent {
    pub(super) what: String,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl BadContent {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    fn caused_by(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self { what: what.into(), source: Some(Box::new(source)) }
    }
}

pub(super) fn encode_version(version: &str) -> Bytes {
    pbuf_encode(&pb::HBaseVersionFileContent { version: version.into() })
}

/// The version; none when the file is empty, which Java takes for missing. Before 0.96 it was a Java string.
pub(super) fn decode_version(content: &[u8]) -> Result<Option<String>, BadContent> {
    if content.is_empty() {
        return Ok(None);
    }
    if strip_pbuf_magic(content).is_none() {
        return decode_java_utf(content).map(Some).ok_or_else(|| BadContent::new("not a version"));
    }
    let message: pb::HBaseVersionFileContent =
        pbuf_decode(content).map_err(|error| BadContent::caused_by("not a version", error))?;
    Ok(Some(message.version))
}

pub(super) fn encode_cluster_id(id: &str) -> Bytes {
    pbuf_encode(&pb::ClusterId { cluster_id: id.into() })
}

/// The id, and whether the file is of the old form, a Java string.
pub(super) fn decode_cluster_id(content: &[u8]) -> Result<(String, bool), BadContent> {
    if content.is_empty() {
        return Err(BadContent::new("empty"));
    }
    let (id, old) = match strip_pbuf_magic(content) {
        None => (decode_java_utf(content).ok_or_else(|| BadContent::new("not a cluster id"))?, true),
        Some(_) => {
            let message: pb::ClusterId =
                pbuf_decode(content).map_err(|error| BadContent::caused_by("not a cluster id", error))?;
            (message.cluster_id, false)
        }
    };
    if id.is_empty() || id.contains(char::is_control) {
        return Err(BadContent::new("not a cluster id"));
    }
    Ok((id, old))
}

/// What `DataOutput.writeUTF` writes: two bytes of length, then the text. These texts are ASCII.
fn decode_java_utf(content: &[u8]) -> Option<String> {
    let (length, text) = content.split_first_chunk::<2>()?;
    let text = text.get(..usize::from(u16::from_be_bytes(*length)))?;
    text.is_ascii().then(|| String::from_utf8_lossy(text).into_owned())
}

/// The content of `.regioninfo`: of the default replica, whichever is given.
pub(super) fn encode_region_info(region: &RegionInfo) -> Bytes {
    let message = pb::RegionInfo::from(&region.with_replica(0));
    let mut content = hmaster_protocol::PBUF_MAGIC.to_vec();
    content.extend_from_slice(&message.encode_length_delimited_to_vec());
    content.into()
}

/// What follows the message doesn't count, as in Java.
pub(super) fn decode_region_info(content: &[u8]) -> Result<RegionInfo, BadContent> {
    let Some(message) = strip_pbuf_magic(content) else {
        return Err(BadContent::new("doesn't begin with PBUF"));
    };
    let (message, _) = decode_delimited_slice::<pb::RegionInfo>(message)
        .map_err(|error| BadContent::caused_by("not a region", error))?;
    RegionInfo::try_from(&message).map_err(|error| BadContent::caused_by("not a region", error))
}

pub(super) fn encode_table_schema(table: &TableDescriptor) -> Bytes {
    pbuf_encode(&pb::TableSchema::from(table))
}

pub(super) fn decode_table_schema(content: &[u8]) -> Result<TableDescriptor, BadContent> {
    let message: pb::TableSchema =
        pbuf_decode(content).map_err(|error| BadContent::caused_by("not a schema", error))?;
    TableDescriptor::try_from(&message).map_err(|error| BadContent::caused_by("not a schema", error))
}

#[cfg(test)]
mod tests {
    use hmaster_types::ColumnFamilyDescriptor;

    use super::*;

    fn region() -> RegionInfo {
        let table = "ns:t".parse().unwrap();
        RegionInfo::builder(table).start_key(*b"a").end_key(*b"b").region_id(1_700_000_000_000).build()
    }

    fn schema() -> TableDescriptor {
        TableDescriptor::builder("ns:t".parse().unwrap())
            .family(ColumnFamilyDescriptor::builder("f").build())
            .build()
    }

    #[test]
    fn there_and_back() {
        assert_eq!(decode_version(&encode_version("8")).unwrap().unwrap(), "8");
        assert_eq!(decode_version(b"").unwrap(), None);
        let id = "4c8e7b3a-0000-4000-8000-0123456789ab";
        assert_eq!(decode_cluster_id(&encode_cluster_id(id)).unwrap(), (id.to_owned(), false));
        assert_eq!(decode_region_info(&encode_region_info(&region())).unwrap(), region());
        assert_eq!(encode_region_info(&region().with_replica(3)), encode_region_info(&region()));
        assert_eq!(decode_table_schema(&encode_table_schema(&schema())).unwrap(), schema());
    }

    #[test]
    fn the_bytes_of_a_version() {
        assert_eq!(encode_version("8"), &b"PBUF\x0a\x018"[..]);
    }

    #[test]
    fn forms_of_before_protobuf() {
        assert_eq!(decode_version(b"\0\x017").unwrap().unwrap(), "7");
        assert_eq!(decode_cluster_id(b"\0\x03abc").unwrap(), ("abc".to_owned(), true));
    }

    /// Every prefix and every kind of garbage is an error with a reason; none panics or passes for something
    /// else.
    #[test]
    fn bad_content() {
        fn check<T: std::fmt::Debug>(
            good: &[u8],
            shortest: usize,
            decode: impl Fn(&[u8]) -> Result<T, BadContent>,
        ) {
            for end in shortest..good.len() {
                let error = decode(&good[..end]).expect_err("truncated");
                assert!(!error.what.is_empty());
            }
            let wrong_magic = [b"PBUX", &good[4..]].concat();
            let zero_tail = [&good[..good.len() - 3], &[0; 3][..]].concat();
            for bad in [
                &wrong_magic[..],
                &b"\0\0"[..],
                b"\xff\xff\xff",
                b"PBUF\xff\xff\xff\xff\xff\xff",
                b"PBUF\x0a\x7f",
            ] {
                assert!(decode(bad).is_err(), "{bad:?}");
            }
            // Zeros that took the place of the end, as after a loss of power, may fit into a text.
            let _ = decode(&zero_tail);
        }
        check(&encode_version("8"), 1, |bytes| {
            decode_version(bytes).and_then(|v| match v {
                Some(v) if v == "8" => Ok(v),
                _ => Err(BadContent::new("another version")),
            })
        });
        check(&encode_cluster_id("4c8e7b3a-0000"), 0, decode_cluster_id);
        check(&encode_region_info(&region()), 0, decode_region_info);
        // Cut between two fields it is a schema, though not this one: so the length stands in the file's
        // name.
        check(&encode_table_schema(&schema()), 0, |bytes| {
            decode_table_schema(bytes).and_then(|read| {
                if read == schema() { Ok(read) } else { Err(BadContent::new("another schema")) }
            })
        });
        assert!(decode_cluster_id(&encode_cluster_id("")).is_err());
        assert!(decode_cluster_id(&encode_cluster_id("a\0b")).is_err(), "a torn end");
    }
}
