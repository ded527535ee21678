//! What is wrong in hbase:meta, and what can be tidied. Counterpart of `CatalogJanitorReport`, `ReportMakingVisitor` and
//! `MetaFixer.getRegionInfoWithLargestEndKey`.

use std::fmt;

use bytes::Bytes;
use hmaster_protocol::meta::MetaRow;
use hmaster_types::{EncodedName, RegionInfo, RegionState, ServerName, TableName, to_string_binary};

/// What a scan has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JanitorReport {
    /// When it began, in milliseconds of the master's clock.
    pub created_ms: u64,
    /// Rows looked at.
    pub rows: u64,
    /// Rows that no region covers lie between these; none stands for the table's begin or end.
    pub holes: Vec<(Option<RegionInfo>, Option<RegionInfo>)>,
    /// Regions that cover the same rows.
    pub overlaps: Vec<(RegionInfo, RegionInfo)>,
    /// Regions on servers that nobody knows.
    pub unknown_servers: Vec<(RegionInfo, ServerName)>,
    /// Rows that don't say which region they are about, or can't be read.
    pub empty_rows: Vec<Bytes>,
    /// Split parents; those that are split parents' daughters come after these.
    pub split_parents: Vec<SplitParent>,
    /// Merged regions with those they were merged from.
    pub merged: Vec<(RegionInfo, Vec<RegionInfo>)>,
}

/// A region that was split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitParent {
    /// The region.
    pub region: RegionInfo,
    /// What became of it.
    pub daughters: Option<[RegionInfo; 2]>,
}

impl JanitorReport {
    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.holes.is_empty()
            && self.overlaps.is_empty()
            && self.unknown_servers.is_empty()
            && self.empty_rows.is_empty()
    }
}

impl fmt::Display for JanitorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |region: &Option<RegionInfo>| region.as_ref().map_or("-".into(), |r| r.name().to_string());
        for (before, after) in &self.holes {
            write!(f, "hole={}/{}, ", name(before), name(after))?;
        }
        for (a, b) in &self.overlaps {
            write!(f, "overlap={}/{}, ", a.name(), b.name())?;
        }
        for (region, server) in &self.unknown_servers {
            write!(f, "unknown_server={server}/{}, ", region.name())?;
        }
        for row in &self.empty_rows {
            write!(f, "empty={}, ", to_string_binary(row))?;
        }
        write!(f, "rows={}", self.rows)
    }
}

/// A scan under way: rows come in hbase:meta's order.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    report: JanitorReport,
    previous: Option<RegionInfo>,
    /// Of the regions so far, the one that reaches farthest.
    farthest: Option<RegionInfo>,
}

impl Inspection {
    pub(super) fn new(created_ms: u64) -> Self {
        Self { report: JanitorReport { created_ms, ..JanitorReport::default() }, ..Self::default() }
    }

    /// Takes a row in; none for one that isn't about a region, although it has the family of regions.
    pub(super) fn visit(
        &mut self,
        key: &[u8],
        row: Option<MetaRow>,
        is_disabled: impl Fn(&TableName) -> bool,
        state_of: impl Fn(EncodedName) -> Option<RegionState>,
        is_unknown: impl Fn(&ServerName) -> bool,
    ) {
        self.report.rows += 1;
        let Some(row) = row else {
            self.report.empty_rows.push(Bytes::copy_from_slice(key));
            return;
        };
        let region = &row.region;
        let disabled = is_disabled(region.table());
        if !disabled && !region.is_split_parent() {
            self.check_servers(&row, state_of, is_unknown);
        }
        if region.name().as_bytes() != key {
            let key = to_string_binary(key);
            tracing::warn!(row = key, %region, "the row is named otherwise than the region in it");
            return;
        }
        if region.is_split_parent() {
            let daughters = row.daughters.map(|(a, b)| [a, b]);
            self.report.split_parents.push(SplitParent { region: region.clone(), daughters });
        } else if !disabled {
            self.check_order(region);
        }
        if !row.merged_from.is_empty() {
            self.report.merged.push((row.region, row.merged_from));
        }
    }

