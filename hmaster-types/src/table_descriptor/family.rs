//! The schema of a column family. Counterpart of `ColumnFamilyDescriptor` and `ColumnFamilyDescriptorBuilder`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::attribute;
use crate::{ParseError, to_string_binary};

/// The schema of a column family: attributes, and configuration that overrides the cluster's.
#[derive(Clone, PartialEq, Eq)]
pub struct ColumnFamilyDescriptor {
    name: Bytes,
    attributes: BTreeMap<Bytes, Bytes>,
    configuration: BTreeMap<String, String>,
}

/// Collects the parts of a [`ColumnFamilyDescriptor`].
#[derive(Debug, Clone)]
pub struct ColumnFamilyDescriptorBuilder(ColumnFamilyDescriptor);

/// What Java's builder starts a family with.
const DEFAULTS: [(&str, &str); 12] = [
    (attribute::BLOOMFILTER, "ROW"),
    (attribute::REPLICATION_SCOPE, "0"),
    (attribute::VERSIONS, "1"),
    (attribute::MIN_VERSIONS, "0"),
    (attribute::COMPRESSION, "NONE"),
    (attribute::TTL, "2147483647"),
    (attribute::BLOCKSIZE, "65536"),
    (attribute::IN_MEMORY, "false"),
    (attribute::BLOCKCACHE, "true"),
    (attribute::KEEP_DELETED_CELLS, "FALSE"),
    (attribute::DATA_BLOCK_ENCODING, "NONE"),
    (attribute::INDEX_BLOCK_ENCODING, "NONE"),
];

impl ColumnFamilyDescriptor {
    /// `REPLICATION_SCOPE` of a family that is replicated.
    pub const SCOPE_GLOBAL: i32 = 1;
    /// `TTL` of cells that never expire, in seconds.
    pub const TTL_FOREVER: i32 = i32::MAX;

    /// A family with the defaults that Java's builder writes out.
    pub fn builder(name: impl Into<Bytes>) -> ColumnFamilyDescriptorBuilder {
        DEFAULTS.iter().fold(Self::empty(name), |builder, (key, value)| builder.attribute(*key, *value))
    }

    /// A family without any attribute, to be filled with what was read.
    pub fn empty(name: impl Into<Bytes>) -> ColumnFamilyDescriptorBuilder {
        let (attributes, configuration) = (BTreeMap::new(), BTreeMap::new());
        ColumnFamilyDescriptorBuilder(Self { name: name.into(), attributes, configuration })
    }

    /// A builder with all parts of this family.
    pub fn to_builder(&self) -> ColumnFamilyDescriptorBuilder {
        ColumnFamilyDescriptorBuilder(self.clone())
    }

    /// Checks the name of a family as `ColumnFamilyDescriptorBuilder.isLegalColumnFamilyName` does.
    ///
    /// # Errors
    /// When it is empty, starts with a dot, has a control character, colon or slash, or is `recovered.edits`.
    pub fn check_name(name: &[u8]) -> Result<(), ParseError> {
        let error = |reason: String| Err(ParseError::new("column family", name, reason));
        let illegal = |b: &&u8| matches!(**b, 0..=0x1f | 0x7f | b':' | b'\\' | b'/');
        match name {
            b"" => error("Column Family name can not be empty".into()),
            [b'.', ..] => error("Column Family names cannot start with a period".into()),
            b"recovered.edits" => error("Column Family name cannot be: recovered.edits".into()),
            _ => match name.iter().find(illegal) {
                Some(b) => error(format!(
                    "Illegal character <{b}>. Column Family names cannot contain control characters or colons"
                )),
                None => Ok(()),
            },
        }
    }

    /// The family's name.
    pub fn name(&self) -> &Bytes {
        &self.name
    }

    /// All attributes as they were set.
    pub fn attributes(&self) -> &BTreeMap<Bytes, Bytes> {
        &self.attributes
    }

    /// An attribute as a number, a flag or a text; none when it is missing or doesn't parse.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        attribute::parse(self.attributes.get(key.as_bytes())?)
    }

    /// Configuration that overrides the cluster's.
    pub fn configuration(&self) -> &BTreeMap<String, String> {
        &self.configuration
    }

    /// 0 for a family that stays here, [`ColumnFamilyDescriptor::SCOPE_GLOBAL`] for one that is replicated.
    pub fn replication_scope(&self) -> i32 {
        self.parsed(attribute::REPLICATION_SCOPE).unwrap_or(0)
    }

    /// How many versions of a cell are kept.
    pub fn max_versions(&self) -> i32 {
        self.parsed(attribute::VERSIONS).unwrap_or(1)
    }
}

impl ColumnFamilyDescriptorBuilder {
    /// Sets an attribute; an empty value removes it, as in Java.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        let (key, value) = (key.into(), value.into());
        if value.is_empty() {
            self.0.attributes.remove(&key);
        } else {
            self.0.attributes.insert(key, value);
        }
        self
    }

    /// Sets a configuration key; an empty value removes it.
    #[must_use]
    pub fn configuration(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if value.is_empty() {
            self.0.configuration.remove(&key);
        } else {
            self.0.configuration.insert(key, value);
        }
        self
    }

    /// The family.
    pub fn build(self) -> ColumnFamilyDescriptor {
        self.0
    }
}

impl fmt::Debug for ColumnFamilyDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{NAME => '{}', {}",
            to_string_binary(&self.name),
            &attribute::display(&self.attributes)[1..]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_family_has_the_defaults_of_java() {
        let family = ColumnFamilyDescriptor::builder("f").build();
        assert_eq!(
            (family.max_versions(), family.replication_scope(), family.attributes().len()),
            (1, 0, 12)
        );
    }

    #[test]
    fn names() {
        assert!(ColumnFamilyDescriptor::check_name(b"info").is_ok());
        for bad in [&b""[..], b".f", b"a:b", b"a/b", b"a\\b", b"a\x07", b"recovered.edits"] {
            assert!(ColumnFamilyDescriptor::check_name(bad).is_err(), "{bad:?}");
        }
    }
}
