//! What a master is at the moment: waiting for its turn, active, or on its way out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hmaster_types::{JavaException, class};

use crate::environment::{MasterEnv, Reign};

/// A master's life.
#[derive(Clone)]
pub enum Role {
    /// Another master is active, or none is yet.
    Waiting,
    /// The election is won. Whether clients are served yet is the reign's to say.
    Active(Arc<Reign>),
    /// It stops.
    Stopping,
}

/// A master's role, as its services see it.
pub struct RoleCell(ArcSwap<Role>);

impl Default for RoleCell {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Role::Waiting))
    }
}

impl RoleCell {
    /// The role at the moment.
    pub fn get(&self) -> Arc<Role> {
        self.0.load_full()
    }

    /// Takes on a role.
    pub fn set(&self, role: Role) {
        self.0.store(Arc::new(role));
    }

    /// The active master, even before it serves anybody.
    ///
    /// # Errors
    /// `ServerNotRunningYetException`: whoever asked looks for the active master, and comes back.
    pub fn active(&self) -> Result<Arc<MasterEnv>, JavaException> {
        match &*self.get() {
            Role::Active(reign) => Ok(reign.env.clone()),
            Role::Waiting | Role::Stopping => {
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
            Role::Active(_) => "active",
            Role::Stopping => "stopping",
        })
    }
}
