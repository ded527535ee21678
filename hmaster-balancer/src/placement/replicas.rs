//! Where the copies of regions are. Counterpart of `BalancerClusterState.wouldLowerAvailability`.

use std::collections::{BTreeSet, HashMap};

use hmaster_types::{EncodedName, RegionInfo, ServerName};

/// The places of regions that have more than one copy.
#[derive(Debug, Clone, Default)]
pub struct Replicas {
    /// By the default replica's encoded name.
    places: HashMap<EncodedName, Vec<ServerName>>,
    /// Whether some host has more than one server, so that hosts are worth a look of their own.
    shared_hosts: bool,
}

impl Replicas {
    /// Notes that a copy is on `server`.
    pub fn add(&mut self, region: &RegionInfo, server: &ServerName) {
        self.places.entry(primary(region)).or_default().push(server.clone());
    }

    /// True when `server` has a copy of the region already.
    pub fn is_on(&self, region: &RegionInfo, server: &ServerName) -> bool {
        self.places.get(&primary(region)).is_some_and(|places| places.contains(server))
    }

    /// True when `server`, or its host while there are others, has a copy of the region already.
    pub fn would_crowd(&self, region: &RegionInfo, server: &ServerName) -> bool {
        let Some(places) = self.places.get(&primary(region)) else { return false };
        let same_host =
            |place: &ServerName| self.shared_hosts && place.host().eq_ignore_ascii_case(server.host());
        places.iter().any(|place| place == server || same_host(place))
    }

    pub(super) fn count_hosts(&mut self, servers: &[ServerName]) {
        let hosts: BTreeSet<_> = servers.iter().map(|server| server.address().host).collect();
        self.shared_hosts = hosts.len() > 1 && hosts.len() < servers.len();
    }
}

fn primary(region: &RegionInfo) -> EncodedName {
    if region.is_default_replica() { region.encoded_name() } else { region.with_replica(0).encoded_name() }
}
