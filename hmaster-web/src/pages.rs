//! The pages. Counterpart of `MasterStatusTmpl`, `BackupMasterStatusTmpl` and the JSP pages of the webapp `master`.
//!
//! A page is a template and a struct with what it shows; templates escape everything, because names and keys may have any
//! characters in them.

mod active;
mod idle;
mod lists;
mod procedures;
mod table;

use hmaster_core::environment::Reign;
use hyper::StatusCode;

use crate::reply::Query;
use crate::server::Sources;
use crate::standing::Standing;
use crate::status::format::time;
use crate::status::paging::BadParameter;

/// A page, by Java's path where Java has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    MasterStatus,
    Servers,
    Tables,
    Table,
    Rits,
    Procedures,
}

impl Page {
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/master-status" | "/startupProgress.jsp" => Self::MasterStatus,
            "/servers.jsp" => Self::Servers,
            "/tablesDetailed.jsp" => Self::Tables,
            "/table.jsp" => Self::Table,
            "/rits.jsp" => Self::Rits,
            "/procedures.jsp" => Self::Procedures,
            _ => return None,
        })
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// A parameter is wrong.
    #[error(transparent)]
    Parameter(#[from] BadParameter),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Only the active master knows.
    #[error("this master isn't active")]
    NotActive,
    /// It can't be drawn.
    #[error("the page can't be drawn")]
    Template(#[from] askama::Error),
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Parameter(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NotActive => StatusCode::SERVICE_UNAVAILABLE,
            Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What every page has.
#[derive(Debug)]
struct Head {
    server: String,
    role: &'static str,
    now: String,
}

impl Head {
    fn of(sources: &Sources, standing: &Standing) -> Self {
        Self { server: sources.server.to_string(), role: standing.role(), now: time(sources.clock.now_ms()) }
    }
}

/// Draws a page.
pub(crate) fn render(
    page: Page,
    sources: &Sources,
    standing: &Standing,
    query: &Query<'_>,
) -> Result<String, PageError> {
    let head = Head::of(sources, standing);
    let reign: &Reign = match standing {
        Standing::Active(reign) => reign,
        _ if page == Page::MasterStatus => return idle::render(head, sources, standing),
        _ => return Err(PageError::NotActive),
    };
    let env = &reign.env;
    match page {
        Page::MasterStatus => active::render(head, sources, standing, env),
        Page::Servers => lists::servers(head, env, query),
        Page::Tables => lists::tables(head, env, query),
        Page::Rits => lists::rits(head, env, query),
        Page::Table => table::render(head, env, query),
        Page::Procedures => procedures::render(head, env, query),
    }
}
