//! Short keys for the index. Counterpart of `HFileWriterImpl.getMidpoint`.
//!
//! A block's key in the index is greater than the last cell of the block before, and at most the block's first cell.
//! Java looks for cells by key and sequence id, and an index key has none; so a key that is less than the first cell is
//! not only shorter but also safer.

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellParts, CellType};

pub(super) fn index_key(order: CellOrder, last: Option<&Cell>, first: &Cell) -> Bytes {
    let between = last.filter(|_| order == CellOrder::User).and_then(|last| between(last, first));
    let key = between.as_ref().unwrap_or(first).key();
    Bytes::copy_from_slice(key)
}

fn between(last: &Cell, first: &Cell) -> Option<Cell> {
    let (row, family, qualifier);
    if let Some(shortest) = shortest_between(last.row(), first.row()) {
        (row, family, qualifier) = (shortest, &b""[..], Vec::new());
    } else {
        row = first.row().to_vec();
        family = first.family();
        qualifier = shortest_between(last.qualifier(), first.qualifier())?;
    }
    let parts = CellParts {
        row: &row,
        family,
        qualifier: &qualifier,
        timestamp: Cell::LATEST_TIMESTAMP,
        cell_type: CellType::Maximum,
        value: b"",
    };
    Cell::new(parts).ok()
}

/// The shortest bytes that are greater than `last` and at most `first`; none when those are equal.
fn shortest_between(last: &[u8], first: &[u8]) -> Option<Vec<u8>> {
    let common = last.iter().zip(first).take_while(|(a, b)| a == b).count();
    match (last.get(common), first.get(common)) {
        (None, Some(_)) => Some([last, &[0]].concat()),
        (Some(a), Some(b)) if a < b => Some([&last[..common], &[a + 1]].concat()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_between() {
        let cell = |row: &[u8], qualifier: &[u8]| Cell::put(row, b"f", qualifier, 5, b"").unwrap();
        let cases = [
            (cell(b"abc", b"q"), cell(b"abf", b"q"), &b"abd"[..]),
            (cell(b"a", b"q"), cell(b"abc", b"q"), b"a\0"),
            (cell(b"a\xfe", b"q"), cell(b"a\xff", b"q"), b"a\xff"),
            (cell(b"a", b"b"), cell(b"a", b"d"), b"a"),
            (cell(b"a", b"b"), cell(b"a", b"b"), b"a"),
        ];
        for (last, first, row) in cases {
            let key = index_key(CellOrder::User, Some(&last), &first);
            let key = crate::hfile::index::key_as_cell(&key).unwrap();
            assert_eq!(key.row(), row);
            let order = CellOrder::User;
            assert!(order.compare_keys(&key, &first).is_le(), "{key} {first}");
            assert!(order.compare_keys(&last, &key).is_lt() || last == first, "{last} {key}");
            assert_eq!(index_key(CellOrder::Meta, Some(&last), &first), first.key());
        }
    }
}
