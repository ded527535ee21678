//! Where a region server is in its life. Counterpart of the flags `online`, `stopped` and `abortRequested` of
//! `HRegionServer`, and of `RSRpcServices.checkOpen`.

use std::fmt;
use std::sync::Arc;

use hmaster_types::{JavaException, class};
use tokio::sync::watch;

/// Where it is in its life. It only ever moves downwards in this list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not known to the master yet.
    Starting,
    /// Serving.
    Online,
    /// Closing its regions, in order; takes no calls any more.
    Stopping(Arc<str>),
    /// Going down at once, without order.
    Aborting(Arc<str>),
}

/// How a region server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// In order: all regions closed, their edits in store files.
    Stopped(Arc<str>),
    /// At once: what its WALs hold has to be recovered.
    Aborted(Arc<str>),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(reason) => write!(f, "stopped: {reason}"),
            Self::Aborted(reason) => write!(f, "aborted: {reason}"),
        }
    }
}

/// The phase, and whoever waits for it.
#[derive(Debug)]
pub(crate) struct Life(watch::Sender<Phase>);

impl Life {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }

    pub(crate) fn phase(&self) -> Phase {
        self.0.borrow().clone()
    }

    /// Whether it goes down.
    pub(crate) fn is_ending(&self) -> bool {
        self.0.borrow().is_ending()
    }

    /// The master knows it now. False if it goes down already.
    pub(crate) fn online(&self) -> bool {
        self.0.send_if_modified(|phase| {
            let starting = *phase == Phase::Starting;
            if starting {
                *phase = Phase::Online;
            }
            starting
        })
    }

    /// It is to go down in order, unless it goes down already.
    pub(crate) fn stop(&self, reason: &str) -> bool {
        self.end(|phase| !phase.is_ending(), Phase::Stopping(reason.into()))
    }

    /// It is to go down at once, unless it does already.
    pub(crate) fn abort(&self, reason: &str) -> bool {
        self.end(|phase| !matches!(phase, Phase::Aborting(_)), Phase::Aborting(reason.into()))
    }

    fn end(&self, may: impl FnOnce(&Phase) -> bool, next: Phase) -> bool {
        self.0.send_if_modified(|phase| {
            let may = may(phase);
            if may {
                *phase = next;
            }
            may
        })
    }

    /// Completes when it goes down, in order or not.
    pub(crate) async fn ending(&self) {
        self.wait(Phase::is_ending).await;
    }

    /// Completes when it goes down at once.
    pub(crate) async fn aborting(&self) {
        self.wait(|phase| matches!(phase, Phase::Aborting(_))).await;
    }

    /// The first phase that isn't starting.
    pub(crate) async fn started(&self) -> Phase {
        self.wait(|phase| *phase != Phase::Starting).await
    }

    async fn wait(&self, mut until: impl FnMut(&Phase) -> bool) -> Phase {
        let mut phases = self.0.subscribe();
        let reached = phases.wait_for(|phase| until(phase)).await.map(|phase| phase.clone());
        match reached {
            Ok(phase) => phase,
            Err(_) => std::future::pending().await, // the sender is self
        }
    }

    /// Whether calls are served now.
    ///
    /// # Errors
    /// The exception by which Java's clients know what to do.
    pub(crate) fn check_open(&self, server: &dyn fmt::Display) -> Result<(), JavaException> {
        let (class, what) = match *self.0.borrow() {
            Phase::Online => return Ok(()),
            Phase::Starting => (class::SERVER_NOT_RUNNING_YET, "is not running yet"),
            Phase::Stopping(_) => (class::REGION_SERVER_STOPPED, "stopping"),
            Phase::Aborting(_) => (class::REGION_SERVER_ABORTED, "aborting"),
        };
        Err(JavaException::new(class, format!("Server {server} {what}")))
    }
}

impl Phase {
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self, Self::Stopping(_) | Self::Aborting(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_goes_one_way() {
        let life = Life::new();
        let class = |life: &Life| life.check_open(&"rs").unwrap_err().class.into_owned();
        assert_eq!(class(&life), class::SERVER_NOT_RUNNING_YET.name);
        assert!(life.online() && !life.online());
        life.check_open(&"rs").unwrap();
        assert!(life.stop("told to") && !life.stop("again"));
        assert_eq!(class(&life), class::REGION_SERVER_STOPPED.name);
        assert!(life.abort("broken") && !life.abort("again") && !life.online());
        assert_eq!(life.phase(), Phase::Aborting("broken".into()));
        assert_eq!(class(&life), class::REGION_SERVER_ABORTED.name);
    }

    #[tokio::test]
    async fn waiting_for_a_phase() {
        let life = Life::new();
        let waiting = async { tokio::join!(life.started(), life.ending(), life.aborting()) };
        let ending = async {
            life.online();
            tokio::task::yield_now().await;
            life.abort("x");
        };
        let ((started, (), ()), ()) = tokio::join!(waiting, ending);
        assert!(started != Phase::Starting);
    }
}
