//! Looks at a cluster's files, ZooKeeper and hbase:meta as a master would that takes over, and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hmaster_config::Configuration;
use hmaster_core::assignment::RegionRecord;
use hmaster_core::catalog::{Catalog, CatalogClock, LoadedMeta, records};
use hmaster_core::ports::files::WalFolder;
use hmaster_core::ports::zookeeper::ClusterZooKeeper;
use hmaster_core::takeover::{StoreSurvey, Survey};
use hmaster_fs::rootdir::RootDir;
use hmaster_protocol::CallUser;
use hmaster_protocol::meta::MetaReader;
use hmaster_rpc::client::{ClientOptions, RpcClient};
use hmaster_store::region::{Glimpse, INFO_FAMILY};
use hmaster_types::{Chance, Clock, RegionState, ServerName, SystemClock};
use hmaster_zk::tracker::MasterAddressTracker;
use hmaster_zk::{LeaseTerms, MonotonicClock as _, SessionLease, TokioClock, ZkConfig, ZkWatcher};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::adapters::region_servers::RpcRegionServers;
use crate::adapters::zookeeper::Znodes;
use crate::{BuildError, FileSystemError, file_systems};

pub use hmaster_core::takeover::TakeoverPlan;

/// For ZooKeeper, and for all of hbase:meta: whoever looks doesn't want to wait for what may never come.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The cluster's files can't be looked at.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// They can't be reached as configured.
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    /// A setting isn't what its key needs.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The root folder can't be read, or is of a version that no master of this kind takes over.
    #[error("hbase.rootdir")]
    RootDir(#[from] hmaster_fs::rootdir::RootDirError),
    /// The master's store can't be read. A master would fail likewise.
    #[error("master:store")]
    Store(#[from] hmaster_store::region::OpenError),
    /// A record of the store isn't one.
    #[error("master:store: {0}")]
    Record(String),
}

/// What a master with this configuration would do if it took over now. Neither files nor znodes change, and no master
/// is fenced. What can't be found out, because ZooKeeper or a region server doesn't answer, is part of the plan.
///
/// # Errors
/// When the files can't be read.
pub async fn dry_run(config: &Configuration) -> Result<TakeoverPlan, TakeoverError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let root = file_systems::root_dir(config, clock.clone())?;
    let is_new = !root.is_prepared().await?;
    let store = store(&root, &clock).await?;
    let zookeeper = timeout(WAIT_MAX, connect(config)).await;
    let zookeeper = zookeeper.unwrap_or_else(|_| Err(format!("no answer within {WAIT_MAX:?}")));
    let (active, live, meta_in_zookeeper) = match &zookeeper {
        Ok(zk) => in_zookeeper(zk).await,
        Err(error) => (None, Err(format!("ZooKeeper: {error}")), Vec::new()),
    };
    let of_store = store.as_ref().map(|store| &store.meta).filter(|regions| !regions.is_empty());
    let meta = meta(config, &clock, of_store.unwrap_or(&meta_in_zookeeper), &live, &root).await;
    if let Ok(zk) = zookeeper {
        zk.zk.session().close().await;
    }
    let uri = root.uri();
    Ok(TakeoverPlan::new(Survey {
        root: if is_new { format!("{uri}, which no cluster is in yet") } else { uri.to_string() },
        active,
        store,
        live,
        folders: wal_folders(&root).await?,
        meta_in_zookeeper,
        meta,
        table_folders: table_folders(&root).await?,
    }))
}

async fn store(root: &RootDir, clock: &Arc<dyn Clock>) -> Result<Option<StoreSurvey>, TakeoverError> {
    let Some(glimpse) = Glimpse::look(root, clock.clone()).await? else { return Ok(None) };
    let wrong = |error: &dyn std::error::Error| TakeoverError::Record(error.to_string());
    let (mut reader, mut meta) = (MetaReader::new(), Vec::new());
    for (_, cells) in glimpse.rows(INFO_FAMILY) {
        if let Some(row) = reader.region_row(&cells).map_err(|error| wrong(&error))? {
            meta.extend(records(&row));
        }
    }
    let open = glimpse.logs().iter().filter(|log| log.is_open);
    Ok(Some(StoreSurvey {
        procedures: glimpse.procedures().map_err(|error| wrong(&error))?,
        servers: glimpse.servers().map_err(|error| wrong(&error))?,
        meta,
        open_logs: open.map(|log| (log.path.to_string(), log.bytes)).collect(),
    }))
}

