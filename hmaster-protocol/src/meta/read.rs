//! From cells to nouns.

use std::collections::HashMap;

use bytes::Bytes;
use hmaster_types::{
    Address, Cell, RegionInfo, RegionState, ServerName, StartCode, TableName, TableState, to_string_binary,
};

use super::{
    CATALOG_FAMILY, MERGE, MetaReplica, MetaRow, REGION_INFO, SEQ_NUM, SERVER, SPLIT_A, SPLIT_B, START_CODE,
    STATE, TABLE_FAMILY, TABLE_STATE, TARGET,
};
use crate::{decode, pb, pbuf_decode};

/// A row of hbase:meta that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hbase:meta, row {row}, column {column}: {reason}")]
pub struct MetaError {
    /// The row, printable.
    pub row: String,
    /// Family and qualifier.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// The newest cell of each column. Without this an older version of a state would win over the newest.
fn newest<'c>(sorted: impl Iterator<Item = &'c Cell>) -> impl Iterator<Item = &'c Cell> {
    let mut before: Option<&Cell> = None;
    sorted.filter(move |cell| {
        let is_older = before.is_some_and(|before| before.qualifier() == cell.qualifier());
        before = Some(cell);
        !is_older
    })
}

/// Reads rows, and makes equal table and server names share their memory: a million regions are on few servers.
#[derive(Debug, Default)]
pub struct MetaReader {
    last_table: Option<TableName>,
    servers: HashMap<String, ServerName>,
}

impl MetaReader {
    /// A reader that has seen no name yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a region's row, whose cells are sorted as HBase sorts them; only the newest of each column counts. None
    /// when the row isn't about a region, such as a table's state or what is left of a
    /// region whose row was being deleted.
    ///
    /// # Errors
    /// When a cell doesn't hold what its column says.
    pub fn region_row(&mut self, cells: &[Cell]) -> Result<Option<MetaRow>, MetaError> {
        let catalog = || cells.iter().filter(|cell| cell.family() == CATALOG_FAMILY);
        let Some(info) = catalog().find(|cell| cell.qualifier() == REGION_INFO) else { return Ok(None) };
        let mut row = MetaRow {
            region: self.region(info)?,
            replicas: Vec::new(),
            daughters: None,
            merged_from: Vec::new(),
            newest_ms: cells.iter().map(Cell::timestamp).max().unwrap_or(0),
        };
        let mut daughters = (None, None);
        let mut opened = HashMap::<u16, (Option<&Cell>, Option<&Cell>)>::new();
        for cell in newest(catalog()).filter(|cell| !cell.value().is_empty()) {
            match cell.qualifier() {
                REGION_INFO => {}
                SPLIT_A => daughters.0 = Some(self.region(cell)?),
                SPLIT_B => daughters.1 = Some(self.region(cell)?),
                merge if merge.starts_with(MERGE) => row.merged_from.push(self.region(cell)?),
                qualifier => {
                    if let Some((name, replica)) = replica_column(qualifier) {
                        self.replica_cell(&mut row, &mut opened, name, replica, cell)?;
                    }
                }
            }
        }
        for (replica, place) in opened {
            if let (Some(server), Some(start)) = place {
                replica_of(&mut row, replica).open_on = Some(self.open_on(server, start)?);
            }
        }
        row.replicas.sort_by_key(|replica| replica.id);
        row.daughters = daughters.0.zip(daughters.1);
        Ok(Some(row))
    }

    /// Reads a table's state; none when the row isn't a table's.
    ///
    /// # Errors
    /// When the row isn't a table name or the cell not a state.
    pub fn table_state(&mut self, cells: &[Cell]) -> Result<Option<(TableName, TableState)>, MetaError> {
        let is_state = |cell: &&Cell| cell.family() == TABLE_FAMILY && cell.qualifier() == TABLE_STATE;
        let Some(cell) = cells.iter().find(is_state) else { return Ok(None) };
        let table = TableName::from_bytes(cell.row()).map_err(|error| fault(cell, &error))?;
        let state: pb::TableState = decode(cell.value_bytes()).map_err(|error| fault(cell, &error))?;
        Ok(Some((table, TableState::from(&state))))
    }

