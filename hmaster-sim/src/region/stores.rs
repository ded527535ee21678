//! The stores of a region, one per column family: what is in memory, and which files there are. Counterpart of `HStore`,
//! `DefaultMemStore` and `StoreFileManager`, without their I/O.
//!
//! The content of a store is in its active segment, in segments that are sealed to be flushed, and in files. Only the
//! log's task adds to active segments and seals them, so that the order of sequence ids is the order of the log. A reader
//! takes the read point and the sources of all stores at one moment ([`Stores::snapshot`]), and needs no protection from
//! then on: what it took doesn't change where it looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, TableDescriptor};
use parking_lot::RwLock;

use crate::memstore::Segment;
use crate::scan::Source;
use crate::schema::FamilySchema;
use crate::store_file::DiskFile;

/// Cells by the number of their store.
pub(crate) type CellsByStore = Vec<(usize, Vec<Cell>)>;

/// All stores of a region.
#[derive(Debug)]
pub(crate) struct Stores {
    families: Vec<FamilySchema>,
    order: CellOrder,
    state: RwLock<Vec<Store>>,
    /// The sequence id of what was applied last. Readers see everything up to it.
    read_point: AtomicU64,
}

/// The content of a store.
#[derive(Debug)]
struct Store {
    active: Arc<Segment>,
    /// Oldest first.
    sealed: Vec<Arc<Segment>>,
    /// Newest first.
    files: Vec<Arc<DiskFile>>,
    /// Everything up to this sequence id is in files; 0 when nothing was ever flushed.
    flushed: u64,
}

/// A place in all stores' contents: nothing that is newer shows, nothing older is missing.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) read_point: u64,
    /// By store, the newest first.
    pub(crate) sources: Vec<Vec<Source>>,
}

impl Stores {
    /// Stores with nothing in memory. `files` are by family.
    pub(super) fn new(table: &TableDescriptor, files: Vec<Vec<Arc<DiskFile>>>) -> Self {
        let (order, families) = (CellOrder::of_table(table.name()), FamilySchema::of_table(table));
        let store = |mut files: Vec<Arc<DiskFile>>| {
            sort(&mut files);
            let flushed = files.iter().map(|file| file.sequence_id()).max().unwrap_or(0);
            Store { active: Arc::new(Segment::new(order)), sealed: Vec::new(), files, flushed }
        };
        let state: Vec<Store> = files.into_iter().map(store).collect();
        assert_eq!(state.len(), families.len(), "there are files, perhaps none, for each family");
        Self { families, order, state: RwLock::new(state), read_point: AtomicU64::new(0) }
    }

    /// The families, sorted by name.
    pub(crate) fn families(&self) -> &[FamilySchema] {
        &self.families
    }

    /// How cells are sorted.
    pub(crate) fn order(&self) -> CellOrder {
        self.order
    }

    /// The number of a family's store.
    pub(crate) fn number(&self, family: &[u8]) -> Option<usize> {
        self.families.binary_search_by(|schema| (*schema.name).cmp(family)).ok()
    }

    /// Readers see everything up to this sequence id.
    pub(crate) fn read_point(&self) -> u64 {
        self.read_point.load(Ordering::SeqCst)
    }

    /// Raises the read point, before anybody reads or writes.
    pub(super) fn begin_at(&self, sequence: u64) {
        self.read_point.fetch_max(sequence, Ordering::SeqCst);
    }

    /// Adds cells that are durable, all with one sequence id, and shows them to readers.
    pub(crate) fn apply(&self, cells: CellsByStore, sequence: u64) {
        let state = self.state.read();
        for (store, cells) in cells {
            state[store].active.add(cells.into_iter().map(|cell| cell.with_sequence_id(sequence)));
        }
        self.read_point.fetch_max(sequence, Ordering::SeqCst);
    }

    /// Makes what is in memory ready to be flushed; the sequence id of the last of it.
    pub(crate) fn seal(&self) -> u64 {
        let mut state = self.state.write();
        for store in &mut *state {
            if store.active.count() > 0 {
                let sealed = std::mem::replace(&mut store.active, Arc::new(Segment::new(self.order)));
                store.sealed.push(sealed);
            }
        }
        self.read_point()
    }

