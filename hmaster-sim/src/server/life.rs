//! A region server's life from its first look into ZooKeeper to its end. Counterpart of `HRegionServer.run`.
//!
//! One task lives it; everything else that runs is owned by that task, or tracked and ended by it. Dropping it is what a
//! power cut is for a process.

use std::sync::Arc;
use std::time::Duration;

use hmaster_protocol::pb;
use hmaster_protocol::services::region_server_status_service::{REGION_SERVER_REPORT, REPORT_RS_FATAL_ERROR};
use hmaster_rpc::server::RpcServer;
use hmaster_types::{ServerName, class};
use hmaster_zk::tracker::{ClusterStatusTracker, NodeTracker};
use hmaster_zk::znode::{CreateMode, join};
use hmaster_zk::{
    BootClock, ClusterId, LeaseKeeper, MonotonicClock as _, Payload as _, RegionServerInfo, ZkConfig,
    ZkError, ZkErrorKind, ZkWatcher,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::{Carrier, Fatal};
use super::load::Period;
use super::phase::{End, Phase};
use super::register::{Applicant, register};
use super::transitions::{chain, close_for_good};

/// What a life needs beside what all parts share.
#[derive(Debug)]
pub struct Parts {
    /// Where calls arrive.
    pub rpc: RpcServer,
    /// How to reach ZooKeeper.
    pub zk_config: ZkConfig,
    /// What others are told of this server's software.
    pub version: pb::VersionInfo,
    /// What the master is told of it.
    pub applicant: Applicant,
    /// Whether to leave without a word: no more writing, no closing of the session.
    pub killed: CancellationToken,
}

/// Between tries to reach ZooKeeper.
const ZK_PAUSE: Duration = Duration::from_millis(200);
/// For last words.
const FATAL_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// Lives.
pub(crate) async fn live<C: Carrier>(server: Arc<C>, parts: Parts) -> End {
    let Parts { rpc, zk_config, version, applicant, killed } = parts;
    let rpc_stop = CancellationToken::new();
    let serving = AbortOnDropHandle::new(tokio::spawn(rpc.serve(rpc_stop.clone())));
    let _orders = server.kill.clone().drop_guard();
    let lived = async {
        let (zk, since) = connect(&zk_config, applicant.port, &*server).await?;
        let lease = LeaseKeeper::start(zk.zk.session().clone(), Arc::new(BootClock), since);
        let following = async { server.link.follow(zk.clone()).await };
        let working = async {
            match start_up(&*server, &zk, &version, &applicant).await? {
                true => work(&server, &zk).await,
                false => Ok(()),
            }
        };
        let outcome = tokio::select! {
            biased;
            () = server.life.aborting() => Ok(()),
            loss = lease.lease().lost() => Err(format!("the ZooKeeper session is lost: {loss}")),
            outcome = working => outcome,
            () = following => Ok(()),
        };
        drop(lease);
        outcome
    };
    if let Err(reason) = lived.await {
        server.abort(&reason);
    }
    let end = match server.life.phase() {
        Phase::Aborting(reason) => End::Aborted(reason),
        Phase::Stopping(reason) => End::Stopped(reason),
        Phase::Starting | Phase::Online => End::Stopped("done".into()),
    };
    server.kill.cancel();
    if killed.is_cancelled() {
        drop(serving);
    } else {
        if matches!(end, End::Aborted(_)) {
            server.abandon().await;
        }
        say_goodbye(&*server, &end).await;
        rpc_stop.cancel();
        let _ = serving.await;
    }
    server.regions.clear();
    server.let_go();
    leave_zookeeper(&*server, killed.is_cancelled()).await;
    tracing::info!(server = server.label(), ?end, "region server ended");
    end
}

/// Waits for ZooKeeper; what is wrong with the configuration ends it.
async fn connect<C: Carrier>(
    config: &ZkConfig,
    port: u16,
    server: &C,
) -> Result<(ZkWatcher, Duration), Fatal> {
    loop {
        let since = BootClock.now();
        let connected = ZkWatcher::connect(config, format!("regionserver:{port}"), server.chance.fork());
        let error = tokio::select! {
            biased;
            () = server.life.ending() => return Err("ended before it was in ZooKeeper".into()),
            connected = connected => match connected {
                Ok(zk) => {
                    server.zk.set(zk.clone()).ok();
                    return Ok((zk, since));
                }
                Err(error) => error,
            },
        };
        if matches!(
            error.kind,
            ZkErrorKind::BadArguments(_) | ZkErrorKind::Unsupported(_) | ZkErrorKind::AuthFailed
        ) {
            return Err(error.to_string());
        }
        tracing::warn!(%error, "ZooKeeper isn't there");
        sleep(ZK_PAUSE).await;
    }
}

/// Everything up to being online. False if it is to end before.
async fn start_up<C: Carrier>(
    server: &C,
    zk: &ZkWatcher,
    version: &pb::VersionInfo,
    applicant: &Applicant,
) -> Result<bool, Fatal> {
    let starting = async {
        server.link.wait_active().await;
        cluster_up(zk).await?;
        server.cluster_id.set(cluster_id(zk).await?).ok();
        let now = || server.clock.now_ms();
        let registered = register(&server.link, applicant, &server.options, now).await;
        let registration = registered.map_err(|error| chain(&error))?;
        server.name.set(registration.server.clone()).map_err(|_| "registered twice")?;
        announce(zk, &registration.server, version).await.map_err(|error| error.to_string())?;
        server.set_up(&registration.server, registration.entries).await?;
        Ok(server.life.online())
    };
    tokio::select! {
        biased;
        () = server.life.ending() => Ok(false),
        started = starting => started,
    }
}

async fn cluster_up(zk: &ZkWatcher) -> Result<(), Fatal> {
    cluster_is(&mut ClusterStatusTracker::new(zk.clone()), true).await
}

async fn cluster_is(tracker: &mut ClusterStatusTracker, up: bool) -> Result<(), Fatal> {
    loop {
        match tracker.next().await {
            Ok(now) if now == up => return Ok(()),
            Ok(_) => {}
            Err(error) => retry(error).await?,
        }
    }
}

/// The master has written it before it declares the cluster up; Java's server ends where it isn't there.
async fn cluster_id(zk: &ZkWatcher) -> Result<String, Fatal> {
    let mut tracker = NodeTracker::new(zk.clone(), &zk.paths.cluster_id);
    loop {
        match tracker.next().await {
            Ok(Some(znode)) => {
                let id: Result<ClusterId, _> = znode.decode();
                return id.map(|id| id.0).map_err(|error| error.to_string());
            }
            Ok(None) => {}
            Err(error) => retry(error).await?,
        }
    }
}

/// A moment's patience with ZooKeeper; a session that is over has no more.
async fn retry(error: ZkError) -> Result<(), Fatal> {
    if matches!(error.kind, ZkErrorKind::SessionExpired | ZkErrorKind::Closed) {
        return Err(error.to_string());
    }
    tracing::warn!(%error, "ZooKeeper doesn't answer");
    sleep(ZK_PAUSE).await;
    Ok(())
}

/// Makes the znode whose end tells the master of this server's death.
async fn announce(zk: &ZkWatcher, name: &ServerName, version: &pb::VersionInfo) -> Result<(), ZkError> {
    let info = RegionServerInfo { info_port: None, version: Some(version.clone()) };
    zk.create(&join(&zk.paths.rs, name.as_str()), &info.encode(), CreateMode::Ephemeral).await?;
    Ok(())
}

/// Serves until it is to end, then closes its regions and its log.
async fn work<C: Carrier>(server: &Arc<C>, zk: &ZkWatcher) -> Result<(), Fatal> {
    let serving = async {
        let mut cluster = ClusterStatusTracker::new(zk.clone());
        let is_down = tokio::select! {
            biased;
            () = server.life.ending() => false,
            down = cluster_is(&mut cluster, false) => down.map(|()| true)?,
        };
        if is_down {
            cluster_down(server).await?;
        }
        server.stop("the cluster is shut down");
        close_regions(server).await
    };
    tokio::select! {
        biased;
        closed = serving => closed?,
        failure = server.failure() => return Err(failure),
        dead = report(&**server) => return Err(dead),
        () = server.results.report(&**server) => {}
    }
    server.shut().await
}

/// Reports at intervals, and at once to a new master, until the master says that this server is dead.
async fn report<C: Carrier>(server: &C) -> Fatal {
    let mut told = None;
    let mut since = Since { at: Instant::now(), ms: server.clock.now_ms(), requests: 0 };
    loop {
        server.may_speak().await;
        let master = server.link.wait_active().await;
        let now = Since { at: Instant::now(), ms: server.clock.now_ms(), requests: server.requests.total() };
        let Some(name) = server.name.get() else { return "no name".into() };
        let period = Period {
            start_ms: since.ms,
            end_ms: now.ms,
            requests: now.requests.saturating_sub(since.requests),
        };
        let request = pb::RegionServerReportRequest { server: name.into(), load: Some(server.load(period)) };
        let interval = server.options.report_interval;
        let interval = match server.link.call(REGION_SERVER_REPORT, &request).await {
            Ok(_) if told.as_ref() == Some(&master) => interval,
            Ok(_) => {
                told = Some(master.clone());
                interval.mul_f64(server.first_interval())
            }
            Err(error) => {
                if let Some(dead) = error.exception().filter(|exception| exception.is(class::YOU_ARE_DEAD)) {
                    return dead.to_string();
                }
                tracing::info!(%error, "the master doesn't take a report");
                // A master that is starting counts on reports: it isn't left waiting for a whole interval.
                interval.min(server.options.report_retry_pause * 3)
            }
        };
        since = now;
        tokio::select! {
            biased;
            () = server.link.wait_other(Some(&master)) => {}
            () = sleep_until(since.at + interval) => {}
        }
    }
}

/// When the last report was.
struct Since {
    at: Instant,
    ms: u64,
    requests: u64,
}

/// Closes user regions; a server that carries hbase:meta then waits until nobody writes to it any more, or it is told to
/// stop. A closing that has begun is carried to its end in any case: nobody else would.
async fn cluster_down<C: Carrier>(server: &Arc<C>) -> Result<(), Fatal> {
    tracing::info!("the cluster is shut down; closing user regions");
    close_all(server, false).await?;
    let mut writes = None;
    while server.regions.count() > 0 {
        let now = server.writes();
        if writes.replace(now) == Some(now) {
            break;
        }
        tokio::select! {
            biased;
            () = server.life.ending() => break,
            () = sleep(server.options.report_interval) => {}
        }
    }
    Ok(())
}

/// Closes all regions, hbase:meta last: others' closing may need it. One that was on its way in when the server stopped may
/// come in, if the master has heard that it is open; it is closed like the others.
async fn close_regions<C: Carrier>(server: &Arc<C>) -> Result<(), Fatal> {
    loop {
        close_all(server, false).await?;
        close_all(server, true).await?;
        server.regions.all_settled().await;
        if server.regions.count() == 0 {
            return Ok(());
        }
    }
}

async fn close_all<C: Carrier>(server: &Arc<C>, meta_too: bool) -> Result<(), Fatal> {
    let regions = server.regions.all().into_iter().map(|region| C::info(&region).clone());
    let names = regions.filter(|info| meta_too || !info.is_meta()).map(|info| info.encoded_name());
    let closing = names.map(|name| close_for_good(&**server, name));
    futures_util::future::try_join_all(closing).await?;
    Ok(())
}

/// Last words to the master.
async fn say_goodbye<C: Carrier>(server: &C, end: &End) {
    let (End::Aborted(reason), Some(name), Some(_)) = (end, server.name.get(), server.link.active()) else {
        return;
    };
    let message = format!("***** ABORTING region server {name}: {reason} *****");
    let request = pb::ReportRsFatalErrorRequest { server: name.into(), error_message: message };
    if !matches!(
        timeout(FATAL_ERROR_TIMEOUT, server.link.call(REPORT_RS_FATAL_ERROR, &request)).await,
        Ok(Ok(_))
    ) {
        tracing::warn!("Unable to report fatal error to master");
    }
}

async fn leave_zookeeper<C: Carrier>(server: &C, silently: bool) {
    let Some(zk) = server.zk.get() else { return };
    if silently {
        return;
    }
    if let Some(name) = server.name.get()
        && let Err(error) = zk.delete_if_present(&join(&zk.paths.rs, name.as_str())).await
    {
        tracing::warn!(%error, "Failed deleting my ephemeral node");
    }
    zk.zk.session().close().await;
}
