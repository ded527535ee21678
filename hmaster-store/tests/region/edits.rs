//! Edits of a master's region, what they lead to, and the region's content as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmaster_store::region::MasterRegion;
use hmaster_types::{Cell, CellParts, CellType};

/// The families, sorted.
pub(crate) const FAMILIES: [&str; 4] = ["info", "proc", "rs", "state"];

/// One edit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    /// Of one column.
    Put { family: &'static str, row: Vec<u8>, qualifier: &'static str, value: Vec<u8> },
    /// Of a row's family.
    Delete { family: &'static str, row: Vec<u8> },
}

/// Family and row, column: the newest value. All but the family in hexadecimal digits.
pub(crate) type Model = BTreeMap<(String, String), BTreeMap<String, String>>;

impl Edit {
    /// Some edit, of few enough rows that edits meet.
    pub(crate) fn random(rng: &mut fastrand::Rng) -> Self {
        let (family, row, qualifier): (_, Vec<u8>, _) = match rng.u8(0..10) {
            0 => ("info", b"hbase:meta,,1".to_vec(), ["server", "state", "sn"][rng.usize(0..3)]),
            1 => ("rs", format!("host{},16020,{}", rng.u8(0..3), rng.u8(0..4)).into(), "state"),
            2 => ("state", format!("switch{}", rng.u8(0..3)).into(), "d"),
            // Not in the column of procedures: these are none.
            _ => ("proc", rng.u64(1..40).to_be_bytes().into(), "x"),
        };
        if rng.u8(0..10) < 3 {
            return Self::Delete { family, row };
        }
        let length = if rng.u8(0..10) == 0 { rng.usize(0..3000) } else { rng.usize(0..40) };
        let value = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        Self::Put { family, row, qualifier, value }
    }

    /// Without a timestamp.
    pub(crate) fn cell(&self) -> Cell {
        let parts = match self {
            Self::Put { family, row, qualifier, value } => CellParts {
                row,
                family: family.as_bytes(),
                qualifier: qualifier.as_bytes(),
                timestamp: Cell::LATEST_TIMESTAMP,
                cell_type: CellType::Put,
                value,
            },
            Self::Delete { family, row } => CellParts {
                row,
                family: family.as_bytes(),
                qualifier: b"",
                timestamp: Cell::LATEST_TIMESTAMP,
                cell_type: CellType::DeleteFamily,
                value: b"",
            },
        };
        Cell::new(parts).expect("short parts")
    }

    /// What it changes.
    pub(crate) fn apply(&self, model: &mut Model) {
        match self {
            Self::Put { family, row, qualifier, value } => {
                let row = model.entry(((*family).to_owned(), hex(row))).or_default();
                row.insert(hex(qualifier.as_bytes()), hex(value));
            }
            Self::Delete { family, row } => drop(model.remove(&((*family).to_owned(), hex(row)))),
        }
    }
}

/// All cells that readers see, a line each: `cell family row qualifier timestamp value`.
pub(crate) fn dump(region: &MasterRegion, families: &[&str]) -> String {
    let mut out = String::new();
    for family in families {
        for cell in region.rows(family.as_bytes()).iter().flat_map(|(_, cells)| cells) {
            let (row, qualifier, value) = (hex(cell.row()), hex(cell.qualifier()), hex(cell.value()));
            writeln!(out, "cell {family} {row} {qualifier} {} {value}", cell.timestamp()).expect("a String");
        }
    }
    out
}

/// The newest of each column in what [`dump`] gave.
pub(crate) fn newest(dump: &str) -> Model {
    let mut model = Model::new();
    for line in dump.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, family, row, qualifier, _, value] = words[..] else { panic!("{line}") };
        let row = model.entry((family.to_owned(), row.to_owned())).or_default();
        row.entry(qualifier.to_owned()).or_insert_with(|| value.to_owned());
    }
    model
}

/// As the Java side writes bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}
