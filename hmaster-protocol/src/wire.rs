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

impl Tag {
    /// Both out of one number, as they stand before a value.
    #[inline]
    pub(crate) fn of(key: u32) -> Self {
        Self { number: key >> 3, wire_type: (key & 7) as u8 }
    }
}

/// Walks over bytes up to an end, which is nearer while it is inside a delimited value.
pub(crate) struct Reader<'a> {
    /// What is left up to the end.
    rest: &'a [u8],
    /// Where the end is, counted from the first byte of all.
    end: usize,
    /// Something was met that Java reads and prost refuses.
    pub(crate) odd: bool,
}

/// What is left of the value around the one that a [`Reader`] entered.
pub(crate) struct Outer<'a> {
    rest: &'a [u8],
    end: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, end: bytes.len(), odd: false }
    }

    pub(crate) fn pos(&self) -> usize {
        self.end - self.rest.len()
    }

    #[inline]
    pub(crate) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next tag.
    pub(crate) fn tag(&mut self) -> Result<Tag, Fault> {
        self.key().map(Tag::of)
    }

    /// The next tag as one number, of which Java keeps the low 32 bits.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<u32, Fault> {
        let key = self.varint32()?;
        if key < 8 { Err(Fault::FieldNumberZero) } else { Ok(key) }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.rest = rest;
                Ok(u64::from(first & 0x7f) | u64::from(second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    /// Passes over a varint: eight bytes at a look, since most of a message's time goes here.
    #[inline]
    pub(crate) fn skip_varint(&mut self) -> Result<(), Fault> {
        const CONTINUES: u64 = 0x8080_8080_8080_8080;
        if let Some((&word, _)) = self.rest.split_first_chunk() {
            let ends = !u64::from_le_bytes(word) & CONTINUES;
            if ends != 0 {
                self.rest = &self.rest[ends.trailing_zeros() as usize / 8 + 1..];
                return Ok(());
            }
        }
        self.varint().map(drop)
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            // Of the tenth byte only one bit can count. Java doesn't even look: it takes it for set.
            self.odd |= i == 9 && byte != 1;
            let bits = if i == 9 { 1 } else { u64::from(byte & 0x7f) };
            value |= bits << (7 * i);
            if byte < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { Fault::Truncated } else { Fault::MalformedVarint })
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
        if length as usize > self.rest.len() { Err(Fault::Truncated) } else { Ok(length as usize) }
    }

    /// A delimited value.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Enters a delimited value; gives what to come back to.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<Outer<'a>, Fault> {
        let inner = self.delimited()?;
        let outer = Outer { rest: self.rest, end: self.end };
        self.end -= self.rest.len();
        self.rest = inner;
        Ok(outer)
    }

    /// Leaves the value that [`Reader::enter`] entered and that was read to its end.
    #[inline]
    pub(crate) fn leave(&mut self, outer: &Outer<'a>) {
        (self.rest, self.end) = (outer.rest, outer.end);
    }

    /// Passes over a value of any type. `depth` counts the messages and groups around it.
    pub(crate) fn skip(&mut self, tag: Tag, depth: u32) -> Result<(), Fault> {
        match tag.wire_type {
            VARINT => self.skip_varint(),
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

/// Appends a delimited value.
pub(crate) fn put_delimited(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
