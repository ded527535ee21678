//! Tables.

use hmaster_core::environment::MasterEnv;
use hmaster_types::{RegionState, TableName, TableState};

use super::format::{count, or_dash, short};
use super::paging::{Cut, Paging, link};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableRow {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) page: String,
    pub(crate) state: String,
    pub(crate) is_enabled: bool,
    pub(crate) regions: String,
    pub(crate) open: String,
    /// Those that aren't open, by state.
    pub(crate) rest: String,
    pub(crate) families: String,
}

/// How many of a table's regions are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RegionCounts {
    pub(crate) all: u64,
    pub(crate) open: u64,
    pub(crate) opening: u64,
    pub(crate) closing: u64,
    pub(crate) closed: u64,
    pub(crate) offline: u64,
    pub(crate) failed: u64,
    pub(crate) split: u64,
    pub(crate) other: u64,
}

impl RegionCounts {
    pub(crate) fn of(env: &MasterEnv, table: &TableName) -> Self {
        let mut counts = Self::default();
        env.regions.for_each_of_table(table, |node| {
            counts.all += 1;
            *match node.state() {
                _ if node.is_split() => &mut counts.split,
                RegionState::Open => &mut counts.open,
                RegionState::Opening => &mut counts.opening,
                RegionState::Closing => &mut counts.closing,
                RegionState::Closed => &mut counts.closed,
                RegionState::Offline => &mut counts.offline,
                RegionState::FailedOpen | RegionState::FailedClose | RegionState::AbnormallyClosed => {
                    &mut counts.failed
                }
                _ => &mut counts.other,
            } += 1;
        });
        counts
    }

    /// What isn't open, in words.
    pub(crate) fn rest(&self) -> String {
        let parts = [
            (self.opening, "opening"),
            (self.closing, "closing"),
            (self.closed, "closed"),
            (self.offline, "offline"),
            (self.failed, "failed"),
            (self.split, "split"),
            (self.other, "other"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<_> = parts.map(|(number, name)| format!("{} {name}", count(*number))).collect();
        if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
    }
}

/// Which tables are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    All,
    User,
    System,
}

/// The tables of a kind whose name has `filter` in it, by namespace. hbase:meta is one of them.
pub(crate) fn tables(env: &MasterEnv, kind: Kind, filter: &str, paging: Paging) -> Cut<TableRow> {
    let mut all: Vec<(TableName, Option<TableState>)> =
        env.tables.all().into_iter().map(|(table, state)| (table, Some(state))).collect();
    // What has a schema and no state is being made, or is damaged: worth a look, too.
    let stateless = env.schemas.all().into_iter().map(|schema| schema.name().clone());
    all.extend(stateless.filter(|table| env.tables.get(table).is_none()).map(|table| (table, None)));
    all.push((TableName::meta(), Some(TableState::Enabled)));
    all.retain(|(table, _)| {
        let is_wanted = match kind {
            Kind::All => true,
            Kind::User => !table.is_system(),
            Kind::System => table.is_system(),
        };
        is_wanted && (filter.is_empty() || table.as_str().contains(filter))
    });
    all.sort_by(|(a, _), (b, _)| (a.namespace(), a.qualifier()).cmp(&(b.namespace(), b.qualifier())));
    paging.cut(all, |(table, state)| row(env, &table, state))
}

fn row(env: &MasterEnv, table: &TableName, state: Option<TableState>) -> TableRow {
    let families = env.schemas.get(table).map(|schema| {
        let names: Vec<_> = schema.families().map(|family| super::format::key(family.name())).collect();
        short(&names.join(", "))
    });
    let counts = RegionCounts::of(env, table);
    TableRow {
        namespace: table.namespace().to_owned(),
        name: table.to_string(),
        page: link("/table.jsp", [("name", table.as_str())]),
        state: or_dash(state),
        is_enabled: state == Some(TableState::Enabled),
        regions: count(counts.all),
        open: count(counts.open),
        rest: counts.rest(),
        families: or_dash(families),
    }
}
