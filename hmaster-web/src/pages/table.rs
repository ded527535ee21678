//! `/table.jsp?name=…`: a table's schema and its regions.

use askama::Template;
use hmaster_core::environment::MasterEnv;
use hmaster_types::{ColumnFamilyDescriptor, TableDescriptor, TableName, TableState};

use super::{Head, PageError};
use crate::reply::Query;
use crate::status::format::{key, or_dash};
use crate::status::paging::{BadParameter, Cut, Links, Paging};
use crate::status::regions::RegionRow;

#[derive(Template)]
#[template(path = "table.html")]
struct Table {
    head: Head,
    name: String,
    state: String,
    is_enabled: bool,
    attributes: Vec<(String, String)>,
    families: Vec<(String, String)>,
    regions: Cut<RegionRow>,
    links: Links,
}

pub(super) fn render(head: Head, env: &MasterEnv, query: &Query<'_>) -> Result<String, PageError> {
    let bad = BadParameter { name: "name", expected: "the name of a table" };
    let table: TableName = query.text("name").and_then(|name| name.parse().ok()).ok_or(bad)?;
    let (schema, state) = (env.schemas.get(&table), env.tables.get(&table));
    if schema.is_none() && state.is_none() && env.regions.table_region_count(&table) == 0 {
        return Err(PageError::NotFound(format!("there is no table {table}")));
    }
    let mut nodes = Paging::of(query)?.collect();
    env.regions.for_each_of_table(&table, |node| nodes.offer(|| node.clone()));
    let with_keys = env.options.info_server.display_keys;
    let regions = nodes.map(|node| RegionRow::of(&node, with_keys));
    let links = regions.links("/table.jsp", &[("name", table.as_str())]);
    let page = Table {
        head,
        name: table.to_string(),
        state: or_dash(state),
        is_enabled: state == Some(TableState::Enabled),
        attributes: schema.as_deref().map(attributes).unwrap_or_default(),
        families: schema.as_deref().map(|schema| schema.families().map(family).collect()).unwrap_or_default(),
        regions,
        links,
    };
    Ok(page.render()?)
}

fn attributes(schema: &TableDescriptor) -> Vec<(String, String)> {
    schema.attributes().iter().map(|(name, value)| (key(name), key(value))).collect()
}

fn family(family: &ColumnFamilyDescriptor) -> (String, String) {
    let attributes =
        family.attributes().iter().map(|(name, value)| format!("{} = {}", key(name), key(value)));
    let configuration = family.configuration().iter().map(|(name, value)| format!("{name} = {value}"));
    (key(family.name()), attributes.chain(configuration).collect::<Vec<_>>().join(", "))
}
