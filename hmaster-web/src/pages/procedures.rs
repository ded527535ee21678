//! `/procedures.jsp`: procedures, the ended ones whose results are kept, and locks.

use askama::Template;
use hmaster_core::environment::MasterEnv;

use super::{Head, PageError};
use crate::reply::Query;
use crate::status::paging::{Cut, Links, Paging};
use crate::status::procedures::{self, LockRow, ProcedureRow};

/// Rows of the lists below the first.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "procedures.html")]
struct Procedures<'a> {
    head: Head,
    path: &'static str,
    filter: &'a str,
    procedures: Cut<ProcedureRow>,
    links: Links,
    ended: Part,
    ended_total: usize,
    locks: Option<Cut<LockRow>>,
}

/// Procedures without a page around them.
#[derive(Template)]
#[template(path = "procedures_part.html")]
struct Part {
    procedures: Cut<ProcedureRow>,
}

pub(super) fn render(head: Head, env: &MasterEnv, query: &Query<'_>) -> Result<String, PageError> {
    let (path, filter) = ("/procedures.jsp", query.text("filter").unwrap_or_default());
    let paging = Paging::of(query)?;
    let procedures = procedures::running(env, filter, paging);
    let ended = procedures::finished(env, filter, paging);
    let links = if procedures.total >= ended.total {
        procedures.links(path, &[("filter", filter)])
    } else {
        ended.links(path, &[("filter", filter)])
    };
    let page = Procedures {
        head,
        path,
        filter,
        links,
        procedures,
        ended_total: ended.total,
        ended: Part { procedures: ended },
        locks: procedures::locks(env, Paging::first(ROWS)),
    };
    Ok(page.render()?)
}
