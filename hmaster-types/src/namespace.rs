//! A namespace and its settings. Counterpart of `NamespaceDescriptor`.

use std::collections::BTreeMap;

/// A namespace, with settings such as quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceDescriptor {
    /// Its name, legal by [`crate::TableName::check_namespace`].
    pub name: String,
    /// Settings by key.
    pub configuration: BTreeMap<String, String>,
}

impl NamespaceDescriptor {
    /// A namespace without settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), configuration: BTreeMap::new() }
    }

    /// True for `default` and `hbase`, which can't be dropped.
    pub fn is_reserved(&self) -> bool {
        matches!(self.name.as_str(), crate::TableName::DEFAULT_NAMESPACE | crate::TableName::SYSTEM_NAMESPACE)
    }
}
