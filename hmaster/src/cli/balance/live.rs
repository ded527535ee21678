//! The status of a running cluster, asked of its active master, whichever master that is.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use hmaster_config::{Configuration, Override};
use hmaster_protocol::services::master_service::GET_CLUSTER_STATUS;
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient};
use hmaster_types::{Chance, ServerName};
use hmaster_zk::tracker::MasterAddressTracker;
use hmaster_zk::{ZkConfig, ZkWatcher};
use prost::Message as _;
use tokio::time::timeout;

/// For ZooKeeper, and for the master.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// ClusterStatus messages, `count` of them, `interval` apart.
pub(super) fn statuses(
    conf_dir: &Path,
    overrides: &[Override],
    count: usize,
    interval: Duration,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let config = Configuration::load(Some(conf_dir), overrides)?;
    super::super::runtime()?.block_on(async {
        let master = timeout(WAIT_MAX, active_master(&config)).await;
        let master = master.map_err(|_| anyhow!("ZooKeeper didn't answer within {WAIT_MAX:?}"))??;
        let mut statuses = vec![status(&config, &master).await?];
        while statuses.len() < count {
            tokio::time::sleep(interval).await;
            statuses.push(status(&config, &master).await?);
        }
        Ok(statuses)
    })
}

async fn active_master(config: &Configuration) -> anyhow::Result<ServerName> {
    let raw = config.raw();
    let mut zk_config = ZkConfig::from_lookup(|key| raw.get(key).ok().flatten())?;
    zk_config.session.servers = config.cluster().connect_string();
    let zk = ZkWatcher::connect(&zk_config, "balance", Chance::from_entropy()).await.context("ZooKeeper")?;
    let master = MasterAddressTracker::get(&zk).await;
    zk.zk.session().close().await;
    let master = master.context("look for the active master")?.context("no master is active")?;
    Ok(master.context("the znode of the active master")?.server)
}

async fn status(config: &Configuration, master: &ServerName) -> anyhow::Result<Vec<u8>> {
    let raw = config.raw();
    let lookup = |key: &str| raw.get(key).ok().flatten();
    let user = raw.environment().property("user.name").unwrap_or("hbase").to_owned();
    let client = RpcClient::new(ClientOptions::from_keys(CallUser::new(user), &lookup)?);
    let options = CallOptions { timeout: Some(WAIT_MAX), ..CallOptions::default() };
    let request = pb::GetClusterStatusRequest::default();
    let (answer, _) = client.call(&master.address(), GET_CLUSTER_STATUS, &request, options).await?;
    client.close().await;
    Ok(answer.cluster_status.encode_to_vec())
}
