//! A region server over real sockets. Counterpart of `HRegionServer`.
//!
//! [`RegionServer::builder`] puts one together. Its life is in `life.rs`: it looks for ZooKeeper and the active master,
//! registers (`register.rs`), reports (`load.rs`), carries out the master's orders (`transitions.rs`, `procedures.rs`), and
//! ends. All that is written over a [`Carrier`], of which `rows.rs` is the one with rows. What calls come to is in the
//! module `service`.

mod builder;
mod callables;
mod carrier;
mod handle;
mod host;
mod life;
mod load;
mod master_link;
mod member;
mod online;
mod options;
mod orders;
mod phase;
mod procedure_ids;
mod procedures;
mod register;
mod rows;
mod running;
mod scanners;
mod state;
mod storage;
mod transitions;

use hmaster_config::Configuration;

pub use builder::{RegionServerBuilder, StartError, version_info};
pub use carrier::{Carrier, Fatal, Opened};
pub use handle::{Ended, RegionServerHandle};
pub use host::{HostError, find as find_host};
pub use life::Parts;
pub use load::{Period, of_server};
pub use member::Member;
pub use options::{Guardrails, RegionServerOptions};
pub use orders::{close_region, execute_procedures, open_regions};
pub use phase::End;
pub use procedures::{FLUSH_REGION, SNAPSHOT_REGION, SPLIT_WAL, not_there};
pub use register::Applicant;
pub use running::Running;
pub use storage::{StorageSetupError, root_folder};
pub use transitions::chain;

pub(crate) use load::region_load;
pub(crate) use scanners::{Found, InUse};
pub(crate) use state::Server;

/// A region server: the way to one.
#[derive(Debug, Clone, Copy)]
pub struct RegionServer;

impl RegionServer {
    /// A region server as HBase's configuration has it. Keys that it reads are named in [`RegionServerOptions`], beside
    /// those of ZooKeeper, RPC and the file system.
    ///
    /// ```no_run
    /// use hmaster_config::{Builder, Configuration, Environment, Origin};
    /// use hmaster_sim::RegionServer;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let raw = Builder::new(Environment::of_process())
    ///     .set("hbase.zookeeper.quorum", "localhost:2181", Origin::Program("example"))
    ///     .set("hbase.regionserver.hostname", "localhost", Origin::Program("example"))
    ///     .set("hbase.regionserver.port", "0", Origin::Program("example"))
    ///     .build();
    /// let server = RegionServer::builder(Configuration::new(raw)?).start().await?;
    /// println!("{:?} serves at {}", server.server_name(), server.address());
    /// server.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(config: Configuration) -> RegionServerBuilder {
        RegionServerBuilder::new(config)
    }
}
