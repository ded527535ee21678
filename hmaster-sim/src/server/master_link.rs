//! Calls to the active master, whoever that is. Counterpart of `rssStub`, `createRegionServerStatusStub` and the loop of
//! `reportRegionStateTransition`.
//!
//! Who is active is followed in ZooKeeper. A call goes to whoever is active then; after a failure the next one may go
//! elsewhere. Some things must be said until they are heard, by this master or by its successor: [`MasterLink::insist`].

use std::time::Duration;

use hmaster_protocol::{HBaseMessage, Method};
use hmaster_rpc::client::{CallOptions, RpcClient, RpcError};
use hmaster_types::{ServerName, class};
use hmaster_zk::ZkWatcher;
use hmaster_zk::tracker::MasterAddressTracker;
use tokio::sync::watch;
use tokio::time::timeout;

/// Calls the active master.
#[derive(Debug)]
pub(crate) struct MasterLink {
    rpc: RpcClient,
    master: watch::Sender<Option<ServerName>>,
    call_timeout: Duration,
    retry_pause: Duration,
}

/// How pauses grow. Counterpart of `HConstants.RETRY_BACKOFF`.
const BACKOFF: [u32; 13] = [1, 2, 3, 5, 10, 20, 40, 100, 100, 100, 100, 200, 200];
/// Between tries to read in ZooKeeper who is active.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

impl MasterLink {
    /// Nobody is active yet: [`MasterLink::follow`] finds out.
    pub(crate) fn new(rpc: RpcClient, call_timeout: Duration, retry_pause: Duration) -> Self {
        Self { rpc, master: watch::Sender::new(None), call_timeout, retry_pause }
    }

    /// Follows who is active, for ever.
    pub(crate) async fn follow(&self, zk: ZkWatcher) {
        let mut tracker = MasterAddressTracker::new(zk);
        loop {
            match tracker.next().await {
                Ok(Some(Ok(active))) => self.found(Some(active.server)),
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "the active master's znode can't be read");
                    self.found(None);
                }
                Ok(None) => self.found(None),
                Err(error) => {
                    tracing::warn!(%error, "can't find out who the active master is");
                    tokio::time::sleep(LOOK_PAUSE).await;
                }
            }
        }
    }

    pub(crate) fn found(&self, active: Option<ServerName>) {
        self.master.send_if_modified(|master| {
            let changed = *master != active;
            if changed {
                tracing::info!(?active, "active master");
                if let Some(gone) = std::mem::replace(master, active) {
                    self.rpc.give_up(&gone.address());
                }
            }
            changed
        });
    }

    /// Who is active, as far as is known.
    pub(crate) fn active(&self) -> Option<ServerName> {
        self.master.borrow().clone()
    }

    /// Completes when somebody is active.
    pub(crate) async fn wait_active(&self) -> ServerName {
        let mut masters = self.master.subscribe();
        let active = masters.wait_for(Option::is_some).await.ok().and_then(|master| master.clone());
        match active {
            Some(active) => active,
            None => std::future::pending().await, // the sender is self
        }
    }

    /// Completes when somebody other than `known` is active.
    pub(crate) async fn wait_other(&self, known: Option<&ServerName>) {
        let mut masters = self.master.subscribe();
        let other = |master: &Option<ServerName>| master.is_some() && master.as_ref() != known;
        if masters.wait_for(other).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Calls the active master once there is one.
    ///
    /// # Errors
    /// When it doesn't answer, or with an exception.
    pub(crate) async fn call<Q: HBaseMessage, A: HBaseMessage>(
        &self,
        method: Method<Q, A>,
        request: &Q,
    ) -> Result<A, RpcError> {
        let master = self.wait_active().await;
        let options = CallOptions { timeout: Some(self.call_timeout), ..CallOptions::default() };
        let (answer, _) = self.rpc.call(&master.address(), method, request, options).await?;
        Ok(answer)
    }

    /// Calls whoever is active until there is an answer. A master that is starting gets time; another one is called at
    /// once.
    pub(crate) async fn insist<Q: HBaseMessage, A: HBaseMessage>(
        &self,
        method: Method<Q, A>,
        request: &Q,
    ) -> A {
        let mut tries = 0;
        loop {
            let master = self.wait_active().await;
            let error = match self.call(method, request).await {
                Ok(answer) => return answer,
                Err(error) => error,
            };
            let pause = self.retry_pause * if is_starting(&error) { backoff(tries) } else { 1 };
            tracing::info!(%error, tries, ?pause, "the master doesn't take a report; it is repeated");
            tries += 1;
            let _ = timeout(pause, self.wait_other(Some(&master))).await;
        }
    }
}

/// Whether the master asks for patience.
fn is_starting(error: &RpcError) -> bool {
    const PATIENCE: [class::Class; 3] =
        [class::SERVER_NOT_RUNNING_YET, class::PLEASE_HOLD, class::CALL_QUEUE_TOO_BIG];
    error.exception().is_some_and(|exception| PATIENCE.iter().any(|class| exception.is(*class)))
}

fn backoff(tries: usize) -> u32 {
    BACKOFF[tries.min(BACKOFF.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        assert_eq!([0, 1, 4, 12, 99].map(backoff), [1, 2, 10, 200, 200]);
    }
}
