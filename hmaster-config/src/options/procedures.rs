//! Procedures, assignment, snapshots, replication.

use crate::kind::{Bytes, Count, Dir, Flag, Float, Int, LongMillis, LongSeconds, Millis, MillisOrOff, Text};
use crate::option::{choice, options};

options! {
    /// The procedure executor. Counterpart of what `ProcedureExecutor`, `CompletedProcedureCleaner`, `LockProcedure` and
    /// `RemoteProcedureDispatcher` read.
    ProcedureOptions in "procedures" {
        /// Workers; without it, or with less than 1, a quarter of the processors but at least 16.
        threads: Int = "hbase.master.procedure.threads";
        /// A worker that is idle for so long ends.
        worker_keep_alive: LongMillis = "hbase.procedure.worker.keep.alive.time.msec" => "60000";
        /// How often stuck workers are looked for.
        worker_monitor_interval: Millis = "hbase.procedure.worker.monitor.interval.msec" => "5000";
        /// A worker that runs for so long is stuck.
        worker_stuck: Millis = "hbase.procedure.worker.stuck.threshold.msec" => "10000";
        /// Part of stuck workers from which another is added.
        worker_add_stuck_part: Float = "hbase.procedure.worker.add.stuck.percentage" => "0.5" in 0.0..=1.0;
        /// Whether a procedure that can't be loaded ends the master.
        abort_on_corruption: Flag = "hbase.procedure.abort.on.corruption" => "false";
        /// How long a result is kept that nobody asked for.
        evict_ttl: Millis = "hbase.procedure.cleaner.evict.ttl" => "900000";
        /// How long a result is kept that somebody asked for.
        evict_acked_ttl: Millis = "hbase.procedure.cleaner.acked.evict.ttl" => "300000";
        /// How often results are evicted.
        cleaner_interval: Millis = "hbase.procedure.cleaner.interval" => "30000";
        /// Results that are deleted at once.
        evict_batch: Count = "hbase.procedure.cleaner.evict.batch.size" => "32" in 1..;
        /// Wait before the first repetition of a step.
        retry_pause: LongMillis = "hbase.procedure.retry.sleep.interval.ms" => "1000";
        /// Longest wait before a repetition of a step.
        retry_pause_max: LongMillis = "hbase.procedure.retry.max.sleep.time.ms" => "600000";
        /// How long requests for a region server are gathered.
        dispatch_delay: Millis = "hbase.procedure.remote.dispatcher.delay.msec" => "150";
        /// Requests for a region server that are sent at once without that wait.
        dispatch_queue_max: Count = "hbase.procedure.remote.dispatcher.max.queue.size" => "32" in 1..;
        /// Region servers that are called at the same time.
        dispatch_threads: Count = "hbase.procedure.remote.dispatcher.threadpool.size" => "128" in 1..;
        /// How long a client's lock lives without a heartbeat.
        remote_lock_timeout: Millis = "hbase.master.procedure.remote.locks.timeout.ms" => "30000";
        /// How long a lock of the master lives.
        local_lock_timeout: Millis = "hbase.master.procedure.local.master.locks.timeout.ms" => "600000";
    }
}

options! {
    /// Assignment, crashes of servers, splits, reopening. Counterpart of what `AssignmentManager`,
    /// `ServerCrashProcedure`, `SplitWALManager`, `SplitTableRegionProcedure` and `ReopenTableRegionsProcedure` read.
    AssignmentOptions in "assignment" {
        /// Tries to open a region before it counts as failed.
        attempts_max: Count = "hbase.assignment.maximum.attempts" => "2147483647" in 1..;
        /// Tries to open a region on the same server.
        immediate_retries_max: Count = "hbase.assignment.retry.immediately.maximum.attempts" => "3";
        /// How long regions are gathered that need a server.
        dispatch_wait: Millis = "hbase.assignment.dispatch.wait.msec" => "150";
        /// So many regions end that wait.
        dispatch_batch_max: Count = "hbase.assignment.dispatch.wait.queue.max.size" => "100" in 1..;
        /// How often regions in transition are counted.
        rit_interval: Millis = "hbase.assignment.rit.chore.interval.msec" => "60000";
        /// How often regions on dead servers are counted.
        dead_region_interval: Millis = "hbase.assignment.dead.region.metric.chore.interval.msec" => "120000";
        /// A region that is in transition for so long is stuck.
        rit_stuck: Millis = "hbase.metrics.rit.stuck.warning.threshold" => "60000";
        /// Whether a crashed server's regions wait for its return.
        retain_after_crash: Flag = "hbase.master.scp.retain.assignment" => "false";
        /// Whether regions wait for their old host.
        retain_force: Flag = "hbase.master.scp.retain.assignment.force" => "false";
        /// How often that is tried.
        retain_force_retries: Count = "hbase.master.scp.retain.assignment.force.retries" => "600";
        /// Wait between these tries.
        retain_force_wait: LongMillis = "hbase.master.scp.retain.assignment.force.wait-interval" => "50";
        /// WALs that a region server splits at the same time.
        wal_splitters_max: Count = "hbase.regionserver.wal.max.splitters" => "2" in 1..;
        /// How long files of a region may take to be split.
        file_split_timeout: LongMillis = "hbase.master.fileSplitTimeout" or "hbase.regionserver.fileSplitTimeout" => "600000";
        /// Store files that are split at the same time; without it, as many as block a store.
        file_split_threads: Count = "hbase.regionserver.region.split.threads.max" or "hbase.hstore.blockingStoreFiles" => "16" in 1..;
        /// Whether daughters of a split go to different servers.
        separate_daughters: Flag = "hbase.master.auto.separate.child.regions.after.split.enabled" => "false";
        /// Whether a region is warmed up before it moves.
        warm_up_before_move: Flag = "hbase.master.warmup.before.move" => "true";
        /// Region servers drop a region's blocks from their cache when they close it.
        evict_on_close: Flag = "hbase.rs.evictblocksonclose" => "false";
        /// The same for a region that is split.
        evict_on_split: Flag = "hbase.rs.evictblocksonsplit" => "true";
        /// System tables move to servers of at least this version; empty for the newest.
        system_table_version_min: Text = "hbase.min.version.move.system.tables" => "";
        /// Wait between batches when a table's regions are reopened; 0 for no batches.
        reopen_batch_backoff: LongMillis = "hbase.reopen.table.regions.progressive.batch.backoff.ms" => "0";
        /// Largest batch of regions that are reopened; less than 1 for all.
        reopen_batch_max: Int = "hbase.reopen.table.regions.progressive.batch.size.max" => "-1";
        /// How long an operation waits for a region to be online.
        region_wait: LongMillis = "hbase.master.wait.on.region" => "300000";
        /// How often it looks.
        region_wait_poll: Millis = "hbase.master.event.waiting.time" => "1000";
    }
}

