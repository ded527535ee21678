//! Switches that masters before 2.6 kept in ZooKeeper. Counterpart of the subclasses of `BooleanStateStore`.

use hmaster_protocol::{pb, pbuf_decode};

use super::CodecReason;
use crate::paths::ZnodePaths;

/// A switch that has moved from ZooKeeper into the master's local region, family `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SwitchKind {
    /// Whether the balancer runs.
    Balancer,
    /// Whether the normalizer runs.
    Normalizer,
    /// Whether regions may be split.
    Split,
    /// Whether regions may be merged.
    Merge,
    /// Whether expired snapshots are removed.
    SnapshotCleanup,
}

impl SwitchKind {
    /// Every switch.
    pub const ALL: [Self; 5] =
        [Self::Balancer, Self::Normalizer, Self::Split, Self::Merge, Self::SnapshotCleanup];

    /// Its row in family `state`.
    pub fn state_name(self) -> &'static str {
        match self {
            Self::Balancer => "load_balancer_on",
            Self::Normalizer => "region_normalizer_on",
            Self::Split => "split_enabled",
            Self::Merge => "merge_enabled",
            Self::SnapshotCleanup => "snapshot_cleanup_enabled",
        }
    }

    /// Its znode.
    pub fn path(self, paths: &ZnodePaths) -> &str {
        match self {
            Self::Balancer => &paths.balancer,
            Self::Normalizer => &paths.normalizer,
            Self::Split => &paths.split_switch,
            Self::Merge => &paths.merge_switch,
            Self::SnapshotCleanup => &paths.snapshot_cleanup,
        }
    }

    /// Whether it is on, by the payload of its znode, which is also the value of its row.
    ///
    /// # Errors
    /// When the payload isn't this switch's.
    pub fn decode(self, payload: &[u8]) -> Result<bool, CodecReason> {
        Ok(match self {
            Self::Balancer => pbuf_decode::<pb::LoadBalancerState>(payload)?.balancer_on(),
            Self::Normalizer => pbuf_decode::<pb::RegionNormalizerState>(payload)?.normalizer_on(),
            Self::Split | Self::Merge => pbuf_decode::<pb::SwitchState>(payload)?.enabled(),
            Self::SnapshotCleanup => {
                pbuf_decode::<pb::SnapshotCleanupState>(payload)?.snapshot_cleanup_enabled
            }
        })
    }
}
