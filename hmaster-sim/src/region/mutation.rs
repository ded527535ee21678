//! What is to be written, and on what condition. Counterpart of `Put`, `Delete`, `Increment`, `Append`, `CheckAndMutate`,
//! and of their conversions in `ProtobufUtil`.

use std::cmp::Ordering;

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_protocol::pb::mutation_proto::{DeleteType, MutationType};
use hmaster_types::{Cell, CellParts, CellType, Chance};

use super::RegionError;
use crate::cell_tags;
use crate::filter::{self, Comparator, CompareOp, Filter};
use crate::query::TimeRange;
use crate::scan::{attribute, check_row, time_range};

/// Whether the client wants to know what became of an increment or an append.
const RETURN_RESULTS: &str = "_rr_";
const TTL: &str = "_ttl";

/// What a mutation does with its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MutationKind {
    /// Writes them.
    Put,
    /// Writes them; they are deletes. Without any, the row goes.
    Delete,
    /// Adds them to the numbers that are there.
    Increment,
    /// Appends them to the values that are there.
    Append,
}

/// A change of one row.
#[derive(Debug, Clone)]
pub(crate) struct Mutation {
    pub(crate) kind: MutationKind,
    pub(crate) row: Bytes,
    /// All of this row. Those with [`Cell::LATEST_TIMESTAMP`] get the server's time.
    pub(crate) cells: Vec<Cell>,
    /// Of a delete without cells.
    pub(crate) timestamp: i64,
    /// Of the cells, in milliseconds.
    pub(crate) ttl_ms: Option<i64>,
    /// Which values an increment or append goes on from.
    pub(crate) time_range: TimeRange,
    /// Whether an increment or append answers with the new values.
    pub(crate) returns_result: bool,
    /// The client's mark on it; 0 for none.
    pub(crate) nonce: u64,
}

/// What must hold before a row is changed.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) row: Bytes,
    pub(crate) test: Test,
    pub(crate) time_range: TimeRange,
}

/// A condition on a row's content.
#[derive(Debug)]
pub(crate) enum Test {
    /// `value op` the newest value of a column; an empty value stands for no value.
    Value { family: Bytes, qualifier: Bytes, op: CompareOp, value: Bytes },
    /// Something passes the filter.
    Filter(Option<Box<dyn Filter>>),
}

impl Mutation {
    /// What a client sent. Takes as many of `cells`, those behind the message, as the message says.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn from_proto(
        proto: &pb::MutationProto,
        cells: &mut impl Iterator<Item = Cell>,
    ) -> Result<Self, RegionError> {
        let kind = match proto.mutate_type.and_then(|kind| MutationType::try_from(kind).ok()) {
            Some(MutationType::Put) => MutationKind::Put,
            Some(MutationType::Delete) => MutationKind::Delete,
            Some(MutationType::Increment) => MutationKind::Increment,
            // As in Java: the first value is the default.
            Some(MutationType::Append) | None => MutationKind::Append,
        };
        let timestamp = proto.timestamp.map_or(Cell::LATEST_TIMESTAMP, |timestamp| timestamp as i64);
        let count = usize::try_from(proto.associated_cell_count()).unwrap_or(0);
        let taken = if count > 0 { take(cells, count)? } else { cells_of(proto, kind, timestamp)? };
        let row = match (&proto.row, taken.first()) {
            (Some(row), _) => row.clone(),
            (None, Some(first)) => Bytes::copy_from_slice(first.row()),
            (None, None) => return Err(RegionError::IllegalArgument("row cannot be null".into())),
        };
        check_row(&row)?;
        check_cells(kind, &row, &taken)?;
        let flag = |value: &Bytes| value.first().is_none_or(|byte| *byte != 0);
        let ttl = attribute(&proto.attribute, TTL).and_then(|value| value.first_chunk::<8>().copied());
        Ok(Self {
            kind,
            row,
            cells: taken.iter().map(own).collect(),
            timestamp,
            ttl_ms: ttl.map(i64::from_be_bytes).filter(|ttl| *ttl != i64::MAX),
            time_range: time_range(proto.time_range.as_ref())?,
            returns_result: attribute(&proto.attribute, RETURN_RESULTS).is_none_or(flag),
            nonce: proto.nonce(),
        })
    }

    /// Whether what is written depends on what is there.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.kind, MutationKind::Increment | MutationKind::Append)
    }
}

impl Condition {
    /// What a client sent.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn from_proto(proto: &pb::Condition, chance: &Chance) -> Result<Self, RegionError> {
        check_row(&proto.row)?;
        let test = match &proto.filter {
            Some(filter) => Test::Filter(Some(filter::parse(filter, chance)?)),
            None => Test::Value {
                family: proto.family.clone().unwrap_or_default(),
                qualifier: proto.qualifier.clone().unwrap_or_default(),
                op: filter::parse_op(proto.compare_type.unwrap_or_default())?,
                value: match &proto.comparator {
                    Some(comparator) => compared_value(filter::parse_comparator(comparator)?)?,
                    None => Bytes::new(),
                },
            },
        };
        Ok(Self { row: proto.row.clone(), test, time_range: time_range(proto.time_range.as_ref())? })
    }
}

