//! The last loads of each region, as statuses told them. Counterpart of `StochasticLoadBalancer.loads`.
//!
//! One status adds one sample to every region in it; a region that is missing loses its past. A sample costs 13 bytes:
//! requests are kept as growth since the sample before, which is all that rates need, and what doesn't fit into its
//! field stands in a side table. Region names are known by their 64-bit hash only.

use std::collections::{HashMap, VecDeque};

use crate::cost::LOADS;

/// One region's numbers in one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Counter of read requests.
    pub read_requests: u64,
    /// Counter of write requests.
    pub write_requests: u64,
    /// Size of the memstore in MB.
    pub memstore_mb: u32,
    /// Size of all store files in MB.
    pub storefile_mb: u32,
}

/// The last samples of all regions.
#[derive(Debug, Clone)]
pub struct LoadHistory {
    samples_max: usize,
    keys: Vec<u64>,
    /// Open addressing over `keys`: row + 1, or 0.
    index: Vec<u32>,
    rows: Vec<Row>,
    /// One per status, oldest first.
    columns: VecDeque<Column>,
    /// Requests of growths that don't fit: by number of the status, row and field.
    large: HashMap<(u64, u32, u8), u64>,
    statuses: u64,
    /// Where the next region probably is: statuses list regions in one order.
    expected: u32,
    seen: usize,
}

/// What is known of a region besides its samples.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    read_requests: u64,
    write_requests: u64,
    storefile_mb: u32,
    samples: u16,
    seen: bool,
}

#[derive(Debug, Clone, Default)]
struct Column {
    /// Growth of read and of write requests since the sample before.
    read: Vec<u32>,
    write: Vec<u32>,
    memstore: Vec<u16>,
    /// Three bytes each, which is 16 TB.
    storefile: Vec<[u8; 3]>,
}

const STOREFILE_MAX: u64 = (1 << 24) - 1;
const READ: u8 = 0;
const WRITE: u8 = 1;
const MEMSTORE: u8 = 2;
const STOREFILE: u8 = 3;

impl LoadHistory {
    /// Keeps up to `samples_max` samples a region, at least one.
    pub fn new(samples_max: usize) -> Self {
        Self {
            samples_max: samples_max.clamp(1, usize::from(u16::MAX)),
            keys: Vec::new(),
            index: vec![0; 16],
            rows: Vec::new(),
            columns: VecDeque::new(),
            large: HashMap::new(),
            statuses: 0,
            expected: 0,
            seen: 0,
        }
    }

    /// Regions with a past.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True before the first status.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Makes room for so many regions in all.
    pub fn reserve(&mut self, regions: usize) {
        let more = regions.saturating_sub(self.keys.len());
        self.keys.reserve_exact(more);
        self.rows.reserve_exact(more);
        if self.index.len() < regions * 2 {
            self.rebuild_index_for(regions);
        }
    }

    /// Starts a status; what is recorded until [`Self::end`] belongs to it.
    pub fn begin(&mut self) {
        if self.columns.len() == self.samples_max {
            self.columns.pop_front();
            let oldest = self.statuses - self.columns.len() as u64;
            self.large.retain(|(status, _, _), _| *status >= oldest);
        }
        self.statuses += 1;
        self.columns.push_back(Column::sized(self.keys.len(), self.keys.capacity()));
        self.rows.iter_mut().for_each(|row| row.seen = false);
        self.expected = 0;
        self.seen = 0;
    }

    /// Adds a region's sample to the status that was begun. None when the region has one in this status already.
    pub fn record(&mut self, name: &[u8], sample: Sample) -> Option<u32> {
        let row = self.row_of(hash(name));
        let state = &mut self.rows[row as usize];
        if std::mem::replace(&mut state.seen, true) {
            return None;
        }
        let growth = |now: u64, before: u64| if now >= before { now - before } else { now };
        let read = growth(sample.read_requests, state.read_requests);
        let write = growth(sample.write_requests, state.write_requests);
        let first = state.samples == 0;
        state.read_requests = sample.read_requests;
        state.write_requests = sample.write_requests;
        state.storefile_mb = sample.storefile_mb;
        state.samples = (state.samples + 1).min(self.samples_max as u16);
        self.seen += 1;
        let (read, write) = if first { (0, 0) } else { (read, write) };
        self.store(row, read, write, sample);
        Some(row)
    }

    /// Ends a status: regions that it didn't have are forgotten.
    pub fn end(&mut self) {
        if self.seen < self.keys.len() {
            self.forget_unseen();
        }
    }

