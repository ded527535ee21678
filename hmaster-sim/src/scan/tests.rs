//! Scans against a naive model: the same cells, in all kinds of sources, give what a few lines of plain code say.

mod files;
mod filters;
mod limits;
mod model;
mod reading;

use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellParts, CellType, ColumnFamilyDescriptor, attribute};
use proptest::prelude::*;

use super::*;
use crate::memstore::Segment;
use crate::schema::FamilySchema;
use files::FakeFile;

/// Now, in all these tests.
const NOW: i64 = 100;

fn family(name: &'static str, attributes: &[(&'static str, &'static str)]) -> FamilySchema {
    let builder = ColumnFamilyDescriptor::builder(name);
    let builder = attributes.iter().fold(builder, |builder, (key, value)| builder.attribute(*key, *value));
    FamilySchema::new(&builder.build(), CellOrder::User)
}

fn cell(row: &str, family: &str, qualifier: &str, timestamp: i64, cell_type: CellType, seq: u64) -> Cell {
    let value = if cell_type.is_delete() { String::new() } else { format!("{timestamp}/{seq}") };
    Cell::new(CellParts {
        row: row.as_bytes(),
        family: family.as_bytes(),
        qualifier: qualifier.as_bytes(),
        timestamp,
        cell_type,
        value: value.as_bytes(),
    })
    .unwrap()
    .with_sequence_id(seq)
}

fn put(row: &str, qualifier: &str, timestamp: i64, seq: u64) -> Cell {
    cell(row, "f", qualifier, timestamp, CellType::Put, seq)
}

/// A store whose cells lie in several sources.
#[derive(Debug, Clone)]
struct Store {
    family: FamilySchema,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Memory(Vec<Cell>),
    /// And cells per block.
    File(Vec<Cell>, usize),
}

impl Store {
    fn in_memory(family: FamilySchema, cells: Vec<Cell>) -> Self {
        Self { family, parts: vec![Part::Memory(cells)] }
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.parts.iter().flat_map(|part| match part {
            Part::Memory(cells) | Part::File(cells, _) => cells,
        })
    }

    fn sources(&self) -> StoreSources<'_> {
        let source = |part: &Part| match part {
            Part::Memory(cells) => {
                let segment = Segment::new(self.family.order);
                segment.add(cells.iter().cloned());
                Source::Segment(Arc::new(segment))
            }
            Part::File(cells, per_block) => {
                Source::File(Arc::new(FakeFile::new(cells.clone(), *per_block, self.family.order)))
            }
        };
        StoreSources { family: &self.family, sources: self.parts.iter().map(source).collect() }
    }
}

/// All results of a scan.
async fn run(spec: ScanSpec, stores: &[Store], read_point: u64, limits: Limits) -> Vec<(Vec<Cell>, bool)> {
    let order = stores[0].family.order;
    let stores = stores.iter().map(Store::sources).collect();
    let mut scanner = RegionScanner::new(spec, stores, order, read_point, NOW, u64::MAX);
    let mut results = Vec::new();
    loop {
        let mut cells = Vec::new();
        let mut limits = limits.clone();
        let more = scanner.next(&mut cells, &mut limits).await.unwrap();
        if !cells.is_empty() {
            results.push((cells, limits.stopped_mid_row()));
        }
        if !more {
            return results;
        }
    }
}

/// All cells of a scan.
async fn scan(spec: ScanSpec, stores: &[Store], read_point: u64) -> Vec<Cell> {
    let limits = Limits::batch_only(spec.batch);
    run(spec, stores, read_point, limits).await.into_iter().flat_map(|(cells, _)| cells).collect()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn all() -> ScanSpec {
    ScanSpec::range(Bytes::new(), Bytes::new())
}

/// Cells of one family: few rows, columns, timestamps, so that they meet.
fn any_cell() -> impl Strategy<Value = Cell> {
    let types = prop_oneof![
        6 => Just(CellType::Put),
        1 => Just(CellType::Delete),
        1 => Just(CellType::DeleteColumn),
        1 => Just(CellType::DeleteFamily),
        1 => Just(CellType::DeleteFamilyVersion),
    ];
    ("[abc]{1,2}", "[xy]{0,1}", 90i64..99, types, 1u64..12).prop_map(
        |(row, qualifier, timestamp, cell_type, seq)| {
            let of_family = matches!(cell_type, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
            let qualifier = if of_family { "" } else { &*qualifier };
            cell(&row, "f", qualifier, timestamp, cell_type, seq)
        },
    )
}

/// Cells without twins, dealt out to sources.
fn any_parts() -> impl Strategy<Value = Vec<Part>> {
    let cells = prop::collection::vec((any_cell(), 0usize..3), 0..60);
    (cells, prop::collection::vec((any::<bool>(), 1usize..4), 3)).prop_map(|(cells, kinds)| {
        let mut parts: Vec<Vec<Cell>> = vec![Vec::new(); 3];
        let mut seen = std::collections::HashSet::new();
        for (cell, part) in cells {
            if seen.insert((cell.key().to_vec(), cell.sequence_id())) {
                parts[part].push(cell);
            }
        }
        let part = |(cells, (file, per_block))| {
            if file { Part::File(cells, per_block) } else { Part::Memory(cells) }
        };
        parts.into_iter().zip(kinds).map(part).collect()
    })
}

fn any_family() -> impl Strategy<Value = FamilySchema> {
    let choice = |values: &'static [&'static str]| prop::sample::select(values);
    (
        choice(&["1", "2", "5"]),
        choice(&["0", "1", "2"]),
        choice(&["-1", "0"]),
        choice(&["FALSE", "TRUE", "TTL"]),
    )
        .prop_map(|(versions, min, ttl, keep)| {
            let mut family = family(
                "f",
                &[
                    (attribute::VERSIONS, versions),
                    (attribute::MIN_VERSIONS, min),
                    (attribute::TTL, ttl),
                    (attribute::KEEP_DELETED_CELLS, keep),
                ],
            );
            // Half of the timestamps are too old.
            family.ttl_ms = family.ttl_ms.map(|_| NOW - 94);
            family
        })
}
