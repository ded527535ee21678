//! Jute, ZooKeeper's serialization: big-endian integers, and strings, buffers and vectors behind an
//! `int32` length in which -1 stands for null. Counterpart of `BinaryInputArchive` and
//! `BinaryOutputArchive`.
//!
//! The reader trusts nothing: a claimed length is compared with what is left before anything is
//! allocated, so a frame costs memory in proportion to its real size only. The files on disk use
//! the same encoding, hence the same reader.

use bytes::Bytes;
use thiserror::Error;

/// Why bytes could not be read as the record they should be. Names the field, not the record:
/// whoever reads the record adds that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum DecodeError {
    /// The record ends inside this field.
    #[error("{field} is cut off: it needs {needed} bytes and {left} are left")]
    Truncated {
        /// The field in which the bytes ran out.
        field: &'static str,
        /// What the field needs, in bytes.
        needed: usize,
        /// What was left, in bytes.
        left: usize,
    },
    /// A length below -1, or one that no record of this size could hold.
    #[error("{field} claims the impossible length {length}")]
    BadLength {
        /// The field.
        field: &'static str,
        /// The length it claims.
        length: i64,
    },
    /// A value outside the set the protocol defines.
    #[error("{field} has the unknown value {value}")]
    BadValue {
        /// The field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// Null where the protocol wants a value.
    #[error("{field} is null")]
    Null {
        /// The field.
        field: &'static str,
    },
}

/// Reads jute values from a slice, front to back.
#[derive(Debug, Clone)]
pub(crate) struct JuteReader<'a> {
    rest: &'a [u8],
}

impl<'a> JuteReader<'a> {
    /// Starts at the front of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What hasn't been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes exactly `count` bytes.
    pub(crate) fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        let (front, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated {
            field,
            needed: count,
            left: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(field, N)?);
        Ok(bytes)
    }

    /// An unsigned byte.
    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// A boolean: one byte, anything but 0 is true, as in Java.
    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.u8(field)? != 0)
    }

    /// A 32-bit integer.
    pub(crate) fn int(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array(field)?))
    }

    /// A 64-bit integer.
    pub(crate) fn long(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.array(field)?))
    }

    /// A byte buffer, or `None` for null. Borrowed: copy what is kept, so that a small value doesn't
    /// hold a whole read buffer in memory.
    pub(crate) fn buffer(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.int(field)? {
            -1 => Ok(None),
            length => {
                let count = usize::try_from(length)
                    .map_err(|_| DecodeError::BadLength { field, length: i64::from(length) })?;
                self.take(field, count).map(Some)
            }
        }
    }

    /// A byte buffer, copied out of the frame.
    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Option<Bytes>, DecodeError> {
        Ok(self.buffer(field)?.map(Bytes::copy_from_slice))
    }

    /// A string, or `None` for null. Bytes that aren't UTF-8 become U+FFFD as in Java, where no
    /// valid path holds that character.
    pub(crate) fn nullable_string(&mut self, field: &'static str) -> Result<Option<String>, DecodeError> {
        Ok(self.buffer(field)?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    }

    /// A string that must not be null.
    pub(crate) fn string(&mut self, field: &'static str) -> Result<String, DecodeError> {
        self.nullable_string(field)?.ok_or(DecodeError::Null { field })
    }

    /// A vector whose elements are read by `element`; null reads as empty, as every user of vectors
    /// in the protocol treats it. Allocates as elements arrive.
    pub(crate) fn vector<T>(
        &mut self,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.int(field)?;
        if count < -1 {
            return Err(DecodeError::BadLength { field, length: i64::from(count) });
        }
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// A vector of strings.
    pub(crate) fn strings(&mut self, field: &'static str) -> Result<Vec<String>, DecodeError> {
        self.vector(field, |reader| reader.string(field))
    }
}

/// Appends jute values to a byte vector.
pub(crate) trait JuteWrite {
    /// A boolean, as one byte.
    fn put_bool(&mut self, value: bool);
    /// A 32-bit integer.
    fn put_int(&mut self, value: i32);
    /// A 64-bit integer.
    fn put_long(&mut self, value: i64);
    /// A byte buffer, or null.
    fn put_buffer(&mut self, value: Option<&[u8]>);
    /// A string.
    fn put_string(&mut self, value: &str);
    /// A vector's length; its elements follow.
    fn put_count(&mut self, count: usize);
}

impl JuteWrite for Vec<u8> {
    fn put_bool(&mut self, value: bool) {
        self.push(u8::from(value));
    }

    fn put_int(&mut self, value: i32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_long(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_buffer(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.put_int(-1),
            Some(bytes) => {
                self.put_count(bytes.len());
                self.extend_from_slice(bytes);
            }
        }
    }

    fn put_string(&mut self, value: &str) {
        self.put_buffer(Some(value.as_bytes()));
    }

    fn put_count(&mut self, count: usize) {
        let count = i32::try_from(count).expect("everything written is far below 2 GiB");
        self.put_int(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut bytes = Vec::new();
        bytes.put_bool(true);
        bytes.put_int(-7);
        bytes.put_long(1 << 40);
        bytes.put_buffer(None);
        bytes.put_buffer(Some(b"ab"));
        bytes.put_string("zö");
        let mut reader = JuteReader::new(&bytes);
        assert_eq!(reader.bool("a"), Ok(true));
        assert_eq!(reader.int("b"), Ok(-7));
        assert_eq!(reader.long("c"), Ok(1 << 40));
        assert_eq!(reader.buffer("d"), Ok(None));
        assert_eq!(reader.bytes("e"), Ok(Some(Bytes::from_static(b"ab"))));
        assert_eq!(reader.string("f"), Ok("zö".to_owned()));
        assert!(reader.rest().is_empty());
    }

    #[test]
    fn a_claimed_length_is_checked_before_anything_is_read() {
        let huge = i32::MAX.to_be_bytes();
        assert_eq!(
            JuteReader::new(&huge).buffer("data"),
            Err(DecodeError::Truncated { field: "data", needed: i32::MAX as usize, left: 0 })
        );
        let negative = (-2i32).to_be_bytes();
        let bad_length = DecodeError::BadLength { field: "data", length: -2 };
        assert_eq!(JuteReader::new(&negative).buffer("data"), Err(bad_length.clone()));
        assert_eq!(JuteReader::new(&negative).strings("data"), Err(bad_length));
        let many = [i32::MAX.to_be_bytes(), [0; 4]].concat();
        let truncated = DecodeError::Truncated { field: "paths", needed: 4, left: 0 };
        assert_eq!(JuteReader::new(&many).strings("paths"), Err(truncated));
    }

    #[test]
    fn null_is_told_from_empty() {
        let null = (-1i32).to_be_bytes();
        assert_eq!(JuteReader::new(&null).string("path"), Err(DecodeError::Null { field: "path" }));
        assert_eq!(JuteReader::new(&null).strings("paths"), Ok(Vec::new()));
        assert_eq!(JuteReader::new(&[0; 4]).string("path"), Ok(String::new()));
    }
}
