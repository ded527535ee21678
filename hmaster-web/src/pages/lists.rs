//! Pages that are one long list: `/servers.jsp`, `/tablesDetailed.jsp`, `/rits.jsp`.

use askama::Template;
use hmaster_core::environment::MasterEnv;

use super::{Head, PageError};
use crate::reply::Query;
use crate::status::paging::{BadParameter, Cut, Links, Paging};
use crate::status::regions::{self, RitRow};
use crate::status::servers::{self, Load, ServerRow};
use crate::status::tables::{self, Kind, TableRow};

#[derive(Template)]
#[template(path = "servers.html")]
struct Servers<'a> {
    head: Head,
    path: &'static str,
    filter: &'a str,
    servers: Cut<ServerRow>,
    total: Load,
    links: Links,
}

pub(super) fn servers(head: Head, env: &MasterEnv, query: &Query<'_>) -> Result<String, PageError> {
    let (path, filter) = ("/servers.jsp", query.text("filter").unwrap_or_default());
    let servers = servers::online(env, filter, Paging::of(query)?);
    let (total, links) = (servers::total(&servers), servers.links(path, &[("filter", filter)]));
    Ok(Servers { head, path, filter, servers, total, links }.render()?)
}

#[derive(Template)]
#[template(path = "tables.html")]
struct Tables<'a> {
    head: Head,
    path: &'static str,
    filter: &'a str,
    tables: Cut<TableRow>,
    links: Links,
}

/// Tables without a page around them.
#[derive(Template)]
#[template(path = "tables_part.html")]
pub(super) struct TablesPart {
    pub(super) tables: Cut<TableRow>,
}

pub(super) fn tables(head: Head, env: &MasterEnv, query: &Query<'_>) -> Result<String, PageError> {
    let (path, filter) = ("/tablesDetailed.jsp", query.text("filter").unwrap_or_default());
    let kind_text = query.text("kind").unwrap_or("all");
    let kind = match kind_text {
        "all" => Kind::All,
        "user" => Kind::User,
        "system" => Kind::System,
        _ => return Err(BadParameter { name: "kind", expected: "all, user or system" }.into()),
    };
    let tables = tables::tables(env, kind, filter, Paging::of(query)?);
    let links = tables.links(path, &[("kind", kind_text), ("filter", filter)]);
    Ok(Tables { head, path, filter, tables, links }.render()?)
}

#[derive(Template)]
#[template(path = "rits.html")]
struct Rits<'a> {
    head: Head,
    path: &'static str,
    filter: &'a str,
    rits: Cut<RitRow>,
    links: Links,
}

pub(super) fn rits(head: Head, env: &MasterEnv, query: &Query<'_>) -> Result<String, PageError> {
    let (path, filter) = ("/rits.jsp", query.text("filter").unwrap_or_default());
    let rits = regions::in_transition(env, filter, Paging::of(query)?);
    let links = rits.links(path, &[("filter", filter)]);
    Ok(Rits { head, path, filter, rits, links }.render()?)
}
