//! Compares what the master believes with what region servers report and with what files are there. It reports and changes
//! nothing. Counterpart of `HbckChore` and `HbckReport`.
//!
//! While regions move the three differ for a moment, so a report names what may be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hmaster_protocol::meta::{CATALOG_FAMILY, MetaReader};
use hmaster_protocol::{decode, pb};
use hmaster_types::{
    EncodedName, RegionInfo, RegionName, ServerName, TableName, TableState, to_string_binary,
};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::environment::MasterEnv;
use crate::error::StepError;

/// What a comparison has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsistencyReport {
    /// When it began, in milliseconds of the master's clock.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
    /// Regions the master knows.
    pub regions: usize,
    /// Those of them whose tables are disabled.
    pub disabled: usize,
    /// Those of them that were split.
    pub split_parents: usize,
    /// Regions that a server has open and hbase:meta doesn't have, by name as text.
    pub orphans_on_servers: BTreeMap<String, ServerName>,
    /// Regions' folders that hbase:meta has no regions for.
    pub orphans_on_files: BTreeMap<EncodedName, TableName>,
    /// Regions that aren't open where the master believes: by name, where that is, and where they are open.
    pub inconsistent: BTreeMap<RegionName, (Option<ServerName>, Vec<ServerName>)>,
    /// Why the files weren't looked at, if they weren't.
    pub files_error: Option<String>,
}

/// The last report, and whether a comparison is under way.
#[derive(Debug, Default)]
pub struct Checker {
    at_work: AsyncMutex<()>,
    last: Mutex<Option<Arc<ConsistencyReport>>>,
}

/// What the master believes of one region.
#[derive(Debug, Clone)]
struct Belief {
    region: RegionInfo,
    place: Option<ServerName>,
    is_disabled: bool,
    is_split: bool,
}

impl Checker {
    /// What the last comparison has found.
    pub fn last_report(&self) -> Option<Arc<ConsistencyReport>> {
        self.last.lock().clone()
    }
}

impl ConsistencyReport {
    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.orphans_on_servers.is_empty() && self.orphans_on_files.is_empty() && self.inconsistent.is_empty()
    }

    /// Compares the master's beliefs with what servers report.
    fn compare(beliefs: Vec<Belief>, reports: &[(ServerName, Vec<Vec<u8>>)]) -> Self {
        let mut report = Self {
            regions: beliefs.len(),
            disabled: beliefs.iter().filter(|belief| belief.is_disabled).count(),
            split_parents: beliefs.iter().filter(|belief| belief.is_split).count(),
            ..Self::default()
        };
        let known: BTreeSet<_> = beliefs.iter().map(|belief| belief.region.encoded_name()).collect();
        let mut open: BTreeMap<EncodedName, Vec<ServerName>> = BTreeMap::new();
        for (server, names) in reports {
            for name in names {
                match EncodedName::of_region_name(name) {
                    Ok(encoded) if known.contains(&encoded) => {
                        open.entry(encoded).or_default().push(server.clone());
                    }
                    _ => drop(report.orphans_on_servers.insert(to_string_binary(name), server.clone())),
                }
            }
        }
        for belief in beliefs {
            let on = open.remove(&belief.region.encoded_name()).unwrap_or_default();
            let is_fine = match &on[..] {
                [] => belief.is_disabled || belief.is_split,
                [server] => Some(server) == belief.place.as_ref(),
                _ => false,
            };
            if !is_fine {
                report.inconsistent.insert(belief.region.name(), (belief.place, on));
            }
        }
        report
    }
}

