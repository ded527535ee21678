//! [`TableName`].

use bytes::Bytes;
use hmaster_types::{ParseError, TableName};

use super::ConvertError;
use crate::pb;

impl From<&TableName> for pb::TableName {
    fn from(table: &TableName) -> Self {
        let copy = |part: &str| Bytes::copy_from_slice(part.as_bytes());
        Self { namespace: copy(table.namespace()), qualifier: copy(table.qualifier()) }
    }
}

impl TryFrom<&pb::TableName> for TableName {
    type Error = ConvertError;

    fn try_from(message: &pb::TableName) -> Result<Self, ConvertError> {
        let namespace = text("namespace", &message.namespace)?;
        let qualifier = text("qualifier", &message.qualifier)?;
        Self::new(namespace, qualifier).map_err(|reason| {
            ConvertError::new(if reason.noun == "namespace" { "namespace" } else { "qualifier" }, reason)
        })
    }
}

fn text<'a>(field: &str, bytes: &'a [u8]) -> Result<&'a str, ConvertError> {
    std::str::from_utf8(bytes)
        .map_err(|_| ConvertError::new(field, ParseError::new("table name", bytes, "not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, namespace) in [("t", "default"), ("ns:t.1", "ns"), ("hbase:meta", "hbase")] {
            let table: TableName = text.parse().unwrap();
            let message = pb::TableName::from(&table);
            assert_eq!(message.namespace, namespace);
            assert_eq!(TableName::try_from(&message), Ok(table));
        }
    }

    #[test]
    fn errors_name_the_field() {
        let table = [("a b", "t", "namespace"), ("ns", "a b", "qualifier"), ("", "", "qualifier")];
        for (namespace, qualifier, field) in table {
            let message = pb::TableName { namespace: namespace.into(), qualifier: qualifier.into() };
            assert_eq!(TableName::try_from(&message).expect_err(namespace).field, field);
        }
        let message = pb::TableName { namespace: Bytes::from_static(b"\xff"), qualifier: "t".into() };
        assert_eq!(TableName::try_from(&message).unwrap_err().field, "namespace");
    }
}
