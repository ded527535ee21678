//! Namespaces, a bare message without `PBUF`. Counterpart of what `ZKNamespaceManager` writes.

use bytes::Bytes;
use hmaster_protocol::{PBUF_MAGIC, decode_slice, pb, pbuf_encode};
use hmaster_types::{NamespaceDescriptor, ParseError, TableName};

use super::{CodecReason, Payload};

impl Payload for NamespaceDescriptor {
    fn encode(&self) -> Bytes {
        let pair = |(name, value): (&String, &String)| pb::NameStringPair {
            name: name.clone(),
            value: value.clone(),
        };
        let message = pb::NamespaceDescriptor {
            name: Bytes::copy_from_slice(self.name.as_bytes()),
            configuration: self.configuration.iter().map(pair).collect(),
        };
        pbuf_encode(&message).split_off(PBUF_MAGIC.len())
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let namespace: pb::NamespaceDescriptor = decode_slice(payload)?;
        let name = std::str::from_utf8(&namespace.name)
            .map_err(|_| ParseError::new("namespace", &namespace.name, "not UTF-8"))?
            .to_owned();
        TableName::check_namespace(&name)?;
        let configuration = namespace.configuration.into_iter().map(|pair| (pair.name, pair.value)).collect();
        Ok(Self { name, configuration })
    }
}
