//! `/master-status` of a master that isn't active: one that waits and can't lead to the active one, starts, or stops.

use askama::Template;

use super::{Head, PageError};
use crate::server::Sources;
use crate::standing::Standing;
use crate::status::masters::{self, Facts, MasterRow, StageRow};

#[derive(Template)]
#[template(path = "idle.html")]
struct Idle {
    head: Head,
    what: &'static str,
    message: String,
    active: Option<MasterRow>,
    facts: Facts,
    stages: Vec<StageRow>,
    masters: Vec<MasterRow>,
}

pub(super) fn render(head: Head, sources: &Sources, standing: &Standing) -> Result<String, PageError> {
    let active = match standing {
        Standing::Waiting { active } => active.as_ref().map(MasterRow::of),
        _ => None,
    };
    let (what, message) = match standing {
        Standing::Waiting { active: Some(_) } => {
            ("Backup master", "This master takes over when the active one is gone.".to_owned())
        }
        Standing::Waiting { active: None } => (
            "Waiting master",
            "No active master is known: this one waits for ZooKeeper and the election.".to_owned(),
        ),
        Standing::Starting(_) | Standing::Active(_) => {
            let stage = standing.stage().unwrap_or("Begin");
            (
                "Starting master",
                format!("This master has won the election and makes itself ready. It is at: {stage}."),
            )
        }
        Standing::Stopping => ("Stopping master", "This master stops.".to_owned()),
    };
    let facts = masters::this_master(sources, standing);
    let stages = masters::stages(sources, standing);
    let masters = sources.view.backup_masters().iter().map(MasterRow::of).collect();
    Ok(Idle { head, what, message, active, facts, stages, masters }.render()?)
}
