//! Tidies hbase:meta: removes split parents, and regions that were merged, once nobody needs their files; and reports what
//! is wrong with the order of regions. Counterpart of `CatalogJanitor`.
//!
//! Whether files are needed is looked up on disk, at that moment, and what can't be found out counts as needed (danger 13).

pub mod consistency;
mod fix;
pub mod report;

use std::collections::BTreeSet;
use std::sync::Arc;

use hmaster_protocol::meta::{CATALOG_FAMILY, MetaReader};
use hmaster_types::{EncodedName, JavaException, RegionInfo};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::regions::gc::GcRegion;
use crate::regions::gc_merged::GcMergedRegions;
use crate::servers::Liveness;
use crate::switches::Switch;
use report::{Inspection, JanitorReport, SplitParent};

/// The janitor's last report, and whether it is at work.
#[derive(Debug, Default)]
pub struct Janitor {
    at_work: AsyncMutex<()>,
    last: Mutex<Option<Arc<JanitorReport>>>,
    /// What the last comparison of memory, region servers and files has found.
    pub(crate) consistency: consistency::Checker,
}

impl Janitor {
    /// What the last scan found.
    pub fn last_report(&self) -> Option<Arc<JanitorReport>> {
        self.last.lock().clone()
    }

    /// What the last comparison of memory, region servers and files has found.
    pub fn last_consistency_report(&self) -> Option<Arc<consistency::ConsistencyReport>> {
        self.consistency.last_report()
    }
}

impl MasterEnv {
    /// Runs the janitor at start and then at its interval, until the reign ends.
    pub async fn run_catalog_janitor(self: Arc<Self>) {
        let Some(interval) = self.options.janitor.catalog_interval else {
            tracing::info!("hbase.catalogjanitor.interval switches the catalog janitor off");
            return;
        };
        loop {
            if self.switches.is_on(Switch::CatalogJanitor)
                && self.conditions.is_meta_loaded()
                && let Err(error) = self.scan_catalog().await
            {
                tracing::warn!(%error, "hbase:meta isn't tidied");
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    /// Scans hbase:meta, keeps the report, and submits what is to be removed. Answers how much that is; -1 when a scan
    /// is under way.
    ///
    /// # Errors
    /// When hbase:meta can't be read, or the reign is over.
    pub async fn scan_catalog(&self) -> Result<i32, JavaException> {
        let Ok(_at_work) = self.janitor.at_work.try_lock() else { return Ok(-1) };
        let report = Arc::new(self.inspect_catalog().await?);
        if report.is_clean() {
            tracing::debug!(rows = report.rows, "hbase:meta is in order");
        } else {
            tracing::warn!(%report, "hbase:meta isn't in order");
        }
        *self.janitor.last.lock() = Some(report.clone());
        let mut removed = 0;
        for (merged, parents) in &report.merged {
            if self.has_no_references(merged).await {
                tracing::info!(region = %merged, "needs the regions it was merged from no longer");
                self.submit_gc(GcMergedRegions::procedure(merged.clone(), parents.clone())).await?;
                removed += 1;
            }
        }
        // A daughter that was split in turn still refers to its parent's files; its own parent must go first.
        let mut kept = BTreeSet::<EncodedName>::new();
        for parent in &report.split_parents {
            if !kept.contains(&parent.region.encoded_name()) && self.can_go(parent, &report).await {
                tracing::info!(region = %parent.region, "its daughters need it no longer");
                self.submit_gc(GcRegion::procedure(parent.region.clone())).await?;
                removed += 1;
            } else {
                kept.extend(parent.daughters.iter().flatten().map(RegionInfo::encoded_name));
            }
        }
        Ok(removed)
    }

    pub(crate) async fn inspect_catalog(&self) -> Result<JanitorReport, StepError> {
        let mut inspection = Inspection::new(self.clock.now_ms());
        let mut reader = MetaReader::new();
        let is_unknown = |server: &_| self.servers.liveness(server) == Liveness::Unknown;
        let scan = self.catalog.scan(b"", b"", &[CATALOG_FAMILY], |cells| {
            let Some(key) = cells.first().map(|cell| cell.row().to_vec()) else { return Ok(()) };
            match reader.region_row(&cells) {
                Ok(row) => inspection.visit(
                    &key,
                    row,
                    |table| self.tables.is_disabled(table),
                    |region| self.regions.with(region, super::assignment::region_node::RegionNode::state),
                    is_unknown,
                ),
                Err(error) => {
                    tracing::error!(%error, "a row that can't be read");
                    inspection.unreadable(&key);
                }
            }
            Ok(())
        });
        scan.await?;
        Ok(inspection.finish())
    }

    async fn can_go(&self, parent: &SplitParent, report: &JanitorReport) -> bool {
        let was_merged = report.merged.iter().any(|(merged, _)| merged == &parent.region);
        let Some([a, b]) = &parent.daughters else {
            tracing::warn!(region = %parent.region, "a split parent without daughters is left alone");
            return false;
        };
        !was_merged && self.has_no_references(a).await && self.has_no_references(b).await
    }

    /// True when the region has no files that need another region's, or isn't there at all.
    async fn has_no_references(&self, region: &RegionInfo) -> bool {
        let Some(schema) = self.schemas.get(region.table()) else { return false };
        match self.files.has_references(&schema, region).await {
            Ok(has) => !has.unwrap_or(false),
            Err(error) => {
                tracing::warn!(%region, %error, "not known whether it has references, so it counts as having some");
                false
            }
        }
    }

    async fn submit_gc(
        &self,
        procedure: impl hmaster_procedure::Procedure<Self>,
    ) -> Result<(), JavaException> {
        let submitted = self.submit(procedure).await;
        let ended = hmaster_types::class::SERVER_NOT_RUNNING_YET;
        submitted.map(drop).map_err(|error| JavaException::new(ended, error.to_string()))
    }
}
