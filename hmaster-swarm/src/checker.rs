//! Whether all is as it should be: what servers have open, and what hbase:meta says, side by side.
//!
//! What the servers say decides. A region that two of them have open is what must never be; one that none has is lost; and
//! hbase:meta must name the one that has it.

use std::collections::BTreeMap;

use hmaster_protocol::meta::MetaRow;
use hmaster_types::{RegionInfo, RegionState, ServerName};

/// As many findings are told.
const FINDINGS_MAX: usize = 20;

/// Regions that are open, with the server that says so.
pub type OpenRegions = Vec<(RegionInfo, ServerName)>;

/// What isn't as it should be with the regions of tables that are enabled. Nothing is told of more than the first twenty.
pub fn findings(expected: usize, open: &OpenRegions, rows: &[MetaRow]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut places: BTreeMap<&RegionInfo, &ServerName> = BTreeMap::new();
    for (region, server) in open {
        if let Some(other) = places.insert(region, server) {
            findings.push(format!("{} is open on {other} and on {server}", region.name()));
        }
    }
    if places.len() != expected {
        findings.push(format!("{} regions are open, not {expected}", places.len()));
    }
    if rows.len() != expected {
        findings.push(format!("hbase:meta has {} regions, not {expected}", rows.len()));
    }
    for row in rows {
        let place = places.remove(&row.region);
        let replica = row.replicas.iter().find(|replica| replica.id == 0);
        let state = replica.and_then(|replica| replica.state);
        let said = replica.and_then(|replica| replica.open_on.as_ref());
        if place.is_none() || state != Some(RegionState::Open) || said != place {
            findings.push(format!(
                "{} is open on {}, and hbase:meta has it {} on {}",
                row.region.name(),
                place.map_or("no server".into(), ToString::to_string),
                state.map_or("without state", RegionState::name),
                said.map_or("no server".into(), ToString::to_string),
            ));
        }
    }
    let strangers = places.iter().map(|(region, server)| {
        format!("{} is open on {server}, and hbase:meta doesn't have it", region.name())
    });
    findings.extend(strangers);
    findings.truncate(FINDINGS_MAX);
    findings
}

#[cfg(test)]
mod tests {
    use hmaster_protocol::meta::{MetaReplica, put_region};

    use super::*;

    fn region(key: &str) -> RegionInfo {
        RegionInfo::builder("t".parse().unwrap()).start_key(key.as_bytes().to_vec()).build()
    }

    fn server(port: u16) -> ServerName {
        format!("h,{port},1").parse().unwrap()
    }

    fn row(key: &str, state: RegionState, port: u16) -> MetaRow {
        let replica = MetaReplica {
            id: 0,
            state: Some(state),
            target: None,
            open_on: Some(server(port)),
            open_seq_num: Some(1),
        };
        MetaRow {
            region: region(key),
            replicas: vec![replica],
            daughters: None,
            merged_from: Vec::new(),
            newest_ms: 0,
        }
    }

    #[test]
    fn each_region_on_one_server_that_is_named() {
        let open = vec![(region("a"), server(1)), (region("b"), server(2))];
        let rows = [row("a", RegionState::Open, 1), row("b", RegionState::Open, 2)];
        assert_eq!(findings(2, &open, &rows), [""; 0]);
        let row = put_region(&region("a"), RegionState::Open, Some(&server(1)), 1, false, 1);
        assert!(!row.puts.is_empty());
    }

    #[test]
    fn whatever_is_wrong_is_found() {
        let a = || (region("a"), server(1));
        let row_of_a = || row("a", RegionState::Open, 1);
        let cases: [(OpenRegions, Vec<MetaRow>, &str); 6] = [
            (vec![a(), (region("a"), server(2))], vec![row("a", RegionState::Open, 2)], "and on"),
            (vec![], vec![row_of_a()], "no server"),
            (vec![a()], vec![], "doesn't have it"),
            (vec![a()], vec![row("a", RegionState::Opening, 1)], "OPENING"),
            (vec![a()], vec![row("a", RegionState::Open, 2)], "h,2,1"),
            (vec![(region("b"), server(1))], vec![row_of_a()], "no server"),
        ];
        for (open, rows, expected) in cases {
            let found = findings(1, &open, &rows);
            assert!(found.iter().any(|finding| finding.contains(expected)), "{expected}: {found:?}");
        }
        let many: Vec<_> = (0..100).map(|n| row(&n.to_string(), RegionState::Open, 1)).collect();
        assert_eq!(findings(100, &Vec::new(), &many).len(), FINDINGS_MAX);
    }
}
