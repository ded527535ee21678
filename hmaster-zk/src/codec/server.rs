//! Masters and region servers, as their znodes announce them. Counterpart of `ZooKeeperProtos.Master` and
//! `RegionServerInfo`.

use bytes::Bytes;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::ServerName;

use super::{CodecReason, Payload};

/// Version of the RPC protocol that masters and meta locations announce. Counterpart of `RPC_CURRENT_VERSION`.
pub(super) const RPC_VERSION: u32 = 0;

/// A master: in znode `master` if it is active, below `backup-masters` if it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterInfo {
    /// Its name.
    pub server: ServerName,
    /// Port of its pages, none if it has no pages.
    pub info_port: Option<u16>,
}

/// What a region server says of itself in its znode; the name is the znode's.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionServerInfo {
    /// Port of its pages, none if it has no pages.
    pub info_port: Option<u16>,
    /// Its software, none from a server that doesn't say.
    pub version: Option<pb::VersionInfo>,
}

impl Payload for MasterInfo {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::Master {
            master: (&self.server).into(),
            rpc_version: Some(RPC_VERSION),
            // Java has -1 for no pages, and writes it as the unsigned number that looks so.
            info_port: Some(self.info_port.map_or(u32::MAX, u32::from)),
        })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let master: pb::Master = pbuf_decode(payload)?;
        let info_port = master.info_port.and_then(|port| u16::try_from(port).ok());
        Ok(Self { server: (&master.master).try_into()?, info_port: info_port.filter(|port| *port > 0) })
    }
}

impl Payload for RegionServerInfo {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::RegionServerInfo {
            info_port: Some(self.info_port.map_or(-1, i32::from)),
            version_info: self.version.clone(),
        })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let info: pb::RegionServerInfo = pbuf_decode(payload)?;
        let info_port = info.info_port.and_then(|port| u16::try_from(port).ok());
        Ok(Self { info_port: info_port.filter(|port| *port > 0), version: info.version_info })
    }
}
