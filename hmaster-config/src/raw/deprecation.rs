//! Keys that were renamed. Counterpart of `Configuration.addDeprecations` as Hadoop, HDFS and HBase call it.
//!
//! A value under an old name is a value under the new one, wherever it is written. HBase registers two more pairs
//! only once some class is loaded, after the files have been read: there the old name counts only when the new one
//! has no value at all.

/// Old name, new name; sorted by old name.
const RENAMED: [(&str, &str); 60] = [
    ("dfs.access.time.precision", "dfs.namenode.accesstime.precision"),
    ("dfs.backup.address", "dfs.namenode.backup.address"),
    ("dfs.backup.http.address", "dfs.namenode.backup.http-address"),
    ("dfs.balance.bandwidthPerSec", "dfs.datanode.balance.bandwidthPerSec"),
    ("dfs.block.size", "dfs.blocksize"),
    ("dfs.data.dir", "dfs.datanode.data.dir"),
    ("dfs.datanode.max.xcievers", "dfs.datanode.max.transfer.threads"),
    ("dfs.df.interval", "fs.df.interval"),
    ("dfs.encryption.key.provider.uri", "hadoop.security.key.provider.path"),
    ("dfs.federation.nameservice.id", "dfs.nameservice.id"),
    ("dfs.federation.nameservices", "dfs.nameservices"),
    ("dfs.http.address", "dfs.namenode.http-address"),
    ("dfs.https.address", "dfs.namenode.https-address"),
    ("dfs.https.client.keystore.resource", "dfs.client.https.keystore.resource"),
    ("dfs.https.need.client.auth", "dfs.client.https.need-auth"),
    ("dfs.max-repl-streams", "dfs.namenode.replication.max-streams"),
    ("dfs.max.objects", "dfs.namenode.max.objects"),
    ("dfs.name.dir", "dfs.namenode.name.dir"),
    ("dfs.name.dir.restore", "dfs.namenode.name.dir.restore"),
    ("dfs.name.edits.dir", "dfs.namenode.edits.dir"),
    ("dfs.namenode.replication.considerLoad", "dfs.namenode.redundancy.considerLoad"),
    ("dfs.namenode.replication.considerLoad.factor", "dfs.namenode.redundancy.considerLoad.factor"),
    ("dfs.namenode.replication.interval", "dfs.namenode.redundancy.interval.seconds"),
    ("dfs.namenode.replication.pending.timeout-sec", "dfs.namenode.reconstruction.pending.timeout-sec"),
    ("dfs.nfs.exports.allowed.hosts", "nfs.exports.allowed.hosts"),
    ("dfs.permissions", "dfs.permissions.enabled"),
    ("dfs.permissions.supergroup", "dfs.permissions.superusergroup"),
    ("dfs.read.prefetch.size", "dfs.client.read.prefetch.size"),
    ("dfs.replication.considerLoad", "dfs.namenode.redundancy.considerLoad"),
    ("dfs.replication.interval", "dfs.namenode.redundancy.interval.seconds"),
    ("dfs.replication.min", "dfs.namenode.replication.min"),
    ("dfs.replication.pending.timeout.sec", "dfs.namenode.reconstruction.pending.timeout-sec"),
    ("dfs.safemode.extension", "dfs.namenode.safemode.extension"),
    ("dfs.safemode.threshold.pct", "dfs.namenode.safemode.threshold-pct"),
    ("dfs.secondary.http.address", "dfs.namenode.secondary.http-address"),
    ("dfs.socket.timeout", "dfs.client.socket-timeout"),
    ("dfs.umaskmode", "fs.permissions.umask-mode"),
    ("dfs.write.packet.size", "dfs.client-write-packet-size"),
    ("fs.checkpoint.dir", "dfs.namenode.checkpoint.dir"),
    ("fs.checkpoint.edits.dir", "dfs.namenode.checkpoint.edits.dir"),
    ("fs.checkpoint.period", "dfs.namenode.checkpoint.period"),
    ("fs.default.name", "fs.defaultFS"),
    ("hadoop.configured.node.mapping", "net.topology.configured.node.mapping"),
    ("hbase.ipc.server.reservoir.enabled", "hbase.server.allocator.pool.enabled"),
    ("hbase.ipc.server.reservoir.initial.buffer.size", "hbase.server.allocator.buffer.size"),
    ("hbase.ipc.server.reservoir.initial.max", "hbase.server.allocator.max.buffer.count"),
    ("hbase.normalizer.min.region.count", "hbase.normalizer.merge.min.region.count"),
    ("hbase.offheapcache.minblocksize", "hbase.blockcache.minblocksize"),
    ("hbase.regionserver.hostname", "hbase.unsafe.regionserver.hostname"),
    (
        "hbase.regionserver.hostname.disable.master.reversedns",
        "hbase.unsafe.regionserver.hostname.disable.master.reversedns",
    ),
    ("heartbeat.recheck.interval", "dfs.namenode.heartbeat.recheck-interval"),
    ("hlog.bulk.output", "wal.bulk.output"),
    ("hlog.input.tables", "wal.input.tables"),
    ("hlog.input.tablesmap", "wal.input.tablesmap"),
    ("io.bytes.per.checksum", "dfs.bytes-per-checksum"),
    ("session.id", "dfs.metrics.session-id"),
    ("slave.host.name", "dfs.datanode.hostname"),
    ("topology.node.switch.mapping.impl", "net.topology.node.switch.mapping.impl"),
    ("topology.script.file.name", "net.topology.script.file.name"),
    ("topology.script.number.args", "net.topology.script.number.args"),
];

/// Old name, new name, where the new one comes first.
const RENAMED_LATE: [(&str, &str); 2] = [
    ("hbase.client.pause.cqtbe", "hbase.client.pause.server.overloaded"),
    ("hbase.master.mob.ttl.cleaner.period", "hbase.master.mob.cleaner.period"),
];

/// The name under which the value of `key` is kept: `key` itself unless it is deprecated.
pub fn current_name(key: &str) -> &str {
    let early = RENAMED.binary_search_by_key(&key, |(old, _)| old).ok().map(|at| RENAMED[at].1);
    let late = || RENAMED_LATE.iter().find(|(old, _)| *old == key).map(|(_, new)| *new);
    early.or_else(late).unwrap_or(key)
}

/// Every deprecated name with its successor.
pub fn deprecated_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    RENAMED.into_iter().chain(RENAMED_LATE)
}

/// The name under which a value written for `key` is stored. A late pair keeps both names apart.
pub(super) fn stored_name(key: &str) -> &str {
    if RENAMED_LATE.iter().any(|(old, _)| *old == key) { key } else { current_name(key) }
}

/// Old names that count for `key` when it has no value.
pub(super) fn late_old_names(key: &str) -> impl Iterator<Item = &'static str> {
    RENAMED_LATE.iter().filter(move |(_, new)| *new == key).map(|(old, _)| *old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_end_in_one_step() {
        assert!(RENAMED.is_sorted_by(|a, b| a.0 < b.0), "binary search needs it");
        for (old, new) in deprecated_names() {
            assert_eq!(current_name(old), new);
            assert_eq!(current_name(new), new, "Java doesn't follow a second step");
        }
    }
}
