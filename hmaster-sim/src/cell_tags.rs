//! Tags of cells. Counterpart of `Tag`, `TagType` and `TagUtil`, as far as a region server looks at tags itself.
//!
//! A tag is `int16 length of what follows, int8 type, value`.

use bytes::{BufMut as _, Bytes, BytesMut};
use hmaster_types::{Cell, ParseError};

/// Time to live of one cell, in milliseconds.
const TTL: u8 = 8;

/// The tags' types and values, as far as they are whole.
pub(crate) fn iter(mut tags: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (length, rest) = tags.split_first_chunk::<2>()?;
        let tag = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        tags = &rest[tag.len()..];
        tag.split_first().map(|(kind, value)| (*kind, value))
    })
}

/// The cell's own time to live.
pub(crate) fn ttl_ms(tags: &[u8]) -> Option<i64> {
    let (_, value) = iter(tags).find(|(kind, _)| *kind == TTL)?;
    value.try_into().ok().map(i64::from_be_bytes)
}

/// The cell with a time to live of its own in place of any that it had.
///
/// # Errors
/// When the tags become too long.
pub(crate) fn with_ttl_ms(cell: &Cell, ttl_ms: i64) -> Result<Cell, ParseError> {
    let mut tags = BytesMut::new();
    for (kind, value) in iter(cell.tags()).filter(|(kind, _)| *kind != TTL) {
        put(&mut tags, kind, value);
    }
    put(&mut tags, TTL, &ttl_ms.to_be_bytes());
    with_tags(cell, &tags)
}

/// The cell with these tags in place of any that it had.
///
/// # Errors
/// When the tags are too long.
pub(crate) fn with_tags(cell: &Cell, tags: &[u8]) -> Result<Cell, ParseError> {
    let plain = cell.without_tags();
    if tags.is_empty() {
        return Ok(plain);
    }
    let length = u16::try_from(tags.len())
        .map_err(|_| ParseError::new("cell", cell.row(), "the tags are too long"))?;
    let mut bytes = BytesMut::with_capacity(plain.as_bytes().len() + 2 + tags.len());
    bytes.put_slice(plain.as_bytes());
    bytes.put_u16(length);
    bytes.put_slice(tags);
    Ok(Cell::parse(Bytes::from(bytes))?.with_sequence_id(cell.sequence_id()))
}

fn put(tags: &mut BytesMut, kind: u8, value: &[u8]) {
    tags.put_u16(value.len() as u16 + 1); // it was a tag's before, or has eight bytes
    tags.put_u8(kind);
    tags.put_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_found_again() {
        let cell = Cell::put(b"r", b"f", b"q", 1, b"v").unwrap().with_sequence_id(7);
        let other = with_tags(&cell, &[0, 2, 3, 9]).unwrap();
        let tagged = with_ttl_ms(&with_ttl_ms(&other, 5).unwrap(), 6).unwrap();
        assert_eq!((ttl_ms(cell.tags()), ttl_ms(tagged.tags())), (None, Some(6)));
        assert_eq!((tagged.value(), tagged.sequence_id()), (&b"v"[..], 7));
        assert_eq!(iter(tagged.tags()).count(), 2);
        assert_eq!(with_tags(&tagged, b"").unwrap(), cell);
    }

    #[test]
    fn garbage_ends_the_tags() {
        for tags in [&b"\0"[..], b"\0\x09\x08", b"\0\0", b"\xff\xff\x08"] {
            assert_eq!(ttl_ms(tags), None, "{tags:?}");
        }
        assert!(with_tags(&Cell::put(b"r", b"f", b"q", 1, b"v").unwrap(), &[0; 70_000]).is_err());
    }
}
