//! A light region server: everything that a master can see of one, and no rows.
//!
//! A master deals with it as with any other: it listens at a port of its own, has a ZooKeeper session and a znode of its
//! own, registers, reports with the load of each region, opens and closes what it is told, and reports that until a master
//! takes it. All of that is the code of a server with rows (`hmaster_sim::carrier`). Its regions have no content: no file
//! is read or written but for the folder of its WALs, which stays empty. Whoever asks for rows is refused.
//!
//! It says that it runs an older release than the server that carries hbase:meta, so that masters, which put system tables
//! on servers of the newest one, never give it any. If one does, it reports that it can't open it.

mod admin;
mod common;
mod faults;
mod load;
mod rows;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::services::{admin_service, client_service};
use hmaster_rpc::client::RpcClient;
use hmaster_rpc::server::{BindError, RpcServer};
use hmaster_sim::carrier::{
    Applicant, Carrier, FLUSH_REGION, Fatal, Member, Opened, Parts, Period, Running, SPLIT_WAL, chain,
    not_there,
};
use hmaster_types::{JavaException, RegionInfo, ServerName, class};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use common::{Common, CommonError};
pub use faults::{Faults, Range};

/// The release that light servers say they run.
pub const LIGHT_VERSION: &str = "2.6.3";

/// A light region server.
#[derive(Debug)]
pub struct Light {
    member: Member<LightRegion>,
    common: Arc<Common>,
    faults: Faults,
    /// Answers no call and reports nothing as long as this is true.
    hangs: watch::Sender<bool>,
}

/// A region without rows.
#[derive(Debug)]
pub struct LightRegion {
    info: RegionInfo,
    sequence_id: u64,
}

impl LightRegion {
    /// A region that was opened with this `openSeqNum`.
    pub fn new(info: RegionInfo, sequence_id: u64) -> Self {
        Self { info, sequence_id }
    }

    /// Which region it is.
    pub fn info(&self) -> &RegionInfo {
        &self.info
    }
}

impl Deref for Light {
    type Target = Member<LightRegion>;

    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl Light {
    /// A light server that listens at `port`, 0 for any free one, and looks for a master. To be called in a tokio runtime.
    ///
    /// # Errors
    /// When it can't listen there.
    pub fn launch(common: &Arc<Common>, port: u16, faults: Faults) -> Result<Running<Self>, BindError> {
        let start_code = common.next_start_code();
        let rpc = RpcClient::new(common.client_options.clone());
        let chance = common.chance.fork();
        let member = Member::new(common.options.clone(), common.clock.clone(), chance, start_code, rpc);
        let light =
            Arc::new(Self { member, common: common.clone(), faults, hangs: watch::Sender::new(false) });
        let listen = SocketAddr::new(common.listen, port);
        let rpc = RpcServer::builder()
            .options(common.server_options.clone())
            .service(admin_service::Server(Arc::new(admin::Admin(light.clone()))))
            .service(client_service::Server(Arc::new(rows::NoRows(light.clone()))))
            .bind(listen)?;
        let address = rpc.local_addr().map_err(|source| BindError::Listen { address: listen, source })?;
        let parts = Parts {
            rpc,
            zk_config: common.zk_config.clone(),
            version: common.version.clone(),
            applicant: Applicant { host: common.host.clone(), port: address.port(), start_code },
            killed: CancellationToken::new(),
        };
        Ok(Running::launch(light, parts, address))
    }

    /// Lets it hang: it answers no call and reports nothing, while its ZooKeeper session lives. Or lets it go on.
    pub fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }
}

#[async_trait]
impl Carrier for Light {
    type Region = LightRegion;

    fn info(region: &LightRegion) -> &RegionInfo {
        &region.info
    }

    /// Makes the folder of its WALs, as a server does that will write some: masters look for it.
    async fn set_up(&self, name: &ServerName, _entries: Vec<(String, String)>) -> Result<(), Fatal> {
        let root = &self.common.root;
        let folder = root.layout().wals_of(name);
        let made = root.wal_file_system().mkdirs(&folder, None).await;
        made.map_err(|error| format!("make the folder of WALs: {}", chain(&error)))?;
        tracing::debug!(server = %name, "registered");
        Ok(())
    }

    fn load(&self, period: Period) -> pb::ServerLoad {
        load::of(self, period)
    }

    async fn open(&self, region: &RegionInfo) -> Result<Opened<LightRegion>, String> {
        self.common.tally.ordered();
        if region.table().is_system() {
            return Err(format!("{} needs rows, which a light server doesn't have", region.name()));
        }
        self.faults.open(self.chance()).await?;
        let sequence_id = self.common.next_sequence_id();
        Ok(Opened { region: LightRegion::new(region.clone(), sequence_id), sequence_id })
    }

    async fn close(&self, region: &LightRegion) -> Result<i64, Fatal> {
        self.faults.close(self.chance()).await;
        Ok(i64::try_from(region.sequence_id).unwrap_or(i64::MAX))
    }

    /// A region without rows has nothing to flush. Anything else would need rows, files or peers, and is said to fail.
    async fn carry_out(&self, order: &pb::RemoteProcedureRequest) -> Result<(), JavaException> {
        match &*order.proc_class {
            FLUSH_REGION => Ok(()),
            SPLIT_WAL => {
                let message = "a light server has no rows, and splits no WALs";
                Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
            }
            unknown => Err(not_there(unknown)),
        }
    }

    async fn may_speak(&self) {
        let mut hangs = self.hangs.subscribe();
        // The sender is self.
        let _ = hangs.wait_for(|hangs| !hangs).await;
    }

    /// Anywhere in the interval, so that reports of all servers don't come in one moment for ever.
    fn first_interval(&self) -> f64 {
        const STEPS: usize = 1000;
        self.chance().below(STEPS) as f64 / STEPS as f64
    }

    fn reported(&self, code: TransitionCode, took: Duration) {
        self.common.tally.reported(code, took);
    }

    /// Takes the folder of its WALs away, as a server does that leaves none to be split.
    async fn shut(&self) -> Result<(), Fatal> {
        let Some(name) = self.name() else { return Ok(()) };
        let root = &self.common.root;
        let gone = root.wal_file_system().delete(&root.layout().wals_of(name)).await;
        gone.map(drop).map_err(|error| format!("delete the folder of WALs: {}", chain(&error)))
    }

    fn let_go(&self) {
        self.common.tally.touch();
    }
}