    /// Takes note of a row that can't be read.
    pub(super) fn unreadable(&mut self, key: &[u8]) {
        self.report.rows += 1;
        self.report.empty_rows.push(Bytes::copy_from_slice(key));
    }

    pub(super) fn finish(mut self) -> JanitorReport {
        self.end_table();
        // Parents before their daughters: these begin where the parent does or later, and end where it does or earlier.
        self.report.split_parents.sort_by(|x, y| {
            let (x, y) = (&x.region, &y.region);
            let end = |region: &RegionInfo| (region.end_key().is_empty(), region.end_key().to_vec());
            (x.table(), x.start_key()).cmp(&(y.table(), y.start_key())).then_with(|| end(y).cmp(&end(x)))
        });
        self.report
    }

    fn check_order(&mut self, region: &RegionInfo) {
        if self.previous.as_ref().is_some_and(|previous| previous.table() != region.table()) {
            self.end_table();
        }
        match (self.previous.take(), self.farthest.take()) {
            (Some(previous), Some(farthest)) => {
                let follows = |before: &RegionInfo| before.end_key() == region.start_key();
                if follows(&previous) {
                    if region.overlaps(&farthest) {
                        self.report.overlaps.push((farthest.clone(), region.clone()));
                    }
                } else if previous.overlaps(region) {
                    self.report.overlaps.push((previous, region.clone()));
                } else if region.overlaps(&farthest) {
                    self.report.overlaps.push((farthest.clone(), region.clone()));
                } else if !follows(&farthest) {
                    self.report.holes.push((Some(previous), Some(region.clone())));
                }
                self.farthest = Some(reaches_farther(farthest, region));
            }
            _ => {
                if !region.start_key().is_empty() {
                    self.report.holes.push((None, Some(region.clone())));
                }
                self.farthest = Some(region.clone());
            }
        }
        self.previous = Some(region.clone());
    }

    /// The last region of a table should reach its end.
    fn end_table(&mut self) {
        if let Some(last) = self.farthest.take().filter(|last| !last.end_key().is_empty()) {
            self.report.holes.push((Some(last), None));
        }
        self.previous = None;
    }

    fn check_servers(
        &mut self,
        row: &MetaRow,
        state_of: impl Fn(EncodedName) -> Option<RegionState>,
        is_unknown: impl Fn(&ServerName) -> bool,
    ) {
        for replica in &row.replicas {
            let region = row.region.with_replica(replica.id);
            let Some(server) = &replica.open_on else { continue };
            let closed = [RegionState::Closed, RegionState::AbnormallyClosed];
            let state = state_of(region.encoded_name());
            if state.is_some_and(|state| !state.is_one_of(&closed)) && is_unknown(server) {
                self.report.unknown_servers.push((region, server.clone()));
            }
        }
    }
}

fn reaches_farther(farthest: RegionInfo, region: &RegionInfo) -> RegionInfo {
    let is_farther = !farthest.end_key().is_empty()
        && (region.end_key().is_empty() || region.end_key() > farthest.end_key());
    if is_farther { region.clone() } else { farthest }
}

#[cfg(test)]
mod tests {
    use hmaster_protocol::meta::MetaReplica;

    use super::*;

    fn region(table: &str, start: &str, end: &str) -> RegionInfo {
        let builder = RegionInfo::builder(table.parse().unwrap()).region_id(3);
        builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
    }

    fn row(region: &RegionInfo) -> MetaRow {
        MetaRow {
            region: region.clone(),
            replicas: Vec::new(),
            daughters: None,
            merged_from: Vec::new(),
            newest_ms: 0,
        }
    }

    fn inspect(rows: Vec<MetaRow>) -> JanitorReport {
        let mut inspection = Inspection::new(0);
        for row in rows {
            let key = row.region.name();
            inspection.visit(
                key.as_bytes(),
                Some(row),
                |table| table.as_str() == "disabled",
                |_| Some(RegionState::Open),
                |server| server.host() == "unknown",
            );
        }
        inspection.finish()
    }

    type Pairs = Vec<(&'static str, &'static str)>;

