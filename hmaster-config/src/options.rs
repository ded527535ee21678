//! Every option that the master understands, typed. One group per concern; each entry names the Java key.
//!
//! Names, kinds and defaults are those of HBase 2.6.4. Keys that are read straight from the [`crate::RawConfig`] (such as
//! `dfs.*`, by the file system client) have no entry here. What hmaster doesn't do yet is in `unsupported.rs`; move a key
//! from there to here when it does.

mod balancer;
mod chores;
mod master;
mod network;
mod own;
mod procedures;
mod storage;

pub use balancer::BalancerSettings;
pub use chores::{
    BalancerOptions, CleanerOptions, JanitorOptions, MobOptions, NormalizerOptions, QuotaOptions,
};
pub use master::{
    InfoServerOptions, MasterOptions, MetaOptions, RegionServerOptions, StatusOptions, TableOptions,
};
pub use network::{RpcClientOptions, RpcOptions, ZNodeOptions, ZooKeeperOptions};
pub use own::OwnOptions;
pub use procedures::{AssignmentOptions, PeerStorage, ProcedureOptions, ReplicationOptions, SnapshotOptions};
pub use storage::{FileSystemOptions, StoreFileTracker, StoreOptions};

use crate::environment::Environment;
use crate::option::{Group, OptionInfo, Reader};
use crate::problem::Problem;
use crate::raw::{Builder, RawConfig};

/// Puts the groups together.
macro_rules! groups {
    ($($(#[$doc:meta])+ $field:ident: $group:ty,)+) => {
        /// All options, by group.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct Options {
            $($(#[$doc])+ pub $field: $group,)+
        }

        impl Options {
            /// Every option that there is, in the order of the groups.
            pub fn table() -> impl Iterator<Item = &'static OptionInfo> {
                [$(<$group as Group>::TABLE),+].into_iter().flatten()
            }

            /// All options of `raw`, and every problem with them. A value with an error is replaced by its default.
            pub(crate) fn read(raw: &RawConfig) -> (Self, Vec<Problem>) {
                let mut reader = Reader::new(raw);
                let options = Self { $($field: <$group>::read(&mut reader),)+ };
                (options, reader.into_problems())
            }
        }
    };
}

groups! {
    /// The server that clients and region servers call.
    rpc: RpcOptions,
    /// The master's own calls to region servers.
    rpc_client: RpcClientOptions,
    /// The session with ZooKeeper.
    zookeeper: ZooKeeperOptions,
    /// Names of znodes.
    znodes: ZNodeOptions,
    /// The root directory and how files are handled.
    filesystem: FileSystemOptions,
    /// The region `master:store`.
    store: StoreOptions,
    /// Who this master is, and how it starts.
    master: MasterOptions,
    /// What a table's schema may say.
    tables: TableOptions,
    /// What the master expects of region servers.
    region_servers: RegionServerOptions,
    /// The web server.
    info_server: InfoServerOptions,
    /// hbase:meta and other system tables.
    meta: MetaOptions,
    /// What is remembered for pages and the shell.
    status: StatusOptions,
    /// The procedure executor.
    procedures: ProcedureOptions,
    /// Assignment, crashes of servers, reopening.
    assignment: AssignmentOptions,
    /// Snapshots and flushes.
    snapshots: SnapshotOptions,
    /// Replication.
    replication: ReplicationOptions,
    /// When to balance; the balancer's own keys are passed through.
    balancer: BalancerOptions,
    /// What the balancer reads itself.
    balancer_settings: BalancerSettings,
    /// The normalizer.
    normalizer: NormalizerOptions,
    /// The catalog janitor and other checks.
    janitor: JanitorOptions,
    /// Cleaning of old WALs and archived HFiles.
    cleaners: CleanerOptions,
    /// MOB files.
    mob: MobOptions,
    /// Quotas.
    quotas: QuotaOptions,
    /// What only hmaster has.
    own: OwnOptions,
}

impl Default for Options {
    /// Every option at its default, in an environment without user and folders.
    fn default() -> Self {
        Self::read(&Builder::new(Environment::default()).build()).0
    }
}

#[cfg(test)]
mod tests;
