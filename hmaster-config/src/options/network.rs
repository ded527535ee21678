//! RPC and ZooKeeper.

use crate::kind::{Bytes, Count, Flag, List, LongMillis, Millis, Port, Text, ZnodeName, ZnodePath};
use crate::option::options;

options! {
    /// The RPC server. Counterpart of what `RpcServer`, `SimpleRpcScheduler` and `RSRpcServices` read.
    RpcOptions in "rpc" {
        /// Port to listen at.
        port: Port = "hbase.master.port" => "16000";
        /// Address to listen at; without it, that of the master's host name.
        bind_address: Text = "hbase.master.ipc.address";
        /// Calls that run at the same time.
        handlers: Count = "hbase.regionserver.handler.count" => "30" in 1..;
        /// Calls of high priority (reports of region servers, system tables) that run besides these.
        priority_handlers: Count = "hbase.regionserver.metahandler.count" => "20";
        /// Reports about regions of hbase:meta that run besides these.
        meta_transition_handlers: Count = "hbase.master.meta.transition.handler.count" => "1";
        /// Calls that wait; without it, ten for each handler.
        queue_length_max: Count = "hbase.ipc.server.max.callqueue.length";
        /// Calls of high priority that wait; without it, ten for each handler of theirs.
        priority_queue_length_max: Count = "hbase.ipc.server.priority.max.callqueue.length" or "hbase.ipc.server.max.callqueue.length";
        /// Bytes of all calls that wait.
        queue_bytes_max: Bytes = "hbase.ipc.server.max.callqueue.size" => "1073741824";
        /// Bytes of one request.
        request_bytes_max: Bytes = "hbase.ipc.max.request.size" => "268435456";
        /// A client's shorter timeout counts as this one.
        client_timeout_min: Millis = "hbase.ipc.min.client.request.timeout" => "20";
        /// A call that takes longer is logged.
        slow_call: Millis = "hbase.ipc.warn.response.time" => "10000";
        /// A larger response is logged.
        large_response_bytes: Bytes = "hbase.ipc.warn.response.size" => "104857600";
        /// Whether small packets are sent at once.
        tcp_no_delay: Flag = "hbase.ipc.server.tcpnodelay" => "true";
        /// Whether idle connections are probed.
        tcp_keep_alive: Flag = "hbase.ipc.server.tcpkeepalive" => "true";
        /// Servers that a client is told which asks for some to begin with.
        bootstrap_nodes_max: Count = "hbase.client.bootstrap.node.limit" => "10";
        /// Whether a client that offers security goes on without it.
        fallback_to_simple_auth: Flag = "hbase.ipc.server.fallback-to-simple-auth-allowed" => "false";
    }
}

options! {
    /// Calls to region servers. Counterpart of what `AbstractRpcClient` and `ConnectionConfiguration` read.
    RpcClientOptions in "rpc_client" {
        /// How long one call may take.
        timeout: Millis = "hbase.rpc.timeout" => "60000";
        /// How long an operation may take with all its repetitions.
        operation_timeout: Millis = "hbase.client.operation.timeout" => "1200000";
        /// The same for an operation on hbase:meta.
        meta_operation_timeout: Millis = "hbase.client.meta.operation.timeout" => "1200000";
        /// How long a connection may take to be made.
        connect_timeout: Millis = "hbase.ipc.client.socket.timeout.connect" => "10000";
        /// How long a read may block.
        read_timeout: Millis = "hbase.ipc.client.socket.timeout.read" => "20000";
        /// How long a write may block.
        write_timeout: Millis = "hbase.ipc.client.socket.timeout.write" => "60000";
        /// A connection that is idle for so long is closed.
        idle_close: Millis = "hbase.ipc.client.connection.minIdleTimeBeforeClose" => "120000";
        /// How long a server that couldn't be reached isn't tried again.
        failed_server_expiry: Millis = "hbase.ipc.client.failed.servers.expiry" => "2000";
        /// Wait before the first repetition.
        pause: LongMillis = "hbase.client.pause" => "100";
        /// Wait before the first repetition when the server is overloaded; without it, the ordinary one.
        pause_overloaded: LongMillis = "hbase.client.pause.server.overloaded";
        /// Repetitions of an operation by a client; a server multiplies them.
        retries: Count = "hbase.client.retries.number" => "15";
        /// What a server multiplies them with.
        retries_multiplier: Count = "hbase.client.serverside.retries.multiplier" => "3";
        /// Rows of hbase:meta per call of a scan.
        meta_scanner_caching: Count = "hbase.meta.scanner.caching" => "100" in 1..;
        /// Whether small packets are sent at once.
        tcp_no_delay: Flag = "hbase.ipc.client.tcpnodelay" => "true";
        /// Whether idle connections are probed.
        tcp_keep_alive: Flag = "hbase.ipc.client.tcpkeepalive" => "true";
    }
}

