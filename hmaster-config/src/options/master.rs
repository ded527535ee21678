//! The master itself, its region servers, its pages, and its system tables.

use crate::kind::{
    Bytes, ClassName, Count, Flag, Int, List, Long, LongMillis, Millis, Port, PortOrOff, Seconds, Text,
};
use crate::option::options;

options! {
    /// Who this master is, and how it starts. Counterpart of what `HMaster` reads.
    MasterOptions in "master" {
        /// Name that this master goes by; without it, the machine's.
        hostname: Text = "hbase.master.hostname";
        /// Whether servers go by their IP address when no name is given.
        use_ip: Flag = "hbase.server.useip.enabled" => "false";
        /// Whether this master waits until another has been active.
        backup: Flag = "hbase.master.backup" => "false";
        /// Whether only hbase:meta is served, for repairs.
        maintenance_mode: Flag = "hbase.master.maintenance_mode" => "false";
        /// Whether masters and region servers are processes of their own.
        distributed: Flag = "hbase.cluster.distributed" => "false";
        /// Initialization that takes longer is logged.
        initialization_timeout: LongMillis = "hbase.master.initializationmonitor.timeout" => "900000";
        /// Whether the master then ends itself.
        initialization_timeout_halts: Flag = "hbase.master.initializationmonitor.haltontimeout" => "false";
        /// How long services may take to stop.
        service_stop_timeout: Seconds = "hbase.master.wait.on.service.seconds" => "30";
        /// Whether coprocessors are loaded at all.
        coprocessors_enabled: Flag = "hbase.coprocessor.enabled" => "true";
        /// Coprocessors of the master.
        coprocessors: List = "hbase.coprocessor.master.classes" => "";
        /// Whether an error in a coprocessor ends the master.
        coprocessor_error_aborts: Flag = "hbase.coprocessor.abortonerror" => "true";
        /// Whether states of tables are mirrored to ZooKeeper for old clients.
        mirror_table_state: Flag = "hbase.mirror.table.state.to.zookeeper" => "true";
        /// Whether states of tables are taken over from ZooKeeper.
        migrate_table_state: Flag = "hbase.migrate.table.state.from.zookeeper" => "true";
        /// Bytes of region servers' last words that are kept.
        rs_fatals_bytes: Bytes = "hbase.master.buffer.for.rs.fatals" => "1048576";
        /// Rack of a host: the class that tells it.
        rack_mapping: ClassName = "hbase.util.ip.to.rack.determiner" => "org.apache.hadoop.net.ScriptBasedMapping";
        /// Groups and users that may do everything.
        superusers: List = "hbase.superuser" => "";
    }
}

options! {
    /// What a table's schema may say. Counterpart of what `TableDescriptorChecker` reads; a table's own settings of these
    /// keys go before.
    TableOptions in "tables" {
        /// Whether schemas are checked before a table is created or altered.
        sanity_checks: Flag = "hbase.table.sanity.checks" => "true";
        /// Whether the compression of column families is checked.
        check_compression: Flag = "hbase.master.check.compression" => "true";
        /// Size of a region from which it is split.
        region_bytes_max: Long = "hbase.hregion.max.filesize" => "10737418240";
        /// Smallest such size that a table may have.
        region_bytes_max_limit: Long = "hbase.hregion.max.filesize.limit" => "2097152";
        /// Size of a region's memory from which it is flushed.
        flush_bytes: Long = "hbase.hregion.memstore.flush.size" => "134217728";
        /// Smallest such size that a table may have.
        flush_bytes_limit: Long = "hbase.hregion.memstore.flush.size.limit" => "1048576";
        /// How store files are chosen for compaction.
        compaction_policy: ClassName = "hbase.hstore.defaultengine.compactionpolicy.class" => "org.apache.hadoop.hbase.regionserver.compactions.ExploringCompactionPolicy";
        /// Files of a store from which on its region isn't flushed.
        blocking_store_files: Int = "hbase.hstore.blockingStoreFiles" => "16";
    }
}

