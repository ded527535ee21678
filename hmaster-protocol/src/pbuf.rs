//! Values in znodes, in cells and in files: a message behind the four bytes `PBUF`. Counterpart of `ProtobufMagic`
//! and of `ProtobufUtil`'s methods with "PB magic" in their names.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::decode::{DecodeError, decode_slice};
use crate::schema::HBaseMessage;

/// What tells a message from what HBase wrote before it used protobuf.
pub const PBUF_MAGIC: &[u8; 4] = b"PBUF";

/// `PBUF` and the message.
pub fn pbuf_encode<M: HBaseMessage>(message: &M) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PBUF_MAGIC.len() + message.encoded_len());
    bytes.put_slice(PBUF_MAGIC);
    message.encode_raw(&mut bytes);
    bytes.freeze()
}

/// Decodes `PBUF` and a message.
///
/// # Errors
/// When the magic is missing, and as [`crate::decode`].
pub fn pbuf_decode<M: HBaseMessage>(bytes: &[u8]) -> Result<M, DecodeError> {
    match strip_pbuf_magic(bytes) {
        Some(message) => decode_slice(message),
        None => {
            let found = bytes[..bytes.len().min(PBUF_MAGIC.len())].to_vec();
            Err(DecodeError::NoMagic { message: M::TABLE.full_name(), found })
        }
    }
}

/// Decodes a message, `PBUF` before it or not: what a few znodes hold depends on the release that wrote them.
///
/// # Errors
/// As [`crate::decode`].
pub fn pbuf_decode_lenient<M: HBaseMessage>(bytes: &[u8]) -> Result<M, DecodeError> {
    decode_slice(strip_pbuf_magic(bytes).unwrap_or(bytes))
}

/// What follows `PBUF`, none without.
pub fn strip_pbuf_magic(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(PBUF_MAGIC)
}
