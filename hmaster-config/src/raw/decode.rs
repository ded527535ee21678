//! The text of a configuration file's bytes, by the rules of XML: a byte order mark, or else the declared encoding, or
//! else UTF-8.

/// The text, or what is wrong with the bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        _ => match declared_encoding(bytes).as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => utf8(bytes),
            Some("iso-8859-1" | "latin1" | "iso8859-1") => {
                Ok(bytes.iter().copied().map(char::from).collect())
            }
            Some(other) => Err(format!("encoding {other} isn't supported; write the file in UTF-8")),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|e| format!("byte {} isn't UTF-8", e.valid_up_to()))
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
    text.ok()
        .filter(|_| rest.is_empty())
        .ok_or_else(|| "the file isn't UTF-16 though it begins so".to_owned())
}

/// The encoding in `<?xml … encoding="…"?>`, in lower case.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    const DECLARATION_BYTES_MAX: usize = 200;
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES_MAX)]);
    let declaration = start.strip_prefix("<?xml")?.split_once("?>")?.0;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let utf16 = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            [&mark[..], &"é<".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
        };
        let cases: Vec<(Vec<u8>, Result<&str, &str>)> = vec![
            ("é".into(), Ok("é")),
            ("\u{feff}é".into(), Ok("é")),
            (utf16(u16::to_be_bytes, [0xFE, 0xFF]), Ok("é<")),
            (utf16(u16::to_le_bytes, [0xFF, 0xFE]), Ok("é<")),
            (b"\xFF\xFEa".into(), Err("UTF-16")),
            (b"\xFE\xFF\xD8\x00".into(), Err("UTF-16")),
            (b"ab\xE9".into(), Err("byte 2 isn't UTF-8")),
            (
                b"<?xml version='1.0' encoding='ISO-8859-1'?>\xE9".into(),
                Ok("<?xml version='1.0' encoding='ISO-8859-1'?>é"),
            ),
            (b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\xE9".into(), Err("isn't UTF-8")),
            (b"<?xml encoding = \"Shift_JIS\"?>".into(), Err("shift_jis")),
            (b"<?xml encoding=?>".into(), Ok("<?xml encoding=?>")),
            (vec![], Ok("")),
        ];
        for (bytes, expected) in cases {
            match (decode(&bytes), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{reason}"),
                (got, _) => panic!("{bytes:?}: {got:?}"),
            }
        }
    }
}
