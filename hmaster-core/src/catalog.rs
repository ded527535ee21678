//! hbase:meta, read and written on whichever region server carries it. Counterpart of `RegionStateStore` and the
//! master's use of `MetaTableAccessor`.
//!
//! A write ends when hbase:meta has it, however long that takes: it goes on from server to server while hbase:meta moves
//! or is recovered. What is in doubt is sent again; its timestamps are fixed, so it has the same effect. Writes that come
//! while others are under way travel together.

mod clock;
mod rows;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Cell, JavaException, RegionInfo, ServerName, class};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::changes::Changes;
use crate::ports::{RegionServers, RemoteError, RowMutation, ScanSpec};

pub use clock::CatalogClock;
pub use rows::{LoadedMeta, records};
pub use writer::Writer;

/// hbase:meta, or another table of the master's, didn't do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The region server refused for good.
    #[error("{operation}: {exception}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// What it said.
        exception: JavaException,
    },
    /// A row can't be read.
    #[error("{operation}: {reason}")]
    Corrupt {
        /// What was read.
        operation: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The master stops.
    #[error("{0}: the master stops")]
    Stopping(&'static str),
}

/// How many rows one page of a scan asks for. The answer's size bounds it further on the server's side.
const SCAN_ROWS_MAX: u32 = 10_000;
/// Writes that wait to be sent; more wait for room.
const WRITES_WAITING_MAX: usize = 10_000;
/// First and longest pause between attempts.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The way to hbase:meta.
#[derive(Debug)]
pub struct Catalog {
    /// Stamps what is written.
    pub clock: CatalogClock,
    access: Access,
    writes: mpsc::Sender<Write>,
}

/// Where hbase:meta is, and how to call there.
#[derive(Clone)]
pub(crate) struct Access {
    servers: Arc<dyn RegionServers>,
    place: Arc<Place>,
    shutdown: CancellationToken,
}

/// The server that carries hbase:meta.
#[derive(Default)]
struct Place {
    server: Mutex<Option<ServerName>>,
    changes: Changes,
}

impl Place {
    fn set(&self, server: Option<ServerName>) {
        *self.server.lock() = server;
        self.changes.announce();
    }

    fn get(&self) -> Option<ServerName> {
        self.server.lock().clone()
    }

    /// Waits until there is one.
    async fn known(&self) -> ServerName {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(server) = self.get() {
                return server;
            }
            changes.changed().await;
        }
    }
}

/// A write on its way.
#[derive(Debug)]
pub(crate) struct Write {
    rows: Vec<RowMutation>,
    /// All rows or none.
    atomic: bool,
    done: oneshot::Sender<Result<(), CatalogError>>,
}

impl Catalog {
    /// A catalog, and the writer that has to run for it to make progress.
    pub fn new(
        servers: Arc<dyn RegionServers>,
        clock: CatalogClock,
        shutdown: CancellationToken,
    ) -> (Self, Writer) {
        let access = Access { servers, place: Arc::default(), shutdown };
        let (writes, waiting) = mpsc::channel(WRITES_WAITING_MAX);
        let writer = Writer::new(access.clone(), waiting);
        (Self { clock, access, writes }, writer)
    }

    /// Says where hbase:meta is open; none while it is nowhere.
    pub fn set_place(&self, server: Option<ServerName>) {
        self.access.place.set(server);
    }

    /// Where hbase:meta is open.
    pub fn place(&self) -> Option<ServerName> {
        self.access.place.get()
    }

    /// Changes rows, each as one, in no order.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn write(&self, rows: Vec<RowMutation>) -> Result<(), CatalogError> {
        self.submit(rows, false).await
    }

    /// Changes rows, all as one.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn write_atomically(&self, rows: Vec<RowMutation>) -> Result<(), CatalogError> {
        self.submit(rows, true).await
    }

    /// Reads the row `row`; no cells when there is none.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn get(&self, row: &[u8]) -> Result<Vec<Cell>, CatalogError> {
        let mut stop = row.to_vec();
        stop.push(0);
        let spec = ScanSpec::between(Bytes::copy_from_slice(row), stop.into(), 1);
        let page = self.access.scan("read a row of hbase:meta", &spec).await?;
        Ok(page.rows.into_iter().next().unwrap_or_default())
    }

    /// Reads rows from `start` to before `stop`, page by page; an empty `stop` means to the end.
    ///
    /// # Errors
    /// When a region server refuses for good, the master stops, or `each` fails.
    pub async fn scan(
        &self,
        start: &[u8],
        stop: &[u8],
        families: &[&[u8]],
        mut each: impl FnMut(Vec<Cell>) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let mut spec =
            ScanSpec::between(Bytes::copy_from_slice(start), Bytes::copy_from_slice(stop), SCAN_ROWS_MAX);
        spec.families = families.iter().map(|family| Bytes::copy_from_slice(family)).collect();
        loop {
            let page = self.access.scan("scan hbase:meta", &spec).await?;
            let last =
                page.rows.last().and_then(|row| row.first()).map(|cell| Bytes::copy_from_slice(cell.row()));
            page.rows.into_iter().try_for_each(&mut each)?;
            match last.filter(|_| page.has_more) {
                Some(last) => (spec.start, spec.include_start) = (last, false),
                None => return Ok(()),
            }
        }
    }

    async fn submit(&self, rows: Vec<RowMutation>, atomic: bool) -> Result<(), CatalogError> {
        const OPERATION: &str = "write hbase:meta";
        if rows.is_empty() {
            return Ok(());
        }
        let (done, outcome) = oneshot::channel();
        let sent = self.writes.send(Write { rows, atomic, done }).await;
        sent.map_err(|_| CatalogError::Stopping(OPERATION))?;
        outcome.await.unwrap_or(Err(CatalogError::Stopping(OPERATION)))
    }
}

impl Access {
    /// Does one thing on the server that carries hbase:meta, again and again until it is done or refused for good.
    pub(crate) async fn persist<T, F>(
        &self,
        operation: &'static str,
        mut attempt: impl FnMut(ServerName) -> F,
    ) -> Result<T, CatalogError>
    where
        F: Future<Output = Result<T, RemoteError>>,
    {
        let mut pause = PAUSE_MIN;
        loop {
            let server = self.server(operation).await?;
            match attempt(server.clone()).await {
                Ok(done) => return Ok(done),
                Err(error) => {
                    refused_for_good(operation, &error)?;
                    tracing::info!(%server, %error, "{operation}: trying again");
                }
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(CatalogError::Stopping(operation)),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    async fn scan(
        &self,
        operation: &'static str,
        spec: &ScanSpec,
    ) -> Result<crate::ports::ScanPage, CatalogError> {
        let meta = RegionInfo::meta();
        self.persist(operation, |server| {
            let (servers, meta) = (self.servers.clone(), meta.clone());
            async move { servers.scan(&server, &meta, spec).await }
        })
        .await
    }

    /// Waits until hbase:meta is somewhere.
    async fn server(&self, operation: &'static str) -> Result<ServerName, CatalogError> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Err(CatalogError::Stopping(operation)),
            server = self.place.known() => Ok(server),
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("place", &self.place.get()).finish_non_exhaustive()
    }
}

/// hbase:meta moves, restarts and recovers; only what another server would refuse as well is given up.
pub(crate) fn refused_for_good(operation: &'static str, error: &RemoteError) -> Result<(), CatalogError> {
    match error.exception() {
        Some(exception) if exception.do_not_retry && !exception.is(class::MASTER_STOPPED) => {
            Err(CatalogError::Refused { operation, exception: exception.clone() })
        }
        _ => Ok(()),
    }
}
