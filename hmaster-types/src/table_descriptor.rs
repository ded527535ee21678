//! The schema of a table. Counterpart of `TableDescriptor` and `TableDescriptorBuilder`.
//!
//! Attributes are kept as the bytes that clients sent, also those that the master has no use for: a schema goes
//! back to clients and region servers as it came. Typed getters read the attributes that matter to a master.

pub mod attribute;
mod family;
mod tracker;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::TableName;

pub use family::{ColumnFamilyDescriptor, ColumnFamilyDescriptorBuilder};
pub use tracker::{PlainTracker, StoreFileTracker, UnknownTracker};

/// The schema of a table: attributes and column families, both sorted by name.
#[derive(Clone, PartialEq, Eq)]
pub struct TableDescriptor {
    name: TableName,
    attributes: BTreeMap<Bytes, Bytes>,
    families: BTreeMap<Bytes, ColumnFamilyDescriptor>,
}

/// Collects the parts of a [`TableDescriptor`].
#[derive(Debug, Clone)]
pub struct TableDescriptorBuilder(TableDescriptor);

impl TableDescriptor {
    /// Starts a schema without families; it says `IS_META` as Java's does.
    pub fn builder(name: TableName) -> TableDescriptorBuilder {
        let is_meta = name.is_meta();
        let new = Self { name, attributes: BTreeMap::new(), families: BTreeMap::new() };
        TableDescriptorBuilder(new).attribute(attribute::IS_META, is_meta.to_string())
    }

    /// A builder with all parts of this schema.
    pub fn to_builder(&self) -> TableDescriptorBuilder {
        TableDescriptorBuilder(self.clone())
    }

    /// The table.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// All attributes as they were set.
    pub fn attributes(&self) -> &BTreeMap<Bytes, Bytes> {
        &self.attributes
    }

    /// An attribute as it was set.
    pub fn attribute(&self, key: &str) -> Option<&Bytes> {
        self.attributes.get(key.as_bytes())
    }

    /// An attribute as a number, a flag or a text; none when it is missing or doesn't parse.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        attribute::parse(self.attribute(key)?)
    }

    /// The column families by name.
    pub fn families(&self) -> impl ExactSizeIterator<Item = &ColumnFamilyDescriptor> {
        self.families.values()
    }

    /// A column family.
    pub fn family(&self, name: &[u8]) -> Option<&ColumnFamilyDescriptor> {
        self.families.get(name)
    }

    /// How many replicas each region has; 1 when there is just the default one.
    pub fn region_replication(&self) -> u16 {
        self.parsed(attribute::REGION_REPLICATION).unwrap_or(1)
    }

    /// Whether regions may be split (`SPLIT_ENABLED`, default true).
    pub fn is_split_enabled(&self) -> bool {
        self.parsed(attribute::SPLIT_ENABLED).unwrap_or(true)
    }

    /// Whether regions may be merged (`MERGE_ENABLED`, default true).
    pub fn is_merge_enabled(&self) -> bool {
        self.parsed(attribute::MERGE_ENABLED).unwrap_or(true)
    }

    /// True when some family is replicated to other clusters: its regions then leave replication barriers in hbase:meta.
    pub fn has_global_replication_scope(&self) -> bool {
        self.families().any(|family| family.replication_scope() == ColumnFamilyDescriptor::SCOPE_GLOBAL)
    }
}

impl TableDescriptorBuilder {
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

    /// Adds a family, or replaces the one of that name.
    #[must_use]
    pub fn family(mut self, family: ColumnFamilyDescriptor) -> Self {
        self.0.families.insert(family.name().clone(), family);
        self
    }

    /// Removes a family.
    #[must_use]
    pub fn without_family(mut self, name: &[u8]) -> Self {
        self.0.families.remove(name);
        self
    }

    /// The schema.
    pub fn build(self) -> TableDescriptor {
        self.0
    }
}

impl fmt::Debug for TableDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}', {}", self.name, attribute::display(&self.attributes))?;
        self.families().try_for_each(|family| write!(f, ", {family:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_what_they_mean() {
        let table = TableDescriptor::builder("t".parse().unwrap())
            .attribute(attribute::REGION_REPLICATION, "3")
            .attribute(attribute::SPLIT_ENABLED, "FALSE")
            .attribute(attribute::MERGE_ENABLED, "nonsense")
            .build();
        assert_eq!(
            (table.region_replication(), table.is_split_enabled(), table.is_merge_enabled()),
            (3, false, true)
        );
        assert_eq!(table.attribute(attribute::IS_META), Some(&Bytes::from("false")));
    }

    #[test]
    fn an_empty_value_removes_an_attribute() {
        let table =
            TableDescriptor::builder("t".parse().unwrap()).attribute("K", "v").attribute("K", "").build();
        assert_eq!(table.attribute("K"), None);
    }

    #[test]
    fn the_scope_of_any_family_counts() {
        let local = ColumnFamilyDescriptor::builder("a").build();
        let global =
            ColumnFamilyDescriptor::builder("b").attribute(attribute::REPLICATION_SCOPE, "1").build();
        let table = TableDescriptor::builder("t".parse().unwrap()).family(local);
        assert!(!table.clone().build().has_global_replication_scope());
        assert!(table.family(global).build().has_global_replication_scope());
    }
}
