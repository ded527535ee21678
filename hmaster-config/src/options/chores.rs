//! What the master does from time to time. As in Java, a period of 0 or less switches a chore off.

use crate::kind::{
    Bytes, ClassName, Count, Days, Double, Flag, Float, Int, List, LongMillis, LongSeconds, Millis,
    MillisOrOff, ScanThreads, SecondsOrOff, Size,
};
use crate::option::options;

options! {
    /// When to balance. The balancer itself reads `hbase.master.balancer.*` from the raw configuration.
    BalancerOptions in "balancer" {
        /// Class of the balancer.
        class: ClassName = "hbase.master.loadbalancer.class" => "org.apache.hadoop.hbase.master.balancer.StochasticLoadBalancer";
        /// How often to balance.
        period: MillisOrOff = "hbase.balancer.period" => "300000";
        /// How long the moves of a plan may take; without it, the period.
        time_max: Millis = "hbase.balancer.max.balancing";
        /// How often the balancer is told the load.
        status_period: MillisOrOff = "hbase.balancer.statusPeriod" => "60000";
        /// Largest part of the regions that may be in transition because of it.
        rit_part_max: Double = "hbase.master.balancer.maxRitPercent" => "1.0" in 0.0..=1.0;
        /// Whether each table is balanced by itself.
        by_table: Flag = "hbase.master.loadbalance.bytable" => "false";
        /// How far a server may be from the average.
        slop: Float = "hbase.regions.slop" => "0.2";
        /// Hour at which moves begin to be cheap; -1 for never.
        off_peak_start_hour: Int = "hbase.offpeak.start.hour" => "-1" in -1..=23;
        /// Hour at which they cease to be.
        off_peak_end_hour: Int = "hbase.offpeak.end.hour" => "-1" in -1..=23;
        /// Whether decisions are remembered.
        remember_decisions: Flag = "hbase.master.balancer.decision.buffer.enabled" => "false";
        /// Whether rejections are remembered.
        remember_rejections: Flag = "hbase.master.balancer.rejection.buffer.enabled" => "false";
    }
}

options! {
    /// The normalizer. Counterpart of what `SimpleRegionNormalizer` and `RegionNormalizerWorker` read.
    NormalizerOptions in "normalizer" {
        /// How often tables are normalized.
        period: MillisOrOff = "hbase.normalizer.period" => "300000";
        /// Whether it may split.
        split_enabled: Flag = "hbase.normalizer.split.enabled" => "true";
        /// Whether it may merge.
        merge_enabled: Flag = "hbase.normalizer.merge.enabled" => "true";
        /// Whether tables that don't say are normalized.
        tables_by_default: Flag = "hbase.table.normalization.enabled" => "false";
        /// Fewest regions of a table in which it merges.
        merge_regions_min: Int = "hbase.normalizer.merge.min.region.count" => "3";
        /// Youngest region that it merges.
        merge_region_age_min: Days = "hbase.normalizer.merge.min_region_age.days" => "3";
        /// Smallest region that it merges, in megabytes.
        merge_region_mb_min: Bytes = "hbase.normalizer.merge.min_region_size.mb" => "1";
        /// Most regions in one merge.
        merge_request_regions_max: Bytes = "hbase.normalizer.merge.merge_request_max_number_of_regions" => "100";
        /// Bytes per second that it may have rewritten.
        throughput_max: Size = "hbase.normalizer.throughput.max_bytes_per_sec" => "1000000000000";
        /// Megabytes that one run may have rewritten.
        plans_mb_max: Bytes = "hbase.normalizer.plans_size_limit.mb" => "9223372036854775807";
    }
}

options! {
    /// Checks. Counterpart of what `CatalogJanitor`, `HbckChore`, `MetaFixer`, `RegionsRecoveryChore` and
    /// `RollingUpgradeChore` read.
    JanitorOptions in "janitor" {
        /// How often hbase:meta is tidied.
        catalog_interval: MillisOrOff = "hbase.catalogjanitor.interval" => "300000";
        /// How often hbase:meta, region servers and files are compared.
        hbck_interval: MillisOrOff = "hbase.master.hbck.chore.interval" => "3600000";
        /// Most regions that one repair of an overlap merges.
        fix_merge_max: Count = "hbase.master.metafixer.max.merge.count" => "64";
        /// How often regions are looked for whose files leak references.
        recovery_interval: MillisOrOff = "hbase.master.regions.recovery.check.interval" => "1200000";
        /// So many references make a region be reopened; less than 1 for never.
        recovery_references: Int = "hbase.regions.recovery.store.file.ref.count" => "-1";
        /// When descriptors of older versions are first looked for.
        upgrade_delay: LongSeconds = "hbase.master.rolling.upgrade.chore.delay.secs" => "30";
        /// How often they are then looked for.
        upgrade_period: SecondsOrOff = "hbase.master.rolling.upgrade.chore.period.secs" => "10";
    }
}