options! {
    /// Snapshots and flushes. Counterpart of what `SnapshotManager`, `SnapshotProcedure` and
    /// `MasterFlushTableProcedureManager` read.
    SnapshotOptions in "snapshots" {
        /// Whether there are snapshots.
        enabled: Flag = "hbase.snapshot.enabled" => "true";
        /// Whether a snapshot is a procedure.
        by_procedure: Flag = "hbase.snapshot.procedure.enabled" => "true";
        /// Folder in which snapshots are made; without it, `.hbase-snapshot/.tmp` in the root directory.
        working_dir: Dir = "hbase.snapshot.working.dir";
        /// How long a snapshot may take; the longer of this and the next counts.
        timeout: LongMillis = "hbase.snapshot.master.timeout.millis" => "300000";
        /// The same under its older key.
        timeout_old: LongMillis = "hbase.snapshot.master.timeoutMillis" => "300000";
        /// How often the members of a barrier are looked at.
        wake: Millis = "hbase.snapshot.master.wakeMillis" => "500";
        /// Snapshots at the same time.
        threads: Count = "hbase.snapshot.master.threads" => "1" in 1..;
        /// Threads that write and read manifests.
        manifest_threads: Count = "hbase.snapshot.thread.pool.max" => "8" in 1..;
        /// Bytes of a manifest.
        manifest_bytes_max: Bytes = "snapshot.manifest.size.limit" => "67108864";
        /// Time to live of snapshots that say none; 0 for ever.
        ttl: LongSeconds = "hbase.master.snapshot.ttl" => "0";
        /// Verifications of one region server at the same time.
        verify_tasks_max: Count = "hbase.snapshot.verify.task.max" => "3" in 1..;
        /// So many regions make region servers verify a snapshot.
        remote_verify_regions: Count = "hbase.snapshot.remote.verify.threshold" => "10000";
        /// How long the outcome of a snapshot is remembered.
        outcome_ttl: LongMillis = "hbase.snapshot.sentinels.cleanup.timeoutMillis" => "60000";
        /// How long a snapshot waits for its lock; without it, as long as a call.
        lock_timeout: LongMillis = "hbase.snapshot.master.lock.acquire.timeout";
        /// Whether a restore begins with a snapshot of what it replaces.
        failsafe: Flag = "hbase.snapshot.restore.take.failsafe.snapshot" => "true";
        /// Whether what deletes data begins with a snapshot.
        before_destruction: Flag = "hbase.snapshot.before.destructive.action.enabled" => "false";
        /// Time to live of such a snapshot.
        before_destruction_ttl: LongSeconds = "hbase.snapshot.before.destructive.action.ttl" => "86400";
        /// Whether a flush of a table is a procedure.
        flush_by_procedure: Flag = "hbase.flush.procedure.enabled" => "true";
        /// How long a flush by barrier may take.
        flush_timeout: LongMillis = "hbase.flush.master.timeoutMillis" => "60000";
        /// How often its members are looked at.
        flush_wake: Millis = "hbase.flush.master.wakeMillis" => "500";
    }
}

choice! {
    /// Where replication peers are kept. Counterpart of `ReplicationPeerStorageType`.
    PeerStorage {
        /// In znodes.
        ZooKeeper = "ZOOKEEPER",
        /// In files below the root directory.
        FileSystem = "FILESYSTEM",
    }
}

options! {
    /// Replication. Counterpart of what `ReplicationStorageFactory`, `ReplicationPeerManager` and
    /// `ReplicationBarrierCleaner` read.
    ReplicationOptions in "replication" {
        /// Where peers are kept.
        peer_storage: PeerStorage = "hbase.replication.peer.storage.impl" => "ZOOKEEPER";
        /// Folder of peers that are kept in files.
        peers_directory: Text = "hbase.replication.peers.directory" => "peers";
        /// Configuration that every peer gets: `key=value;key=value`.
        peer_base_config: Text = "hbase.replication.peer.base.config" => "";
        /// Whether bulk-loaded files are replicated.
        bulk_load: Flag = "hbase.replication.bulkload.enabled" => "false";
        /// How often barriers of serial replication are cleaned.
        barrier_cleaner_interval: MillisOrOff = "hbase.master.cleaner.replication.barrier.interval" => "43200000";
    }
}
