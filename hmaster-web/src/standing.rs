//! What the master is at the moment, as far as it decides what is shown.

use std::sync::Arc;

use hmaster_core::environment::Reign;
use hmaster_core::ports::zookeeper::MasterNode;
use hmaster_core::progress::Progress;
use hmaster_core::role::{Role, RoleCell};
use hmaster_core::services::ClusterView;

/// A master's role with what comes with it.
#[derive(Clone)]
pub(crate) enum Standing {
    /// Another master is active, or none is yet.
    Waiting {
        /// The active one, once it is known.
        active: Option<MasterNode>,
    },
    /// It has won the election and makes its files ready.
    Starting(Arc<Progress>),
    /// It is active; whether clients are served yet its conditions say.
    Active(Arc<Reign>),
    /// It stops.
    Stopping,
}

impl Standing {
    pub(crate) fn of(role: &RoleCell, view: &dyn ClusterView) -> Self {
        match &*role.get() {
            Role::Waiting => Self::Waiting { active: view.active_master() },
            Role::Starting(progress) => Self::Starting(progress.clone()),
            Role::Active(reign) => Self::Active(reign.clone()),
            Role::Stopping => Self::Stopping,
        }
    }

    /// One word for it.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "backup",
            Self::Active(reign) if reign.env.conditions.is_initialized() => "active",
            Self::Starting(_) | Self::Active(_) => "starting",
            Self::Stopping => "stopping",
        }
    }

    /// The stage of the start, while it starts.
    pub(crate) fn stage(&self) -> Option<&'static str> {
        let progress = match self {
            Self::Starting(progress) => progress,
            Self::Active(reign) if !reign.env.conditions.is_initialized() => &reign.env.progress,
            _ => return None,
        };
        Some(progress.stages().last().map_or("Begin", |stage| stage.name))
    }

    /// Whether it can do what its role asks of it: serve clients, or take over from the active master that it sees.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Waiting { active } => active.is_some(),
            Self::Active(reign) => reign.env.conditions.is_initialized(),
            Self::Starting(_) | Self::Stopping => false,
        }
    }
}
