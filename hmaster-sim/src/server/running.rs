//! A region server that runs, from outside, whatever carries its regions.

use std::net::SocketAddr;
use std::sync::Arc;

use hmaster_types::ServerName;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::Carrier;
use super::life::{self, Parts};
use super::phase::End;

/// A region server that runs. Dropping it is what a power cut is for a process: nothing is closed, flushed or said.
#[derive(Debug)]
pub struct Running<C: Carrier> {
    server: Arc<C>,
    address: SocketAddr,
    killed: CancellationToken,
    ended: watch::Receiver<Option<End>>,
    life: AbortOnDropHandle<()>,
}

impl<C: Carrier> Running<C> {
    /// Lets a server live that listens at `address`. To be called in a tokio runtime.
    pub fn launch(server: Arc<C>, parts: Parts, address: SocketAddr) -> Self {
        let (tell, ended) = watch::channel(None);
        let killed = parts.killed.clone();
        let this = server.clone();
        let life = tokio::spawn(async move {
            let mut let_go = LetGo { server: this.clone(), is_cut_off: true };
            let end = Box::pin(life::live(this, parts)).await;
            let_go.is_cut_off = false;
            tell.send_replace(Some(end));
        });
        Self { server, address, killed, ended, life: AbortOnDropHandle::new(life) }
    }

    /// The server itself.
    pub fn server(&self) -> &Arc<C> {
        &self.server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the active master knows it and may give it regions; gives its name.
    ///
    /// # Errors
    /// When it ends before.
    pub async fn online(&self) -> Result<ServerName, End> {
        match self.server.started().await {
            Ok(name) => Ok(name),
            // It may have more to say by then.
            Err(_) => Err(self.stopped().await),
        }
    }

    /// Stops it in order: regions are closed, the master is told, the session is closed. Counterpart of
    /// `HRegionServer.stop`.
    pub async fn stop(self) -> End {
        self.server.stop("asked to");
        self.stopped().await
    }

    /// Ends it as kill -9 ends a process: connections break, nothing is flushed, closed or said. Completes when it is
    /// over.
    pub async fn abort(self) {
        self.killed.cancel();
        if self.server.life.abort("killed") {
            tracing::info!(server = self.server.label(), "killed");
        }
        let Self { life, server, .. } = self;
        server.kill.cancel();
        life.abort();
        let _ = life.await;
        server.tasks.close();
        server.tasks.wait().await;
    }

    /// Completes when it has ended, by itself or by order, and says why.
    pub async fn stopped(&self) -> End {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await.ok().and_then(|end| end.clone()) {
            Some(end) => end,
            None => End::Aborted("its task is gone".into()),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }
}

/// What belongs to a life ends with it, wherever it is cut off.
struct LetGo<C: Carrier> {
    server: Arc<C>,
    is_cut_off: bool,
}

impl<C: Carrier> Drop for LetGo<C> {
    fn drop(&mut self) {
        self.server.kill.cancel();
        if self.is_cut_off {
            self.server.abort("its task is gone");
        }
        self.server.regions.clear();
        self.server.let_go();
    }
}
