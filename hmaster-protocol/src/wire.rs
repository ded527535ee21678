//! Reads protobuf's wire format as Java's `CodedInputStream` does, including what it lets pass.

/// Wire types.
pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const DELIMITED: u8 = 2;
pub(crate) const GROUP_START: u8 = 3;
pub(crate) const GROUP_END: u8 = 4;
pub(crate) const FIXED32: u8 = 5;

/// What is wrong with bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A value goes on beyond the end of its message.
    #[error("truncated")]
    Truncated,
    /// A varint of more than ten bytes.
    #[error("malformed varint")]
    MalformedVarint,
    /// A length above 2³¹ − 1, which Java reads as negative.
    #[error("negative length")]
    NegativeLength,
    /// Field number 0.
    #[error("field number 0")]
    FieldNumberZero,
    /// A wire type that doesn't exist.
    #[error("invalid wire type {0}")]
    InvalidWireType(u8),
    /// A group ends that didn't begin, or not by the number it began with.
    #[error("unexpected end of a group")]
    UnexpectedGroupEnd,
    /// Messages or groups in one another beyond [`DEPTH_MAX`].
    #[error("nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A string that must be UTF-8 and isn't.
    #[error("not UTF-8")]
    NotUtf8,
}

/// How deep messages and groups may nest below the outermost message: Java's and prost's default.
pub const DEPTH_MAX: u32 = 100;

/// A field's number and wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) number: u32,
    pub(crate) wire_type: u8,
}

/// Walks over bytes up to an end, which narrows while it is inside a delimited value.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    end: usize,
    /// Something was met that Java reads and prost refuses.
    pub(crate) odd: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0, end: bytes.len(), odd: false }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    pub(crate) fn at_end(&self) -> bool {
        self.pos == self.end
    }

    /// The next tag. Java keeps the low 32 bits of a larger number.
    #[inline]
    pub(crate) fn tag(&mut self) -> Result<Tag, Fault> {
        let key = self.varint32()?;
        let tag = Tag { number: key >> 3, wire_type: (key & 7) as u8 };
        if tag.number == 0 { Err(Fault::FieldNumberZero) } else { Ok(tag) }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match self.bytes[self.pos..self.end].first() {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (i, &byte) in self.bytes[self.pos..self.end].iter().take(10).enumerate() {
            // Of the tenth byte only one bit can count. Java doesn't even look: it takes it for set.
            self.odd |= i == 9 && byte != 1;
            let bits = if i == 9 { 1 } else { u64::from(byte & 0x7f) };
            value |= bits << (7 * i);
            if byte < 0x80 {
                self.pos += i + 1;
                return Ok(value);
            }
        }
        Err(if self.end - self.pos < 10 { Fault::Truncated } else { Fault::MalformedVarint })
    }

    /// A varint of which Java takes the low 32 bits, where prost refuses what is larger.
    #[inline]
    fn varint32(&mut self) -> Result<u32, Fault> {
        let value = self.varint()?;
        self.odd |= value > u64::from(u32::MAX);
        Ok(value as u32)
    }

    /// The length of a delimited value that is all there.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<usize, Fault> {
        let length = self.varint32()?;
        if i32::try_from(length).is_err() {
            return Err(Fault::NegativeLength);
        }
        if length as usize > self.end - self.pos { Err(Fault::Truncated) } else { Ok(length as usize) }
    }

    /// A delimited value.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        if length > self.end - self.pos {
            return Err(Fault::Truncated);
        }
        let start = self.pos;
        self.pos += length;
        Ok(&self.bytes[start..self.pos])
    }

    /// Enters a delimited value; gives the end to come back to.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<usize, Fault> {
        let length = self.length()?;
        let outer = self.end;
        self.end = self.pos + length;
        Ok(outer)
    }

    /// Leaves the value that [`Reader::enter`] entered and that was read to its end.
    #[inline]
    pub(crate) fn leave(&mut self, outer: usize) {
        self.end = outer;
    }

    /// Passes over a value of any type. `depth` counts the messages and groups around it.
    pub(crate) fn skip(&mut self, tag: Tag, depth: u32) -> Result<(), Fault> {
        match tag.wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            DELIMITED => self.delimited().map(drop),
            FIXED32 => self.take(4).map(drop),
            GROUP_START => self.skip_group(tag.number, depth),
            GROUP_END => Err(Fault::UnexpectedGroupEnd),
            other => Err(Fault::InvalidWireType(other)),
        }
    }

    /// HBase has no groups, but a field that isn't known may be one. prost counts its depth by other rules.
    fn skip_group(&mut self, number: u32, depth: u32) -> Result<(), Fault> {
        self.odd = true;
        if depth >= DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        while !self.at_end() {
            let tag = self.tag()?;
            if tag.wire_type == GROUP_END {
                return if tag.number == number { Ok(()) } else { Err(Fault::UnexpectedGroupEnd) };
            }
            self.skip(tag, depth + 1)?;
        }
        Err(Fault::Truncated)
    }
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a tag.
pub(crate) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire_type));
}

/// Appends a delimited value.
pub(crate) fn put_delimited(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
