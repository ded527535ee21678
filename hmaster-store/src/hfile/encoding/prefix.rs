//! `PREFIX`: of each key, how many bytes it has in common with the key before, and the rest. Counterpart of
//! `PrefixKeyDeltaEncoder`.

use std::ops::Range;

use super::Keys;
use crate::cursor::{Cursor, Stepped};

#[derive(Debug, Default)]
pub(super) struct PrefixKeys {
    key: Vec<u8>,
}

impl Keys for PrefixKeys {
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Stepped<Range<usize>> {
        let (rest, value, common) = (cursor.seven_bit()?, cursor.seven_bit()?, cursor.seven_bit()?);
        if common > self.key.len() {
            return Err(cursor.bad("a key has more in common with the last than that has"));
        }
        let rest = cursor.take(rest)?;
        self.key.truncate(common);
        self.key.extend_from_slice(rest);
        let at = cursor.pos();
        cursor.take(value)?;
        Ok(at..cursor.pos())
    }

    fn key(&self) -> &[u8] {
        &self.key
    }
}
