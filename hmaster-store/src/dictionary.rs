//! The dictionaries of compressed WALs, and of tags in store files: pieces that were met before, by number; when one
//! is full, the piece that wasn't used for longest makes room. Counterpart of `LRUDictionary`, reading side.

use bytes::Bytes;

use crate::cursor::{Cursor, Stepped};

/// Java's number for "not in the dictionary" as the first byte of a number.
pub(crate) const NOT_IN_DICTIONARY: u8 = 0xff;

const NONE: usize = usize::MAX;

#[derive(Debug)]
pub(crate) struct Dictionary {
    capacity: usize,
    slots: Vec<Slot>,
    /// The piece that was used last.
    newest: usize,
    /// The piece that makes room next.
    oldest: usize,
}

#[derive(Debug)]
struct Slot {
    piece: Bytes,
    newer: usize,
    older: usize,
}

impl Dictionary {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, slots: Vec::new(), newest: NONE, oldest: NONE }
    }

    /// Adds a piece, also one that is in the dictionary already; empty ones aren't kept, as in Java.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        if piece.is_empty() || self.capacity == 0 {
            return;
        }
        let piece = Bytes::copy_from_slice(piece);
        if self.slots.len() < self.capacity {
            self.slots.push(Slot { piece, newer: NONE, older: NONE });
            self.link_newest(self.slots.len() - 1);
        } else {
            let reused = self.oldest;
            self.slots[reused].piece = piece;
            self.touch(reused);
        }
    }

    /// The piece with a number.
    pub(crate) fn get(&mut self, number: i16) -> Option<Bytes> {
        let number = usize::try_from(number).ok().filter(|number| *number < self.slots.len())?;
        self.touch(number);
        Some(self.slots[number].piece.clone())
    }

    fn touch(&mut self, at: usize) {
        if self.newest == at {
            return;
        }
        let Slot { newer, older, .. } = self.slots[at];
        self.slots[newer].older = older; // there is a newer one, or `at` would be the newest
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older].newer = newer,
        }
        self.link_newest(at);
    }

    fn link_newest(&mut self, at: usize) {
        let older = std::mem::replace(&mut self.newest, at);
        self.slots[at].newer = NONE;
        self.slots[at].older = older;
        match older {
            NONE => self.oldest = at,
            older => self.slots[older].newer = at,
        }
    }
}

/// A piece: its number in the dictionary, or the mark of a new one, its length, and itself.
pub(crate) fn read_piece(cursor: &mut Cursor<'_>, dictionary: &mut Dictionary) -> Stepped<Bytes> {
    let first = cursor.u8()?;
    if first != NOT_IN_DICTIONARY {
        let number = i16::from_be_bytes([first, cursor.u8()?]);
        return dictionary.get(number).ok_or_else(|| cursor.bad(format!("no piece number {number}")));
    }
    let length = cursor.varint32()?;
    let piece = cursor.take_i32(length, "a piece")?;
    dictionary.add(piece);
    Ok(Bytes::copy_from_slice(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut dictionary = Dictionary::new(3);
        for piece in [b"a", b"b", b"c"] {
            dictionary.add(piece);
        }
        assert_eq!(dictionary.get(0).unwrap(), "a");
        dictionary.add(b"");
        dictionary.add(b"d"); // in place of b
        assert_eq!((0..3).map(|n| dictionary.get(n).unwrap()).collect::<Vec<_>>(), ["a", "d", "c"]);
        dictionary.add(b"e"); // in place of a
        dictionary.add(b"f"); // in place of d
        assert_eq!((0..3).map(|n| dictionary.get(n).unwrap()).collect::<Vec<_>>(), ["e", "f", "c"]);
        assert_eq!((dictionary.get(3), dictionary.get(-1)), (None, None));
    }

    #[test]
    fn one_slot() {
        let mut dictionary = Dictionary::new(1);
        for piece in [b"a", b"b"] {
            dictionary.add(piece);
            assert_eq!(dictionary.get(0).unwrap(), &piece[..]);
        }
    }
}
