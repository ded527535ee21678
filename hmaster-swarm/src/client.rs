//! What a scenario asks of the active master, whichever that is, and of the server that carries hbase:meta.

mod meta;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_config::Configuration;
use hmaster_protocol::services::master_service as master;
use hmaster_protocol::{CallUser, HBaseMessage, Method, pb};
use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient, RpcError};
use hmaster_types::{Chance, JavaException, ServerName, TableDescriptor, TableName, class};
use hmaster_zk::tracker::{BackupMasterTracker, DrainingServerTracker, MasterAddressTracker, NodeTracker};
use hmaster_zk::znode::join;
use hmaster_zk::{ZkConfig, ZkWatcher};
use tokio::time::{Instant, sleep, timeout};

use crate::SwarmError;

pub(crate) use meta::WRITES_AT_ONCE;

/// Between two looks whether a master has done something. Figures don't hang on it: servers see what is done.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// For one look at a master that may be about to end.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to masters.
#[derive(Debug, Clone)]
pub struct Client {
    zk: ZkWatcher,
    rpc: RpcClient,
    chance: Arc<Chance>,
    /// How long each thing that is waited for may take.
    patience: Duration,
}

impl Client {
    /// Connects with ZooKeeper. Each thing that is waited for may take as long as `patience`.
    ///
    /// # Errors
    /// When it can't be reached, or is configured in a way that makes no sense.
    pub async fn connect(
        config: &Configuration,
        chance: Chance,
        patience: Duration,
    ) -> Result<Self, SwarmError> {
        let lookup = |key: &str| config.raw().get(key).ok().flatten();
        let zk_config = ZkConfig::from_lookup(lookup)?;
        let user = config.raw().environment().property("user.name").unwrap_or("hbase").to_owned();
        let rpc = RpcClient::new(ClientOptions::from_keys(CallUser::new(user), &lookup)?);
        let zk = ZkWatcher::connect(&zk_config, "swarm", chance.fork()).await?;
        Ok(Self { zk, rpc, chance: Arc::new(chance), patience })
    }

    /// Ends what it has open.
    pub async fn close(&self) {
        self.rpc.close().await;
        self.zk.zk.session().close().await;
    }

