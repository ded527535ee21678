//! What a master is at the moment: waiting for its turn, active, or on its way out.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hmaster_types::{JavaException, class};
use tokio::time::{Instant, sleep_until};

use crate::changes::{ChangeWatch, Changes};
use crate::environment::{Conditions, MasterEnv, Reign};
use crate::progress::Progress;

/// How long a master that isn't active is waited for: its election may just be under way. Were it longer, a region server
/// that asks a deposed master would learn too late who follows.
pub const INACTIVE_PATIENCE: Duration = Duration::from_millis(500);

/// A master's life.
#[derive(Clone, Default)]
pub enum Role {
    /// Another master is active, or none is yet.
    #[default]
    Waiting,
    /// The election is won, and the files are made ready, which can take a while: HDFS may be in safe mode.
    Starting(Arc<Progress>),
    /// The master has its store. Whether clients are served yet is the reign's to say.
    Active(Arc<Reign>),
    /// It stops.
    Stopping,
}

/// A master's role, as its services see it.
#[derive(Default)]
pub struct RoleCell {
    role: ArcSwap<Role>,
    changes: Changes,
}

impl RoleCell {
    /// The role at the moment.
    pub fn get(&self) -> Arc<Role> {
        self.role.load_full()
    }

    /// Takes on a role.
    pub fn set(&self, role: Role) {
        self.role.store(Arc::new(role));
        self.changes.announce();
    }

    /// Wakes whenever the role changes.
    pub fn changes(&self) -> ChangeWatch {
        self.changes.subscribe()
    }

    /// Waits until this master is active and serves clients.
    pub async fn until_initialized(&self) -> Arc<MasterEnv> {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Ok(env) = self.active() {
                let mut conditions = env.conditions.changes();
                let initialized = async {
                    while !env.conditions.is_initialized() {
                        conditions.changed().await;
                    }
                };
                tokio::select! {
                    biased;
                    () = initialized => return env.clone(),
                    () = changes.changed() => continue,
                }
            }
            changes.changed().await;
        }
    }

    /// The active master once it is `ready`, if that comes within `patience`; one that isn't active at all is waited for
    /// no longer than [`INACTIVE_PATIENCE`].
    pub async fn until_ready(
        &self,
        patience: Duration,
        ready: impl Fn(&Conditions) -> bool,
    ) -> Option<Arc<MasterEnv>> {
        let began = Instant::now();
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let patience = match &*self.get() {
                Role::Active(reign) => {
                    let mut conditions = reign.env.conditions.changes();
                    if ready(&reign.env.conditions) {
                        return Some(reign.env.clone());
                    }
                    tokio::select! {
                        biased;
                        () = changes.changed() => continue,
                        () = conditions.changed() => continue,
                        () = sleep_until(began + patience) => return None,
                    }
                }
                Role::Starting(_) => patience,
                Role::Waiting | Role::Stopping => patience.min(INACTIVE_PATIENCE),
            };
            tokio::select! {
                biased;
                () = changes.changed() => {}
                () = sleep_until(began + patience) => return None,
            }
        }
    }

    /// The active master, even before it serves anybody.
    ///
    /// # Errors
    /// `ServerNotRunningYetException`: whoever asked looks for the active master, and comes back.
    pub fn active(&self) -> Result<Arc<MasterEnv>, JavaException> {
        match &*self.get() {
            Role::Active(reign) => Ok(reign.env.clone()),
            Role::Waiting | Role::Starting(_) | Role::Stopping => {
                Err(JavaException::new(class::SERVER_NOT_RUNNING_YET, "Server is not running yet"))
            }
        }
    }

    /// The active master, once region servers may speak to it. Counterpart of `checkServiceStarted`.
    ///
    /// # Errors
    /// `ServerNotRunningYetException`.
    pub fn started(&self) -> Result<Arc<MasterEnv>, JavaException> {
        let env = self.active()?;
        match env.conditions.is_services_started() {
            true => Ok(env),
            false => Err(JavaException::new(class::SERVER_NOT_RUNNING_YET, "Server is not running yet")),
        }
    }

    /// The active master, once it serves clients. Counterpart of `checkInitialized`.
    ///
    /// # Errors
    /// `ServerNotRunningYetException`, and `PleaseHoldException` while it starts.
    pub fn initialized(&self) -> Result<Arc<MasterEnv>, JavaException> {
        let env = self.started()?;
        match env.conditions.is_initialized() {
            true => Ok(env),
            false => Err(JavaException::new(class::PLEASE_HOLD, "Master is initializing")),
        }
    }
}

impl std::fmt::Debug for RoleCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &*self.get() {
            Role::Waiting => "waiting",
            Role::Starting(_) => "starting",
            Role::Active(_) => "active",
            Role::Stopping => "stopping",
        })
    }
}
