//! The protobuf wire format, as much of it as a ClusterStatus needs. Reads in place and allocates nothing.

use crate::error::BalancerError;

/// Fields of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` begin in the whole message, for errors.
    base: usize,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A number.
    Varint(u64),
    /// Bytes, and where they begin in the whole message.
    Bytes(&'a [u8], usize),
    /// A fixed 32- or 64-bit number, which nothing here looks at.
    Fixed,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    /// The next field's number and value; None at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, BalancerError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|&n| n > 0 && n < 1 << 29);
        let number = number.ok_or_else(|| self.error("a field number out of range"))?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.skip(8)?,
            2 => {
                let len = self.varint()?;
                let rest = self.bytes.len() - self.at;
                let len = usize::try_from(len).ok().filter(|&len| len <= rest);
                let len = len.ok_or_else(|| self.error("a field that goes beyond the end"))?;
                let start = self.at;
                self.at += len;
                Value::Bytes(&self.bytes[start..self.at], self.base + start)
            }
            5 => self.skip(4)?,
            wire => return Err(self.error(&format!("wire type {wire}"))),
        };
        Ok(Some((number, value)))
    }

    pub(super) fn error(&self, problem: &str) -> BalancerError {
        BalancerError::Status { problem: problem.to_owned(), at: self.base + self.at }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, BalancerError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.error("the end inside a number"));
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("a number of more than ten bytes"))
    }

    fn skip(&mut self, len: usize) -> Result<Value<'a>, BalancerError> {
        if self.bytes.len() - self.at < len {
            return Err(self.error("the end inside a fixed number"));
        }
        self.at += len;
        Ok(Value::Fixed)
    }
}