    /// What is ready to be flushed of a store, the newest first.
    pub(super) fn sealed(&self, store: usize) -> Vec<Arc<Segment>> {
        self.state.read()[store].sealed.iter().rev().cloned().collect()
    }

    /// What was sealed is in a file now, if there was anything.
    pub(super) fn flushed(
        &self,
        store: usize,
        segments: &[Arc<Segment>],
        file: Option<Arc<DiskFile>>,
        sequence: u64,
    ) {
        let mut state = self.state.write();
        let store = &mut state[store];
        store.sealed.retain(|sealed| !segments.iter().any(|segment| Arc::ptr_eq(segment, sealed)));
        store.files.extend(file);
        sort(&mut store.files);
        store.flushed = store.flushed.max(sequence);
    }

    /// A store's files, the newest first.
    pub(super) fn files(&self, store: usize) -> Vec<Arc<DiskFile>> {
        self.state.read()[store].files.clone()
    }

    /// Other files than before, by store: those that somebody else keeps.
    pub(super) fn replace_files(&self, files: Vec<Vec<Arc<DiskFile>>>) {
        let mut state = self.state.write();
        for (store, mut files) in state.iter_mut().zip(files) {
            sort(&mut files);
            store.flushed = files.iter().map(|file| file.sequence_id()).max().unwrap_or(0);
            store.files = files;
        }
    }

    /// Files were compacted into another one.
    pub(super) fn compacted(&self, store: usize, from: &[Arc<DiskFile>], into: Arc<DiskFile>) {
        let mut state = self.state.write();
        let files = &mut state[store].files;
        files.retain(|file| !from.iter().any(|old| Arc::ptr_eq(old, file)));
        files.push(into);
        sort(files);
    }

    /// What a reader that begins now reads, and up to where. Files that can't have the row are left out.
    pub(crate) fn snapshot(&self, row: Option<&[u8]>) -> Snapshot {
        let state = self.state.read();
        // What a file lacks was hidden from readers of the time when it was written: so the read point must be taken
        // while files can't change.
        let read_point = self.read_point();
        let segment = |segment: &Arc<Segment>| Source::Segment(Arc::clone(segment));
        let sources = |store: &Store| {
            let mut sources = vec![segment(&store.active)];
            sources.extend(store.sealed.iter().rev().map(segment));
            let wanted = |file: &&Arc<DiskFile>| row.is_none_or(|row| file.may_have_row(row));
            sources.extend(store.files.iter().filter(wanted).map(|file| Source::File(Arc::clone(file) as _)));
            sources
        };
        Snapshot { read_point, sources: state.iter().map(sources).collect() }
    }

    /// About how much memory the cells take that aren't in files.
    pub(crate) fn memstore_bytes(&self) -> u64 {
        let state = self.state.read();
        state
            .iter()
            .flat_map(|store| store.sealed.iter().chain([&store.active]))
            .map(|s| s.heap_bytes())
            .sum()
    }

    /// The lowest sequence id of all that isn't in files.
    pub(crate) fn oldest_in_memory(&self) -> Option<u64> {
        let state = self.state.read();
        let segments = state.iter().flat_map(|store| store.sealed.iter().chain([&store.active]));
        segments.filter_map(|segment| segment.oldest_sequence()).min()
    }

    /// Everything of a family up to this sequence id is in files; none when nothing was ever flushed.
    pub(crate) fn flushed_by_family(&self) -> Vec<(Bytes, Option<u64>)> {
        let state = self.state.read();
        let flushed = |store: &Store| Some(store.flushed).filter(|sequence| *sequence > 0);
        let names = self.families.iter().map(|family| family.name.clone());
        names.zip(state.iter().map(flushed)).collect()
    }

    /// What a family's files account for: lower sequence ids needn't be replayed.
    pub(super) fn flushed_sequence(&self, store: usize) -> u64 {
        self.state.read()[store].flushed
    }
}

/// Newest first. Counterpart of `StoreFileComparators.SEQ_ID`.
fn sort(files: &mut [Arc<DiskFile>]) {
    files.sort_by(|a, b| {
        let by_age = b.sequence_id().cmp(&a.sequence_id());
        by_age.then_with(|| a.length().cmp(&b.length())).then_with(|| b.name().cmp(a.name()))
    });
}
