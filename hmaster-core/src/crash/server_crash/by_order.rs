//! Regions that refer to a server nobody knows. Counterpart of `HBCKServerCrashProcedure.UnknownServerVisitor`.

use hmaster_protocol::meta::{CATALOG_FAMILY, MetaReader};
use hmaster_types::{RegionInfo, RegionState};

use super::ServerCrash;
use crate::assignment::RegionRecord;
use crate::catalog::records;
use crate::environment::MasterEnv;
use crate::error::StepError;

impl ServerCrash {
    /// The regions that hbase:meta has open, or being opened, on the server. Those that were being closed there count as
    /// closed from now on.
    pub(super) async fn regions_by_meta(&self, env: &MasterEnv) -> Result<Vec<RegionInfo>, StepError> {
        let mut found: Vec<RegionRecord> = Vec::new();
        let mut reader = MetaReader::new();
        let scan = env.catalog.scan(b"", b"", &[CATALOG_FAMILY], |cells| {
            // A row that can't be read is the catalog janitor's to report.
            if let Ok(Some(row)) = reader.region_row(&cells) {
                found.extend(
                    records(&row).into_iter().filter(|at| at.location.as_ref() == Some(&self.server)),
                );
            }
            Ok(())
        });
        scan.await?;
        let mut regions = Vec::new();
        for record in found {
            match record.state {
                RegionState::Opening | RegionState::Open => regions.push(record.info),
                RegionState::Closing => self.close_in_meta(env, &record.info).await?,
                state => tracing::info!(region = %record.info, %state, server = %self.server, "left alone"),
            }
        }
        tracing::info!(server = %self.server, regions = regions.len(), "hbase:meta has regions there");
        Ok(regions)
    }

    /// Its edits, if there were any, are replayed when it is opened next: the server's WALs are split before this ends.
    async fn close_in_meta(&self, env: &MasterEnv, region: &RegionInfo) -> Result<(), StepError> {
        let name = region.encoded_name();
        let is_ours = |node: &crate::assignment::RegionNode| {
            node.owner().is_none() && node.location().is_none_or(|place| *place == self.server)
        };
        if env.regions.with(name, is_ours).unwrap_or(false) {
            tracing::info!(%region, server = %self.server, "was being closed, is closed now");
            let record = env.regions.closed_abnormally(name)?;
            env.record_region(&record).await?;
        }
        Ok(())
    }
}