impl MasterEnv {
    /// Compares at the interval of `hbase.master.hbck.chore.interval`, until the reign ends.
    pub async fn run_consistency_checks(self: Arc<Self>) {
        let Some(interval) = self.options.janitor.hbck_interval else { return };
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            self.check_consistency().await;
        }
    }

    /// Compares now and keeps the report; false when that is switched off or already under way.
    pub async fn check_consistency(&self) -> bool {
        if self.options.janitor.hbck_interval.is_none() {
            tracing::warn!("hbase.master.hbck.chore.interval switches consistency checks off");
            return false;
        }
        let checker = &self.janitor.consistency;
        let Ok(_at_work) = checker.at_work.try_lock() else { return false };
        let began_ms = self.clock.now_ms();
        let mut report = ConsistencyReport::compare(self.beliefs(), &self.reported_regions());
        if let Err(error) = self.find_orphans_on_files(&mut report).await {
            tracing::warn!(%error, "regions' folders aren't looked at");
            report.files_error = Some(error.to_string());
        }
        (report.began_ms, report.ended_ms) = (began_ms, self.clock.now_ms());
        tracing::info!(
            regions = report.regions,
            orphans_on_servers = report.orphans_on_servers.len(),
            orphans_on_files = report.orphans_on_files.len(),
            inconsistent = report.inconsistent.len(),
            "consistency is checked"
        );
        *checker.last.lock() = Some(Arc::new(report));
        true
    }

    fn beliefs(&self) -> Vec<Belief> {
        let mut beliefs = Vec::with_capacity(self.regions.len());
        self.regions.for_each(|node| {
            beliefs.push(Belief {
                region: node.info().clone(),
                place: node.location().cloned(),
                is_disabled: self.tables.is_in(node.info().table(), &[TableState::Disabled]),
                is_split: node.is_split() || node.info().is_split(),
            });
        });
        beliefs
    }

    /// The names of the regions that each server has reported last.
    fn reported_regions(&self) -> Vec<(ServerName, Vec<Vec<u8>>)> {
        let names = |load: pb::ServerLoad| {
            load.region_loads.into_iter().map(|region| region.region_specifier.value.to_vec()).collect()
        };
        let online = self.servers.online().into_iter();
        // It was read once when it came in, so it can be read again.
        online
            .map(|(server, online)| {
                (server, decode::<pb::ServerLoad>(online.load).map(names).unwrap_or_default())
            })
            .collect()
    }

    async fn find_orphans_on_files(&self, report: &mut ConsistencyReport) -> Result<(), StepError> {
        let merged = self.merged_away().await?;
        for table in self.files.tables().await? {
            for region in self.files.region_folders(&table).await? {
                if !self.regions.has(region) && !merged.contains(&region) {
                    report.orphans_on_files.insert(region, table.clone());
                }
            }
        }
        Ok(())
    }

    /// Regions that were merged and whose files are still needed.
    async fn merged_away(&self) -> Result<BTreeSet<EncodedName>, StepError> {
        let mut merged = BTreeSet::new();
        let mut reader = MetaReader::new();
        let scan = self.catalog.scan(b"", b"", &[CATALOG_FAMILY], |cells| {
            if let Ok(Some(row)) = reader.region_row(&cells) {
                merged.extend(row.merged_from.iter().map(RegionInfo::encoded_name));
            }
            Ok(())
        });
        scan.await?;
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &str) -> RegionInfo {
        RegionInfo::builder("t".parse().unwrap()).start_key(start.as_bytes()).region_id(7).build()
    }

    fn server(port: u16) -> ServerName {
        ServerName::new("host", port, hmaster_types::StartCode(1)).unwrap()
    }

    #[test]
    fn what_differs_is_named() {
        let belief = |start: &str, place: Option<u16>| Belief {
            region: region(start),
            place: place.map(server),
            is_disabled: start == "disabled",
            is_split: start == "split",
        };
        let beliefs = ["fine", "elsewhere", "lost", "twice"].map(|start| belief(start, Some(1)));
        let beliefs = beliefs.into_iter().chain([belief("disabled", None), belief("split", None)]);
        let names = |starts: &[&str]| -> Vec<Vec<u8>> {
            starts.iter().map(|start| region(start).name().as_bytes().to_vec()).collect()
        };
        let reports =
            [(server(1), names(&["fine", "twice", "orphan"])), (server(2), names(&["elsewhere", "twice"]))];
        let report = ConsistencyReport::compare(beliefs.collect(), &reports);
        assert_eq!((report.regions, report.disabled, report.split_parents), (6, 1, 1));
        assert_eq!(report.orphans_on_servers, [(region("orphan").name().to_string(), server(1))].into());
        let expected =
            [("elsewhere", vec![server(2)]), ("lost", vec![]), ("twice", vec![server(1), server(2)])];
        let expected = expected.map(|(start, on)| (region(start).name(), (Some(server(1)), on)));
        assert_eq!(report.inconsistent, expected.into());
        assert!(!report.is_clean());
    }
}
