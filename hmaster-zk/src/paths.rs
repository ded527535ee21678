//! Where everything is in ZooKeeper. Counterpart of `ZNodePaths`, with the paths that Java builds elsewhere.

use crate::znode::join;

/// The paths of one cluster. Each name can be changed by its key, shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZnodePaths {
    /// `zookeeper.znode.parent`: above all others.
    pub base: String,
    /// Name of the znode with the location of hbase:meta. `zookeeper.znode.metaserver`.
    pub meta_prefix: String,
    /// Ephemeral znodes of region servers. `zookeeper.znode.rs`.
    pub rs: String,
    /// Decommissioned region servers. `zookeeper.znode.draining.rs`.
    pub draining: String,
    /// The active master. `zookeeper.znode.master`.
    pub master: String,
    /// The session of an active hmaster, for whoever finds its process gone. Not one of Java's.
    pub master_session: String,
    /// Masters that wait. `zookeeper.znode.backup.masters`.
    pub backup_masters: String,
    /// There while the cluster is to be up. `zookeeper.znode.state`.
    pub running: String,
    /// States of tables, for old clients. `zookeeper.znode.tableEnableDisable`.
    pub table: String,
    /// The cluster's id. `zookeeper.znode.clusterId`.
    pub cluster_id: String,
    /// Tasks of the split-log manager over ZooKeeper. `zookeeper.znode.splitlog`.
    pub split_wal: String,
    /// The balancer's switch, before 2.6. `zookeeper.znode.balancer`.
    pub balancer: String,
    /// The normalizer's switch, before 2.6. `zookeeper.znode.regionNormalizer`.
    pub normalizer: String,
    /// The switch of splits, before 2.6. `zookeeper.znode.switch` and `zookeeper.znode.switch.split`.
    pub split_switch: String,
    /// The switch of merges, before 2.6. `zookeeper.znode.switch` and `zookeeper.znode.switch.merge`.
    pub merge_switch: String,
    /// The switch of the snapshot cleaner, before 2.6. `zookeeper.znode.snapshot.cleanup`.
    pub snapshot_cleanup: String,
    /// Namespaces. `zookeeper.znode.namespace`.
    pub namespace: String,
    /// Has children while the master is to be in maintenance mode. `zookeeper.znode.masterMaintenance`.
    pub master_maintenance: String,
    /// Replication. `zookeeper.znode.replication`.
    pub replication: String,
    /// Peers of replication. `zookeeper.znode.replication.peers`.
    pub peers: String,
    /// Name of the znode below a peer that says whether it is enabled. `zookeeper.znode.replication.peers.state`.
    pub peer_state_name: String,
    /// Queues of replication. `zookeeper.znode.replication.rs`.
    pub queues: String,
    /// How far serial replication has come. `zookeeper.znode.replication.regions`.
    pub replication_regions: String,
    /// Bulk-loaded files that wait for replication. `zookeeper.znode.replication.hfile.refs`.
    pub hfile_refs: String,
    /// The switch of RPC throttling. `zookeeper.znode.quota.rpc.throttle`.
    pub rpc_throttle: String,
    /// Permissions by table and namespace. `zookeeper.znode.acl.parent`.
    pub acl: String,
}

/// The znodes through which the members of a barrier procedure meet. Counterpart of `ZKProcedureUtil`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarrierPaths {
    /// A procedure's members enter here, each by a child of the procedure's znode.
    pub acquired: String,
    /// They leave here.
    pub reached: String,
    /// A failure is told here.
    pub abort: String,
}

impl Default for ZnodePaths {
    fn default() -> Self {
        Self::from_lookup(|_| None)
    }
}

