//! Files: the root directory, and the region `master:store` in it.

use crate::kind::{Bytes, Count, Dir, Flag, LongMillis, Millis, Perms, Text};
use crate::option::{choice, options};

choice! {
    /// How a store knows its files. Counterpart of `StoreFileTrackerFactory.Trackers`.
    StoreFileTracker {
        /// What is in the folder.
        Default = "DEFAULT",
        /// What a list in the folder names.
        File = "FILE",
        /// From one to another.
        Migration = "MIGRATION",
    }
}

options! {
    /// The file systems. Counterpart of what `CommonFSUtils`, `MasterFileSystem` and `RecoverLeaseFSUtils` read.
    FileSystemOptions in "filesystem" {
        /// The root directory, as region servers are told it; see [`crate::Cluster`] for the whole URI.
        root_dir: Dir = "hbase.rootdir" => "${hbase.tmp.dir}/hbase";
        /// The root directory of WALs, when it is another.
        wal_dir: Dir = "hbase.wal.dir";
        /// File system of paths that name none.
        default_fs: Dir = "fs.defaultFS" => "file:///";
        /// Local folder for what needn't last.
        tmp_dir: Text = "hbase.tmp.dir" => "${java.io.tmpdir}/hbase-${user.name}";
        /// Permissions of the root directory.
        root_dir_perms: Perms = "hbase.rootdir.perms" => "700";
        /// Permissions of the root directory of WALs.
        wal_dir_perms: Perms = "hbase.wal.dir.perms" => "700";
        /// Whether files get permissions by a mask of their own.
        umask_enabled: Flag = "hbase.data.umask.enable" => "false";
        /// That mask.
        umask: Perms = "hbase.data.umask" => "000";
        /// Storage policy of WALs; NONE leaves it alone.
        wal_storage_policy: Text = "hbase.wal.storage.policy" => "NONE";
        /// Whether a file system that can't sync is refused for WALs.
        stream_capability_enforced: Flag = "hbase.unsafe.stream.capability.enforce" => "true";
        /// How often hbase.version is tried to be written.
        version_file_attempts: Count = "hbase.server.versionfile.writeattempts" => "3";
        /// Wait between tries of start-up: safe mode, hbase.version, hbase.id.
        wake_frequency: Millis = "hbase.server.thread.wakefrequency" => "10000";
        /// Whether the lock file is taken that keeps hbck1 out.
        hbck1_lock: Flag = "hbase.write.hbck1.lock.file" => "true";
        /// How long recovery of a lease may take.
        lease_recovery_timeout: Millis = "hbase.lease.recovery.timeout" => "900000";
        /// Wait before recovery of a lease is asked for again.
        lease_recovery_pause: LongMillis = "hbase.lease.recovery.dfs.timeout" => "64000";
        /// Wait after it was asked for the first time.
        lease_recovery_first_pause: Millis = "hbase.lease.recovery.first.pause" => "4000";
        /// Wait between looks whether the file is closed.
        lease_recovery_poll: Millis = "hbase.lease.recovery.pause" => "1000";
        /// Whether splitting goes on behind a WAL that can't be read, which is set aside.
        wal_split_skip_errors: Flag = "hbase.hlog.split.skip.errors" => "false";
        /// Store file tracker of tables that name none.
        store_file_tracker: StoreFileTracker = "hbase.store.file-tracker.impl" => "DEFAULT";
        /// Regions that are archived at the same time.
        archiver_threads: Count = "hbase.hfilearchiver.thread.pool.max" => "8" in 1..;
        /// Whether table descriptors are read at start.
        preload_table_descriptors: Flag = "hbase.master.preload.tabledescriptors" => "true";
    }
}

options! {
    /// The region `master:store`. Counterpart of what `MasterRegionFactory` and `MasterRegion` read.
    ///
    /// A Java master writes this region's WALs with the cluster's WAL settings, compression among them.
    StoreOptions in "store" {
        /// Bytes in memory that make it flush.
        flush_bytes: Bytes = "hbase.master.store.region.flush.size" => "134217728";
        /// Changes that make it flush.
        flush_changes: Bytes = "hbase.master.store.region.flush.per.changes" => "1000000";
        /// Time after which it flushes.
        flush_interval: LongMillis = "hbase.master.store.region.flush.interval.ms" => "900000";
        /// Files that make it compact.
        compact_files_min: Count = "hbase.master.store.region.compact.min" => "4";
        /// WALs that make it flush.
        wals_max: Count = "hbase.master.store.region.maxwals" => "10";
        /// Whether a sync reaches the disk (hsync) or all replicas' memory (hflush).
        hsync: Flag = "hbase.master.store.region.wal.hsync" or "hbase.wal.hsync" => "false";
        /// Time after which the WAL rolls.
        roll_period: LongMillis = "hbase.master.store.region.walroll.period.ms" => "900000";
        /// Slots of the ring buffer before the WAL.
        ring_buffer_slots: Count = "hbase.master.store.ringbuffer.slot.count" => "128";
        /// Store file tracker of the region.
        tracker: StoreFileTracker = "hbase.master.store.region.file-tracker.impl" or "hbase.store.file-tracker.impl" => "DEFAULT";
        /// Tries of a change before the master gives up.
        update_retries: Count = "hbase.master.region.update.max.retries" => "9";
        /// Wait between these tries.
        update_retry_pause: LongMillis = "hbase.master.region.update.retry.pause" => "100";
        /// Whether a Java master compresses the WALs that hmaster may have to read.
        wal_compression: Flag = "hbase.regionserver.wal.enablecompression" => "false";
    }
}