    /// The active master, none if none is.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn active(&self) -> Result<Option<ServerName>, SwarmError> {
        let active = MasterAddressTracker::get(&self.zk).await?;
        Ok(active.and_then(Result::ok).map(|info| info.server))
    }

    /// Waits until `master` isn't active any more; gives when that was seen.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn gone(&self, master: &ServerName) -> Result<Instant, SwarmError> {
        let mut tracker = MasterAddressTracker::new(self.zk.clone());
        loop {
            let now = tracker.next().await?;
            if !now.is_some_and(|now| now.is_ok_and(|now| now.server == *master)) {
                return Ok(Instant::now());
            }
        }
    }

    /// Waits until a master other than `than` is initialized; gives it.
    ///
    /// # Errors
    /// When that isn't so in time.
    pub async fn initialized(&self, than: Option<&ServerName>) -> Result<ServerName, SwarmError> {
        let (began, patience) = (Instant::now(), self.patience);
        let mut state = "no master is active".to_owned();
        while began.elapsed() < patience {
            if let Some(master) = self.active().await?.filter(|master| Some(master) != than) {
                // Java and hmaster answer this one once they are initialized.
                let request = pb::ListDecommissionedRegionServersRequest {};
                let options = CallOptions { timeout: Some(LOOK_TIMEOUT), ..CallOptions::default() };
                let method = master::LIST_DECOMMISSIONED_REGION_SERVERS;
                match self.rpc.call(&master.address(), method, &request, options).await {
                    Ok(_) => return Ok(master),
                    Err(error) => state = error.to_string(),
                }
            }
            sleep(LOOK_PAUSE).await;
        }
        Err(SwarmError::Late { what: "an initialized master".into(), waited: patience, state })
    }

    /// Waits until another master waits behind the active one.
    ///
    /// # Errors
    /// When that isn't so in time.
    pub async fn backup_is_there(&self) -> Result<(), SwarmError> {
        let mut tracker = BackupMasterTracker::new(self.zk.clone());
        let waiting = async {
            while tracker.next().await?.is_empty() {}
            Ok(())
        };
        self.in_time("a backup master", waiting).await
    }

    /// Takes the znode of a master away that was killed, as the end of its session would.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub(crate) async fn forget_master(&self, master: &ServerName) -> Result<(), SwarmError> {
        if self.active().await?.as_ref() == Some(master) {
            self.zk.delete_if_present(&self.zk.paths.master).await?;
        }
        Ok(())
    }

    /// Waits until a region server has no znode any more.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub(crate) async fn server_gone(&self, server: &ServerName) -> Result<(), SwarmError> {
        let mut tracker = NodeTracker::new(self.zk.clone(), join(&self.zk.paths.rs, server.as_str()));
        while tracker.next().await?.is_some() {}
        Ok(())
    }

    /// Keeps masters from giving any more regions to a server.
    ///
    /// # Errors
    /// Of ZooKeeper.
    pub async fn drain(&self, server: &ServerName) -> Result<(), SwarmError> {
        Ok(DrainingServerTracker::mark(&self.zk, server).await?)
    }

    /// Switches the balancer off or on.
    ///
    /// # Errors
    /// When the master refuses.
    pub async fn set_balancer(&self, on: bool) -> Result<(), SwarmError> {
        let request = pb::SetBalancerRunningRequest { on, synchronous: Some(true) };
        self.call(master::SET_BALANCER_RUNNING, &request).await.map(drop)
    }

    /// The regions in transition, as the master has them.
    ///
    /// # Errors
    /// When the master refuses.
    pub async fn in_transition(&self) -> Result<usize, SwarmError> {
        let option = pb::Option::RegionsInTransition;
        let request = pb::GetClusterStatusRequest { options: vec![option.into()] };
        let answer = self.call(master::GET_CLUSTER_STATUS, &request).await?;
        Ok(answer.cluster_status.regions_in_transition.len())
    }

    /// Creates a table, split at keys, and waits until the master says that it is done.
    ///
    /// # Errors
    /// When the master refuses or fails.
    pub async fn create_table(
        &self,
        schema: &TableDescriptor,
        split_keys: Vec<Bytes>,
    ) -> Result<(), SwarmError> {
        let (nonce_group, nonce) = self.nonce();
        let request = pb::CreateTableRequest { table_schema: schema.into(), split_keys, nonce_group, nonce };
        let answer = self.call(master::CREATE_TABLE, &request).await?;
        self.done(format!("create table {}", schema.name()), answer.proc_id).await
    }

    /// Disables a table, and waits until the master says that it is done.
    ///
    /// # Errors
    /// When the master refuses or fails.
    pub async fn disable_table(&self, table: &TableName) -> Result<(), SwarmError> {
        let (nonce_group, nonce) = self.nonce();
        let request = pb::DisableTableRequest { table_name: table.into(), nonce_group, nonce };
        let answer = self.call(master::DISABLE_TABLE, &request).await?;
        self.done(format!("disable table {table}"), answer.proc_id).await
    }

    /// Enables a table, and waits until the master says that it is done.
    ///
    /// # Errors
    /// When the master refuses or fails.
    pub async fn enable_table(&self, table: &TableName) -> Result<(), SwarmError> {
        let (nonce_group, nonce) = self.nonce();
        let request = pb::EnableTableRequest { table_name: table.into(), nonce_group, nonce };
        let answer = self.call(master::ENABLE_TABLE, &request).await?;
        self.done(format!("enable table {table}"), answer.proc_id).await
    }

    fn nonce(&self) -> (Option<u64>, Option<u64>) {
        (Some(self.chance.bits()), Some(self.chance.bits()))
    }

    async fn done(&self, what: String, procedure: Option<u64>) -> Result<(), SwarmError> {
        let Some(proc_id) = procedure else { return Ok(()) };
        let ended = async {
            loop {
                let request = pb::GetProcedureResultRequest { proc_id };
                let answer = self.call(master::GET_PROCEDURE_RESULT, &request).await?;
                if answer.state() != pb::get_procedure_result_response::State::Running {
                    return Ok(answer.exception);
                }
                sleep(LOOK_PAUSE).await;
            }
        };
        match self.in_time(&what, ended).await? {
            Some(exception) => Err(SwarmError::Procedure { what, exception: (&exception).into() }),
            None => Ok(()),
        }
    }

    async fn in_time<T>(
        &self,
        what: &str,
        waiting: impl Future<Output = Result<T, SwarmError>>,
    ) -> Result<T, SwarmError> {
        let late = |_| SwarmError::Late {
            what: what.to_owned(),
            waited: self.patience,
            state: "it is still under way".into(),
        };
        timeout(self.patience, waiting).await.map_err(late)?
    }

    /// Calls the active master; one that asks for patience gets it.
    async fn call<Q: HBaseMessage, A: HBaseMessage>(
        &self,
        method: Method<Q, A>,
        request: &Q,
    ) -> Result<A, SwarmError> {
        let trying = async {
            loop {
                if let Some(master) = self.active().await? {
                    let options = CallOptions { timeout: Some(self.patience), ..CallOptions::default() };
                    match self.rpc.call(&master.address(), method, request, options).await {
                        Ok((answer, _)) => return Ok(answer),
                        Err(error) if asks_for_patience(&error) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                sleep(LOOK_PAUSE).await;
            }
        };
        self.in_time(method.name(), trying).await
    }
}

fn asks_for_patience(error: &RpcError) -> bool {
    const PATIENCE: [class::Class; 2] = [class::SERVER_NOT_RUNNING_YET, class::PLEASE_HOLD];
    let asks = |exception: &JavaException| PATIENCE.iter().any(|class| exception.is(*class));
    error.is_not_sent() || error.exception().is_some_and(asks)
}
