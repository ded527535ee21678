//! The frames that Hadoop's `BlockCompressorStream` puts around compressed chunks.

use super::Outcome;
use crate::cursor::{Cursor, Stepped, Stop};

/// Decompresses one frame after the other, each chunk by `chunk(compressed, room left in the frame, out)`.
pub(super) fn frames(
    input: &[u8],
    length: usize,
    out: &mut Vec<u8>,
    chunk: impl Fn(&[u8], usize, &mut Vec<u8>) -> Outcome,
) -> Outcome {
    let mut cursor = Cursor::new(input);
    while !cursor.is_empty() {
        let frame = next_length(&mut cursor)?;
        let end = out.len().checked_add(frame).filter(|end| *end <= length);
        let end = end.ok_or_else(|| format!("a frame claims {frame} bytes"))?;
        while out.len() < end {
            let compressed = next_length(&mut cursor)?;
            let compressed = cursor.take(compressed).map_err(say)?;
            let before = out.len();
            chunk(compressed, end - before, out)?;
            if out.len() == before || out.len() > end {
                return Err("a chunk has another length than its frame says".into());
            }
        }
    }
    Ok(())
}

fn next_length(cursor: &mut Cursor<'_>) -> Result<usize, std::borrow::Cow<'static, str>> {
    let length: Stepped<i32> = cursor.i32();
    let length = length.map_err(say)?;
    usize::try_from(length).map_err(|_| "a negative length".into())
}

fn say(stop: Stop) -> std::borrow::Cow<'static, str> {
    match stop {
        Stop::Short(_) => "ends too early".into(),
        Stop::Bad(malformed) => malformed.reason,
    }
}
