//! What identifies the cluster and what says that it is up. Counterpart of `ClusterId` and `ClusterUp`.

use bytes::Bytes;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::Clock;

use super::{CodecReason, Payload};

/// The cluster's id, a UUID as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterId(pub String);

/// The cluster is to be up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterUp {
    /// Since when, as Java's `Date` prints it; nobody reads it but people.
    pub start_date: String,
}

impl ClusterUp {
    /// Up since now.
    pub fn now(clock: &dyn Clock) -> Self {
        let now =
            i64::try_from(clock.now_ms()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let date = now.unwrap_or_default().strftime("%a %b %d %H:%M:%S UTC %Y");
        Self { start_date: date.to_string() }
    }
}

impl Payload for ClusterId {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::ClusterId { cluster_id: self.0.clone() })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let id: pb::ClusterId = pbuf_decode(payload)?;
        Ok(Self(id.cluster_id))
    }
}

impl Payload for ClusterUp {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::ClusterUp { start_date: self.start_date.clone() })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let up: pb::ClusterUp = pbuf_decode(payload)?;
        Ok(Self { start_date: up.start_date })
    }
}
