//! The names of a region. Counterpart of the static methods of `RegionInfo`.
//!
//! A region's name is `table,startKey,regionId[_replica].encoded.`; the encoded name is the MD5 of what stands
//! before its dot, in hex, and names the region's folder. Regions of hbase:meta keep an older form,
//! `hbase:meta,,1`, whose encoded name is a decimal hash of it.

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};

use crate::{ParseError, TableName, jenkins_hash, to_string_binary};

/// The full name of a region. For the default replica it is the row key in hbase:meta.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(Box<[u8]>);

/// The short name of a region, which names its folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EncodedName {
    /// Of a region of hbase:meta: decimal.
    Meta(u32),
    /// Of any other region: 32 hexadecimal digits.
    Md5([u8; 16]),
}

impl RegionName {
    pub(crate) fn build(
        table: &TableName,
        start_key: &[u8],
        region_id: u64,
        replica_id: u16,
    ) -> (Self, EncodedName) {
        let mut name = [table.as_bytes(), b",", start_key, b",", region_id.to_string().as_bytes()].concat();
        if replica_id > 0 {
            name.extend_from_slice(format!("_{replica_id:04X}").as_bytes());
        }
        let encoded = EncodedName::of_prefix(&name, table.is_meta());
        if !table.is_meta() {
            name.extend_from_slice(format!(".{encoded}.").as_bytes());
        }
        (Self(name.into_boxed_slice()), encoded)
    }

    /// The name as it stands in hbase:meta and on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl EncodedName {
    /// The encoded name of the first region of hbase:meta.
    pub const META: Self = Self::Meta(1_588_230_740);

    fn of_prefix(prefix: &[u8], meta: bool) -> Self {
        if meta {
            Self::Meta((jenkins_hash(prefix, 0) as i32).unsigned_abs())
        } else {
            Self::Md5(Md5::digest(prefix).into())
        }
    }

    /// The encoded name that belongs to a full region name. Counterpart of `RegionInfo.encodeRegionName`.
    ///
    /// # Errors
    /// When the name ends like one of the current form but has no encoded name before its last dot.
    pub fn of_region_name(name: &[u8]) -> Result<Self, ParseError> {
        let Some((b'.', rest)) = name.split_last() else {
            return Ok(Self::of_prefix(name, true));
        };
        let hex = rest.len().checked_sub(32).map(|at| &rest[at..]);
        hex.and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| hex.parse().ok())
            .ok_or_else(|| ParseError::new("region name", name, "no encoded name before the last dot"))
    }
}

/// The parts of a region's full name: table, start key, region id and replica id, as bytes and numbers.
///
/// # Errors
/// When there are fewer than two commas, or the id isn't a number.
pub fn parse_region_name(name: &[u8]) -> Result<(TableName, &[u8], u64, u16), ParseError> {
    let error = |reason: &str| ParseError::new("region name", name, reason);
    let first = name.iter().position(|&b| b == b',').ok_or_else(|| error("no comma"))?;
    // The encoded name at the end is hex between dots, so the last comma is the one before the region id.
    let last = name.iter().rposition(|&b| b == b',').filter(|&at| at > first);
    let last = last.ok_or_else(|| error("only one comma"))?;
    let table = TableName::from_bytes(&name[..first])?;
    let id = std::str::from_utf8(&name[last + 1..]).map_err(|_| error("the region id isn't a number"))?;
    let id = id.split('.').next().unwrap_or_default();
    let (id, replica) = id.split_once('_').unwrap_or((id, "0"));
    let id = id.parse().map_err(|_| error("the region id isn't a number"))?;
    let replica =
        u16::from_str_radix(replica, 16).map_err(|_| error("the replica id isn't a hexadecimal number"))?;
    Ok((table, &name[first + 1..last], id, replica))
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_string_binary(&self.0))
    }
}

impl fmt::Debug for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EncodedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meta(hash) => write!(f, "{hash}"),
            Self::Md5(bytes) => bytes.iter().try_for_each(|b| write!(f, "{b:02x}")),
        }
    }
}

impl fmt::Debug for EncodedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EncodedName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error =
            || ParseError::new("encoded region name", text.as_bytes(), "expected 32 hexadecimal digits");
        if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            let mut bytes = [0; 16];
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| error())?;
            }
            return Ok(Self::Md5(bytes));
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let hash = digits.then(|| text.parse::<u32>().ok()).flatten().filter(|hash| *hash <= 1 << 31);
        hash.map(Self::Meta).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_name() {
        let name = b"ns:t,a,b,1700000000000_0002.0123456789abcdef0123456789abcdef.";
        let (table, start, id, replica) = parse_region_name(name).unwrap();
        assert_eq!((table.as_str(), start, id, replica), ("ns:t", &b"a,b"[..], 1_700_000_000_000, 2));
        assert_eq!(
            EncodedName::of_region_name(name).unwrap().to_string(),
            "0123456789abcdef0123456789abcdef"
        );
    }

    #[test]
    fn a_start_key_may_have_dots_and_commas() {
        let (_, start, id, _) = parse_region_name(b"t,.,x.,7.0123456789abcdef0123456789abcdef.").unwrap();
        assert_eq!((start, id), (&b".,x."[..], 7));
    }

    #[test]
    fn bad_names() {
        for bad in [&b""[..], b"t", b"t,1", b"t,a,x", b"t,a,1_zz.", b",a,1", b"t,,1\xff"] {
            assert!(parse_region_name(bad).is_err(), "{bad:?}");
        }
        assert!(EncodedName::of_region_name(b"t,,1.short.").is_err());
        for bad in ["", "xyz", "0123456789abcdef0123456789abcdeg", "99999999999"] {
            assert!(bad.parse::<EncodedName>().is_err(), "{bad}");
        }
    }
}
