//! `/master-status` of the active master: everything in short, with ways to the long lists.

use askama::Template;
use hmaster_core::environment::MasterEnv;

use super::lists::TablesPart;
use super::{Head, PageError};
use crate::server::Sources;
use crate::standing::Standing;
use crate::status::masters::{self, Facts, MasterRow, StageRow};
use crate::status::paging::{Cut, Paging};
use crate::status::procedures::{self, ProcedureRow};
use crate::status::regions::{self, RitRow};
use crate::status::servers::{self, DeadRow, Load, ServerRow};
use crate::status::tables::{self, Kind, TableRow};
use crate::status::warnings;

/// Rows of the long lists.
const ROWS: usize = 100;
/// Rows of the lists that are only looked at when something is wrong.
const ROWS_OF_TROUBLE: usize = 25;

#[derive(Template)]
#[template(path = "active.html")]
struct Active {
    head: Head,
    is_initialized: bool,
    warnings: Vec<String>,
    facts: Facts,
    stages: Vec<StageRow>,
    masters: Vec<MasterRow>,
    servers: Cut<ServerRow>,
    total: Load,
    dead: Cut<DeadRow>,
    draining: Vec<String>,
    rits: Cut<RitRow>,
    tables: Cut<TableRow>,
    system: TablesPart,
    procedures: Cut<ProcedureRow>,
}

pub(super) fn render(
    head: Head,
    sources: &Sources,
    standing: &Standing,
    env: &MasterEnv,
) -> Result<String, PageError> {
    let (long, short) = (Paging::first(ROWS), Paging::first(ROWS_OF_TROUBLE));
    let servers = servers::online(env, "", long);
    let page = Active {
        head,
        is_initialized: env.conditions.is_initialized(),
        warnings: warnings::warnings(sources, env),
        facts: masters::this_master(sources, standing),
        stages: masters::stages(sources, standing),
        masters: backups(sources),
        total: servers::total(&servers),
        servers,
        dead: servers::dead(env, short),
        draining: env.servers.draining().iter().take(ROWS).map(ToString::to_string).collect(),
        rits: regions::in_transition(env, "", short),
        tables: tables::tables(env, Kind::User, "", long),
        system: TablesPart { tables: tables::tables(env, Kind::System, "", long) },
        procedures: procedures::running(env, "", short),
    };
    Ok(page.render()?)
}

/// A master that has just become active may still be on the list.
fn backups(sources: &Sources) -> Vec<MasterRow> {
    let masters = sources.view.backup_masters();
    masters.iter().filter(|master| master.server != sources.server).map(MasterRow::of).collect()
}
