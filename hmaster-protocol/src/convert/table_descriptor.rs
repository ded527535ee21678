//! [`TableDescriptor`] and [`ColumnFamilyDescriptor`]: in calls, in .tabledesc files, in state data of procedures.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_types::{ColumnFamilyDescriptor, ParseError, TableDescriptor, TableName, attribute};

use super::ConvertError;
use crate::pb;

/// Java keeps the length of a family's name in one signed byte.
const FAMILY_NAME_BYTES_MAX: usize = i8::MAX as usize;

impl From<&TableDescriptor> for pb::TableSchema {
    fn from(table: &TableDescriptor) -> Self {
        Self {
            table_name: Some(table.name().into()),
            attributes: pairs(table.attributes()),
            column_families: table.families().map(Into::into).collect(),
            configuration: Vec::new(),
        }
    }
}

impl TryFrom<&pb::TableSchema> for TableDescriptor {
    type Error = ConvertError;

    /// Configuration becomes attributes, and `IS_META` is what the name says, as in Java.
    fn try_from(message: &pb::TableSchema) -> Result<Self, ConvertError> {
        let absent = pb::TableName::default();
        let name = TableName::try_from(message.table_name.as_ref().unwrap_or(&absent))
            .map_err(|error| error.inside("table_name"))?;
        let is_meta = name.is_meta().to_string();
        let mut builder = Self::builder(name);
        let mut names = BTreeMap::new();
        for (index, family) in message.column_families.iter().enumerate() {
            let outer = format!("column_families[{index}]");
            let family = ColumnFamilyDescriptor::try_from(family).map_err(|error| error.inside(&outer))?;
            if names.insert(family.name().clone(), index).is_some() {
                let reason = ParseError::new("column family", family.name(), "stands twice");
                return Err(ConvertError::new("name", reason).inside(&outer));
            }
            builder = builder.family(family);
        }
        for pair in &message.attributes {
            builder = builder.attribute(copy(&pair.first), copy(&pair.second));
        }
        for pair in &message.configuration {
            builder = builder.attribute(pair.name.clone(), pair.value.clone());
        }
        Ok(builder.attribute(attribute::IS_META, is_meta).build())
    }
}

impl From<&ColumnFamilyDescriptor> for pb::ColumnFamilySchema {
    fn from(family: &ColumnFamilyDescriptor) -> Self {
        let configuration = family.configuration();
        Self {
            name: family.name().clone(),
            attributes: pairs(family.attributes()),
            configuration: configuration
                .iter()
                .map(|(key, value)| pb::NameStringPair::new(key, value))
                .collect(),
        }
    }
}

impl TryFrom<&pb::ColumnFamilySchema> for ColumnFamilyDescriptor {
    type Error = ConvertError;

    /// Attributes that aren't there have the values that Java's builder writes out.
    fn try_from(message: &pb::ColumnFamilySchema) -> Result<Self, ConvertError> {
        let bad_name = |reason| ConvertError::new("name", reason);
        Self::check_name(&message.name).map_err(bad_name)?;
        if message.name.len() > FAMILY_NAME_BYTES_MAX {
            return Err(bad_name(ParseError::new("column family", &message.name, "longer than 127 bytes")));
        }
        let mut builder = Self::builder(copy(&message.name));
        for pair in &message.attributes {
            builder = builder.attribute(copy(&pair.first), copy(&pair.second));
        }
        for pair in &message.configuration {
            builder = builder.configuration(pair.name.clone(), pair.value.clone());
        }
        Ok(builder.build())
    }
}

fn pairs(attributes: &BTreeMap<Bytes, Bytes>) -> Vec<pb::BytesBytesPair> {
    let pair = |(first, second): (&Bytes, &Bytes)| pb::BytesBytesPair {
        first: first.clone(),
        second: second.clone(),
    };
    attributes.iter().map(pair).collect()
}

/// A schema outlives the frame it came in.
fn copy(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableDescriptor {
        let family = ColumnFamilyDescriptor::builder("f")
            .attribute(attribute::VERSIONS, "3")
            .configuration("hbase.hstore.compaction.min", "5")
            .build();
        TableDescriptor::builder("ns:t".parse().unwrap())
            .attribute(attribute::REGION_REPLICATION, "2")
            .attribute(&b"\xff"[..], &b"\0"[..])
            .family(family)
            .family(ColumnFamilyDescriptor::builder("g").build())
            .build()
    }

    #[test]
    fn there_and_back() {
        let message = pb::TableSchema::from(&table());
        assert_eq!(TableDescriptor::try_from(&message), Ok(table()));
    }

    #[test]
    fn java_fills_in_and_folds() {
        let pair = |first: &'static str, second: &'static str| pb::BytesBytesPair {
            first: first.into(),
            second: second.into(),
        };
        let message = pb::TableSchema {
            attributes: vec![pair("IS_META", "true"), pair("gone", "x"), pair("gone", "")],
            configuration: vec![pb::NameStringPair::new("key", "value")],
            column_families: vec![pb::ColumnFamilySchema { name: "f".into(), ..Default::default() }],
            ..pb::TableSchema::from(&table())
        };
        let table = TableDescriptor::try_from(&message).unwrap();
        assert_eq!(table.attribute("IS_META").unwrap(), "false");
        assert_eq!((table.attribute("gone"), table.attribute("key").unwrap()), (None, &Bytes::from("value")));
        assert_eq!(table.family(b"f"), Some(&ColumnFamilyDescriptor::builder("f").build()));
    }

    #[test]
    fn errors_name_the_field() {
        let family =
            |name: &str| pb::ColumnFamilySchema { name: name.to_owned().into(), ..Default::default() };
        let with =
            |families| pb::TableSchema { column_families: families, ..pb::TableSchema::from(&table()) };
        let table = [
            (pb::TableSchema { table_name: None, ..with(vec![]) }, "table_name.qualifier"),
            (with(vec![family("a"), family("")]), "column_families[1].name"),
            (with(vec![family("a:b")]), "column_families[0].name"),
            (with(vec![family(&"f".repeat(128))]), "column_families[0].name"),
            (with(vec![family("a"), family("a")]), "column_families[1].name"),
        ];
        for (message, field) in table {
            assert_eq!(TableDescriptor::try_from(&message).expect_err(field).field, field);
        }
    }
}
