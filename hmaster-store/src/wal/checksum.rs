//! A checksum of each entry, in an attribute of its key that Java readers keep and don't look at.
//!
//! HBase's WALs have none: HDFS checks its blocks. On a local disk the last write before a loss of power may be there
//! in part, with zeros for the rest, and an entry that ends in zeros may parse: what nobody was ever told to be
//! durable would come back as something else than what was written.

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::Cell;

use super::entry::cell_length;

const ATTRIBUTE: &str = "hmaster.crc32c";

/// What the checksum of a key says about what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is none.
    Absent,
    Right,
    Wrong,
}

/// Adds the checksum of a key and its cells.
pub(super) fn add(key: &mut pb::WalKey, cells: &[Cell]) {
    let mut crc = of_key(key);
    for cell in cells {
        crc = crc32c::crc32c_append(crc, &cell_length(cell).to_be_bytes());
        crc = crc32c::crc32c_append(crc, cell.as_bytes());
    }
    let value = Bytes::copy_from_slice(&crc.to_be_bytes());
    key.extended_attributes.push(pb::Attribute { key: ATTRIBUTE.into(), value });
}

/// Compares a key's checksum with the bytes of its cells as they follow in the file.
pub(super) fn verify(key: &pb::WalKey, cells: &[u8]) -> Verdict {
    let Some(attribute) = key.extended_attributes.iter().find(|attribute| attribute.key == ATTRIBUTE) else {
        return Verdict::Absent;
    };
    let crc = crc32c::crc32c_append(of_key(key), cells);
    if *attribute.value == crc.to_be_bytes() { Verdict::Right } else { Verdict::Wrong }
}

/// What of the key matters when the entry is replayed.
fn of_key(key: &pb::WalKey) -> u32 {
    let count = key.following_kv_count.unwrap_or(0);
    let crc = crc32c::crc32c_append(key.following_kv_count.map_or(1, |_| 2), &count.to_be_bytes());
    let crc = crc32c::crc32c_append(crc, &key.log_sequence_number.to_be_bytes());
    crc32c::crc32c_append(crc, &key.encoded_region_name)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use prost::Message as _;

    use super::*;
    use crate::wal::encode_entry;

    #[test]
    fn every_changed_byte_is_noticed() {
        let key = pb::WalKey { log_sequence_number: 7, ..Default::default() };
        let cells = [Cell::put(b"r", b"f", b"q", 1, b"value").unwrap()];
        let mut bytes = BytesMut::new();
        encode_entry(&key, &cells, &mut bytes);
        let key_end = 1 + usize::from(bytes[0]);
        let key = pb::WalKey::decode(&bytes[1..key_end]).unwrap();
        let cells = &bytes[key_end..];
        assert_eq!(verify(&key, cells), Verdict::Right);
        for at in 0..cells.len() {
            let mut changed = cells.to_vec();
            changed[at] ^= 1;
            assert_eq!(verify(&key, &changed), Verdict::Wrong);
        }
        let other = pb::WalKey { log_sequence_number: 8, ..key.clone() };
        assert_eq!(verify(&other, cells), Verdict::Wrong);
        assert_eq!(verify(&pb::WalKey::default(), cells), Verdict::Absent);
    }
}
