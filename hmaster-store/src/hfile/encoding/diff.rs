//! `DIFF`: the family once per block, keys without their common prefix, timestamps as differences where that is
//! shorter. Counterpart of `DiffKeyDeltaEncoder`.

use std::ops::Range;

use super::{KEY_END_BYTES, Keys, left_of_key, row_end};
use crate::cursor::{Cursor, Stepped};

const SAME_KEY_LENGTH: u8 = 1;
const SAME_VALUE_LENGTH: u8 = 1 << 1;
const SAME_TYPE: u8 = 1 << 2;
const TIMESTAMP_IS_DIFFERENCE: u8 = 1 << 3;
const TIMESTAMP_LENGTH_SHIFT: u8 = 4;
const TIMESTAMP_IS_NEGATIVE: u8 = 1 << 7;

#[derive(Debug, Default)]
pub(super) struct DiffKeys {
    key: Vec<u8>,
    /// With its length before it; empty before the first key.
    family: Vec<u8>,
    value_length: usize,
    timestamp: i64,
}

impl Keys for DiffKeys {
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Stepped<Range<usize>> {
        if self.family.is_empty() {
            let length = cursor.u8()?;
            self.family.push(length);
            self.family.extend_from_slice(cursor.take(usize::from(length))?);
        }
        let flags = cursor.u8()?;
        let key_length = if flags & SAME_KEY_LENGTH == 0 { cursor.seven_bit()? } else { self.key.len() };
        if flags & SAME_VALUE_LENGTH == 0 {
            self.value_length = cursor.seven_bit()?;
        }
        let last_type = self.key.last().copied();
        self.column(cursor, key_length)?;
        self.timestamp = self.timestamp(cursor, flags)?;
        self.key.extend(self.timestamp.to_be_bytes());
        let cell_type = match last_type.filter(|_| flags & SAME_TYPE != 0) {
            Some(last) => last,
            None => cursor.u8()?,
        };
        self.key.push(cell_type);
        let at = cursor.pos();
        cursor.take(self.value_length)?;
        Ok(at..cursor.pos())
    }

    fn key(&self) -> &[u8] {
        &self.key
    }
}

impl DiffKeys {
    /// Row, family and qualifier.
    fn column(&mut self, cursor: &mut Cursor<'_>, key_length: usize) -> Stepped<()> {
        let common = cursor.seven_bit()?;
        if common > self.key.len().saturating_sub(KEY_END_BYTES) {
            return Err(cursor.bad("a key has more in common with the last than that has"));
        }
        let is_in_row = self.key.is_empty() || common < row_end(cursor, &self.key)?;
        self.key.truncate(common);
        if is_in_row {
            self.key.extend_from_slice(cursor.take(2usize.saturating_sub(common))?);
            let row_end = row_end(cursor, &self.key)?;
            let rest = row_end.checked_sub(self.key.len());
            let rest = rest.ok_or_else(|| cursor.bad("a row is longer than it says"))?;
            self.key.extend_from_slice(cursor.take(rest)?);
            self.key.extend_from_slice(&self.family);
        }
        let rest = left_of_key(cursor, key_length, self.key.len())?;
        self.key.extend_from_slice(cursor.take(rest)?);
        Ok(())
    }

    /// The lowest byte comes first, unlike everywhere else.
    fn timestamp(&self, cursor: &mut Cursor<'_>, flags: u8) -> Stepped<i64> {
        let length = usize::from(flags >> TIMESTAMP_LENGTH_SHIFT & 7) + 1;
        let bytes = cursor.take(length)?;
        let number = bytes.iter().rfold(0i64, |number, byte| number << 8 | i64::from(*byte));
        let number = if flags & TIMESTAMP_IS_NEGATIVE == 0 { number } else { number.wrapping_neg() };
        let is_difference = flags & TIMESTAMP_IS_DIFFERENCE != 0;
        Ok(if is_difference { self.timestamp.wrapping_sub(number) } else { number })
    }
}
