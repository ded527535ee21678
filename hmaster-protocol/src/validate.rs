//! Walks a message's bytes by its table, in one pass and without allocating.
//!
//! Says whether Java would read the bytes and find every required field. Two findings make a second pass needed:
//! prost would refuse the bytes, or read them otherwise than Java (`odd`); a message that may stand once stands
//! several times, and only all of them together may be complete (`merged`). Both mean [`crate::canonical`].
//!
//! Stricter than Java in one thing: an entry of a map is checked even if a later one with the same key replaces it. Only
//! BucketCacheEntry, a region server's own file, has a map whose values can be incomplete.

use crate::schema::{Field, Kind, MessageTable};
use crate::wire::{DELIMITED, DEPTH_MAX, Fault, Reader, Tag};

/// What the walk found in bytes that are a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Every message has its required fields.
    pub(crate) complete: bool,
    /// Java and prost read the bytes differently.
    pub(crate) odd: bool,
    /// Some message that may stand once stands several times.
    pub(crate) merged: bool,
}

/// Where the bytes stop being a message, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) fault: Fault,
    /// Byte at which it was noticed.
    pub(crate) offset: usize,
    /// Names of the fields around it, innermost first.
    pub(crate) path: Vec<&'static str>,
}

/// Walks over `bytes`.
pub(crate) fn validate(table: &MessageTable, bytes: &[u8]) -> Result<Findings, Malformed> {
    let mut walk = Walk { reader: Reader::new(bytes), merged: false, path: Vec::new() };
    match walk.message(table, 0) {
        Ok(complete) => Ok(Findings { complete, odd: walk.reader.odd, merged: walk.merged }),
        Err(fault) => Err(Malformed { fault, offset: walk.reader.pos(), path: walk.path }),
    }
}

struct Walk<'a> {
    reader: Reader<'a>,
    merged: bool,
    /// Grows on the way out of a field in which there is a fault.
    path: Vec<&'static str>,
}

impl Walk<'_> {
    /// Walks to the end of the message that the reader is in; true if it is complete.
    fn message(&mut self, table: &MessageTable, depth: u32) -> Result<bool, Fault> {
        let mut seen = 0;
        let mut complete = true;
        while !self.reader.at_end() {
            let key = self.reader.key()?;
            let Some(field) = table.field(key >> 3) else {
                self.reader.skip(Tag::of(key), depth)?;
                continue;
            };
            let set = if key != field.key {
                self.other_wire_type(field, Tag::of(key), depth).map(|()| false)
            } else if let Kind::Message(inner) = field.kind {
                self.merged |= seen & field.bit != 0;
                self.submessage(inner, depth).map(|whole| {
                    complete &= whole;
                    true
                })
            } else {
                self.scalar(field)
            };
            match set {
                Ok(true) => seen |= field.bit,
                Ok(false) => {}
                Err(fault) => {
                    self.path.push(field.name);
                    return Err(fault);
                }
            }
        }
        Ok(complete && seen & table.required == table.required)
    }

    fn submessage(&mut self, table: &MessageTable, depth: u32) -> Result<bool, Fault> {
        if depth >= DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        let outer = self.reader.enter()?;
        let complete = self.message(table, depth + 1)?;
        self.reader.leave(&outer);
        Ok(complete)
    }

    /// Any value but a message. False for a number that its enum doesn't have: it doesn't set the field.
    #[inline]
    fn scalar(&mut self, field: &Field) -> Result<bool, Fault> {
        match field.kind {
            Kind::Varint => self.reader.skip_varint()?,
            Kind::Fixed64 => self.reader.take(8).map(drop)?,
            Kind::Fixed32 => self.reader.take(4).map(drop)?,
            Kind::Bytes | Kind::Message(_) => self.reader.delimited().map(drop)?,
            Kind::Text => {
                let text = self.reader.delimited()?;
                self.reader.odd |= std::str::from_utf8(text).is_err();
            }
            Kind::StrictText => {
                std::str::from_utf8(self.reader.delimited()?).map_err(|_| Fault::NotUtf8)?;
            }
            Kind::Enum(numbers) => {
                let known = numbers.contains(self.reader.varint()? as i32);
                self.reader.odd |= !known;
                return Ok(known);
            }
        }
        Ok(true)
    }

    fn other_wire_type(&mut self, field: &Field, tag: Tag, depth: u32) -> Result<(), Fault> {
        if field.repeated && tag.wire_type == DELIMITED {
            return self.packed(field);
        }
        self.reader.odd = true; // Java keeps it among the unknown fields; prost refuses it
        self.reader.skip(tag, depth)
    }

    /// Numbers in one delimited value.
    fn packed(&mut self, field: &Field) -> Result<(), Fault> {
        let outer = self.reader.enter()?;
        while !self.reader.at_end() {
            self.scalar(field)?;
        }
        self.reader.leave(&outer);
        Ok(())
    }
}
