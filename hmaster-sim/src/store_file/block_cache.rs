//! Blocks of store files that were read lately, decoded. Counterpart of `LruBlockCache`, much simpler: blocks go in the
//! order in which they came, and those that were used meanwhile get another turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hmaster_types::Cell;
use parking_lot::Mutex;

/// A file, and a block in it.
type Key = (u64, usize);

/// What a cell takes beside its bytes.
const CELL_OVERHEAD_BYTES: usize = 48;

/// A bounded number of bytes of decoded blocks, shared by all files of a server.
#[derive(Debug)]
pub(crate) struct BlockCache {
    bytes_max: usize,
    files: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: HashMap<Key, Entry>,
    /// In the order in which they are up for removal.
    turns: VecDeque<Key>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    cells: Arc<[Cell]>,
    bytes: usize,
    used: bool,
}

impl BlockCache {
    /// A cache of up to `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, files: AtomicU64::new(0), state: Mutex::default() }
    }

    /// A number for a file that was opened.
    pub(super) fn file_number(&self) -> u64 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn get(&self, file: u64, block: usize) -> Option<Arc<[Cell]>> {
        let mut state = self.state.lock();
        let entry = state.blocks.get_mut(&(file, block))?;
        entry.used = true;
        Some(Arc::clone(&entry.cells))
    }

    pub(super) fn put(&self, file: u64, block: usize, cells: &Arc<[Cell]>) {
        let bytes = cells.iter().map(|cell| cell.as_bytes().len() + CELL_OVERHEAD_BYTES).sum();
        if bytes > self.bytes_max {
            return;
        }
        let mut state = self.state.lock();
        let entry = Entry { cells: Arc::clone(cells), bytes, used: false };
        match state.blocks.insert((file, block), entry) {
            Some(old) => state.bytes -= old.bytes,
            None => state.turns.push_back((file, block)),
        }
        state.bytes += bytes;
        while state.bytes > self.bytes_max {
            state.remove_one();
        }
    }

    /// Removes the blocks of a file that nobody reads any more.
    pub(super) fn remove_file(&self, file: u64) {
        let mut state = self.state.lock();
        let State { blocks, turns, bytes } = &mut *state;
        turns.retain(|key| {
            let goes = key.0 == file;
            if goes && let Some(entry) = blocks.remove(key) {
                *bytes -= entry.bytes;
            }
            !goes
        });
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

impl State {
    fn remove_one(&mut self) {
        let Some(key) = self.turns.pop_front() else { return };
        match self.blocks.get_mut(&key) {
            Some(entry) if entry.used => {
                entry.used = false;
                self.turns.push_back(key);
            }
            Some(_) => {
                let entry = self.blocks.remove(&key);
                self.bytes -= entry.map_or(0, |entry| entry.bytes);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(byte: u8) -> Arc<[Cell]> {
        Arc::from([Cell::put(&[byte], b"f", b"q", 1, &[byte; 30]).unwrap()])
    }

    #[test]
    fn what_is_used_stays_longer() {
        let size = block(0)[0].as_bytes().len() + CELL_OVERHEAD_BYTES;
        let cache = BlockCache::new(3 * size);
        for number in 0..3 {
            cache.put(1, number, &block(number as u8));
        }
        assert!(cache.get(1, 0).is_some());
        cache.put(1, 3, &block(3));
        let has = |number| cache.get(1, number).is_some();
        assert_eq!([has(0), has(1), has(2), has(3)], [true, false, true, true]);
        assert_eq!(cache.bytes(), 3 * size);
        cache.remove_file(1);
        assert_eq!((cache.bytes(), cache.get(1, 3)), (0, None));
    }

    #[test]
    fn a_block_that_is_larger_than_the_cache_is_left_out() {
        let cache = BlockCache::new(10);
        cache.put(0, 0, &block(1));
        cache.put(0, 0, &block(1));
        assert_eq!((cache.bytes(), cache.get(0, 0)), (0, None));
    }
}