impl ZnodePaths {
    /// Paths by the configuration that `lookup` reads; what it doesn't know is as HBase has it by default.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let named = |key: &str, default: &str| {
            lookup(&format!("zookeeper.znode.{key}")).unwrap_or_else(|| default.to_owned())
        };
        let base = named("parent", "/hbase");
        let below = |parent: &str, key: &str, default: &str| join(parent, &named(key, default));
        let replication = below(&base, "replication", "replication");
        let switches = below(&base, "switch", "switch");
        Self {
            meta_prefix: named("metaserver", "meta-region-server"),
            rs: below(&base, "rs", "rs"),
            draining: below(&base, "draining.rs", "draining"),
            master: below(&base, "master", "master"),
            master_session: join(&base, "hmaster-session"),
            backup_masters: below(&base, "backup.masters", "backup-masters"),
            running: below(&base, "state", "running"),
            table: below(&base, "tableEnableDisable", "table"),
            cluster_id: below(&base, "clusterId", "hbaseid"),
            split_wal: below(&base, "splitlog", "splitWAL"),
            balancer: below(&base, "balancer", "balancer"),
            normalizer: below(&base, "regionNormalizer", "normalizer"),
            split_switch: below(&switches, "switch.split", "split"),
            merge_switch: below(&switches, "switch.merge", "merge"),
            snapshot_cleanup: below(&base, "snapshot.cleanup", "snapshot-cleanup"),
            namespace: below(&base, "namespace", "namespace"),
            master_maintenance: below(&base, "masterMaintenance", "master-maintenance"),
            peers: below(&replication, "replication.peers", "peers"),
            peer_state_name: named("replication.peers.state", "peer-state"),
            queues: below(&replication, "replication.rs", "rs"),
            replication_regions: below(&replication, "replication.regions", "regions"),
            hfile_refs: below(&replication, "replication.hfile.refs", "hfile-refs"),
            replication,
            rpc_throttle: below(&base, "quota.rpc.throttle", "rpc-throttle"),
            acl: below(&base, "acl.parent", "acl"),
            base,
        }
    }

    /// The znode with the location of a replica of hbase:meta. Counterpart of `getZNodeForReplica`.
    pub fn meta(&self, replica_id: u16) -> String {
        match replica_id {
            0 => join(&self.base, &self.meta_prefix),
            _ => join(&self.base, &format!("{}-{replica_id}", self.meta_prefix)),
        }
    }

    /// The replica whose znode is called `name`; none if that is no such name. Counterpart of
    /// `getMetaReplicaIdFromZNode`.
    pub fn meta_replica(&self, name: &str) -> Option<u16> {
        match name.strip_prefix(&*self.meta_prefix)? {
            "" => Some(0),
            rest => rest.strip_prefix('-')?.parse().ok().filter(|id| *id > 0),
        }
    }

    /// Whether everybody may read a znode where ZooKeeper is secured. Counterpart of `isClientReadable`.
    pub fn is_client_readable(&self, path: &str) -> bool {
        let own = [&self.base, &self.master, &self.cluster_id, &self.rs, &self.table];
        let below = |parent: &str| path.strip_prefix(parent)?.strip_prefix('/');
        let is_meta = below(&self.base).is_some_and(|name| name.starts_with(&*self.meta_prefix));
        own.into_iter().any(|own| own == path) || is_meta || below(&self.table).is_some()
    }

    /// The znodes of a kind of barrier procedure, such as `flush-table-proc`.
    pub fn barrier(&self, kind: &str) -> BarrierPaths {
        let parent = join(&self.base, kind);
        BarrierPaths {
            acquired: join(&parent, "acquired"),
            reached: join(&parent, "reached"),
            abort: join(&parent, "abort"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hbases_by_default() {
        let paths = ZnodePaths::default();
        assert_eq!(paths.master, "/hbase/master");
        assert_eq!(paths.backup_masters, "/hbase/backup-masters");
        assert_eq!(paths.split_switch, "/hbase/switch/split");
        assert_eq!(paths.queues, "/hbase/replication/rs");
        assert_eq!(paths.split_wal, "/hbase/splitWAL");
        assert_eq!(
            (paths.meta(0), paths.meta(2)),
            ("/hbase/meta-region-server".to_owned(), "/hbase/meta-region-server-2".to_owned())
        );
        assert_eq!(paths.barrier("flush-table-proc").abort, "/hbase/flush-table-proc/abort");
    }

    #[test]
    fn names_can_be_configured() {
        let paths = ZnodePaths::from_lookup(|key| match key {
            "zookeeper.znode.parent" => Some("/hbase-2/prod".into()),
            "zookeeper.znode.state" => Some("up".into()),
            "zookeeper.znode.switch" => Some("flags".into()),
            "zookeeper.znode.metaserver" => Some("meta".into()),
            _ => None,
        });
        assert_eq!(paths.running, "/hbase-2/prod/up");
        assert_eq!(paths.merge_switch, "/hbase-2/prod/flags/merge");
        assert_eq!(paths.meta(1), "/hbase-2/prod/meta-1");
    }

    #[test]
    fn replicas_of_meta_are_told_by_their_names() {
        let paths = ZnodePaths::default();
        for (name, replica) in [
            ("meta-region-server", Some(0)),
            ("meta-region-server-1", Some(1)),
            ("meta-region-server-x", None),
            ("meta-region-server2", None),
            ("meta-region-server-0", None),
            ("meta-region-server-99999", None),
            ("master", None),
        ] {
            assert_eq!(paths.meta_replica(name), replica, "{name}");
        }
    }

    #[test]
    fn clients_read_what_they_need() {
        let paths = ZnodePaths::default();
        for path in ["/hbase", "/hbase/master", "/hbase/rs", "/hbase/table/t", "/hbase/meta-region-server-1"]
        {
            assert!(paths.is_client_readable(path), "{path}");
        }
        for path in
            ["/hbase/tokenauth", "/hbase/table-lock", "/hbase/draining", "/hbase/x/meta-region-server"]
        {
            assert!(!paths.is_client_readable(path), "{path}");
        }
    }
}
