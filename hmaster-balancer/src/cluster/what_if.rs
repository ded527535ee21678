//! The same cluster with other servers: what if some came, were lost or drained?

use std::collections::BTreeSet;

use hmaster_types::{ServerName, StartCode};

use super::{Cluster, ClusterBuilder};
use crate::error::BalancerError;

/// A change of the servers of a cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WhatIf {
    /// Servers that come, empty.
    pub add: Vec<ServerName>,
    /// Servers that go, whose regions must find other places.
    pub retire: BTreeSet<ServerName>,
}

impl WhatIf {
    /// `count` more servers with made-up names.
    pub fn add_servers(&mut self, count: usize) {
        let first = self.add.len();
        let names =
            (first..first + count).map(|i| ServerName::new(&format!("added{i:05}"), 16020, StartCode(1)));
        self.add.extend(names.filter_map(Result::ok));
    }
}

impl Cluster {
    /// The snapshot with other servers. Where blocks are is not carried over.
    ///
    /// # Errors
    /// When a server to retire isn't there, or none would be left.
    pub fn with(&self, change: &WhatIf, rack: impl Fn(&ServerName) -> String) -> Result<Self, BalancerError> {
        if let Some(unknown) = change.retire.iter().find(|name| self.find_server(name).is_none()) {
            return Err(BalancerError::UnknownServer { server: unknown.to_string() });
        }
        let (mut usable, mut retired) = (change.add.clone(), Vec::new());
        for (at, info) in self.servers.iter().enumerate() {
            let stays = at < self.usable && !change.retire.contains(&info.name);
            if stays { &mut usable } else { &mut retired }.push(info.name.clone());
        }
        let mut builder = ClusterBuilder::new(&usable, &retired, rack);
        builder.trust();
        builder.reserve(self.region_count());
        let renamed: Vec<_> = self.servers.iter().map(|info| (builder.server(&info.name), info)).collect();
        for (to, info) in &renamed {
            if let Some(to) = to {
                builder.capacity(*to, info.capacity);
            }
        }
        for region in self.regions() {
            let (to, info) = &renamed[self.home(region).0 as usize];
            let to = to.ok_or_else(|| BalancerError::UnknownServer { server: info.name.to_string() })?;
            builder.region(self.region_name(region), to, *self.load(region))?;
        }
        builder.build()
    }
}
