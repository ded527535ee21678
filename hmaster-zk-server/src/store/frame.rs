//! File headers and frames: how bytes are wrapped so that any damage is noticed.

use rustix::rand::{GetRandomFlags, getrandom};

/// What kind of file it is: the first eight bytes.
pub(crate) type Magic = [u8; 8];

/// Length of a file's header: magic, salt, number, CRC.
pub(crate) const HEADER_BYTES: usize = 8 + 8 + 8 + 4;

/// Length of what precedes a frame's bytes: magic, length, CRC.
pub(crate) const FRAME_HEADER_BYTES: usize = 4 + 4 + 4;

const FRAME_MAGIC: [u8; 4] = *b"HZFR";

/// Bytes that tell a file's frames from all others.
pub(crate) type Salt = [u8; 8];

/// A new salt. Without randomness from the kernel (which Linux always has) it is 0, and frames are
/// still told apart by their offsets.
pub(crate) fn new_salt() -> Salt {
    let mut salt = Salt::default();
    if getrandom(&mut salt, GetRandomFlags::empty()) != Ok(salt.len()) {
        salt = Salt::default();
    }
    salt
}

/// A file's header.
pub(crate) fn header(magic: Magic, salt: Salt, number: i64) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&magic);
    header.extend_from_slice(&salt);
    header.extend_from_slice(&number.to_be_bytes());
    header.extend_from_slice(&crc32c::crc32c(&header).to_be_bytes());
    header
}

/// Reads a file's header: its salt and number, or what is wrong.
pub(crate) fn read_header(bytes: &[u8], magic: Magic) -> Result<(Salt, i64), &'static str> {
    let header = bytes.get(..HEADER_BYTES).ok_or("the header is cut off")?;
    let (body, crc) = header.split_at(HEADER_BYTES - 4);
    if body[..8] != magic {
        return Err("not a file of this kind and version");
    }
    if crc != crc32c::crc32c(body).to_be_bytes() {
        return Err("the header's checksum is wrong");
    }
    let (mut salt, mut number) = (Salt::default(), [0; 8]);
    salt.copy_from_slice(&body[8..16]);
    number.copy_from_slice(&body[16..24]);
    Ok((salt, i64::from_be_bytes(number)))
}

/// Appends a frame to `out`, which will be written at `offset` of a file.
pub(crate) fn put_frame(out: &mut Vec<u8>, salt: Salt, offset: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a batch of requests is far below 4 GiB");
    out.extend_from_slice(&FRAME_MAGIC);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&checksum(salt, offset, length, payload).to_be_bytes());
    out.extend_from_slice(payload);
}

fn checksum(salt: Salt, offset: u64, length: u32, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&salt);
    let crc = crc32c::crc32c_append(crc, &offset.to_be_bytes());
    let crc = crc32c::crc32c_append(crc, &length.to_be_bytes());
    crc32c::crc32c_append(crc, payload)
}

/// Reads the frame at `offset` of a file: its payload, or what is wrong.
pub(crate) fn read_frame(file: &[u8], salt: Salt, offset: usize) -> Result<&[u8], &'static str> {
    let header = file.get(offset..offset + FRAME_HEADER_BYTES).ok_or("a frame's header is cut off")?;
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..4] != FRAME_MAGIC {
        return Err("no frame begins here");
    }
    let (length, crc) = (word(4), word(8));
    let start = offset + FRAME_HEADER_BYTES;
    let payload = file.get(start..start + length as usize).ok_or("a frame is cut off")?;
    if checksum(salt, offset as u64, length, payload) == crc {
        Ok(payload)
    } else {
        Err("a frame's checksum is wrong")
    }
}

/// Where the first good frame at or behind `offset` is.
pub(crate) fn find_frame(file: &[u8], salt: Salt, offset: usize) -> Option<usize> {
    let candidates = offset..file.len().saturating_sub(FRAME_HEADER_BYTES - 1);
    candidates
        .filter(|at| file[*at..].starts_with(&FRAME_MAGIC))
        .find(|at| read_frame(file, salt, *at).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = [9; 8];

    fn file(payloads: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        for payload in payloads {
            let offset = file.len() as u64;
            put_frame(&mut file, SALT, offset, payload);
        }
        file
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = file(&[b"payload"]);
        assert_eq!(read_frame(&good, SALT, 0), Ok(&b"payload"[..]));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read_frame(&bad, SALT, 0).is_err(), "bit {bit}");
        }
        let header = header(*b"MAGIC__1", SALT, 77);
        assert_eq!(read_header(&header, *b"MAGIC__1"), Ok((SALT, 77)));
        for bit in 0..header.len() * 8 {
            let mut bad = header.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read_header(&bad, *b"MAGIC__1").is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_counts_in_its_own_place_and_file_only() {
        let inner = file(&[b"inner"]);
        let outer = file(&[b"first", &inner]);
        let second = FRAME_HEADER_BYTES + 5;
        assert_eq!(find_frame(&outer, SALT, 1), Some(second));
        assert_eq!(find_frame(&outer, SALT, second + 1), None, "a stored copy of a frame is none");
        assert_eq!(find_frame(&outer, [8; 8], 0), None);
    }
}
