//! The name of a table. Counterpart of `TableName`.
//!
//! What may stand in a name follows Java: letters and digits of any language, `_`, and in the qualifier `-`
//! and `.` too. Java looks at UTF-16 units, so a letter outside the basic plane is refused there; it is here too.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::ParseError;

/// A legal table name: namespace and qualifier. Cheap to clone.
#[derive(Clone)]
pub struct TableName(Arc<Inner>);

struct Inner {
    /// `namespace:qualifier`, and the qualifier alone in the default namespace.
    full: Box<str>,
    /// Where the qualifier starts in `full`: 0 in the default namespace.
    qualifier_at: usize,
}

impl TableName {
    /// The namespace of tables without one.
    pub const DEFAULT_NAMESPACE: &str = "default";
    /// The namespace of HBase's own tables.
    pub const SYSTEM_NAMESPACE: &str = "hbase";
    /// The namespace of the backup tool's tables, which count as system tables.
    pub const BACKUP_NAMESPACE: &str = "backup";

    /// The table `qualifier` in `namespace`; an empty namespace stands for the default one.
    ///
    /// # Errors
    /// When either part is empty, has a character that isn't allowed, or is a name that HBase keeps for itself.
    pub fn new(namespace: &str, qualifier: &str) -> Result<Self, ParseError> {
        check_qualifier(qualifier)?;
        if namespace.is_empty() || namespace == Self::DEFAULT_NAMESPACE {
            return Ok(Self(Arc::new(Inner { full: qualifier.into(), qualifier_at: 0 })));
        }
        Self::check_namespace(namespace)?;
        let full = format!("{namespace}:{qualifier}").into_boxed_str();
        Ok(Self(Arc::new(Inner { full, qualifier_at: namespace.len() + 1 })))
    }

    /// Reads the name as it stands in region names and znodes.
    ///
    /// # Errors
    /// As [`TableName::new`], and when the bytes aren't UTF-8.
    pub fn from_bytes(name: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(name).map_err(|_| ParseError::new("table name", name, "not UTF-8"))?;
        text.parse()
    }

    /// `hbase:meta`.
    pub fn meta() -> Self {
        Self::system("meta")
    }

    /// `hbase:namespace`.
    pub fn namespace_table() -> Self {
        Self::system("namespace")
    }

    fn system(qualifier: &str) -> Self {
        Self::new(Self::SYSTEM_NAMESPACE, qualifier).expect("names of system tables are legal")
    }

    /// The table's namespace, `default` where the name has none.
    pub fn namespace(&self) -> &str {
        match self.0.qualifier_at {
            0 => Self::DEFAULT_NAMESPACE,
            at => &self.0.full[..at - 1],
        }
    }

    /// The name without its namespace.
    pub fn qualifier(&self) -> &str {
        &self.0.full[self.0.qualifier_at..]
    }

    /// `namespace:qualifier`, and the qualifier alone in the default namespace.
    pub fn as_str(&self) -> &str {
        &self.0.full
    }

    /// [`TableName::as_str`] as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.full.as_bytes()
    }

    /// True for `hbase:meta`.
    pub fn is_meta(&self) -> bool {
        self.as_str() == "hbase:meta"
    }

    /// True for tables of the namespaces `hbase` and `backup`.
    pub fn is_system(&self) -> bool {
        matches!(self.namespace(), Self::SYSTEM_NAMESPACE | Self::BACKUP_NAMESPACE)
    }

    /// Checks the name of a namespace.
    ///
    /// # Errors
    /// When it is empty, `zookeeper`, or has a character that isn't allowed.
    pub fn check_namespace(namespace: &str) -> Result<(), ParseError> {
        let error = |reason: String| ParseError::new("namespace", namespace.as_bytes(), reason);
        if namespace.is_empty() {
            return Err(error("Namespace name must not be empty".into()));
        }
        if namespace == RESERVED_BY_ZOOKEEPER {
            return Err(error(format!("Tables may not be named '{RESERVED_BY_ZOOKEEPER}'")));
        }
        match namespace.chars().enumerate().find(|&(_, c)| !is_word(c)) {
            Some((at, c)) => Err(error(format!(
                "Illegal character <{c}> at {at}. Namespaces may only contain 'alphanumeric characters' from any \
                 language and digits"
            ))),
            None => Ok(()),
        }
    }
}