    fn replica_cell<'c>(
        &mut self,
        row: &mut MetaRow,
        opened: &mut HashMap<u16, (Option<&'c Cell>, Option<&'c Cell>)>,
        name: &str,
        replica: u16,
        cell: &'c Cell,
    ) -> Result<(), MetaError> {
        match name {
            SERVER => opened.entry(replica).or_default().0 = Some(cell),
            START_CODE => opened.entry(replica).or_default().1 = Some(cell),
            SEQ_NUM => replica_of(row, replica).open_seq_num = Some(number(cell)?),
            TARGET => replica_of(row, replica).target = Some(self.server(text(cell)?, cell)?),
            STATE => {
                let state = text(cell)?.parse::<RegionState>().map_err(|error| fault(cell, &error))?;
                replica_of(row, replica).state = Some(state);
            }
            _ => {}
        }
        Ok(())
    }

    fn region(&mut self, cell: &Cell) -> Result<RegionInfo, MetaError> {
        let message: pb::RegionInfo = pbuf_decode(cell.value()).map_err(|error| fault(cell, &error))?;
        let region = RegionInfo::try_from(&message).map_err(|error| fault(cell, &error))?;
        match &self.last_table {
            Some(last) if last == region.table() => Ok(region.with_table_of(last)),
            _ => {
                self.last_table = Some(region.table().clone());
                Ok(region)
            }
        }
    }

    fn open_on(&mut self, server: &Cell, start: &Cell) -> Result<ServerName, MetaError> {
        let address: Address = text(server)?.parse().map_err(|error| fault(server, &error))?;
        let start = u64::try_from(number(start)?).map_err(|_| fault(start, &"a negative start code"))?;
        let name = ServerName::new(&address.host, address.port, StartCode(start))
            .map_err(|error| fault(server, &error))?;
        Ok(self.servers.entry(name.as_str().to_owned()).or_insert(name).clone())
    }

    fn server(&mut self, name: &str, cell: &Cell) -> Result<ServerName, MetaError> {
        if let Some(known) = self.servers.get(name) {
            return Ok(known.clone());
        }
        let server: ServerName = name.parse().map_err(|error| fault(cell, &error))?;
        self.servers.insert(name.to_owned(), server.clone());
        Ok(server)
    }
}

fn replica_of(row: &mut MetaRow, id: u16) -> &mut MetaReplica {
    let at = row.replicas.iter().position(|replica| replica.id == id).unwrap_or_else(|| {
        row.replicas.push(MetaReplica { id, ..MetaReplica::default() });
        row.replicas.len() - 1
    });
    &mut row.replicas[at]
}

/// `server` is replica 0's, `server_0001` replica 1's; anything else is nobody's.
fn replica_column(qualifier: &[u8]) -> Option<(&str, u16)> {
    let qualifier = std::str::from_utf8(qualifier).ok()?;
    match qualifier.split_once('_') {
        None => Some((qualifier, 0)),
        Some((name, id)) if id.len() == 4 => Some((name, u16::from_str_radix(id, 16).ok()?)),
        Some(_) => None,
    }
}

fn text(cell: &Cell) -> Result<&str, MetaError> {
    std::str::from_utf8(cell.value()).map_err(|error| fault(cell, &error))
}

fn number(cell: &Cell) -> Result<i64, MetaError> {
    let bytes: Result<[u8; 8], _> = cell.value().try_into();
    bytes
        .map(i64::from_be_bytes)
        .map_err(|_| fault(cell, &format!("{} bytes, expected 8", cell.value().len())))
}

fn fault(cell: &Cell, reason: &impl std::fmt::Display) -> MetaError {
    let (family, qualifier) = (to_string_binary(cell.family()), to_string_binary(cell.qualifier()));
    MetaError {
        row: to_string_binary(cell.row()),
        column: format!("{family}:{qualifier}"),
        reason: reason.to_string(),
    }
}

/// The names of the regions from which a region's edits may still have to be replicated: `rep_barrier:parent`.
pub(super) fn parents_value(parents: &[RegionInfo]) -> Bytes {
    // Every 0xFF of a name is doubled, so that 0xFF 0x00 can stand between names.
    let escaped = |region: &RegionInfo| -> Vec<u8> {
        let name = region.name();
        name.as_bytes().iter().flat_map(|&b| if b == 0xff { vec![b, b] } else { vec![b] }).collect()
    };
    Bytes::from(parents.iter().map(escaped).collect::<Vec<_>>().join(&[0xff, 0x00][..]))
}
