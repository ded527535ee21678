//! Where every region is, and what that costs. Counterpart of the changing part of `BalancerClusterState` and of the
//! cost functions' `prepare` and `postAction`.
//!
//! Each function keeps sums from which its cost follows, so the change that a move or a swap would make is worked out
//! from what it touches alone: two servers, at most two tables, and the other replicas of the regions. Nothing is
//! allocated. Counts are kept as whole numbers and are exact; sums of squares of loads are summed anew now and then, so
//! that rounding doesn't add up.

mod judge;
mod loads;
mod places;
mod replicas;
mod what;

use crate::cluster::{Cluster, Region, Server};
use crate::config::Config;
use crate::cost::array::Counts;
use crate::cost::{Function, PerFunction};

pub use judge::sum_of_multipliers;
use loads::Loads;
use replicas::Replicas;
pub use what::Action;

/// A cluster with its regions in some places, and the cost of that.
#[derive(Debug, Clone)]
pub struct State<'c> {
    cluster: &'c Cluster,
    weights: PerFunction,
    needed: [bool; Function::COUNT],
    at: Vec<u32>,
    counts: Vec<u32>,
    count_skew: Counts,
    primaries: Vec<u32>,
    primary_skew: Option<Counts>,
    /// Regions by server and table.
    cells: Vec<u32>,
    table_skews: Vec<Counts>,
    table_costs: Vec<f64>,
    loads: Loads,
    moved: u64,
    moved_max: u64,
    moved_scale: f64,
    replicas: Option<Replicas>,
    local: f64,
    rack_local: f64,
    capacity: f64,
    costs: PerFunction,
}

impl<'c> State<'c> {
    /// All regions where they are.
    pub fn new(cluster: &'c Cluster, config: &Config) -> Self {
        Self::with_places(cluster, config, cluster.homes().to_vec())
    }

    /// Regions at given places, one per region.
    pub fn with_places(cluster: &'c Cluster, config: &Config, at: Vec<u32>) -> Self {
        assert_eq!(at.len(), cluster.region_count(), "one place per region");
        let (servers, tables) = (cluster.server_count(), cluster.table_count());
        let places = places::Places::count(cluster, &at);
        let loads = Loads::new(cluster, &at);
        let moved = at.iter().zip(cluster.homes()).filter(|(at, home)| at != home).count() as u64;
        let moved_max = config.moves_max(at.len()) as u64;
        let total = |numbers: &[u32]| numbers.iter().map(|&n| u64::from(n)).sum::<u64>();
        let table_skews: Vec<Counts> = (0..tables)
            .map(|t| {
                let numbers: Vec<u32> = (0..servers).map(|s| places.cells[s * tables + t]).collect();
                Counts::new(u64::from(places.table_totals[t]), numbers.into_iter())
            })
            .collect();
        let primary_skew = cluster
            .copies()
            .map(|copies| Counts::new(copies.primary_count() as u64, places.primaries.iter().copied()));
        debug_assert!(total(&places.counts) <= at.len() as u64);
        let mut state = Self {
            cluster,
            weights: config.weights_wide(),
            needed: [false; Function::COUNT],
            count_skew: Counts::new(at.len() as u64, places.counts.iter().copied()),
            counts: places.counts,
            primaries: places.primaries,
            primary_skew,
            cells: places.cells,
            table_costs: table_skews.iter().map(Counts::cost).collect(),
            table_skews,
            loads,
            moved,
            moved_max,
            moved_scale: 1.0 / (at.len() as u64).min(moved_max).max(1) as f64,
            replicas: cluster.copies().map(|copies| Replicas::new(cluster, copies, &at)),
            local: 1.0,
            rack_local: 1.0,
            capacity: cluster.server_infos()[..servers].iter().map(|s| f64::from(s.capacity)).sum(),
            at,
            costs: [0.0; Function::COUNT],
        };
        state.needed = state.find_needed();
        state.sum_locality();
        state.refresh_costs();
        state
    }

    /// Puts all regions at given places.
    pub(crate) fn restore(&mut self, places: &[u32]) {
        for (region, &to) in places.iter().enumerate() {
            if self.at[region] != to {
                self.shift(region as u32, to);
            }
        }
        self.loads.refresh();
        self.refresh_costs();
    }

    /// The cluster.
    pub fn cluster(&self) -> &'c Cluster {
        self.cluster
    }

    /// Where a region is.
    #[inline]
    pub fn at(&self, region: Region) -> Server {
        Server(self.at[region.0 as usize])
    }

    /// Where all regions are.
    pub fn places(&self) -> &[u32] {
        &self.at
    }

    /// Gives up all but the places.
    pub fn into_places(self) -> Vec<u32> {
        self.at
    }

    /// Regions on a server.
    #[inline]
    pub fn count(&self, server: Server) -> u32 {
        self.counts[server.0 as usize]
    }

    /// Regions of a table on a server.
    #[inline]
    pub fn count_of_table(&self, server: Server, table: crate::Table) -> u32 {
        self.cells[server.0 as usize * self.table_skews.len() + table.0 as usize]
    }

    /// Primaries on a server; 0 everywhere when no region has replicas.
    pub fn primaries(&self, server: Server) -> u32 {
        self.primaries.get(server.0 as usize).copied().unwrap_or(0)
    }

    /// Load of a server: the sums of its regions' loads.
    #[inline]
    pub fn load(&self, server: Server) -> &[f64; crate::LOADS] {
        &self.loads.of_server[server.0 as usize]
    }

    /// Regions that aren't where they were.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The cost of each function, without weights; 0 for those that aren't needed.
    pub fn costs(&self) -> &PerFunction {
        &self.costs
    }

    /// True for a function that counts: its weight is above 0 and the cluster has what it looks at.
    pub fn is_needed(&self, function: Function) -> bool {
        self.needed[function.index()]
    }

    /// Weight of a function, 0 for those that aren't needed.
    #[inline]
    pub fn weight(&self, function: Function) -> f64 {
        if self.needed[function.index()] { self.weights[function.index()] } else { 0.0 }
    }

    /// The sum of costs times weights.
    pub fn total(&self) -> f64 {
        Function::ALL.iter().map(|&f| self.weight(f) * self.costs[f.index()]).sum()
    }

    /// Moves from which on their cost becomes a million.
    pub(crate) fn moved_max(&self) -> u64 {
        self.moved_max
    }

    /// The skews of the loads, and their squares as they are.
    pub(crate) fn loads(&self) -> &Loads {
        &self.loads
    }

    pub(crate) fn count_skew(&self) -> &Counts {
        &self.count_skew
    }

    pub(crate) fn table_skews(&self) -> &[Counts] {
        &self.table_skews
    }

    pub(crate) fn cells(&self) -> &[u32] {
        &self.cells
    }

    pub(crate) fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Other replicas of a region on the host and on the rack of a server.
    pub(crate) fn copies_near(&self, region: u32, server: u32) -> (u32, u32) {
        self.replicas.as_ref().map_or((0, 0), |r| r.near(self.cluster, &self.at, region, server))
    }

    fn find_needed(&self) -> [bool; Function::COUNT] {
        let replicas = self.cluster.copies().is_some();
        Function::ALL.map(|function| {
            self.weights[function.index()] > 0.0
                && match function {
                    Function::PrimaryCount | Function::ReplicaHost | Function::ReplicaRack => replicas,
                    _ => true,
                }
        })
    }
}