options! {
    /// What the master expects of region servers. Counterpart of what `ServerManager` and `RSProcedureDispatcher` read.
    RegionServerOptions in "region_servers" {
        /// Fewest region servers for a start; less than 1 counts as 1.
        start_min: Int = "hbase.master.wait.on.regionservers.mintostart" => "-1";
        /// So many region servers end the wait at once.
        start_max: Int = "hbase.master.wait.on.regionservers.maxtostart" => "2147483647";
        /// Shortest wait for region servers.
        start_timeout: LongMillis = "hbase.master.wait.on.regionservers.timeout" => "4500";
        /// Time without a new region server that ends the wait.
        start_interval: LongMillis = "hbase.master.wait.on.regionservers.interval" => "1500";
        /// A region server whose clock differs more is refused.
        clock_skew_max: LongMillis = "hbase.master.maxclockskew" => "30000";
        /// A region server whose clock differs more is logged.
        clock_skew_warning: LongMillis = "hbase.master.warningclockskew" => "10000";
        /// Whether decommissioned hosts may not register.
        reject_decommissioned: Flag = "hbase.master.reject.decommissioned.hosts" => "false";
        /// How often a region server reports.
        report_interval: Millis = "hbase.regionserver.msginterval" => "3000";
        /// Wait between tries to call a region server.
        call_retry_pause: LongMillis = "hbase.regionserver.rpc.retry.interval" => "100";
        /// How long a region server may say that it isn't up yet.
        startup_wait: LongMillis = "hbase.regionserver.rpc.startup.waittime" => "60000";
        /// Tries after which a region server that can't be reached is expired.
        fail_fast_tries: Int = "hbase.master.rs.remote.proc.fail.fast.limit" => "5";
        /// Default port of region servers.
        port: Port = "hbase.regionserver.port" => "16020";
        /// Default port of their pages.
        info_port: PortOrOff = "hbase.regionserver.info.port" => "16030";
    }
}

options! {
    /// The web server. Counterpart of what `HRegionServer.putUpWebUI`, `InfoServer` and `HttpServer` read.
    InfoServerOptions in "info_server" {
        /// Port to listen at.
        port: PortOrOff = "hbase.master.info.port" => "16010";
        /// Address to listen at.
        bind_address: Text = "hbase.master.info.bindAddress" => "0.0.0.0";
        /// Whether the next free port is taken when the port is in use.
        port_auto: Flag = "hbase.regionserver.info.port.auto" => "false";
        /// Whether a backup master leads to the active one.
        redirect: Flag = "hbase.master.infoserver.redirect" => "true";
        /// Requests that run at the same time.
        threads: Count = "hbase.http.max.threads" => "16" in 1..;
        /// Whether pages only show.
        read_only: Flag = "hbase.master.ui.readonly" => "false";
        /// Whether pages show how fragmented tables are.
        fragmentation: Flag = "hbase.master.ui.fragmentation.enabled" => "false";
        /// Value of the X-Frame-Options header.
        frame_options: Text = "hbase.http.filter.xframeoptions.mode" => "DENY";
        /// Which metrics pages there are.
        metrics: List = "hbase.http.metrics.servlets" => "jmx,metrics,prometheus";
        /// Whether table keys are shown.
        display_keys: Flag = "hbase.display.keys" => "true";
    }
}

options! {
    /// System tables. Counterpart of what `FSTableDescriptors`, `TableNamespaceManager`, `SlowLogMasterService` and the
    /// creators of the trackers' tables read.
    MetaOptions in "meta" {
        /// Versions of a cell of hbase:meta.
        versions: Count = "hbase.meta.versions" => "3" in 1..;
        /// Block size of hbase:meta.
        block_bytes: Count = "hbase.meta.blocksize" => "8192" in 1..;
        /// Replicas of hbase:meta; without it, what its descriptor says.
        replicas: Count = "hbase.meta.replica.count" in 1..;
        /// How long the master waits for hbase:namespace.
        namespace_timeout: Millis = "hbase.master.namespace.init.timeout" => "300000";
        /// How long an operation on namespaces may take.
        schema_operation_timeout: Millis = "hbase.master.cluster.schema.operation.timeout" => "300000";
        /// Whether there is a table of slow calls.
        slow_log_table: Flag = "hbase.regionserver.slowlog.systable.enabled" => "false";
        /// Whether there is a table of what happens to WALs.
        wal_event_table: Flag = "hbase.regionserver.wal.event.tracker.enabled" => "false";
        /// Whether there is a table of what replication receives.
        replication_sink_table: Flag = "hbase.regionserver.replication.sink.tracker.enabled" => "false";
    }
}

options! {
    /// What is remembered about the cluster, for pages and the shell.
    StatusOptions in "status" {
        /// Tasks that are remembered.
        tasks_max: Count = "hbase.taskmonitor.max.tasks" => "1000";
        /// How long a finished task is remembered.
        task_expiration: LongMillis = "hbase.taskmonitor.expiration.time" => "60000";
        /// Entries of the ring of balancer decisions.
        balancer_decisions_max: Count = "hbase.master.balancer.decision.queue.size" => "250";
        /// Entries of the ring of balancer rejections.
        balancer_rejections_max: Count = "hbase.master.balancer.rejection.queue.size" => "250";
    }
}
