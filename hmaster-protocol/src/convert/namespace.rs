//! [`NamespaceDescriptor`]: in calls, in znodes below namespace, in rows of hbase:namespace.

use bytes::Bytes;
use hmaster_types::{NamespaceDescriptor, ParseError};

use super::ConvertError;
use crate::pb;

impl From<&NamespaceDescriptor> for pb::NamespaceDescriptor {
    fn from(namespace: &NamespaceDescriptor) -> Self {
        let configuration = &namespace.configuration;
        Self {
            name: Bytes::copy_from_slice(namespace.name.as_bytes()),
            configuration: configuration
                .iter()
                .map(|(key, value)| pb::NameStringPair::new(key, value))
                .collect(),
        }
    }
}

/// Doesn't check what may stand in a name: who creates a namespace does.
impl TryFrom<&pb::NamespaceDescriptor> for NamespaceDescriptor {
    type Error = ConvertError;

    fn try_from(message: &pb::NamespaceDescriptor) -> Result<Self, ConvertError> {
        let name = std::str::from_utf8(&message.name).map_err(|_| {
            ConvertError::new("name", ParseError::new("namespace", &message.name, "not UTF-8"))
        })?;
        let pairs = message.configuration.iter();
        let configuration = pairs.map(|pair| (pair.name.clone(), pair.value.clone())).collect();
        Ok(Self { name: name.to_owned(), configuration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut namespace = NamespaceDescriptor::new("ns");
        namespace.configuration.insert("hbase.namespace.quota.maxtables".into(), "5".into());
        let message = pb::NamespaceDescriptor::from(&namespace);
        assert_eq!(NamespaceDescriptor::try_from(&message), Ok(namespace));
        let bad = pb::NamespaceDescriptor { name: Bytes::from_static(b"\xff"), ..message };
        assert_eq!(NamespaceDescriptor::try_from(&bad).unwrap_err().field, "name");
    }
}
