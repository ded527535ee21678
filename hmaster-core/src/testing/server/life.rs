//! A region server's life: it starts, reports, and ends.

use std::time::Duration;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, ServerName, class};

use crate::testing::World;
use crate::testing::faults::Call;
use crate::testing::state::State;

/// `hbase.regionserver.msginterval`.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);
/// How long after its process's end a session is over, at most.
const SESSION_MS_MAX: u64 = 4000;

impl World {
    /// What a region server does from start to end.
    pub(in crate::testing) async fn live(self, server: ServerName) {
        while let Err(error) = self.register(&server).await {
            if is_fatal(&error) {
                return self.abort_server(&server, &error.to_string());
            }
            self.pause_before_repeating(&server).await;
        }
        self.awake(&server).await;
        self.with(|state| {
            state.znodes.region_servers.insert(server.clone());
            state.make_wals(&server);
        });
        self.znodes_changed();
        loop {
            self.awake(&server).await;
            if self.with(|state| state.znodes.running.is_none() && state.truth.is_going_down) {
                return self.leave(&server);
            }
            let load = self.with(|state| load(state, &server));
            if let Err(error) = self.report_load(&server, load).await
                && is_fatal(&error)
            {
                return self.abort_server(&server, &error.to_string());
            }
            tokio::time::sleep(REPORT_INTERVAL).await;
        }
    }

    async fn register(&self, server: &ServerName) -> Result<(), JavaException> {
        let request = pb::RegionServerStartupRequest {
            port: server.port().into(),
            server_start_code: server.start_code().0,
            server_current_time: self.now_ms(),
            use_this_hostname_instead: Some(server.host().to_owned()),
        };
        let answer = self
            .call_master(server, Call::StartUp, move |master| {
                let request = request.clone();
                Box::pin(async move { master.start_up(request).await })
            })
            .await?;
        drop(answer);
        Ok(())
    }

    async fn report_load(&self, server: &ServerName, load: pb::ServerLoad) -> Result<(), JavaException> {
        let request = pb::RegionServerReportRequest { server: server.into(), load: Some(load) };
        let answer = self.call_master(server, Call::Report, move |master| {
            let request = request.clone();
            Box::pin(async move { master.report(request).await })
        });
        answer.await.map(drop)
    }

    /// The process is gone at once; its session ends a while later.
    pub fn crash_server(&self, server: &ServerName) {
        if self.end_process(server) {
            let after = self.chance().bits() % SESSION_MS_MAX;
            self.end_session(server, Duration::from_millis(after));
        }
    }

    /// The region server ends itself, and its session.
    pub(in crate::testing) fn abort_server(&self, server: &ServerName, why: &str) {
        tracing::debug!(%server, why, "the region server aborts");
        self.with(|state| state.truth.aborts.push(format!("{server}: {why}")));
        if self.end_process(server) {
            self.end_session(server, Duration::ZERO);
        }
    }

    /// Closes everything and goes: the cluster is going down.
    fn leave(&self, server: &ServerName) {
        self.with(|state| {
            let regions: Vec<_> = state.server_mut(server).regions.keys().copied().collect();
            for region in regions {
                // A server that is fenced leaves its edits to whoever fenced it.
                let _ = state.unload_region(server, region);
            }
            if let Some(wals) = state.root.wals.remove(server.as_str()) {
                state.root.old_wals.extend(wals);
            }
        });
        self.end_process(server);
        self.end_session(server, Duration::ZERO);
    }

    /// False when it had ended before.
    fn end_process(&self, server: &ServerName) -> bool {
        self.with(|state| {
            let own = state.server_mut(server);
            own.life.cancel();
            own.regions.clear();
            own.transitions.clear();
            std::mem::replace(&mut own.is_up, false)
        })
    }

    /// Takes a server's znode away, after a while.
    pub fn end_session(&self, server: &ServerName, after: Duration) {
        let (world, server) = (self.clone(), server.clone());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            world.with(|state| state.znodes.region_servers.remove(&server));
            world.znodes_changed();
        });
    }

    /// Holds a server up, or lets it go on. One that is held up for long loses its session.
    pub fn pause_server(&self, server: &ServerName, paused: bool) {
        self.with(|state| state.server_mut(server).paused.set_closed(paused));
    }

    /// Ends when the server isn't held up.
    pub(in crate::testing) async fn awake(&self, server: &ServerName) {
        let gate = self.with(|state| state.server_mut(server).paused.clone());
        gate.passed().await;
    }

    /// Time that a server needs for something.
    pub(in crate::testing) async fn work(&self, server: &ServerName) {
        self.latency().await;
        self.awake(server).await;
    }

    pub(in crate::testing) async fn pause_before_repeating(&self, server: &ServerName) {
        tokio::time::sleep(Duration::from_millis(100 + self.chance().bits() % 400)).await;
        self.awake(server).await;
    }
}

fn is_fatal(error: &JavaException) -> bool {
    [class::YOU_ARE_DEAD, class::CLOCK_OUT_OF_SYNC, class::DECOMMISSIONED_HOST_REJECTED]
        .into_iter()
        .any(|class| error.is(class))
}

fn load(state: &State, server: &ServerName) -> pb::ServerLoad {
    let regions = state.servers[server].regions.values().filter(|region| region.is_online);
    let region_load = |region: &super::ServerRegion| {
        let flushed = state.root.flushed_sequence_id(&region.info);
        pb::RegionLoad {
            region_specifier: (&region.info.name()).into(),
            complete_sequence_id: (flushed >= 0).then_some(flushed.cast_unsigned()),
            ..Default::default()
        }
    };
    pb::ServerLoad {
        region_loads: regions.map(region_load).collect(),
        report_start_time: Some(0),
        ..Default::default()
    }
}
