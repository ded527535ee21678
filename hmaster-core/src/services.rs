//! What region servers and clients can ask of a master. Counterpart of `MasterRpcServices`.
//!
//! A service looks at the master's role first: a waiting master answers everything but the registry with
//! `ServerNotRunningYetException`, which makes the caller look for the active one. What isn't implemented is refused as
//! Java refuses a method that it doesn't know.
//!
//! Each service is a type with the methods of its protobuf service, one line each; what they do is in the files by
//! topic. A request is turned into nouns at the door.

mod absent;
mod access;
mod admin;
mod balancing;
mod barriers;
mod cluster_status;
mod compactions;
mod hbck;
mod janitors;
mod lifecycle;
mod list;
mod locking;
mod master;
mod namespaces;
mod pattern;
mod procedures;
mod quotas;
mod refusal;
mod region_changes;
mod region_servers;
mod regions;
mod registry;
mod replication;
mod schema;
mod servers;
mod snapshots;
mod split_keys;
mod submit;
mod switches;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_protocol::CallContext;
use hmaster_types::{Chance, JavaException, RegionState, ServerName};

use crate::ports::zookeeper::MasterNode;
use crate::role::RoleCell;
use crate::step::ProcedureUser;

pub use cluster_status::HBASE_VERSION;
pub use region_servers::{HostNames, RegionServerStatus};

/// What a master knows of the cluster without being active: it answers clients that look for the active one.
#[async_trait]
pub trait ClusterView: Send + Sync {
    /// The cluster's id, once there is one.
    fn cluster_id(&self) -> Option<String>;

    /// The active master.
    fn active_master(&self) -> Option<MasterNode>;

    /// The masters that wait.
    fn backup_masters(&self) -> Vec<MasterNode>;

    /// The region servers that have znodes.
    async fn region_servers(&self) -> Result<Vec<ServerName>, JavaException>;

    /// Where hbase:meta is, by replica, as ZooKeeper shows it.
    async fn meta_locations(&self) -> Result<Vec<(u16, Option<ServerName>, RegionState)>, JavaException>;
}

/// Where settings come from.
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// Reads them again, and puts those in force that can change while a master runs ([`crate::online`]).
    ///
    /// # Errors
    /// When they can't be read or used; nothing has changed then.
    async fn reread(&self) -> Result<(), JavaException>;
}

/// What whoever runs this process can be asked to do.
pub trait Process: Send + Sync {
    /// Stops this master; others may take over.
    fn stop_master(&self, why: &str);
}

/// MasterService. It is an `RpcService` itself, because the status of a big cluster isn't to be decoded and encoded again on its way.
pub struct MasterServices {
    /// What the master is.
    pub role: Arc<RoleCell>,
    /// What it knows of the cluster.
    pub view: Arc<dyn ClusterView>,
    /// The process around it.
    pub process: Arc<dyn Process>,
}

/// AdminService, as far as a master offers it.
pub struct AdminServices {
    /// What the master is.
    pub role: Arc<RoleCell>,
    /// Where its settings come from.
    pub settings: Arc<dyn SettingsSource>,
}

/// HbckService: repairs.
pub struct HbckServices {
    /// What the master is.
    pub role: Arc<RoleCell>,
}

/// LockService: locks of clients.
pub struct LockServices {
    /// What the master is.
    pub role: Arc<RoleCell>,
}

/// ClientMetaService: the registry, which every master offers, whatever its role.
pub struct RegistryServices {
    /// What the master is.
    pub role: Arc<RoleCell>,
    /// What it knows of the cluster.
    pub view: Arc<dyn ClusterView>,
    /// Chooses among region servers.
    pub chance: Arc<Chance>,
    /// `hbase.client.bootstrap.node.limit`: so many are named to a client at most.
    pub bootstrap_nodes_max: usize,
}

fn user_of(call: &CallContext) -> ProcedureUser {
    match call.user_name() {
        "" => ProcedureUser::master(),
        name => ProcedureUser(name.to_owned()),
    }
}

/// A field that holds something else than it should. The message names it.
fn bad_argument(error: impl std::fmt::Display) -> JavaException {
    JavaException::new(hmaster_types::class::ILLEGAL_ARGUMENT, error.to_string())
}

/// An address as a host name decided by nobody but the network.
fn textual(ip: IpAddr) -> String {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| v6.to_string(), |v4| v4.to_string()),
        IpAddr::V4(v4) => v4.to_string(),
    }
}