    /// Mean growth of reads, writes and memstore per status, and mean size of store files. All 0 without a sample.
    pub fn loads(&self, row: u32) -> [f64; LOADS] {
        let at = row as usize;
        let samples = usize::from(self.rows[at].samples);
        let newest = self.columns.iter().enumerate().skip(self.columns.len().saturating_sub(samples));
        let (mut read, mut write, mut memstore, mut storefile) = (0.0, 0.0, 0.0, 0.0);
        let mut memstore_before = None;
        for (position, column) in newest {
            let status = self.statuses - (self.columns.len() - 1 - position) as u64;
            let [low, middle, high] = column.storefile[at];
            let size = u64::from(u32::from_le_bytes([low, middle, high, 0]));
            storefile += self.wide(size, STOREFILE_MAX, (status, row, STOREFILE));
            let now = self.wide(u64::from(column.memstore[at]), u64::from(u16::MAX), (status, row, MEMSTORE));
            if let Some(before) = memstore_before.replace(now) {
                memstore += if now >= before { now - before } else { now };
                let max = u64::from(u32::MAX);
                read += self.wide(u64::from(column.read[at]), max, (status, row, READ));
                write += self.wide(u64::from(column.write[at]), max, (status, row, WRITE));
            }
        }
        let rate = |sum: f64| if samples < 2 { 0.0 } else { sum / (samples - 1) as f64 };
        let storefile = if samples == 0 { 0.0 } else { storefile / samples as f64 };
        [rate(read), rate(write), rate(memstore), storefile]
    }

    /// Size of store files in the newest sample, in MB.
    pub fn storefile_mb(&self, row: u32) -> u32 {
        self.rows[row as usize].storefile_mb
    }

    /// The loads of a region by its full name.
    pub fn loads_of(&self, name: &[u8]) -> Option<[f64; LOADS]> {
        self.find(hash(name)).map(|row| self.loads(row))
    }

    fn wide(&self, value: u64, max: u64, key: (u64, u32, u8)) -> f64 {
        if value == max { self.large.get(&key).map_or(value as f64, |&v| v as f64) } else { value as f64 }
    }

    fn store(&mut self, row: u32, read: u64, write: u64, sample: Sample) {
        let status = self.statuses;
        let mut narrow = |field: u8, value: u64, max: u64| {
            if value >= max {
                self.large.insert((status, row, field), value);
            }
            value.min(max)
        };
        let read = narrow(READ, read, u64::from(u32::MAX)) as u32;
        let write = narrow(WRITE, write, u64::from(u32::MAX)) as u32;
        let memstore = narrow(MEMSTORE, u64::from(sample.memstore_mb), u64::from(u16::MAX)) as u16;
        let storefile = narrow(STOREFILE, u64::from(sample.storefile_mb), STOREFILE_MAX) as u32;
        let Some(column) = self.columns.back_mut() else { return };
        let at = row as usize;
        column.read[at] = read;
        column.write[at] = write;
        column.memstore[at] = memstore;
        let [low, middle, high, _] = storefile.to_le_bytes();
        column.storefile[at] = [low, middle, high];
    }

    fn row_of(&mut self, key: u64) -> u32 {
        let guess = self.expected;
        if self.keys.get(guess as usize) == Some(&key) {
            self.expected = guess + 1;
            return guess;
        }
        let row = self.find(key).unwrap_or_else(|| self.add(key));
        self.expected = row + 1;
        row
    }

