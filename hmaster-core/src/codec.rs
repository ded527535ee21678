//! Nouns in the state data of procedures.

use hmaster_procedure::StateError;
use hmaster_protocol::pb;
use hmaster_types::{RegionInfo, ServerName, TableDescriptor, TableName};

macro_rules! readers {
    ($($(#[$doc:meta])* $name:ident: $message:ty => $noun:ty;)*) => {
        $($(#[$doc])*
        pub(crate) fn $name(message: &$message) -> Result<$noun, StateError> {
            <$noun>::try_from(message).map_err(|error| StateError::Invalid(error.to_string()))
        })*
    };
}

readers! {
    /// A region.
    region: pb::RegionInfo => RegionInfo;
    /// A server.
    server: pb::ServerName => ServerName;
    /// A table's name.
    table: pb::TableName => TableName;
    /// A table's schema.
    schema: pb::TableSchema => TableDescriptor;
}

/// A list of regions.
pub(crate) fn regions(messages: &[pb::RegionInfo]) -> Result<Vec<RegionInfo>, StateError> {
    messages.iter().map(region).collect()
}
