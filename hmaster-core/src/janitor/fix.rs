//! Repairs holes and overlaps in hbase:meta. Counterpart of `MetaFixer`.
//!
//! Differs from Java in that what the last scan of the catalog janitor has found is looked up again, and only what is
//! found both times in an enabled table is repaired: a table that is just being made has holes. And in that a new region
//! gets its folder before its row, so that whatever happens in between the hole stays visible.

use std::collections::BTreeSet;

use hmaster_procedure::engine::NewProcedure;
use hmaster_protocol::meta;
use hmaster_types::{JavaException, RegionInfo, RegionState, TableName, TableState, class};

use super::report::JanitorReport;
use crate::assignment::RegionRecord;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::regions::merge::{self, MergeRegions};
use crate::step::{ProcedureUser, Stop};
use crate::tables::create::{round_robin, with_replicas};

impl MasterEnv {
    /// Fills holes with empty regions, and merges regions that overlap. Their procedures are only submitted.
    ///
    /// # Errors
    /// When hbase:meta or the files can't be read or written, or merges are switched off.
    pub async fn fix_meta(&self) -> Result<(), JavaException> {
        let Some(last) = self.janitor.last_report() else {
            tracing::info!(
                "the catalog janitor has no report yet; run 'catalogjanitor_run' in the shell first"
            );
            return Ok(());
        };
        let now = self.inspect_catalog().await?;
        let is_enabled = |table: &TableName| self.tables.is_in(table, &[TableState::Enabled]);
        let repair = Repair::new(&last, &now, is_enabled, self.options.janitor.fix_merge_max as usize);
        tracing::info!(holes = repair.holes.len(), merges = repair.merges.len(), "repairing hbase:meta");
        self.fill_holes(&repair).await?;
        for regions in repair.merges {
            self.merge_overlapping(regions).await?;
        }
        Ok(())
    }

    async fn fill_holes(&self, repair: &Repair) -> Result<(), JavaException> {
        let mut filled = Vec::new();
        for (table, start, end) in &repair.holes {
            let region = RegionInfo::builder(table.clone())
                .start_key(&start[..])
                .end_key(&end[..])
                .region_id(self.clock.now_ms())
                .build();
            match self.add_region(&region).await {
                Ok(regions) => filled.extend(regions),
                Err(error) => tracing::warn!(%region, %error, "the hole stays"),
            }
        }
        let children = round_robin(self, &filled).await.map_err(|stop| match stop {
            Stop::Refused(error) => error,
            Stop::Failed(error) => error.into(),
        })?;
        let executor = self.executor().ok_or_else(ended)?;
        let new = children.into_iter().map(|procedure| NewProcedure { procedure, owner: None, nonce: None });
        executor.submit_all(new.collect()).await.map(drop).map_err(|_| ended())
    }

    /// A new region with its copies: closed, and known.
    async fn add_region(&self, region: &RegionInfo) -> Result<Vec<RegionInfo>, StepError> {
        let replicas = self.schemas.get(region.table()).map_or(1, |schema| schema.region_replication());
        self.files.create_regions(std::slice::from_ref(region)).await?;
        self.catalog.write(vec![meta::add_region(region, replicas, self.catalog.clock.now_ms())]).await?;
        let regions = with_replicas(std::slice::from_ref(region), replicas);
        for region in &regions {
            self.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
        }
        tracing::info!(%region, "fills a hole");
        Ok(regions)
    }

    async fn merge_overlapping(&self, regions: Vec<RegionInfo>) -> Result<(), JavaException> {
        merge::check_switches(self, &regions)?;
        match MergeRegions::procedure(self, ProcedureUser::master(), regions, true) {
            Ok(merge) => self.submit(merge).await.map(drop).map_err(|_| ended()),
            Err(error) => {
                tracing::warn!(%error, "the overlap stays");
                Ok(())
            }
        }
    }
}