async fn connect(config: &Configuration) -> Result<ZkWatcher, String> {
    let raw = config.raw();
    let zk_config = ZkConfig::from_lookup(|key| raw.get(key).ok().flatten());
    let mut zk_config = zk_config.map_err(|error| error.to_string())?;
    zk_config.session.servers = config.cluster().connect_string();
    zk_config.session.timeout = WAIT_MAX / 2;
    ZkWatcher::connect(&zk_config, "takeover", Chance::from_entropy())
        .await
        .map_err(|error| error.to_string())
}

type InZooKeeper = (Option<ServerName>, Result<Vec<ServerName>, String>, Vec<RegionRecord>);

async fn in_zookeeper(zk: &ZkWatcher) -> InZooKeeper {
    let znodes = Znodes(zk.clone());
    let active = MasterAddressTracker::get(zk).await.ok().flatten().and_then(Result::ok);
    let live = znodes.region_servers().await.map_err(|error| error.to_string());
    let live = live.map(|nodes| nodes.into_iter().map(|node| node.server).collect());
    let places = znodes.meta_locations().await.unwrap_or_default();
    let record = |(replica, location, state)| RegionRecord {
        location,
        ..RegionRecord::new(hmaster_types::RegionInfo::meta_replica(replica), state)
    };
    (active.map(|master| master.server), live, places.into_iter().map(record).collect())
}

/// Reads hbase:meta where it is open.
async fn meta(
    config: &Configuration,
    clock: &Arc<dyn Clock>,
    regions: &[RegionRecord],
    live: &Result<Vec<ServerName>, String>,
    root: &RootDir,
) -> Result<LoadedMeta, String> {
    let default = regions.iter().find(|record| record.info.is_default_replica());
    let record = default.filter(|record| record.state == RegionState::Open).ok_or("hbase:meta isn't open")?;
    let server = record.location.clone().ok_or("hbase:meta has no place")?;
    if !live.as_ref().is_ok_and(|live| live.contains(&server)) {
        return Err(format!("{server}, which carries hbase:meta, isn't known to live"));
    }
    let raw = config.raw();
    let lookup = |key: &str| raw.get(key).ok().flatten();
    let user = raw.environment().property("user.name").unwrap_or("hbase").to_owned();
    let options =
        ClientOptions::from_keys(CallUser::new(user), &lookup).map_err(|error| error.to_string())?;
    // Reading needs no leave.
    let clock_of_lease = Arc::new(TokioClock::start());
    let now = clock_of_lease.now();
    let lease =
        SessionLease::new(clock_of_lease, now, LeaseTerms { length: WAIT_MAX * 4, renew_every: WAIT_MAX });
    let servers = RpcRegionServers::new(RpcClient::new(options), lease, file_systems::has_leases(root));
    let stop = CancellationToken::new();
    let (catalog, _writer) = Catalog::new(Arc::new(servers), CatalogClock::new(clock.clone()), stop);
    catalog.set_place(Some(server.clone()));
    let loaded = timeout(WAIT_MAX, catalog.load()).await;
    loaded
        .map_err(|_| format!("{server} didn't answer within {WAIT_MAX:?}"))?
        .map_err(|error| error.to_string())
}

async fn wal_folders(root: &RootDir) -> Result<Vec<WalFolder>, TakeoverError> {
    let folders = root.wal_folders().await?.into_iter();
    let folder = |folder: hmaster_fs::rootdir::WalFolder| WalFolder {
        server: folder.server,
        is_splitting: folder.is_splitting,
    };
    Ok(folders.map(folder).collect())
}

async fn table_folders(
    root: &RootDir,
) -> Result<BTreeMap<hmaster_types::TableName, Vec<hmaster_types::EncodedName>>, TakeoverError> {
    let mut folders = BTreeMap::new();
    for table in root.tables().await? {
        let regions = root.regions(&table).await?;
        folders.insert(table, regions);
    }
    Ok(folders)
}
