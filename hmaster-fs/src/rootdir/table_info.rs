//! The names of schema files: `.tableinfo.0000000003.1234`, a sequence number and the length of the content.
//! Pure code; counterpart of `FSTableDescriptors.getTableInfoSequenceIdAndFileLength`.
//!
//! The newest is the one whose name sorts last. The length tells a whole file from one that is still being
//! written: Java writes them in place.

use std::fmt;

/// The name of a schema file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableInfoName {
    /// Rises with each change of the schema.
    pub(super) sequence: u32,
    /// How much of the file is the schema; none in names that early releases wrote, where all of it is.
    pub(super) length: Option<u32>,
}

pub(super) const PREFIX: &str = ".tableinfo";

impl TableInfoName {
    /// Java keeps the number in an int.
    pub(super) const SEQUENCE_MAX: u32 = i32::MAX as u32;

    /// The parts of a name; none when it isn't the name of a schema file. A name without numbers is the
    /// oldest form.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        // Java skips what stands between the prefix and the first dot.
        let Some((_, numbers)) = rest.split_once('.') else {
            return Some(Self { sequence: 0, length: None });
        };
        let (sequence, length) = match numbers.split_once('.') {
            None => (numbers, None),
            Some((sequence, length)) => (sequence, Some(parse_int(length)?)),
        };
        // Java takes a length of 0 for none.
        Some(Self { sequence: parse_int(sequence)?, length: length.filter(|length| *length > 0) })
    }
}

/// Digits only, up to the largest Java int.
fn parse_int(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= TableInfoName::SEQUENCE_MAX)
}

impl fmt::Display for TableInfoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}.{:010}", self.sequence)?;
        self.length.map_or(Ok(()), |length| write!(f, ".{length}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_times() {
        for (name, sequence, length) in [
            (".tableinfo.0000000001.1234", 1, Some(1234)),
            (".tableinfo.2147483647.7", 2_147_483_647, Some(7)),
            (".tableinfo.0000000002", 2, None),
            (".tableinfo.0000000002.0", 2, None),
            (".tableinfo", 0, None),
        ] {
            let parsed = TableInfoName::parse(name).expect(name);
            assert_eq!((parsed.sequence, parsed.length), (sequence, length), "{name}");
        }
        let name = TableInfoName { sequence: 12, length: Some(345) };
        assert_eq!(name.to_string(), ".tableinfo.0000000012.345");
        assert_eq!(TableInfoName::parse(&name.to_string()), Some(name));
    }

    #[test]
    fn no_names_of_schema_files() {
        for bad in [
            "",
            ".regioninfo",
            "tableinfo.1.1",
            ".tableinfo.",
            ".tableinfo.x.1",
            ".tableinfo.1.x",
            ".tableinfo.1.2.3",
            ".tableinfo.2147483648.1",
            ".tableinfo.-1.5",
            ".tableinfo.+1.5",
            ".tableinfo.1.99999999999",
            ".tableinfo..5",
        ] {
            assert_eq!(TableInfoName::parse(bad), None, "{bad}");
        }
    }
}