fn ended() -> JavaException {
    JavaException::new(class::SERVER_NOT_RUNNING_YET, "this master is no longer active")
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
struct Repair {
    /// Regions that are to be made: table, start, end.
    holes: Vec<(TableName, Vec<u8>, Vec<u8>)>,
    /// Regions that are to be merged.
    merges: Vec<Vec<RegionInfo>>,
}

impl Repair {
    fn new(
        last: &JanitorReport,
        now: &JanitorReport,
        is_enabled: impl Fn(&TableName) -> bool,
        merge_max: usize,
    ) -> Self {
        let holes = now.holes.iter().filter(|hole| last.holes.contains(hole)).filter_map(cover);
        let overlaps = now.overlaps.iter().filter(|overlap| last.overlaps.contains(overlap));
        let overlaps: Vec<_> = overlaps.filter(|(first, _)| is_enabled(first.table())).collect();
        Self {
            holes: holes.filter(|(table, ..)| is_enabled(table)).collect(),
            merges: merges(merge_max, &overlaps),
        }
    }
}

/// The rows of a hole.
fn cover(
    (before, after): &(Option<RegionInfo>, Option<RegionInfo>),
) -> Option<(TableName, Vec<u8>, Vec<u8>)> {
    let table = before.as_ref().or(after.as_ref())?.table().clone();
    let start = before.as_ref().map_or(Vec::new(), |region| region.end_key().to_vec());
    let end = after.as_ref().map_or(Vec::new(), |region| region.start_key().to_vec());
    let is_range = end.is_empty() || start < end;
    is_range.then_some((table, start, end))
}

/// Which regions to merge: chains of overlaps, each region once, up to `max` or one more at a time. Counterpart of
/// `calculateMerges`, whose answers these are.
fn merges(max: usize, overlaps: &[&(RegionInfo, RegionInfo)]) -> Vec<Vec<RegionInfo>> {
    let mut merges: Vec<BTreeSet<RegionInfo>> = Vec::new();
    let mut current = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut farthest: Option<&RegionInfo> = None;
    for (a, b) in overlaps {
        if let Some(last) = farthest {
            let is_chain = last.table() == a.table() && (last.overlaps(a) || last.overlaps(b));
            if !is_chain || current.len() >= max {
                finish(&mut merges, &mut current, &mut taken);
            }
        }
        for region in [a, b] {
            if taken.insert(region.clone()) {
                current.insert(region.clone());
            }
        }
        farthest = [farthest.filter(|last| last.table() == a.table()), Some(a), Some(b)]
            .into_iter()
            .flatten()
            .max_by_key(|region| (region.end_key().is_empty(), region.end_key()));
    }
    finish(&mut merges, &mut current, &mut taken);
    merges.into_iter().map(|regions| regions.into_iter().collect()).collect()
}

/// One region alone isn't merged; it may become part of the next.
fn finish(
    merges: &mut Vec<BTreeSet<RegionInfo>>,
    current: &mut BTreeSet<RegionInfo>,
    taken: &mut BTreeSet<RegionInfo>,
) {
    let done = std::mem::take(current);
    if done.len() > 1 {
        merges.push(done);
    } else {
        taken.retain(|region| !done.contains(region));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(table: &str, start: &str, end: &str) -> RegionInfo {
        let builder = RegionInfo::builder(table.parse().unwrap()).region_id(3);
        builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
    }

    #[test]
    fn holes_are_covered() {
        let at = |start: &str, end: &str| Some(region("t", start, end));
        for (before, after, range) in [
            (at("", "c"), at("f", ""), Some(("c", "f"))),
            (None, at("f", ""), Some(("", "f"))),
            (at("", "c"), None, Some(("c", ""))),
            (at("", "g"), at("f", ""), None),
            (None, None, None),
        ] {
            let covered = cover(&(before, after)).map(|(_, start, end)| (start, end));
            assert_eq!(covered, range.map(|(start, end): (&str, &str)| (start.into(), end.into())));
        }
    }

    #[test]
    fn chains_of_overlaps_are_merged() {
        let r = |start: &str, end: &str| region("t", start, end);
        let (a, b, c, d) = (r("a", "c"), r("b", "f"), r("e", "h"), r("m", "p"));
        let e = r("n", "z");
        let u = [region("u", "a", "c"), region("u", "b", "f")];
        let pair = |x: &RegionInfo, y: &RegionInfo| (x.clone(), y.clone());
        let overlaps = [pair(&a, &b), pair(&b, &c), pair(&d, &e), pair(&u[0], &u[1])];
        let refs: Vec<_> = overlaps.iter().collect();
        let expected = vec![vec![a.clone(), b.clone(), c.clone()], vec![d.clone(), e.clone()], u.to_vec()];
        assert_eq!(merges(64, &refs), expected);
        let bounded = merges(2, &refs);
        assert_eq!(bounded[0], [a, b], "no more than two at once");
        assert!(bounded.iter().all(|merge| merge.len() > 1));
        assert!(merges(64, &[]).is_empty());
    }

    #[test]
    fn only_what_is_found_twice_in_an_enabled_table_is_repaired() {
        let hole = |table: &str| (Some(region(table, "", "c")), Some(region(table, "f", "")));
        let report = |tables: &[&str]| JanitorReport {
            holes: tables.iter().map(|table| hole(table)).collect(),
            ..JanitorReport::default()
        };
        let is_enabled = |table: &TableName| table.as_str() != "disabled";
        let repair =
            Repair::new(&report(&["a", "b", "disabled"]), &report(&["b", "c", "disabled"]), is_enabled, 64);
        let tables: Vec<_> = repair.holes.iter().map(|(table, ..)| table.as_str()).collect();
        assert_eq!(tables, ["b"]);
    }
}
