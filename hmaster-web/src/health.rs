//! `/healthz` and `/readyz`, for whoever watches over processes. No counterpart in Java.
//!
//! Alive is who answers: a master that waits, starts or stops is as well as an active one, and to kill it would help
//! nobody. Ready is who can do its part: the active master once it serves clients, and one that waits as long as it
//! sees an active one; while there is none it may be about to start.

use hyper::StatusCode;
use serde::Serialize;

use crate::reply::{JSON, Reply};
use crate::server::Sources;
use crate::standing::Standing;

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    role: &'static str,
    /// Of the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_master: Option<String>,
    uptime_ms: u64,
}

/// Always well: it answers.
pub(crate) fn alive(sources: &Sources, standing: &Standing) -> Reply {
    reply(StatusCode::OK, "ok", sources, standing)
}

/// Well if the master can do what its role asks of it.
pub(crate) fn ready(sources: &Sources, standing: &Standing) -> Reply {
    match standing.is_ready() {
        true => reply(StatusCode::OK, "ready", sources, standing),
        false => reply(StatusCode::SERVICE_UNAVAILABLE, "not ready", sources, standing),
    }
}

fn reply(code: StatusCode, status: &'static str, sources: &Sources, standing: &Standing) -> Reply {
    let active_master = match standing {
        Standing::Waiting { active } => active.as_ref().map(|active| active.server.to_string()),
        Standing::Active(_) => Some(sources.server.to_string()),
        Standing::Starting(_) | Standing::Stopping => None,
    };
    let health = Health {
        status,
        role: standing.role(),
        stage: standing.stage(),
        server: sources.server.as_str(),
        active_master,
        uptime_ms: sources.clock.now_ms().saturating_sub(sources.server.start_code().0),
    };
    let body = serde_json::to_string(&health).unwrap_or_else(|error| format!("{{\"status\":\"{error}\"}}"));
    Reply::new(code, JSON, body + "\n")
}
