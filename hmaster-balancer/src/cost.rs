//! The cost functions of `StochasticLoadBalancer`, by name, key, default weight and order.
//!
//! `array` has the arithmetic they share, `custom` lets a user add functions. What a cluster costs is worked out
//! by [`crate::State`].

pub(crate) mod array;
pub(crate) mod custom;

/// A cost function of 2.6.4. The order is Java's order of evaluation, which the sum of costs follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Regions per server: `RegionCountSkewCostFunction`.
    RegionCount,
    /// Primary replicas per server: `PrimaryRegionCountSkewCostFunction`.
    PrimaryCount,
    /// Regions that leave their server: `MoveCostFunction`.
    Move,
    /// Store files that are on the region's server: `ServerLocalityCostFunction`.
    ServerLocality,
    /// Store files that are on the rack of the region's server: `RackLocalityCostFunction`.
    RackLocality,
    /// Regions of each table per server, summed over tables: `TableSkewCostFunction`.
    TableSkew,
    /// Replicas of one region on one host: `RegionReplicaHostCostFunction`.
    ReplicaHost,
    /// Replicas of one region on one rack: `RegionReplicaRackCostFunction`.
    ReplicaRack,
    /// Growth of read requests between statuses: `ReadRequestCostFunction`.
    Read,
    /// Growth of write requests between statuses: `WriteRequestCostFunction`.
    Write,
    /// Growth of the memstore in MB between statuses: `MemStoreSizeCostFunction`.
    MemStore,
    /// Mean size of store files in MB: `StoreFileCostFunction`.
    StoreFile,
    /// Regions in relation to what each server can hold: `HeterogeneousRegionCountCostFunction`.
    Heterogeneous,
}

/// Loads of a region that have a cost function each.
pub const LOADS: usize = 4;

impl Function {
    /// How many there are.
    pub const COUNT: usize = 13;

    /// All, in order of evaluation.
    pub const ALL: [Self; Self::COUNT] = [
        Self::RegionCount,
        Self::PrimaryCount,
        Self::Move,
        Self::ServerLocality,
        Self::RackLocality,
        Self::TableSkew,
        Self::ReplicaHost,
        Self::ReplicaRack,
        Self::Read,
        Self::Write,
        Self::MemStore,
        Self::StoreFile,
        Self::Heterogeneous,
    ];

    /// The functions of loads, in the order of [`crate::Cluster::load`].
    pub const OF_LOADS: [Self; LOADS] = [Self::Read, Self::Write, Self::MemStore, Self::StoreFile];

    /// Position in [`Self::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Simple name of the Java class.
    pub const fn java_class(self) -> &'static str {
        match self {
            Self::RegionCount => "RegionCountSkewCostFunction",
            Self::PrimaryCount => "PrimaryRegionCountSkewCostFunction",
            Self::Move => "MoveCostFunction",
            Self::ServerLocality => "ServerLocalityCostFunction",
            Self::RackLocality => "RackLocalityCostFunction",
            Self::TableSkew => "TableSkewCostFunction",
            Self::ReplicaHost => "RegionReplicaHostCostFunction",
            Self::ReplicaRack => "RegionReplicaRackCostFunction",
            Self::Read => "ReadRequestCostFunction",
            Self::Write => "WriteRequestCostFunction",
            Self::MemStore => "MemStoreSizeCostFunction",
            Self::StoreFile => "StoreFileCostFunction",
            Self::Heterogeneous => "HeterogeneousRegionCountCostFunction",
        }
    }

    /// The key of its weight after `hbase.master.balancer.stochastic.`
    pub const fn key(self) -> &'static str {
        match self {
            Self::RegionCount => "regionCountCost",
            Self::PrimaryCount => "primaryRegionCountCost",
            Self::Move => "moveCost",
            Self::ServerLocality => "localityCost",
            Self::RackLocality => "rackLocalityCost",
            Self::TableSkew => "tableSkewCost",
            Self::ReplicaHost => "regionReplicaHostCostKey",
            Self::ReplicaRack => "regionReplicaRackCostKey",
            Self::Read => "readRequestCost",
            Self::Write => "writeRequestCost",
            Self::MemStore => "memstoreSizeCost",
            Self::StoreFile => "storefileSizeCost",
            Self::Heterogeneous => "heterogeneousRegionCountCost",
        }
    }

    /// Weight when the key isn't set.
    pub const fn weight_default(self) -> f32 {
        match self {
            Self::RegionCount | Self::PrimaryCount | Self::Heterogeneous => 500.0,
            Self::Move => 7.0,
            Self::ServerLocality => 25.0,
            Self::RackLocality => 15.0,
            Self::TableSkew => 35.0,
            Self::ReplicaHost => 100_000.0,
            Self::ReplicaRack => 10_000.0,
            Self::Read | Self::Write | Self::MemStore | Self::StoreFile => 5.0,
        }
    }
}

/// One value per cost function, in order of evaluation. A function that isn't needed has 0.
pub type PerFunction = [f64; Function::COUNT];