options! {
    /// ZooKeeper. Counterpart of what `ZKConfig`, `ZKWatcher` and `RecoverableZooKeeper` read.
    ZooKeeperOptions in "zookeeper" {
        /// Hosts of the ensemble, each with or without a port; [`crate::Cluster::zookeeper`] adds the port.
        quorum: List = "hbase.zookeeper.quorum" => "127.0.0.1";
        /// Port of the hosts that have none.
        client_port: Port = "hbase.zookeeper.property.clientPort" => "2181" in 1..;
        /// Session timeout that is asked for; the ensemble may grant another.
        session_timeout: Millis = "zookeeper.session.timeout" => "90000";
        /// Session timeout of a standalone cluster.
        session_timeout_standalone: Millis = "zookeeper.session.timeout.localHBaseCluster" => "10000";
        /// The znode below which everything lies.
        parent: ZnodePath = "zookeeper.znode.parent" => "/hbase";
        /// Repetitions of an operation whose connection was lost.
        retries: Count = "zookeeper.recovery.retry" => "3";
        /// Wait before the first repetition.
        retry_pause: Millis = "zookeeper.recovery.retry.intervalmill" => "1000";
        /// Longest wait before a repetition.
        retry_pause_max: Millis = "zookeeper.recovery.retry.maxsleeptime" => "60000";
        /// How long a `sync` may take.
        sync_timeout: LongMillis = "hbase.zookeeper.sync.timeout.millis" => "30000";
        /// Bytes of one multi-operation.
        multi_bytes_max: Count = "zookeeper.multi.max.size" => "1048576";
        /// Folder of the ZooKeeper that a standalone cluster starts.
        data_dir: Text = "hbase.zookeeper.property.dataDir" => "${hbase.tmp.dir}/zookeeper";
        /// Tick of the ZooKeeper that a standalone cluster starts.
        tick: Millis = "hbase.zookeeper.property.tickTime";
    }
}

options! {
    /// Names of znodes below the parent. Counterpart of `ZNodePaths`.
    ZNodeOptions in "znodes" {
        /// Location of hbase:meta; replicas have `-1` and so on behind it.
        meta_server: ZnodeName = "zookeeper.znode.metaserver" => "meta-region-server";
        /// Live region servers.
        rs: ZnodeName = "zookeeper.znode.rs" => "rs";
        /// Region servers that are being drained.
        draining: ZnodeName = "zookeeper.znode.draining.rs" => "draining";
        /// The active master.
        master: ZnodeName = "zookeeper.znode.master" => "master";
        /// Masters that wait.
        backup_masters: ZnodeName = "zookeeper.znode.backup.masters" => "backup-masters";
        /// Whether the cluster is up.
        running: ZnodeName = "zookeeper.znode.state" => "running";
        /// Mirrored states of tables.
        table: ZnodeName = "zookeeper.znode.tableEnableDisable" => "table";
        /// The cluster's id.
        cluster_id: ZnodeName = "zookeeper.znode.clusterId" => "hbaseid";
        /// Splitting of WALs by znodes, as older versions do it.
        split_log: ZnodeName = "zookeeper.znode.splitlog" => "splitWAL";
        /// The balancer's switch up to 2.5.
        balancer: ZnodeName = "zookeeper.znode.balancer" => "balancer";
        /// The normalizer's switch up to 2.5.
        normalizer: ZnodeName = "zookeeper.znode.regionNormalizer" => "normalizer";
        /// Parent of the switches for splits and merges up to 2.5.
        switch: ZnodeName = "zookeeper.znode.switch" => "switch";
        /// The switch for splits.
        switch_split: ZnodeName = "zookeeper.znode.switch.split" => "split";
        /// The switch for merges.
        switch_merge: ZnodeName = "zookeeper.znode.switch.merge" => "merge";
        /// The switch of the snapshot cleaner up to 2.5.
        snapshot_cleanup: ZnodeName = "zookeeper.znode.snapshot.cleanup" => "snapshot-cleanup";
        /// Mirrored namespaces.
        namespace: ZnodeName = "zookeeper.znode.namespace" => "namespace";
        /// Maintenance mode, as older tools set it.
        maintenance: ZnodeName = "zookeeper.znode.masterMaintenance" => "master-maintenance";
        /// Parent of all about replication.
        replication: ZnodeName = "zookeeper.znode.replication" => "replication";
        /// Replication peers.
        replication_peers: ZnodeName = "zookeeper.znode.replication.peers" => "peers";
        /// State of a peer.
        replication_peer_state: ZnodeName = "zookeeper.znode.replication.peers.state" => "peer-state";
        /// Replication queues by server.
        replication_rs: ZnodeName = "zookeeper.znode.replication.rs" => "rs";
        /// Bulk-loaded files that are to be replicated.
        replication_hfile_refs: ZnodeName = "zookeeper.znode.replication.hfile.refs" => "hfile-refs";
        /// Last pushed sequence ids of serial replication.
        replication_regions: ZnodeName = "zookeeper.znode.replication.regions" => "regions";
        /// The switch of RPC throttling.
        rpc_throttle: ZnodeName = "zookeeper.znode.quota.rpc.throttle" => "rpc-throttle";
        /// Permissions that region servers watch.
        acl: ZnodeName = "zookeeper.znode.acl.parent" => "acl";
        /// Keys of authentication tokens.
        token_auth: ZnodeName = "zookeeper.znode.tokenauth.parent" => "tokenauth";
    }
}