    fn find(&self, key: u64) -> Option<u32> {
        let mask = self.index.len() - 1;
        let mut at = key as usize & mask;
        loop {
            match self.index[at] {
                0 => return None,
                row if self.keys[row as usize - 1] == key => return Some(row - 1),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn add(&mut self, key: u64) -> u32 {
        let row = self.keys.len() as u32;
        self.keys.push(key);
        self.rows.push(Row::default());
        for column in &mut self.columns {
            column.resize(self.keys.len());
        }
        if self.keys.len() * 2 > self.index.len() {
            self.rebuild_index();
        } else {
            self.enter(key, row);
        }
        row
    }

    fn enter(&mut self, key: u64, row: u32) {
        let mask = self.index.len() - 1;
        let mut at = key as usize & mask;
        while self.index[at] != 0 {
            at = (at + 1) & mask;
        }
        self.index[at] = row + 1;
    }

    fn rebuild_index(&mut self) {
        self.rebuild_index_for(self.keys.len());
    }

    fn rebuild_index_for(&mut self, rows: usize) {
        let slots = (rows * 2 + 1).next_power_of_two();
        self.index.clear();
        self.index.resize(slots, 0);
        for row in 0..self.keys.len() {
            self.enter(self.keys[row], row as u32);
        }
    }

    fn forget_unseen(&mut self) {
        let kept: Vec<u32> =
            (0..self.rows.len() as u32).filter(|&row| self.rows[row as usize].seen).collect();
        let renamed: HashMap<u32, u32> = if self.large.is_empty() {
            HashMap::new()
        } else {
            kept.iter().enumerate().map(|(new, &old)| (old, new as u32)).collect()
        };
        self.large = std::mem::take(&mut self.large)
            .into_iter()
            .filter_map(|((status, row, field), v)| Some(((status, *renamed.get(&row)?, field), v)))
            .collect();
        self.keys = kept.iter().map(|&row| self.keys[row as usize]).collect();
        self.rows = kept.iter().map(|&row| self.rows[row as usize]).collect();
        self.columns.iter_mut().for_each(|column| column.keep(&kept));
        self.rebuild_index();
    }
}

impl Column {
    fn sized(rows: usize, room: usize) -> Self {
        let mut column = Self {
            read: Vec::with_capacity(room),
            write: Vec::with_capacity(room),
            memstore: Vec::with_capacity(room),
            storefile: Vec::with_capacity(room),
        };
        column.resize(rows);
        column
    }

    fn resize(&mut self, rows: usize) {
        self.read.resize(rows, 0);
        self.write.resize(rows, 0);
        self.memstore.resize(rows, 0);
        self.storefile.resize(rows, [0; 3]);
    }

    fn keep(&mut self, kept: &[u32]) {
        self.read = kept.iter().map(|&row| self.read[row as usize]).collect();
        self.write = kept.iter().map(|&row| self.write[row as usize]).collect();
        self.memstore = kept.iter().map(|&row| self.memstore[row as usize]).collect();
        self.storefile = kept.iter().map(|&row| self.storefile[row as usize]).collect();
    }
}

/// A hash that is the same in every run, so that one seed gives one plan.
pub(crate) fn hash(name: &[u8]) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut hasher = foldhash::quality::FixedState::with_seed(0x0068_6261_7365).build_hasher();
    hasher.write(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(read: u64, memstore_mb: u32, storefile_mb: u32) -> Sample {
        Sample { read_requests: read, write_requests: 2 * read, memstore_mb, storefile_mb }
    }

    fn record(history: &mut LoadHistory, regions: &[(&[u8], Sample)]) {
        history.begin();
        for (name, sample) in regions {
            assert!(history.record(name, *sample).is_some());
        }
        history.end();
    }

    #[test]
    fn rates_and_means() {
        let mut history = LoadHistory::new(15);
        record(&mut history, &[(b"r", sample(100, 4, 10))]);
        assert_eq!(history.loads_of(b"r").unwrap(), [0.0, 0.0, 0.0, 10.0]);
        record(&mut history, &[(b"r", sample(160, 2, 20))]);
        assert_eq!(
            history.loads_of(b"r").unwrap(),
            [60.0, 120.0, 2.0, 15.0],
            "a flush counts as the new size"
        );
        record(&mut history, &[(b"r", sample(40, 5, 30))]);
        assert_eq!(history.loads_of(b"r").unwrap(), [50.0, 100.0, 2.5, 20.0], "a restart counts from zero");
    }

    #[test]
    fn old_samples_go() {
        let mut history = LoadHistory::new(3);
        for (status, read) in [(0, 0), (1, 1000), (2, 1010), (3, 1030)] {
            record(&mut history, &[(b"r", sample(read, 0, status))]);
        }
        assert_eq!(history.loads_of(b"r").unwrap(), [15.0, 30.0, 0.0, 2.0]);
    }

    #[test]
    fn a_region_that_was_missing_begins_anew() {
        let mut history = LoadHistory::new(3);
        record(&mut history, &[(b"a", sample(10, 0, 1)), (b"b", sample(10, 0, 1))]);
        record(&mut history, &[(b"b", sample(20, 0, 1))]);
        assert_eq!((history.loads_of(b"a"), history.len()), (None, 1));
        record(&mut history, &[(b"a", sample(50, 0, 1)), (b"b", sample(40, 0, 1))]);
        assert_eq!(history.loads_of(b"a").unwrap()[0], 0.0);
        assert_eq!(history.loads_of(b"b").unwrap()[0], 15.0);
    }

    #[test]
    fn numbers_too_large_for_their_field_are_kept() {
        let mut history = LoadHistory::new(2);
        record(&mut history, &[(b"gone", sample(0, 0, 0)), (b"r", sample(0, 70_000, 1))]);
        record(&mut history, &[(b"r", sample(1 << 40, 200_000, 1))]);
        let loads = history.loads_of(b"r").unwrap();
        assert_eq!(loads[..3], [(1_u64 << 40) as f64, (2_u64 << 40) as f64, 130_000.0]);
        record(&mut history, &[(b"r", sample(0, 0, u32::MAX))]);
        record(&mut history, &[(b"r", sample(0, 0, 0x00fe_dcba))]);
        assert_eq!(history.loads_of(b"r").unwrap()[3], (f64::from(u32::MAX) + f64::from(0x00fe_dcba)) / 2.0);
    }

    #[test]
    fn one_status_has_a_region_once() {
        let mut history = LoadHistory::new(2);
        history.begin();
        assert!(history.record(b"r", Sample::default()).is_some());
        assert!(history.record(b"r", Sample::default()).is_none());
    }
}
