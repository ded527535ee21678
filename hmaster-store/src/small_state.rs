//! Region servers and switches in the master's region. Counterpart of `MasterRegionServerList` and of
//! `MasterStateStore`.

use bytes::Bytes;
use hmaster_types::{Cell, CellParts, CellType, ParseError, ServerName};

use crate::region::{MasterRegion, MutateError, REGION_SERVER_FAMILY, RowCells, STATE_FAMILY};
use crate::wal::Durable;

const SERVER_QUALIFIER: &[u8] = b"state";
const ONLINE: &[u8] = b"ONLINE";
const STATE_QUALIFIER: &[u8] = b"d";

/// Small state can't be changed or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SmallStateError {
    /// A name or value can't be a cell, or a row isn't a server's name.
    #[error("small state of the master")]
    Parse(#[from] ParseError),
    /// It isn't known to be durable.
    #[error("small state of the master")]
    Mutate(#[from] MutateError),
}

impl MasterRegion {
    /// The region servers that started and whose end hasn't been dealt with: they may have edits in WALs.
    ///
    /// # Errors
    /// When a row isn't a server's name.
    pub fn servers(&self) -> Result<Vec<ServerName>, ParseError> {
        server_names(&self.rows(REGION_SERVER_FAMILY))
    }

    /// Records that a region server has started.
    ///
    /// # Errors
    /// When that isn't known to be durable.
    pub async fn put_server(&self, server: &ServerName) -> Result<(), SmallStateError> {
        let row = server.to_string();
        let cell = put(row.as_bytes(), REGION_SERVER_FAMILY, SERVER_QUALIFIER, ONLINE)?;
        self.mutate(vec![cell]).await?;
        Ok(())
    }

    /// Records that nothing of a region server is left to be dealt with.
    ///
    /// # Errors
    /// As [`MasterRegion::put_server`].
    pub async fn remove_server(&self, server: &ServerName) -> Result<(), SmallStateError> {
        let row = server.to_string();
        let delete = Cell::new(CellParts {
            row: row.as_bytes(),
            family: REGION_SERVER_FAMILY,
            qualifier: b"",
            timestamp: Cell::LATEST_TIMESTAMP,
            cell_type: CellType::DeleteFamily,
            value: b"",
        })?;
        self.mutate(vec![delete]).await?;
        Ok(())
    }

    /// A piece of state by its name, such as `load_balancer_on`.
    pub fn state(&self, name: &str) -> Option<Bytes> {
        let cells = self.get(STATE_FAMILY, name.as_bytes());
        cells.iter().find(|cell| cell.qualifier() == STATE_QUALIFIER).map(Cell::value_bytes)
    }

    /// Changes a piece of state.
    ///
    /// # Errors
    /// As [`MasterRegion::put_server`].
    pub async fn put_state(&self, name: &str, value: &[u8]) -> Result<(), SmallStateError> {
        self.submit_state(name, value)?.wait().await.map_err(MutateError::from)?;
        Ok(())
    }

    /// Queues a change of a piece of state, in its order among all changes of the region. Never waits.
    ///
    /// # Errors
    /// When name or value are too long.
    pub fn submit_state(&self, name: &str, value: &[u8]) -> Result<Durable, SmallStateError> {
        let cell = put(name.as_bytes(), STATE_FAMILY, STATE_QUALIFIER, value)?;
        Ok(self.submit(vec![cell]).map_err(MutateError::from)?)
    }
}

/// The servers whose rows these are.
pub(crate) fn server_names(rows: &[RowCells]) -> Result<Vec<ServerName>, ParseError> {
    rows.iter().map(|(row, _)| String::from_utf8_lossy(row).parse()).collect()
}

fn put(row: &[u8], family: &[u8], qualifier: &[u8], value: &[u8]) -> Result<Cell, ParseError> {
    Cell::put(row, family, qualifier, Cell::LATEST_TIMESTAMP, value)
}
