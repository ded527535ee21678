//! `sub=Quotas`. Counterpart of `MetricsMasterQuotaSource`; the numbers are those of a Java master without quotas.

use super::{Bean, Content};

pub(super) fn quotas() -> Bean {
    let mut bean = Bean::of_master("Quotas", "Quotas");
    let overviews = ["tag.tableSpaceQuotaOverview", "tag.namespaceSpaceQuotaOverview"];
    bean.uncounted(&Content::Tag("[]".into()), &overviews);
    let counts = [
        "numSpaceQuotas",
        "numTablesInQuotaViolation",
        "numNamespaceInQuotaViolation",
        "numRegionSizeReports",
    ];
    bean.uncounted(&Content::Gauge(0), &counts);
    let times = [
        "QuotaObserverChoreTime",
        "SnapshotQuotaObserverChoreTime",
        "SnapshotObserverSizeComputationTime",
        "SnapshotObserverSnapshotFetchTime",
    ];
    bean.uncounted(&Content::Spread(Box::default()), &times);
    bean
}
