//! `sub=FileSystem`, `sub=Snapshots` and `sub=Procedure`. Counterpart of `MetricsMasterFileSystemSource`,
//! `MetricsSnapshotSource` and `MetricsMasterProcSource`.

use super::{Bean, Content, Counted, spread};

/// Java counts only splits that are coordinated by znodes, which nobody uses any more; here the procedures count.
pub(super) fn files(counted: &Counted) -> Bean {
    let mut bean = Bean::of_master("FileSystem", "WALs of servers that died");
    let splits = spread(&counted.get("SplitWALProcedure"));
    bean.spread("HlogSplitTime", splits, "Milliseconds until WALs were split");
    bean.uncounted(&none(), &["HlogSplitSize", "MetaHlogSplitTime", "MetaHlogSplitSize"]);
    bean
}

pub(super) fn snapshots() -> Bean {
    let mut bean = Bean::of_master("Snapshots", "Snapshots");
    bean.uncounted(&none(), &["SnapshotTime", "SnapshotRestoreTime", "SnapshotCloneTime"]);
    bean
}

/// Procedures have no WALs of their own any more, neither here nor in Java since 2.3.
pub(super) fn procedures() -> Bean {
    let mut bean = Bean::of_master("Procedure", "The store of procedures");
    bean.gauge("numMasterWALs", 0, "WALs of procedures alone; there are none since 2.3");
    bean
}

fn none() -> Content {
    Content::Spread(Box::default())
}
