//! What the start waits for: enough region servers, and hbase:meta.

use std::time::Duration;

use hmaster_config::Options;
use tokio::time::Instant;

use super::{StartError, ended};
use crate::environment::{Conditions, MasterEnv};

/// Who is there and who isn't yet.
#[derive(Debug, Clone, Copy)]
pub struct ServerCount {
    /// Servers that can be given regions.
    pub here: usize,
    /// Servers of an earlier life of the cluster whose address nobody has registered from yet.
    pub missing: usize,
}

/// When enough region servers are there. Keys and defaults are Java's.
#[derive(Debug, Clone)]
pub struct Enough {
    /// `hbase.master.wait.on.regionservers.mintostart`.
    pub min: usize,
    /// `hbase.master.wait.on.regionservers.maxtostart`.
    pub max: usize,
    /// `hbase.master.wait.on.regionservers.timeout`: so long at most for those that are missing.
    pub timeout: Duration,
    /// `hbase.master.wait.on.regionservers.interval`: so long at least without a change.
    pub interval: Duration,
}

impl Enough {
    /// From the settings.
    pub fn new(options: &Options) -> Self {
        let servers = &options.region_servers;
        let min = usize::try_from(servers.start_min).unwrap_or(0).max(1);
        let max = usize::try_from(servers.start_max).unwrap_or(usize::MAX);
        Self {
            min,
            max: if max < min { usize::MAX } else { max },
            timeout: servers.start_timeout,
            interval: servers.start_interval,
        }
    }

    /// How much longer to wait if nothing changes; zero when enough are there, none when it takes a change.
    ///
    /// Java waits for the time-out whenever it starts. Here it is waited only for servers that are known to be missing:
    /// in a new cluster, and after a failover, there are none.
    pub fn wait(
        &self,
        count: ServerCount,
        since_start: Duration,
        since_change: Duration,
    ) -> Option<Duration> {
        if count.here < self.min {
            return None;
        }
        if count.here >= self.max || count.missing == 0 {
            return Some(Duration::ZERO);
        }
        Some(self.timeout.saturating_sub(since_start).max(self.interval.saturating_sub(since_change)))
    }
}

/// Waits until enough region servers are there.
pub(super) async fn wait_for_servers(env: &MasterEnv) -> Result<(), StartError> {
    let enough = Enough::new(&env.options);
    let mut changes = env.servers.changes();
    let started = Instant::now();
    let mut changed = started;
    loop {
        changes.mark_unchanged();
        let count = count(env);
        let wait = enough.wait(count, started.elapsed(), changed.elapsed());
        if wait == Some(Duration::ZERO) {
            tracing::info!(?count, waited = ?started.elapsed(), "enough region servers");
            return Ok(());
        }
        let timer = tokio::time::sleep(wait.unwrap_or(Duration::MAX));
        tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return Err(ended(env)),
            () = changes.changed() => changed = Instant::now(),
            () = timer => {}
        }
    }
}

fn count(env: &MasterEnv) -> ServerCount {
    let here = env.servers.assignable();
    let is_missing = |dead: &hmaster_types::ServerName| !here.iter().any(|server| server.same_address(dead));
    let missing = env.servers.dead().iter().filter(|(dead, _)| is_missing(dead)).count();
    ServerCount { here: here.len(), missing }
}

/// Waits until something is so.
pub(super) async fn wait_for(env: &MasterEnv, is_so: impl Fn(&Conditions) -> bool) -> Result<(), StartError> {
    let mut changes = env.conditions.changes();
    loop {
        changes.mark_unchanged();
        if is_so(&env.conditions) {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return Err(ended(env)),
            () = changes.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn only_what_is_missing_is_waited_for() {
        let enough = Enough { min: 2, max: 5, timeout: MS(4500), interval: MS(1500) };
        let table = [
            ("nobody", (0, 0), (0, 0), None),
            ("too few", (1, 0), (9999, 9999), None),
            ("enough, nobody missing", (2, 0), (0, 0), Some(0)),
            ("enough, one missing", (2, 1), (1000, 500), Some(3500)),
            ("one has just come", (3, 1), (4400, 100), Some(1400)),
            ("the missing one doesn't come", (3, 1), (6000, 1600), Some(0)),
            ("as many as may be", (5, 9), (0, 0), Some(0)),
        ];
        for (what, (here, missing), (start, change), wait) in table {
            let count = ServerCount { here, missing };
            assert_eq!(enough.wait(count, MS(start), MS(change)), wait.map(MS), "{what}");
        }
    }
}