/// A znode of this name would clash with ZooKeeper's own.
const RESERVED_BY_ZOOKEEPER: &str = "zookeeper";

fn check_qualifier(qualifier: &str) -> Result<(), ParseError> {
    let error = |reason: String| ParseError::new("table name", qualifier.as_bytes(), reason);
    match qualifier {
        "" => return Err(error("Table qualifier must not be empty".into())),
        "-ROOT-" | ".META." => return Err(error("a name that HBase gave up".into())),
        RESERVED_BY_ZOOKEEPER => {
            return Err(error(format!("Tables may not be named '{RESERVED_BY_ZOOKEEPER}'")));
        }
        _ => {}
    }
    if qualifier.starts_with(['.', '-']) {
        return Err(error(format!(
            "Illegal first character <{}> at 0. User-space table qualifiers can only start with 'alphanumeric \
             characters' from any language",
            qualifier.as_bytes()[0]
        )));
    }
    match qualifier.chars().enumerate().find(|&(_, c)| !is_word(c) && c != '-' && c != '.') {
        Some((at, c)) => Err(error(format!(
            "Illegal character code:{}, <{c}> at {at}. User-space table qualifiers may only contain 'alphanumeric \
             characters' and digits",
            c as u32
        ))),
        None => Ok(()),
    }
}

fn is_word(c: char) -> bool {
    let in_basic_plane = (c as u32) <= 0xffff;
    c == '_' || c.is_ascii_alphanumeric() || in_basic_plane && (c.is_alphabetic() || is_decimal_digit(c))
}

/// Java's `Character.isDigit` in the basic plane: Rust's `is_numeric` would let fractions and superscripts through.
fn is_decimal_digit(c: char) -> bool {
    /// The zero of each script; the other nine follow it.
    const ZEROS: [u32; 36] = [
        0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
        0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
        0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    ];
    ZEROS.iter().any(|zero| (*zero..zero + 10).contains(&(c as u32)))
}

impl PartialEq for TableName {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.full == other.0.full
    }
}

impl Eq for TableName {}

impl Ord for TableName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.full.cmp(&other.0.full)
    }
}

impl PartialOrd for TableName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for TableName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.full.hash(state);
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TableName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.rsplit_once(':') {
            None => Self::new(Self::DEFAULT_NAMESPACE, text),
            Some(("", _)) => {
                Err(ParseError::new("table name", text.as_bytes(), "Namespace name must not be empty"))
            }
            Some((namespace, qualifier)) => Self::new(namespace, qualifier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> TableName {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_namespace_is_left_out() {
        assert_eq!(table("default:t"), table("t"));
        assert_eq!(
            (table("t").namespace(), table("t").qualifier(), table("t").as_str()),
            ("default", "t", "t")
        );
        assert_eq!((table("ns:t.1-x").namespace(), table("ns:t.1-x").qualifier()), ("ns", "t.1-x"));
    }

    #[test]
    fn system_tables() {
        assert!(TableName::meta().is_meta() && TableName::meta().is_system());
        assert!(table("backup:x").is_system());
        assert!(!table("hbase").is_system());
    }

    #[test]
    fn illegal_names_are_refused() {
        for bad in [
            "",
            ":",
            ":t",
            "ns:",
            "a b",
            "-a",
            ".a",
            "a/b",
            "zookeeper",
            "zookeeper:t",
            "n-s:t",
            "a:b:c",
            ".META.",
            "a\0",
        ] {
            assert!(bad.parse::<TableName>().is_err(), "{bad:?}");
        }
        assert!(TableName::from_bytes(b"\xff\xfe").is_err());
        assert!("t²".parse::<TableName>().is_err(), "a superscript is no digit");
        assert!("täbelle٣".parse::<TableName>().is_ok());
    }
}
