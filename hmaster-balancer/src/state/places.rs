//! Counts regions per server, table and kind, once.

use crate::cluster::Cluster;

/// Counts over all usable servers.
pub(super) struct Places {
    pub(super) counts: Vec<u32>,
    pub(super) primaries: Vec<u32>,
    pub(super) cells: Vec<u32>,
    /// Regions per table, wherever they are.
    pub(super) table_totals: Vec<u32>,
}

impl Places {
    pub(super) fn count(cluster: &Cluster, at: &[u32]) -> Self {
        let (servers, tables) = (cluster.server_count(), cluster.table_count());
        let mut places = Self {
            counts: vec![0; servers],
            primaries: vec![0; if cluster.copies().is_some() { servers } else { 0 }],
            cells: vec![0; servers * tables],
            table_totals: vec![0; tables],
        };
        for (region, (&server, &table)) in at.iter().zip(cluster.table_indexes()).enumerate() {
            places.table_totals[table as usize] += 1;
            let server = server as usize;
            if server >= servers {
                continue;
            }
            places.counts[server] += 1;
            places.cells[server * tables + table as usize] += 1;
            if cluster.copies().is_some_and(|copies| copies.is_primary(region as u32)) {
                places.primaries[server] += 1;
            }
        }
        places
    }
}