    /// Regions of one table by their bounds; holes and overlaps by the start keys of the regions around them.
    fn check(regions: &[(&str, &str)]) -> (Pairs, Pairs) {
        const NAMES: [&str; 6] = ["", "b", "c", "d", "e", "-"];
        let known = |key: &[u8]| *NAMES.iter().find(|name| name.as_bytes() == key).unwrap();
        let report = inspect(regions.iter().map(|(start, end)| row(&region("t", start, end))).collect());
        let side =
            |region: &Option<RegionInfo>| region.as_ref().map_or("-", |region| known(region.start_key()));
        let holes = report.holes.iter().map(|(a, b)| (side(a), side(b))).collect();
        let overlaps = report.overlaps.iter().map(|(a, b)| (known(a.start_key()), known(b.start_key())));
        (holes, overlaps.collect())
    }

    #[test]
    fn holes_and_overlaps() {
        for (regions, holes, overlaps) in [
            (&[("", "")][..], vec![], vec![]),
            (&[("", "b"), ("b", "")], vec![], vec![]),
            (&[("", "b"), ("c", "")], vec![("", "c")], vec![]),
            (&[("b", "")], vec![("-", "b")], vec![]),
            (&[("", "b")], vec![("", "-")], vec![]),
            (&[("", "c"), ("b", "")], vec![], vec![("", "b")]),
            (&[("", "d"), ("b", "c"), ("c", "")], vec![], vec![("", "b"), ("", "c")]),
            (&[("", "d"), ("b", "c"), ("d", "")], vec![], vec![("", "b")]),
            (&[("", "d"), ("b", "c"), ("e", "")], vec![("b", "e")], vec![("", "b")]),
        ] {
            assert_eq!(check(regions), (holes, overlaps), "{regions:?}");
        }
    }

    #[test]
    fn tables_are_looked_at_one_by_one() {
        let rows = |regions: &[RegionInfo]| regions.iter().map(row).collect();
        assert!(inspect(rows(&[region("a", "", "b"), region("a", "b", ""), region("b", "", "")])).is_clean());
        let report = inspect(rows(&[region("a", "", "b"), region("b", "c", "")]));
        assert_eq!(report.holes.len(), 2, "{report}");
        assert!(inspect(rows(&[region("disabled", "x", "y")])).is_clean());
    }

    #[test]
    fn split_parents_are_no_overlap_and_come_before_their_daughters() {
        let gone = |region: RegionInfo| region.to_builder().split(true).offline(true).build();
        let (parent, upper) = (gone(region("t", "", "")), gone(region("t", "m", "")));
        let mut rows = vec![row(&region("t", "", "m")), row(&parent), row(&upper)];
        rows[1].daughters = Some((region("t", "", "m"), region("t", "m", "")));
        rows.extend([row(&region("t", "m", "p")), row(&region("t", "p", ""))]);
        let report = inspect(rows);
        assert!(report.is_clean(), "{report}");
        let parents: Vec<_> = report.split_parents.iter().map(|parent| parent.daughters.is_some()).collect();
        assert_eq!(parents, [true, false]);
    }

    #[test]
    fn merged_regions_and_unknown_servers_are_named() {
        let mut one = row(&region("t", "", ""));
        one.merged_from = vec![region("t", "", "m")];
        let place = |id, server: &str| MetaReplica {
            id,
            open_on: Some(server.parse().unwrap()),
            ..MetaReplica::default()
        };
        one.replicas = vec![place(0, "known,1,1"), place(1, "unknown,1,1")];
        let report = inspect(vec![one]);
        assert_eq!(report.merged.len(), 1);
        let unknown: Vec<_> = report.unknown_servers.iter().map(|(region, _)| region.replica_id()).collect();
        assert_eq!(unknown, [1]);
    }

    #[test]
    fn rows_that_say_nothing_are_listed() {
        let mut inspection = Inspection::new(0);
        let open = |_| Some(RegionState::Open);
        inspection.visit(b"t,,1.x.", None, |_| false, open, |_| false);
        inspection.unreadable(b"u,,1.x.");
        let other = region("t", "", "b");
        inspection.visit(b"t,,2.x.", Some(row(&other)), |_| false, open, |_| false);
        let report = inspection.finish();
        assert_eq!((report.rows, report.empty_rows.len()), (3, 2));
        assert!(report.holes.is_empty(), "a row under another name doesn't count");
    }
}
