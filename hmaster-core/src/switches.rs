//! What operators can turn on and off. Counterpart of `BooleanStateStore` and its kin, and of the flags of the catalog
//! janitor and the cleaners.
//!
//! Six switches are kept in the master's store, under the names and in the form that Java uses. Up to 2.5 they were
//! znodes: a switch that isn't in the store is taken over from there, and the znode goes.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};

use crate::environment::MasterEnv;
use crate::error::StepError;

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// The balancer moves regions.
    Balancer,
    /// The normalizer splits and merges regions.
    Normalizer,
    /// Regions may be split.
    Split,
    /// Regions may be merged.
    Merge,
    /// Snapshots are deleted when their time is over.
    SnapshotCleanup,
    /// Replication peers may be changed.
    PeerModification,
    /// The catalog janitor cleans up. Not kept.
    CatalogJanitor,
    /// The cleaners delete files. Not kept.
    Cleaner,
}

/// Where a kept switch lies.
struct Home {
    /// Row of family `state` in the master's store.
    row: &'static str,
    /// Below the base znode, up to 2.5.
    znode: Option<&'static str>,
}

const ALL: [Switch; 8] = [
    Switch::Balancer,
    Switch::Normalizer,
    Switch::Split,
    Switch::Merge,
    Switch::SnapshotCleanup,
    Switch::PeerModification,
    Switch::CatalogJanitor,
    Switch::Cleaner,
];

/// The state of all switches.
#[derive(Debug)]
pub struct Switches([AtomicBool; ALL.len()]);

impl Default for Switches {
    /// All are on, as in Java.
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicBool::new(true)))
    }
}

impl Switches {
    /// Whether it is on.
    pub fn is_on(&self, switch: Switch) -> bool {
        self.0[switch as usize].load(Ordering::SeqCst)
    }

    fn set(&self, switch: Switch, on: bool) -> bool {
        self.0[switch as usize].swap(on, Ordering::SeqCst)
    }
}

impl Switch {
    fn home(self) -> Option<Home> {
        let (row, znode) = match self {
            Self::Balancer => ("load_balancer_on", Some("balancer")),
            Self::Normalizer => ("region_normalizer_on", Some("normalizer")),
            Self::Split => ("split_enabled", Some("switch/split")),
            Self::Merge => ("merge_enabled", Some("switch/merge")),
            Self::SnapshotCleanup => ("snapshot_cleanup_enabled", Some("snapshot-cleanup")),
            Self::PeerModification => ("replication_peer_modification_on", None),
            Self::CatalogJanitor | Self::Cleaner => return None,
        };
        Some(Home { row, znode })
    }

    fn encode(self, on: bool) -> Bytes {
        match self {
            Self::Balancer => pbuf_encode(&pb::LoadBalancerState { balancer_on: Some(on) }),
            Self::Normalizer => pbuf_encode(&pb::RegionNormalizerState { normalizer_on: Some(on) }),
            Self::SnapshotCleanup => pbuf_encode(&pb::SnapshotCleanupState { snapshot_cleanup_enabled: on }),
            Self::PeerModification => pbuf_encode(&pb::ReplicationPeerModificationState { on }),
            Self::Split | Self::Merge | Self::CatalogJanitor | Self::Cleaner => {
                pbuf_encode(&pb::SwitchState { enabled: Some(on) })
            }
        }
    }

    fn decode(self, bytes: &[u8]) -> Result<bool, String> {
        let text = |error: hmaster_protocol::DecodeError| error.to_string();
        Ok(match self {
            Self::Balancer => pbuf_decode::<pb::LoadBalancerState>(bytes).map_err(text)?.balancer_on(),
            Self::Normalizer => {
                pbuf_decode::<pb::RegionNormalizerState>(bytes).map_err(text)?.normalizer_on()
            }
            Self::SnapshotCleanup => {
                pbuf_decode::<pb::SnapshotCleanupState>(bytes).map_err(text)?.snapshot_cleanup_enabled
            }
            Self::PeerModification => {
                pbuf_decode::<pb::ReplicationPeerModificationState>(bytes).map_err(text)?.on
            }
            Self::Split | Self::Merge | Self::CatalogJanitor | Self::Cleaner => {
                pbuf_decode::<pb::SwitchState>(bytes).map_err(text)?.enabled()
            }
        })
    }
}

impl MasterEnv {
    /// Reads all kept switches. One that can't be read stays on, and the log says so.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub async fn load_switches(&self) -> Result<(), StepError> {
        for switch in ALL {
            let Some(home) = switch.home() else { continue };
            let kept = match self.store.state(home.row).await? {
                Some(kept) => Some(kept),
                None => self.adopt_old_switch(&home).await?,
            };
            self.remove_old_switch(&home).await;
            match kept.map(|kept| switch.decode(&kept)).transpose() {
                Ok(on) => drop(on.map(|on| self.switches.set(switch, on))),
                Err(error) => tracing::error!(?switch, %error, "the switch can't be read and counts as on"),
            }
        }
        Ok(())
    }

    /// Turns a switch; it is durable when this returns what it was before.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub async fn set_switch(&self, switch: Switch, on: bool) -> Result<bool, StepError> {
        if let Some(home) = switch.home()
            && let Err(error) = self.store.put_state(home.row, switch.encode(on)).await
        {
            self.end_reign(error.to_string());
            return Err(error.into());
        }
        Ok(self.switches.set(switch, on))
    }

    async fn adopt_old_switch(&self, home: &Home) -> Result<Option<Bytes>, StepError> {
        let Some(znode) = home.znode else { return Ok(None) };
        let old = self.zookeeper.old_switch(znode).await?;
        if let Some(old) = &old {
            self.store.put_state(home.row, old.clone()).await?;
        }
        Ok(old)
    }

    /// A master may have died between taking over and removing, so this is tried each time.
    async fn remove_old_switch(&self, home: &Home) {
        let Some(znode) = home.znode else { return };
        if let Err(error) = self.zookeeper.remove_old_switch(znode).await {
            tracing::warn!(znode, %error, "the old switch stays in ZooKeeper");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_comes_back() {
        for (at, switch) in ALL.into_iter().enumerate() {
            assert_eq!(switch as usize, at, "{switch:?} has its place");
            for on in [true, false] {
                assert_eq!(switch.decode(&switch.encode(on)), Ok(on), "{switch:?}");
            }
        }
    }

    #[test]
    fn garbage_is_an_error() {
        for switch in ALL {
            assert!(switch.decode(b"garbage").is_err(), "{switch:?}");
        }
    }

    #[test]
    fn all_are_on_at_first() {
        let switches = Switches::default();
        assert!(ALL.iter().all(|switch| switches.is_on(*switch)));
        assert!(switches.set(Switch::Merge, false));
        assert!(!switches.is_on(Switch::Merge) && switches.is_on(Switch::Split));
    }
}
