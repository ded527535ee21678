//! Region servers, with what they reported last.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_core::environment::MasterEnv;
use hmaster_core::servers::Online;
use hmaster_protocol::{decode, pb};
use hmaster_types::ServerName;

use super::format::{UNKNOWN, ago, count, megabytes, time};
use super::paging::{Cut, Paging};
use crate::site::host_and_port;

/// A region server that is online.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServerRow {
    pub(crate) server: String,
    /// Its pages, if it has any.
    pub(crate) pages: Option<String>,
    pub(crate) started: String,
    pub(crate) version: String,
    pub(crate) last_contact: String,
    pub(crate) is_draining: bool,
    /// Regions that may be open there, by the master's count.
    pub(crate) regions: String,
    pub(crate) region_count: usize,
    pub(crate) load: Option<Load>,
}

/// What a region server reported, summed up over its regions. Counterpart of `ServerMetricsBuilder`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) requests_per_second: u64,
    pub(crate) regions: u64,
    pub(crate) heap_used_mb: u64,
    pub(crate) heap_max_mb: u64,
    pub(crate) stores: u64,
    pub(crate) store_files: u64,
    pub(crate) store_file_mb: u64,
    pub(crate) uncompressed_mb: u64,
    pub(crate) mem_store_mb: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) info_port: u16,
}

impl Load {
    /// Of a report; none before the first, or when it can't be read.
    pub(crate) fn of(online: &Online) -> Option<Self> {
        if online.last_report_ms == 0 {
            return None;
        }
        let report: pb::ServerLoad = decode(online.load.clone()).ok()?;
        let mut load = Self {
            requests_per_second: report.number_of_requests(),
            regions: report.region_loads.len() as u64,
            heap_used_mb: report.used_heap_mb().into(),
            heap_max_mb: report.max_heap_mb().into(),
            info_port: u16::try_from(report.info_server_port()).unwrap_or(0),
            ..Self::default()
        };
        for region in &report.region_loads {
            load.stores += u64::from(region.stores());
            load.store_files += u64::from(region.storefiles());
            load.store_file_mb += u64::from(region.storefile_size_mb());
            load.uncompressed_mb += u64::from(region.store_uncompressed_size_mb());
            load.mem_store_mb += u64::from(region.mem_store_size_mb());
            load.reads = load.reads.saturating_add(region.read_requests_count());
            load.writes = load.writes.saturating_add(region.write_requests_count());
        }
        Some(load)
    }

    fn add(&mut self, other: &Self) {
        self.requests_per_second = self.requests_per_second.saturating_add(other.requests_per_second);
        self.heap_used_mb += other.heap_used_mb;
        self.heap_max_mb += other.heap_max_mb;
        self.store_files += other.store_files;
        self.store_file_mb += other.store_file_mb;
        self.mem_store_mb += other.mem_store_mb;
    }

    pub(crate) fn requests(&self) -> String {
        count(self.requests_per_second)
    }

    pub(crate) fn heap(&self) -> String {
        format!("{} of {}", megabytes(self.heap_used_mb), megabytes(self.heap_max_mb))
    }

    pub(crate) fn files(&self) -> String {
        count(self.store_files)
    }

    pub(crate) fn files_size(&self) -> String {
        megabytes(self.store_file_mb)
    }

    pub(crate) fn mem_store(&self) -> String {
        megabytes(self.mem_store_mb)
    }
}

/// The region servers whose name or version has `filter` in it.
pub(crate) fn online(env: &MasterEnv, filter: &str, paging: Paging) -> Cut<ServerRow> {
    let regions: BTreeMap<_, _> = env.regions.server_region_counts().into_iter().collect();
    let draining: BTreeSet<_> = env.servers.draining().into_iter().collect();
    let mut all = env.servers.online();
    all.retain(|(server, online)| {
        filter.is_empty() || server.as_str().contains(filter) || online.version.text.contains(filter)
    });
    let now_ms = env.clock.now_ms();
    paging.cut(all, |(server, online)| {
        let own = regions.get(&server).copied().unwrap_or(0);
        row(&server, &online, own, draining.contains(&server), now_ms)
    })
}

fn row(server: &ServerName, online: &Online, regions: usize, is_draining: bool, now_ms: u64) -> ServerRow {
    let load = Load::of(online);
    let info_port = load.as_ref().map_or(0, |load| load.info_port);
    let pages = || format!("http://{}/rs-status", host_and_port(server.host(), info_port));
    ServerRow {
        server: server.to_string(),
        pages: (info_port != 0).then(pages),
        started: time(server.start_code().0),
        version: if online.version.text.is_empty() { UNKNOWN.into() } else { online.version.text.clone() },
        last_contact: match online.last_report_ms {
            0 => "no report yet".to_owned(),
            at => format!("{} ago", ago(now_ms, at)),
        },
        is_draining,
        regions: count(regions as u64),
        region_count: regions,
        load,
    }
}

/// The sum of what is shown.
pub(crate) fn total(servers: &Cut<ServerRow>) -> Load {
    let mut total = Load::default();
    servers.rows.iter().filter_map(|server| server.load.as_ref()).for_each(|load| total.add(load));
    total
}

impl Cut<ServerRow> {
    /// Regions of the servers that are shown, as text.
    pub(crate) fn regions(&self) -> String {
        count(self.rows.iter().map(|server| server.region_count as u64).sum())
    }
}

/// A region server that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadRow {
    pub(crate) server: String,
    pub(crate) since: String,
    pub(crate) is_recovering: bool,
}

/// The dead, the latest first.
pub(crate) fn dead(env: &MasterEnv, paging: Paging) -> Cut<DeadRow> {
    let mut dead = env.servers.dead();
    dead.sort_by(|a, b| b.1.since_ms.cmp(&a.1.since_ms).then_with(|| a.0.cmp(&b.0)));
    paging.cut(dead, |(server, dead)| DeadRow {
        server: server.to_string(),
        since: time(dead.since_ms),
        is_recovering: dead.is_recovering,
    })
}
