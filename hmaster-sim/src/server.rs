//! A region server over real sockets. Counterpart of `HRegionServer`.
//!
//! [`RegionServer::builder`] puts one together. Its life is in `life.rs`: it looks for ZooKeeper and the active master,
//! registers (`register.rs`), reports (`load.rs`), carries out the master's orders (`transitions.rs`, `procedures.rs`), and
//! ends. What calls come to is in the module `service`.

mod builder;
mod handle;
mod host;
mod life;
mod load;
mod master_link;
mod online;
mod options;
mod phase;
mod procedure_ids;
mod procedures;
mod register;
mod scanners;
mod state;
mod storage;
mod transitions;

use hmaster_config::Configuration;

pub use builder::{RegionServerBuilder, StartError};
pub use handle::{Ended, RegionServerHandle};
pub use host::HostError;
pub use options::{Guardrails, RegionServerOptions};
pub use phase::End;

pub(crate) use load::region_load;
pub(crate) use scanners::{Found, InUse};
pub(crate) use state::{Server, encoded_name};
pub(crate) use transitions::{CloseRegion, OpenRegion, Origin, chain, close, open};

pub(crate) use procedures::run as run_procedure;

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