options! {
    /// Cleaning. Counterpart of what `LogCleaner`, `HFileCleaner`, `CleanerChore`, `DirScanPool`, the cleaner plugins and
    /// `SnapshotCleanerChore` read.
    CleanerOptions in "cleaners" {
        /// How often old WALs and archived HFiles are cleaned.
        interval: MillisOrOff = "hbase.master.cleaner.interval" => "600000";
        /// What may keep an old WAL.
        wal_plugins: List = "hbase.master.logcleaner.plugins" => "org.apache.hadoop.hbase.master.cleaner.TimeToLiveLogCleaner,org.apache.hadoop.hbase.master.cleaner.TimeToLiveProcedureWALCleaner,org.apache.hadoop.hbase.master.cleaner.TimeToLiveMasterLocalStoreWALCleaner";
        /// How long old WALs are kept.
        wal_ttl: LongMillis = "hbase.master.logcleaner.ttl" => "600000";
        /// What may keep an archived HFile.
        hfile_plugins: List = "hbase.master.hfilecleaner.plugins" => "org.apache.hadoop.hbase.master.cleaner.TimeToLiveHFileCleaner,org.apache.hadoop.hbase.master.cleaner.TimeToLiveMasterLocalStoreHFileCleaner";
        /// How long archived HFiles are kept.
        hfile_ttl: LongMillis = "hbase.master.hfilecleaner.ttl" => "300000";
        /// How long old WALs of the procedure store of HBase 2.2 and before are kept.
        procedure_wal_ttl: LongMillis = "hbase.master.procedurewalcleaner.ttl" => "604800000";
        /// How long old WALs of `master:store` are kept.
        store_wal_ttl: LongMillis = "hbase.master.local.store.walcleaner.ttl" => "604800000";
        /// How long archived HFiles of `master:store` are kept.
        store_hfile_ttl: LongMillis = "hbase.master.local.store.hfilecleaner.ttl" => "604800000";
        /// Threads that scan the archive.
        hfile_scan_threads: ScanThreads = "hbase.cleaner.scan.dir.concurrent.size" => "0.25";
        /// Threads that scan old WALs.
        wal_scan_threads: ScanThreads = "hbase.log.cleaner.scan.dir.concurrent.size" => "1";
        /// Threads that delete old WALs.
        wal_delete_threads: Count = "hbase.oldwals.cleaner.thread.size" => "2" in 1..;
        /// Threads that delete large files.
        large_delete_threads: Count = "hbase.regionserver.hfilecleaner.large.thread.count" => "1" in 1..;
        /// Threads that delete small files.
        small_delete_threads: Count = "hbase.regionserver.hfilecleaner.small.thread.count" => "1" in 1..;
        /// Files from so many bytes on are large.
        large_file_bytes: Count = "hbase.regionserver.thread.hfilecleaner.throttle" => "67108864";
        /// Whether the largest folders are scanned first.
        largest_first: Flag = "hbase.cleaner.directory.sorting" => "true";
        /// Parts of the archive that have cleaners of their own.
        custom_paths: List = "hbase.master.hfile.cleaner.custom.paths" => "";
        /// How often snapshots are deleted whose time has passed.
        snapshot_interval: MillisOrOff = "hbase.master.cleaner.snapshot.interval" => "1800000";
        /// How long the snapshot cleaner's list of files in snapshots holds.
        snapshot_cache_period: LongMillis = "hbase.master.hfilecleaner.plugins.snapshot.period" => "300000";
        /// How often the size of old WALs is taken.
        old_wals_size_interval: MillisOrOff = "hbase.master.oldwals.dir.updater.period" => "300000";
    }
}

options! {
    /// MOB files. Counterpart of what `MobFileCleanerChore` and `MobFileCompactionChore` read.
    MobOptions in "mob" {
        /// How often expired MOB files are cleaned.
        cleaner_period: SecondsOrOff = "hbase.master.mob.cleaner.period" => "86400";
        /// MOB files that are archived at once.
        cleaner_batch: Count = "hbase.master.mob.cleaner.batch.size.upper.bound" => "10000";
        /// How often MOB files are compacted.
        compaction_period: SecondsOrOff = "hbase.mob.compaction.chore.period" => "604800";
        /// Regions that are compacted at the same time; 0 for all.
        compaction_regions: Count = "hbase.mob.major.compaction.region.batch.size" => "0";
        /// Youngest MOB file that is archived.
        archive_age_min: LongMillis = "hbase.mob.min.age.archive" => "3600000";
    }
}

options! {
    /// Quotas. Counterpart of what `MasterQuotaManager` and `QuotaObserverChore` read.
    QuotaOptions in "quotas" {
        /// Whether there are quotas.
        enabled: Flag = "hbase.quota.enabled" => "false";
        /// Whether quotas of a table go with it.
        removed_with_table: Flag = "hbase.quota.remove.on.table.delete" => "true";
        /// How long an operation waits for quotas to be up.
        init_wait: LongMillis = "hbase.master.wait.for.quota.manager.init" => "30000";
        /// How long a region's reported size counts.
        report_retention: LongMillis = "hbase.master.quotas.region.report.retention.millis" => "600000";
        /// Part of a table's regions that must have reported.
        report_part_min: Double = "hbase.master.quotas.observer.report.percent" => "0.95" in 0.0..=1.0;
    }
}
