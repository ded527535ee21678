//! Namespaces, a bare message without `PBUF`. Counterpart of what `ZKNamespaceManager` writes.

use bytes::Bytes;
use hmaster_protocol::{PBUF_MAGIC, decode_slice, pb, pbuf_encode};
use hmaster_types::{NamespaceDescriptor, TableName};

use super::{CodecReason, Payload};

impl Payload for NamespaceDescriptor {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::NamespaceDescriptor::from(self)).split_off(PBUF_MAGIC.len())
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let namespace = Self::try_from(&decode_slice::<pb::NamespaceDescriptor>(payload)?)?;
        TableName::check_namespace(&namespace.name)?;
        Ok(namespace)
    }
}
