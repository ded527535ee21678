//! Byte strings as text. Counterpart of `Bytes.toStringBinary` and `Bytes.toBytesBinary`.

/// Prints `bytes` as HBase prints row keys: visible ASCII except the backslash as is, everything else as `\xHH`.
pub fn to_string_binary(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len());
    for &b in bytes {
        if (b' '..=b'~').contains(&b) && b != b'\\' {
            text.push(char::from(b));
        } else {
            write!(text, "\\x{b:02X}").expect("writing to a String succeeds");
        }
    }
    text
}

/// Reads what [`to_string_binary`] printed. An incomplete or lower-case escape stands for its own characters.
pub fn from_string_binary(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i..] {
            [b'\\', b'x', hi, lo, ..] if is_upper_hex(hi) && is_upper_hex(lo) => {
                out.push(nibble(hi) << 4 | nibble(lo));
                i += 4;
            }
            // Java drops the backslash of a malformed escape; keeping it loses nothing.
            [b, ..] => {
                out.push(b);
                i += 1;
            }
            [] => break,
        }
    }
    out
}

fn is_upper_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'A'..=b'F').contains(&b)
}

fn nibble(b: u8) -> u8 {
    if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_like_java() {
        assert_eq!(to_string_binary(b"a b~"), "a b~");
        assert_eq!(to_string_binary(b"\x00\xffz\\"), "\\x00\\xFFz\\x5C");
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_string_binary(&to_string_binary(&all)), all);
    }

    #[test]
    fn a_malformed_escape_stands_for_itself() {
        assert_eq!(from_string_binary("\\x4"), b"\\x4");
        assert_eq!(from_string_binary("\\xzz"), b"\\xzz");
    }
}
