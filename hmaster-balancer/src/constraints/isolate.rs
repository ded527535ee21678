//! Servers that hbase:meta, or the system tables, have to themselves. Counterpart of 3.x's `MetaTableIsolationConditional`
//! and `SystemTableIsolationConditional`.
//!
//! Which servers these are is chosen for each plan: those that have most of such regions already, as many as it takes.
//! Differs from 3.x in that the regions are gathered there, instead of keeping others away from wherever they are.

use std::cmp::Reverse;

use hmaster_types::TableName;

use super::{Broken, Constraints};
use crate::cluster::Cluster;

/// Who may be where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Meta,
    System,
    Other,
}

/// The chosen servers; empty when nothing is set apart.
#[derive(Debug, Default)]
pub(super) struct Isolated {
    meta: Vec<usize>,
    system: Vec<usize>,
    apart: [bool; 2],
}

impl Isolated {
    /// Chooses servers among those that the tables may be on otherwise.
    pub(super) fn choose(
        constraints: &Constraints,
        cluster: &Cluster,
        allowed: &[Vec<bool>],
        impossible: &mut Vec<Broken>,
    ) -> Self {
        let mut made =
            Self { apart: [constraints.isolate_meta, constraints.isolate_system], ..Self::default() };
        made.meta = made.servers(Kind::Meta, cluster, allowed, impossible);
        made.system = made.servers(Kind::System, cluster, allowed, impossible);
        made
    }

    /// Takes from each table the servers that are others'.
    pub(super) fn apply(&self, cluster: &Cluster, allowed: &mut [Vec<bool>]) {
        for (table, allowed) in allowed.iter_mut().enumerate() {
            let kind = self.kind(cluster.table_name(crate::Table(table as u32)));
            for (server, allowed) in allowed.iter_mut().enumerate() {
                *allowed &= match kind {
                    Kind::Meta if !self.meta.is_empty() => self.meta.contains(&server),
                    Kind::System if !self.system.is_empty() => self.system.contains(&server),
                    _ => !self.meta.contains(&server) && !self.system.contains(&server),
                };
            }
        }
    }

    fn kind(&self, table: &TableName) -> Kind {
        if self.apart[0] && table.is_meta() {
            Kind::Meta
        } else if self.apart[1] && table.is_system() {
            Kind::System
        } else {
            Kind::Other
        }
    }

    fn servers(
        &self,
        kind: Kind,
        cluster: &Cluster,
        allowed: &[Vec<bool>],
        impossible: &mut Vec<Broken>,
    ) -> Vec<usize> {
        let kinds: Vec<Kind> = (0..cluster.table_count() as u32)
            .map(|table| self.kind(cluster.table_name(crate::Table(table))))
            .collect();
        let servers = cluster.server_count();
        let (mut inside, mut outside) = (vec![0_usize; servers], vec![0_usize; servers]);
        let mut count = 0;
        for region in cluster.regions() {
            let is_kind = kinds[cluster.table(region).0 as usize] == kind;
            count += usize::from(is_kind);
            if let Some(here) =
                if is_kind { &mut inside } else { &mut outside }.get_mut(cluster.home(region).0 as usize)
            {
                *here += 1;
            }
        }
        if count == 0 || !kinds.contains(&kind) {
            return Vec::new();
        }
        // Replicas of hbase:meta want a server each; other tables as many as hold their share of all regions.
        let wanted = match kind {
            Kind::Meta => count,
            _ => (count * servers).div_ceil(cluster.region_count()),
        };
        let mut chosen: Vec<usize> = (0..servers)
            .filter(|server| !self.meta.contains(server))
            .filter(|&server| kinds.iter().zip(allowed).all(|(k, allowed)| *k != kind || allowed[server]))
            .collect();
        chosen.sort_by_key(|&server| (Reverse(inside[server]), outside[server], server));
        chosen.truncate(wanted);
        let taken = self.meta.len() + chosen.len();
        if chosen.is_empty() || taken >= servers {
            let what = if kind == Kind::Meta { "hbase:meta" } else { "system tables" };
            let reason = format!("{servers} servers are too few to leave {wanted} of them to {what}");
            impossible.push(Broken { constraint: format!("isolate {what}"), reason });
            return Vec::new();
        }
        chosen
    }
}
