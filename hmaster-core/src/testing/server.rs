//! A region server: it registers, reports, opens and closes regions, splits WALs and keeps rows. What the Java one does
//! silently, this one does silently, too (protocol.md §4.1).

mod commands;
mod data;
mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hmaster_types::{Cell, EncodedName, RegionInfo, ServerName};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::master::MasterProcess;

pub(super) use commands::{accept, close_stray};
pub(super) use data::Failure;

/// A region server's memory.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: ServerName,
    /// The process runs.
    pub(super) is_up: bool,
    /// Everything it does ends with this.
    pub(super) life: CancellationToken,
    /// While it holds, nothing happens in it.
    pub(super) paused: Gate,
    pub(super) regions: BTreeMap<EncodedName, ServerRegion>,
    /// Regions that are being opened or closed.
    transitions: BTreeMap<EncodedName, Transit>,
    /// Commands it was given; one that comes again is ignored.
    pids: BTreeSet<u64>,
    /// The name of its WAL, and of the one for hbase:meta.
    wal: String,
    meta_wal: Option<String>,
    /// The master that it calls, until that one doesn't answer.
    pub(super) master: Option<Arc<MasterProcess>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transit {
    Opening,
    Closing,
}

/// A region in a server's memory.
#[derive(Debug)]
pub(super) struct ServerRegion {
    pub(super) info: RegionInfo,
    /// Whether it serves requests: only after its open was reported.
    pub(super) is_online: bool,
    /// Edits that aren't in store files.
    pub(super) mem: Vec<Cell>,
    pub(super) next_sequence_id: u64,
}

impl Server {
    pub(super) fn new(name: ServerName) -> Self {
        let wal = format!("{name}.1");
        Self {
            name,
            is_up: true,
            life: CancellationToken::new(),
            paused: Gate::default(),
            regions: BTreeMap::new(),
            transitions: BTreeMap::new(),
            pids: BTreeSet::new(),
            wal,
            meta_wal: None,
            master: None,
        }
    }

    fn is_opening(&self, region: EncodedName) -> bool {
        self.transitions.get(&region) == Some(&Transit::Opening)
    }
}
