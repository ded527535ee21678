//! Regions in transition, and where regions are.

use std::collections::BTreeSet;

use hmaster_core::assignment::{Owner, RegionNode};
use hmaster_core::environment::MasterEnv;
use hmaster_types::{RegionState, ServerName};

use super::format::{duration, key, or_dash, short, time};
use super::paging::{Cut, Paging, link};

/// Regions in transition, as numbers. Counterpart of `RegionInTransitionStat`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RitStatistics {
    pub(crate) count: u64,
    /// For longer than `hbase.metrics.rit.stuck.warning.threshold`.
    pub(crate) over_threshold: u64,
    /// Age of the oldest, in milliseconds.
    pub(crate) oldest_ms: u64,
}

impl RitStatistics {
    pub(crate) fn of(env: &MasterEnv) -> Self {
        let (now_ms, threshold_ms) = (env.clock.now_ms(), threshold_ms(env));
        let mut statistics = Self::default();
        env.regions.for_each_in_transition(|node| {
            let age_ms = now_ms.saturating_sub(node.last_update_ms());
            statistics.count += 1;
            statistics.over_threshold += u64::from(age_ms > threshold_ms);
            statistics.oldest_ms = statistics.oldest_ms.max(age_ms);
        });
        statistics
    }
}

fn threshold_ms(env: &MasterEnv) -> u64 {
    env.options.assignment.rit_stuck.as_millis() as u64
}

/// A region in transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RitRow {
    pub(crate) encoded: String,
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) table_page: String,
    pub(crate) state: &'static str,
    pub(crate) server: String,
    pub(crate) since: String,
    pub(crate) age: String,
    pub(crate) procedure: String,
    pub(crate) is_stuck: bool,
}

/// The regions in transition whose table, encoded name, state or server has `filter` in it.
pub(crate) fn in_transition(env: &MasterEnv, filter: &str, paging: Paging) -> Cut<RitRow> {
    let mut found = paging.collect();
    env.regions.for_each_in_transition(|node| {
        if fits(node, filter) {
            found.offer(|| node.clone());
        }
    });
    found.map(|node| rit_row(env, &node))
}

fn fits(node: &RegionNode, filter: &str) -> bool {
    filter.is_empty()
        || node.info().table().as_str().contains(filter)
        || node.state().name().contains(filter)
        || node.location().is_some_and(|server| server.as_str().contains(filter))
        || node.info().encoded_name().to_string().contains(filter)
}

fn rit_row(env: &MasterEnv, node: &RegionNode) -> RitRow {
    let age_ms = env.clock.now_ms().saturating_sub(node.last_update_ms());
    let table = node.info().table();
    RitRow {
        encoded: node.info().encoded_name().to_string(),
        // A region's name has its first key in it.
        name: match env.options.info_server.display_keys {
            true => short(&node.info().name().to_string()),
            false => String::new(),
        },
        table: table.to_string(),
        table_page: link("/table.jsp", [("name", table.as_str())]),
        state: node.state().name(),
        server: or_dash(node.location()),
        since: time(node.last_update_ms()),
        age: duration(age_ms),
        procedure: match node.owner() {
            Some(Owner::Procedure(id)) => id.to_string(),
            Some(Owner::Claimed(_)) => "about to begin".to_owned(),
            None => "none".to_owned(),
        },
        is_stuck: age_ms > threshold_ms(env),
    }
}

/// Regions on servers that aren't online.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) on_dead: u64,
    pub(crate) on_unknown: u64,
}

/// How many regions may be open on servers that are dead or that nobody has heard of.
pub(crate) fn on_lost_servers(env: &MasterEnv) -> Lost {
    let dead: BTreeSet<_> = env.servers.dead().into_iter().map(|(server, _)| server).collect();
    let mut lost = Lost::default();
    for (server, regions) in env.regions.server_region_counts() {
        if dead.contains(&server) {
            lost.on_dead += regions as u64;
        } else if !env.servers.is_online(&server) {
            lost.on_unknown += regions as u64;
        }
    }
    lost
}

/// Regions per server that is online.
pub(crate) fn average_load(env: &MasterEnv, online: &[ServerName]) -> f64 {
    let online: BTreeSet<_> = online.iter().collect();
    let counts = env.regions.server_region_counts();
    let regions: usize =
        counts.iter().filter(|(server, _)| online.contains(server)).map(|(_, regions)| regions).sum();
    if online.is_empty() { 0.0 } else { regions as f64 / online.len() as f64 }
}

/// A region of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionRow {
    pub(crate) encoded: String,
    pub(crate) replica: u16,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) state: &'static str,
    /// Neither open, nor split, nor closed in good order.
    pub(crate) is_odd: bool,
    pub(crate) server: String,
    pub(crate) since: String,
    pub(crate) open_seq_num: i64,
}

impl RegionRow {
    /// A region; its keys may be secret (`hbase.display.keys`).
    pub(crate) fn of(node: &RegionNode, with_keys: bool) -> Self {
        let info = node.info();
        let shown = |bytes: &[u8], none: &str| match bytes {
            [] => none.to_owned(),
            _ if !with_keys => "hidden".to_owned(),
            bytes => key(bytes),
        };
        let usual = [RegionState::Open, RegionState::Split, RegionState::Merged, RegionState::Closed];
        Self {
            encoded: info.encoded_name().to_string(),
            replica: info.replica_id(),
            start: shown(info.start_key(), "(first)"),
            end: shown(info.end_key(), "(last)"),
            state: node.state().name(),
            is_odd: !node.is_in(&usual),
            server: or_dash(node.location()),
            since: time(node.last_update_ms()),
            open_seq_num: node.open_seq_num().0,
        }
    }
}
