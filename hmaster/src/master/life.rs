//! A master's lives: each is one session with ZooKeeper and one part in the election.

use std::sync::Arc;
use std::time::Duration;

use hmaster_core::role::Role;
use hmaster_zk::{
    BootClock, Elector, ElectorConfig, End, MasterInfo, ZkConfig, ZkError, ZkErrorKind, ZkWatcher,
};

use super::{Parts, failover, reign};
use crate::RunError;

/// Pause between attempts to get a session, after one has already waited for as long as a session lasts.
const CONNECT_PAUSE: Duration = Duration::from_secs(1);

/// How a life ended.
pub(super) enum LifeEnd {
    /// Somebody stopped the master.
    Stopped,
    /// The session, or the place in the election, is lost.
    Lost(String),
    /// The master can't go on.
    Failed(RunError),
}

/// One life after another, until the master is stopped or can't go on.
pub(super) async fn lives(parts: &Arc<Parts>) -> Result<(), RunError> {
    let config = zk_config(parts)?;
    loop {
        match live(parts, &config).await {
            LifeEnd::Stopped => return Ok(()),
            LifeEnd::Failed(error) => return Err(error),
            LifeEnd::Lost(reason) => {
                tracing::warn!(reason, "beginning anew as a master that waits");
                parts.role.set(Role::Waiting);
            }
        }
    }
}

async fn live(parts: &Arc<Parts>, config: &ZkConfig) -> LifeEnd {
    let stop = &parts.stop.0;
    let zk = tokio::select! {
        biased;
        () = stop.cancelled() => return LifeEnd::Stopped,
        zk = connect(parts, config) => zk,
    };
    if let Err(error) = zk.create_base_znodes().await {
        return failed(error);
    }
    let _watching = parts.view.watch(&zk);
    let me = MasterInfo {
        server: parts.server.clone(),
        info_port: (parts.info_port != 0).then_some(parts.info_port),
    };
    let at_once = parts.config.options().own.end_dead_master_session;
    let config = ElectorConfig {
        backup: parts.backup,
        address: parts.address,
        leave_session: at_once,
        ..ElectorConfig::new(me, Arc::new(BootClock))
    };
    let elector = Elector::start(zk.clone(), config);
    let watch_active = async {
        match at_once {
            true => failover::watch_active(&zk, &elector, &parts.server).await,
            false => std::future::pending().await,
        }
    };
    let active = async {
        tokio::select! {
            biased;
            active = elector.active() => active,
            () = watch_active => unreachable!("watching doesn't end"),
        }
    };
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => LifeEnd::Stopped,
        active = active => match active {
            Ok(active) => reign::reign(parts, &zk, &active.lease).await,
            Err(end) => ended(end),
        },
    };
    // What this session saw may change from now on without this master knowing.
    parts.view.forget();
    // Takes the znode away, so that nobody waits for the session to run out.
    elector.stop().await;
    end
}

/// A session. ZooKeeper may come later than the master.
async fn connect(parts: &Parts, config: &ZkConfig) -> ZkWatcher {
    let identifier = format!("master:{}", parts.server.port());
    loop {
        match ZkWatcher::connect(config, identifier.clone(), parts.chance.fork()).await {
            Ok(zk) => return zk,
            Err(error) => {
                tracing::warn!(%error, "no session with ZooKeeper yet");
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
        }
    }
}

fn ended(end: End) -> LifeEnd {
    match end {
        End::Stopped | End::ClusterDown => LifeEnd::Stopped,
        End::Lost(loss) => LifeEnd::Lost(loss.to_string()),
        End::Failed(error) => failed(error),
    }
}

/// An error that a new session may mend begins a new life.
fn failed(error: ZkError) -> LifeEnd {
    match error.kind {
        ZkErrorKind::SessionExpired | ZkErrorKind::Closed | ZkErrorKind::OutcomeUnknown(_) => {
            LifeEnd::Lost(error.to_string())
        }
        _ => LifeEnd::Failed(error.into()),
    }
}

fn zk_config(parts: &Parts) -> Result<ZkConfig, RunError> {
    let raw = parts.config.raw();
    let mut config = ZkConfig::from_lookup(|key| raw.get(key).ok().flatten())?;
    config.session.servers = parts.config.cluster().connect_string();
    config.session.outlives_client = parts.leaves_session;
    Ok(config)
}
