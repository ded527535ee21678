//! Protobuf's length-delimited messages inside a frame: a varint, then that many bytes. Counterpart of
//! `mergeDelimitedFrom` and `readRawVarint32`.

use bytes::{BufMut, Bytes, BytesMut};

/// Why the next message can't be cut out of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DelimitedError {
    /// The frame ends within the length or the message.
    #[error("the frame ends {missing} bytes before its {what} does")]
    Truncated {
        /// Which message was to be read.
        what: &'static str,
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// The length isn't a varint of up to 31 bits.
    #[error("the length of the {what} isn't a varint of 31 bits")]
    BadLength {
        /// Which message was to be read.
        what: &'static str,
    },
}

/// Cuts one message off the front of `frame`, sharing its buffer. `what` names it in errors.
///
/// # Errors
/// When the length is no positive `int`, or more than the frame has left.
pub fn split_delimited(frame: &mut Bytes, what: &'static str) -> Result<Bytes, DelimitedError> {
    let (len, varint) = peek_varint(frame, what)?;
    let missing = (varint + len).saturating_sub(frame.len());
    if missing > 0 {
        return Err(DelimitedError::Truncated { what, missing });
    }
    let _ = frame.split_to(varint);
    Ok(frame.split_to(len))
}

/// Writes the length that goes before a message of `len` bytes.
pub fn put_length(out: &mut BytesMut, len: usize) {
    let mut rest = len;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

/// Bytes that [`put_length`] writes.
pub fn length_len(len: usize) -> usize {
    let bits = usize::BITS - len.leading_zeros();
    (bits.max(1) as usize).div_ceil(7)
}

/// The value of the varint at the front, and how many bytes it takes.
fn peek_varint(bytes: &[u8], what: &'static str) -> Result<(usize, usize), DelimitedError> {
    let mut value: u64 = 0;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            let len = i32::try_from(value).map_err(|_| DelimitedError::BadLength { what })?;
            return Ok((len as usize, i + 1)); // not negative: it came from a u64
        }
    }
    if bytes.len() < 5 {
        return Err(DelimitedError::Truncated { what, missing: 1 });
    }
    Err(DelimitedError::BadLength { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_one_by_one() {
        for len in [0, 1, 127, 128, 300, 16_383, 16_384, 3_000_000] {
            let mut out = BytesMut::new();
            put_length(&mut out, len);
            assert_eq!(out.len(), length_len(len), "{len}");
            out.put_bytes(7, len);
            out.put_slice(b"rest");
            let mut frame = out.freeze();
            assert_eq!(split_delimited(&mut frame, "param").unwrap().len(), len);
            assert_eq!(&frame[..], b"rest");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_left_alone() {
        let truncated = |missing| DelimitedError::Truncated { what: "header", missing };
        let bad = DelimitedError::BadLength { what: "header" };
        let table: [(&[u8], DelimitedError); 7] = [
            (b"", truncated(1)),
            (b"\x80", truncated(1)),
            (b"\x05abc", truncated(2)),
            (b"\xff\xff\xff\xff\x07", truncated(i32::MAX as usize)),
            (b"\xff\xff\xff\xff\x0f", bad),
            (b"\xff\xff\xff\xff\xff\x01", bad),
            (b"\x80\x80\x80\x80\x80\x80", bad),
        ];
        for (bytes, error) in table {
            let mut frame = Bytes::from_static(bytes);
            assert_eq!(split_delimited(&mut frame, "header"), Err(error), "{bytes:?}");
            assert_eq!(frame.len(), bytes.len());
        }
    }
}