/// Whether a column's newest value passes. Here the operator's left side is the expected value, in filters it is the
/// right one. Counterpart of a part of `HRegion.checkAndMutateInternal`.
pub(super) fn value_passes(
    op: CompareOp,
    expected: &[u8],
    found: Option<&[u8]>,
) -> Result<bool, RegionError> {
    let Some(found) = found else {
        return Ok(expected.is_empty() && op != CompareOp::NotEqual);
    };
    if expected.is_empty() {
        return Ok(found.is_empty() == (op != CompareOp::NotEqual));
    }
    Ok(match (op, expected.cmp(found)) {
        (CompareOp::NoOp, _) => return Err(RegionError::BadRequest("Unknown Compare op NO_OP".into())),
        (CompareOp::Less, compared) => compared == Ordering::Less,
        (CompareOp::LessOrEqual, compared) => compared != Ordering::Greater,
        (CompareOp::Equal, compared) => compared == Ordering::Equal,
        (CompareOp::NotEqual, compared) => compared != Ordering::Equal,
        (CompareOp::GreaterOrEqual, compared) => compared != Ordering::Less,
        (CompareOp::Greater, compared) => compared == Ordering::Greater,
    })
}

/// The bytes that a comparator compares with; Java takes nothing else of it.
fn compared_value(comparator: Comparator) -> Result<Bytes, RegionError> {
    match comparator {
        Comparator::Binary(value)
        | Comparator::BinaryPrefix(value)
        | Comparator::BinaryComponent { value, .. }
        | Comparator::Bit { value, .. } => Ok(value),
        Comparator::Long(value) => Ok(Bytes::copy_from_slice(&value.to_be_bytes())),
        Comparator::Null => Ok(Bytes::new()),
        Comparator::BigDecimal(_) | Comparator::Regex(_) | Comparator::Substring(_) => {
            Err(RegionError::BadRequest("the comparator of a condition must be about bytes".into()))
        }
    }
}

/// The cell in memory of its own: it mustn't keep alive the whole request that it came with.
fn own(cell: &Cell) -> Cell {
    Cell::parse(Bytes::copy_from_slice(cell.as_bytes())).expect("the bytes of a cell")
}

fn take(cells: &mut impl Iterator<Item = Cell>, count: usize) -> Result<Vec<Cell>, RegionError> {
    let taken: Vec<Cell> = cells.take(count).collect();
    if taken.len() < count {
        let reason = format!("Cell count of {count} but at index {} no cell returned", taken.len());
        return Err(RegionError::BadRequest(reason));
    }
    Ok(taken)
}

/// The cells in the message itself.
fn cells_of(proto: &pb::MutationProto, kind: MutationKind, timestamp: i64) -> Result<Vec<Cell>, RegionError> {
    let row = proto.row.as_deref().unwrap_or_default();
    let mut cells = Vec::new();
    for column in &proto.column_value {
        for qualifier in &column.qualifier_value {
            let deletes = kind == MutationKind::Delete;
            let otherwise = if kind == MutationKind::Put { timestamp } else { Cell::LATEST_TIMESTAMP };
            if qualifier.value.is_none() && !deletes {
                return Err(RegionError::BadRequest("Missing required field: qualifier value".into()));
            }
            let cell_type = match qualifier.delete_type {
                Some(_) if matches!(kind, MutationKind::Put | MutationKind::Delete) => {
                    delete_type(qualifier.delete_type())
                }
                None if deletes => delete_type(qualifier.delete_type()),
                _ => CellType::Put,
            };
            let of_family = matches!(cell_type, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
            let name = qualifier.qualifier.as_deref().filter(|_| !of_family).unwrap_or_default();
            let parts = CellParts {
                row,
                family: &column.family,
                qualifier: name,
                timestamp: qualifier.timestamp.map_or(otherwise, |timestamp| timestamp as i64),
                cell_type,
                value: qualifier.value.as_deref().filter(|_| !deletes).unwrap_or_default(),
            };
            let cell = Cell::new(parts).map_err(|error| RegionError::BadRequest(error.to_string()))?;
            cells.push(match qualifier.tags.as_deref().filter(|tags| !tags.is_empty()) {
                Some(tags) => cell_tags::with_tags(&cell, tags)
                    .map_err(|error| RegionError::BadRequest(error.to_string()))?,
                None => cell,
            });
        }
    }
    Ok(cells)
}

fn delete_type(delete_type: DeleteType) -> CellType {
    match delete_type {
        DeleteType::DeleteOneVersion => CellType::Delete,
        DeleteType::DeleteMultipleVersions => CellType::DeleteColumn,
        DeleteType::DeleteFamily => CellType::DeleteFamily,
        DeleteType::DeleteFamilyVersion => CellType::DeleteFamilyVersion,
    }
}

fn check_cells(kind: MutationKind, row: &[u8], cells: &[Cell]) -> Result<(), RegionError> {
    for cell in cells {
        let is_delete = cell.cell_type().is_delete();
        let is_put = cell.cell_type() == CellType::Put;
        let fits = match kind {
            MutationKind::Delete => is_delete,
            MutationKind::Put => is_delete || is_put,
            MutationKind::Increment | MutationKind::Append => is_put,
        };
        if !fits {
            return Err(RegionError::BadRequest(format!("{cell} has no place in a {kind:?}")));
        }
        if cell.row() != row {
            let row = hmaster_types::to_string_binary(row);
            return Err(RegionError::BadRequest(format!("{cell} isn't of row {row}")));
        }
    }
    if cells.is_empty() && kind != MutationKind::Delete {
        return Err(RegionError::BadRequest("No columns to insert".into()));
    }
    Ok(())
}
