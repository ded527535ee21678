//! `FAST_DIFF`: keys and timestamps without their common prefixes, values that are the same not at all. Counterpart of
//! `FastDiffDeltaEncoder`.

use std::ops::Range;

use super::{KEY_END_BYTES, Keys, left_of_key, row_end};
use crate::cursor::{Cursor, Stepped};

const TIMESTAMP_COMMON: u8 = 7;
const SAME_KEY_LENGTH: u8 = 1 << 3;
const SAME_VALUE_LENGTH: u8 = 1 << 4;
const SAME_TYPE: u8 = 1 << 5;
const SAME_VALUE: u8 = 1 << 6;

#[derive(Debug, Default)]
pub(super) struct FastDiffKeys {
    key: Vec<u8>,
    value: Range<usize>,
}

impl Keys for FastDiffKeys {
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Stepped<Range<usize>> {
        let flags = cursor.u8()?;
        let key_length = if flags & SAME_KEY_LENGTH == 0 { cursor.seven_bit()? } else { self.key.len() };
        let value_length =
            if flags & SAME_VALUE_LENGTH == 0 { cursor.seven_bit()? } else { self.value.len() };
        let common = cursor.seven_bit()?;
        if self.key.is_empty() {
            self.key.extend_from_slice(cursor.take(key_length)?);
            return self.new_value(cursor, value_length);
        }
        let Some(end) = self.key.len().checked_sub(KEY_END_BYTES).filter(|end| common <= *end) else {
            return Err(cursor.bad("a key has more in common with the last than that has"));
        };
        let last_end: [u8; KEY_END_BYTES] = self.key[end..].try_into().expect("the last nine bytes");
        self.column(cursor, key_length, common)?;
        let timestamp_common = usize::from(flags & TIMESTAMP_COMMON);
        self.key.extend_from_slice(&last_end[..timestamp_common]);
        self.key.extend_from_slice(cursor.take(8 - timestamp_common)?);
        let cell_type = if flags & SAME_TYPE == 0 { cursor.u8()? } else { last_end[8] };
        self.key.push(cell_type);
        if flags & SAME_VALUE == 0 {
            return self.new_value(cursor, value_length);
        }
        let is_same = self.value.len() == value_length;
        if is_same { Ok(self.value.clone()) } else { Err(cursor.bad("the same value with another length")) }
    }

    fn key(&self) -> &[u8] {
        &self.key
    }
}

impl FastDiffKeys {
    /// Row, family and qualifier. The family is in the key before.
    fn column(&mut self, cursor: &mut Cursor<'_>, key_length: usize, common: usize) -> Stepped<()> {
        let last_row_end = row_end(cursor, &self.key)?;
        if common < last_row_end {
            let family = self.key.get(last_row_end..).and_then(|rest| {
                let length = usize::from(*rest.first()?);
                rest.get(..1 + length)
            });
            let family = family.ok_or_else(|| cursor.bad("a family that ends after its key"))?.to_vec();
            self.key.truncate(common);
            self.key.extend_from_slice(cursor.take(2usize.saturating_sub(common))?);
            let row_end = row_end(cursor, &self.key)?;
            let rest = row_end.checked_sub(self.key.len());
            let rest = rest.ok_or_else(|| cursor.bad("a row is longer than it says"))?;
            self.key.extend_from_slice(cursor.take(rest)?);
            self.key.extend_from_slice(&family);
        } else {
            self.key.truncate(common);
        }
        let rest = left_of_key(cursor, key_length, self.key.len())?;
        self.key.extend_from_slice(cursor.take(rest)?);
        Ok(())
    }

    fn new_value(&mut self, cursor: &mut Cursor<'_>, length: usize) -> Stepped<Range<usize>> {
        let at = cursor.pos();
        cursor.take(length)?;
        self.value = at..cursor.pos();
        Ok(self.value.clone())
    }
}
