//! What stands before a payload in a znode: who wrote it. Counterpart of `ZKMetadata`.
//!
//! `0xFF`, the length of an identifier as four bytes, the identifier, the payload. The identifier is that of the
//! process, such as `master:16000`, and eight random bytes, by which a writer recognises its own write after a lost
//! connection. Empty data has no envelope. What doesn't begin with `0xFF` is taken as it is, as written by other tools.

use bytes::{BufMut as _, Bytes, BytesMut};
use hmaster_types::Chance;

const MAGIC: u8 = 0xFF;
const HEADER_BYTES: usize = 5;

/// `payload` in an envelope of `identifier`; empty stays empty.
pub fn wrap(identifier: &[u8], chance: &Chance, payload: &[u8]) -> Bytes {
    if payload.is_empty() {
        return Bytes::new();
    }
    let salt = chance.bits().to_be_bytes();
    let id_bytes = identifier.len() + salt.len();
    let mut data = BytesMut::with_capacity(HEADER_BYTES + id_bytes + payload.len());
    data.put_u8(MAGIC);
    data.put_u32(u32::try_from(id_bytes).expect("an identifier is a host and a port"));
    data.put_slice(identifier);
    data.put_slice(&salt);
    data.put_slice(payload);
    data.freeze()
}

/// The payload in `data`.
///
/// # Errors
/// When there is an envelope that doesn't fit into the data.
pub fn unwrap(data: &Bytes) -> Result<Bytes, EnvelopeError> {
    if data.first() != Some(&MAGIC) {
        return Ok(data.clone());
    }
    let length = data.get(1..HEADER_BYTES).and_then(|length| length.try_into().ok());
    let length = i32::from_be_bytes(length.ok_or(EnvelopeError::Truncated { bytes: data.len() })?);
    let wrong = EnvelopeError::BadLength { length, bytes: data.len() };
    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(HEADER_BYTES));
    let end = end.filter(|end| *end <= data.len()).ok_or(wrong)?;
    Ok(data.slice(end..))
}

/// Data begins like an envelope and isn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It ends inside the envelope's head.
    #[error("the envelope is cut off after {bytes} bytes")]
    Truncated {
        /// Size of the data.
        bytes: usize,
    },
    /// The identifier would end behind the data, or its length is negative.
    #[error("the envelope claims an identifier of {length} bytes in data of {bytes}")]
    BadLength {
        /// What it claims.
        length: i32,
        /// Size of the data.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back() {
        let chance = Chance::seeded(3);
        let data = wrap(b"master:16000", &chance, b"PBUF...");
        assert_eq!(&data[..5], [0xFF, 0, 0, 0, 20]);
        assert_eq!(&data[5..17], b"master:16000");
        assert_eq!(unwrap(&data).unwrap(), &b"PBUF..."[..]);
        assert_ne!(data, wrap(b"master:16000", &chance, b"PBUF..."), "each write has its own salt");
    }

    #[test]
    fn empty_and_foreign_data_have_no_envelope() {
        let chance = Chance::seeded(3);
        assert_eq!(wrap(b"id", &chance, b""), Bytes::new());
        for foreign in [&b""[..], b"PBUF", b"\x00\xFF", b"localhost"] {
            assert_eq!(unwrap(&Bytes::copy_from_slice(foreign)).unwrap(), foreign);
        }
        assert_eq!(unwrap(&Bytes::from_static(&[0xFF, 0, 0, 0, 0])).unwrap(), Bytes::new());
    }

    #[test]
    fn bad_envelopes_are_errors() {
        use EnvelopeError::{BadLength, Truncated};
        for (data, error) in [
            (&[0xFF][..], Truncated { bytes: 1 }),
            (&[0xFF, 0, 0, 0], Truncated { bytes: 4 }),
            (&[0xFF, 0, 0, 0, 1], BadLength { length: 1, bytes: 5 }),
            (&[0xFF, 0, 0, 0, 9, 1, 2, 3], BadLength { length: 9, bytes: 8 }),
            (&[0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 1], BadLength { length: i32::MAX, bytes: 6 }),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], BadLength { length: -1, bytes: 6 }),
            (&[0xFF, 0x80, 0, 0, 0, 1], BadLength { length: i32::MIN, bytes: 6 }),
        ] {
            assert_eq!(unwrap(&Bytes::copy_from_slice(data)), Err(error), "{data:02x?}");
        }
    }
}
