//! What reads and compactions keep of the cells of one row. The expected outcomes follow from HBase's rules; how cells come
//! from several sources is tested with scans.

use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellParts, CellType, ColumnFamilyDescriptor, attribute};

use super::*;
use crate::cell_tags;
use crate::schema::FamilySchema;

const NOW: i64 = 100;
const P: CellType = CellType::Put;
/// Deletes of one version, of a column, of a family, of one version of all columns.
const D: CellType = CellType::Delete;
const DC: CellType = CellType::DeleteColumn;
const DF: CellType = CellType::DeleteFamily;
const DV: CellType = CellType::DeleteFamilyVersion;

/// Qualifier, timestamp, type, sequence id.
type Given = (&'static str, i64, CellType, u64);

fn cell((qualifier, timestamp, cell_type, sequence): Given) -> Cell {
    let parts = CellParts {
        row: b"r",
        family: b"f",
        qualifier: qualifier.as_bytes(),
        timestamp,
        cell_type,
        value: b"",
    };
    Cell::new(parts).unwrap().with_sequence_id(sequence)
}

fn sorted(given: &[Given]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = given.iter().copied().map(cell).collect();
    cells.sort_by(|a, b| CellOrder::User.compare(a, b));
    cells
}

fn family(attributes: &[(&'static str, &'static str)]) -> FamilySchema {
    let builder = ColumnFamilyDescriptor::builder("f").attribute(attribute::VERSIONS, "3");
    let builder = attributes.iter().fold(builder, |builder, (key, value)| builder.attribute(*key, *value));
    FamilySchema::new(&builder.build(), CellOrder::User)
}

/// With a time to live of half a second, timestamps below 50 are too old.
fn with_ttl(attributes: &[(&'static str, &'static str)]) -> FamilySchema {
    FamilySchema { ttl_ms: Some(50), ..family(attributes) }
}

fn print(cells: &[Cell]) -> String {
    let cell = |cell: &Cell| {
        let kind = match cell.cell_type() {
            CellType::Put => "",
            CellType::Delete => "D",
            CellType::DeleteColumn => "DC",
            CellType::DeleteFamily => "DF",
            _ => "DV",
        };
        format!("{}@{}{kind}", String::from_utf8_lossy(cell.qualifier()), cell.timestamp())
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(" ")
}

/// The cells that a matcher includes, when each of its seeks is followed, or none is.
fn follow(cells: &[Cell], follows: bool, mut decide: impl FnMut(&Cell) -> MatchCode) -> Vec<Cell> {
    let (mut included, mut left_column) = (Vec::new(), None::<Vec<u8>>);
    for cell in cells {
        // In the empty column, deletes of the family may follow.
        let is_left = left_column.as_deref().is_some_and(|left| left == cell.qualifier() && !left.is_empty());
        if follows && is_left {
            continue;
        }
        let code = decide(cell);
        if code.includes() {
            included.push(cell.clone());
        }
        match code {
            MatchCode::SeekNextRow | MatchCode::IncludeAndSeekNextRow | MatchCode::DoneScan if follows => {
                break;
            }
            MatchCode::SeekNextColumn | MatchCode::IncludeAndSeekNextColumn => {
                left_column = Some(cell.qualifier().to_vec());
            }
            _ => {}
        }
    }
    included
}

struct Read<'a> {
    family: FamilySchema,
    columns: &'a [&'static str],
    versions: u32,
    range: TimeRange,
    raw: bool,
}

impl Read<'_> {
    fn all(family: FamilySchema) -> Self {
        Self { family, columns: &[], versions: 9, range: TimeRange::ALL, raw: false }
    }

    fn sees(&self, given: &[Given]) -> String {
        self.sees_cells(&sorted(given))
    }

    fn sees_cells(&self, cells: &[Cell]) -> String {
        let qualifiers: BTreeSet<Bytes> =
            self.columns.iter().map(|name| Bytes::from_static(name.as_bytes())).collect();
        let seen = [true, false].map(|follows| {
            let mut matcher = UserMatcher::new(&UserQuery {
                family: &self.family,
                qualifiers: &qualifiers,
                max_versions: self.versions,
                time_range: self.range,
                raw: self.raw,
                filtered: false,
                now_ms: NOW,
            });
            matcher.begin_row();
            print(&follow(cells, follows, |cell| matcher.decide(cell, None).unwrap()))
        });
        assert_eq!(seen[0], seen[1], "seeks only save work");
        seen[0].clone()
    }
}

#[test]
fn versions_and_deletes() {
    let puts: [Given; 4] = [("q", 90, P, 4), ("q", 80, P, 3), ("q", 70, P, 2), ("q", 60, P, 1)];
    let cases: &[(&[Given], &str)] = &[
        (&[], "q@90 q@80 q@70"),
        (&[("q", 80, D, 9)], "q@90 q@70 q@60"),
        (&[("q", 80, DC, 9)], "q@90"),
        (&[("", 80, DF, 9)], "q@90"),
        (&[("", 80, DV, 9)], "q@90 q@70 q@60"),
        (&[("q", 95, DC, 9)], ""),
        // A delete hides what is written later, too, if it is older by its timestamp.
        (&[("q", 90, D, 0)], "q@80 q@70 q@60"),
        (&[("q", 80, DC, 0)], "q@90"),
        // A delete of one version beside one of the column, and of another column.
        (&[("q", 90, D, 9), ("q", 70, DC, 9)], "q@80"),
        (&[("p", 95, DC, 9), ("", 65, DF, 8)], "q@90 q@80 q@70"),
        // Two edits with one key: the later one counts.
        (&[("q", 90, P, 5)], "q@90 q@80 q@70"),
    ];
    for (more, expected) in cases {
        let given = [&puts[..], more].concat();
        assert_eq!(Read::all(family(&[])).sees(&given), *expected, "{more:?}");
    }
}

#[test]
fn columns_versions_and_times_asked_for() {
    let given: Vec<Given> = ["o", "p", "q"]
        .into_iter()
        .flat_map(|name| [(name, 90, P, 3), (name, 80, P, 2), (name, 70, P, 1)])
        .collect();
    let range = |from, to| TimeRange::new(from, to).unwrap();
    let all = || Read::all(family(&[]));
    for (read, expected) in [
        (Read { columns: &["p"], ..all() }, "p@90 p@80 p@70"),
        (Read { columns: &["a", "p", "z"], versions: 1, ..all() }, "p@90"),
        (Read { columns: &["o", "q"], versions: 2, ..all() }, "o@90 o@80 q@90 q@80"),
        (Read { columns: &["z"], ..all() }, ""),
        (Read { versions: 1, ..all() }, "o@90 p@90 q@90"),
        (Read { range: range(70, 90), versions: 1, ..all() }, "o@80 p@80 q@80"),
        (Read { range: range(70, 71), columns: &["q"], ..all() }, "q@70"),
        (Read { range: range(91, 99), ..all() }, ""),
    ] {
        assert_eq!(read.sees(&given), expected);
    }
}

#[test]
fn time_to_live() {
    let given: [Given; 3] = [("q", 60, P, 3), ("q", 40, P, 2), ("q", 30, P, 1)];
    assert_eq!(Read::all(with_ttl(&[])).sees(&given), "q@60");
    let min = |min| Read::all(with_ttl(&[(attribute::MIN_VERSIONS, min)]));
    assert_eq!(min("2").sees(&given), "q@60 q@40");
    assert_eq!(min("1").sees(&given), "q@60");
    // Of single cells: that at 90 lives until 95, that at 80 until 280.
    let ttl = |given, ttl| cell_tags::with_ttl_ms(&cell(given), ttl).unwrap();
    let cells = [ttl(("q", 90, P, 2), 5), ttl(("q", 80, P, 1), 200)];
    assert_eq!(Read::all(family(&[])).sees_cells(&cells), "q@80");
}

#[test]
fn deleted_cells_that_are_kept() {
    let given: [Given; 4] = [("q", 90, P, 4), ("q", 80, DC, 3), ("q", 70, P, 2), ("q", 60, P, 1)];
    let keep = || family(&[(attribute::KEEP_DELETED_CELLS, "TRUE")]);
    let range = TimeRange::new(0, 75).unwrap();
    // Somebody who asks for the time before the delete sees what was there then.
    assert_eq!(Read { range, ..Read::all(keep()) }.sees(&given), "q@70 q@60");
    assert_eq!(Read { range, ..Read::all(family(&[])) }.sees(&given), "");
    assert_eq!(Read::all(keep()).sees(&given), "q@90");
}

#[test]
fn raw_reads_see_everything() {
    let given: [Given; 4] = [("", 85, DF, 3), ("q", 90, P, 4), ("q", 80, DC, 3), ("q", 40, P, 2)];
    let raw = Read { raw: true, ..Read::all(with_ttl(&[])) };
    assert_eq!(raw.sees(&given), "@85DF q@90 q@80DC q@40");
}

#[test]
fn by_the_new_rule_the_order_of_writing_counts() {
    let new = || Read::all(family(&[("NEW_VERSION_BEHAVIOR", "true")]));
    for (given, expected) in [
        // A delete hides what was written before it, and nothing later.
        (vec![("q", 90, DC, 2), ("q", 80, P, 1), ("q", 70, P, 3)], "q@70"),
        (vec![("", 90, DF, 2), ("q", 80, P, 1), ("q", 70, P, 3)], "q@70"),
        (vec![("q", 80, D, 2), ("q", 80, P, 1)], ""),
        (vec![("q", 80, D, 2), ("q", 80, P, 3)], "q@80"),
        // Beyond three versions a put was masked when it was written; a later delete doesn't bring it back.
        (
            vec![("q", 90, P, 1), ("q", 80, P, 2), ("q", 70, P, 3), ("q", 60, P, 4), ("q", 90, D, 5)],
            "q@80 q@70",
        ),
        (
            vec![("q", 90, P, 1), ("q", 80, P, 2), ("q", 70, P, 3), ("q", 90, D, 4), ("q", 60, P, 5)],
            "q@80 q@70 q@60",
        ),
    ] {
        assert_eq!(new().sees(&given), expected, "{given:?}");
    }
}

/// What a compaction writes.
fn keeps(family: &FamilySchema, kind: CompactionKind, terms: CompactionTerms, given: &[Given]) -> String {
    let kept = [true, false].map(|follows| {
        let mut matcher = CompactionMatcher::new(family, CompactionTerms { kind, ..terms });
        matcher.begin_row();
        print(&follow(&sorted(given), follows, |cell| matcher.decide(cell)))
    });
    assert_eq!(kept[0], kept[1], "seeks only save work");
    kept[0].clone()
}

const TERMS: CompactionTerms = CompactionTerms {
    kind: CompactionKind::Minor,
    smallest_read_point: 99,
    earliest_put: 0,
    purge_deletes_after_ms: 0,
    now_ms: NOW,
};

#[test]
fn compactions_drop_what_nobody_sees() {
    let given: [Given; 6] = [
        ("q", 95, P, 9),
        ("q", 90, DC, 8),
        ("q", 80, P, 4),
        ("r", 90, D, 8),
        ("r", 90, P, 5),
        ("r", 30, P, 1),
    ];
    let keep = |value: &'static str| family(&[(attribute::KEEP_DELETED_CELLS, value)]);
    let kept_with_ttl = with_ttl(&[(attribute::KEEP_DELETED_CELLS, "TTL")]);
    for (family, minor, major) in [
        (family(&[]), "q@95 q@90DC r@90D r@30", "q@95 r@30"),
        (with_ttl(&[]), "q@95 q@90DC r@90D", "q@95"),
        (keep("TRUE"), "q@95 q@90DC q@80 r@90D r@90 r@30", "q@95 q@90DC q@80 r@90D r@90 r@30"),
        (kept_with_ttl, "q@95 q@90DC q@80 r@90D r@90", "q@95 q@90DC q@80 r@90D r@90"),
    ] {
        assert_eq!(keeps(&family, CompactionKind::Minor, TERMS, &given), minor);
        assert_eq!(keeps(&family, CompactionKind::Major, TERMS, &given), major);
    }
}

#[test]
fn compactions_drop_versions_beyond_those_that_are_kept() {
    let given: Vec<Given> = (0..6).map(|i| ("q", 90 - i, P, 9)).collect();
    for kind in [CompactionKind::Minor, CompactionKind::Major] {
        assert_eq!(keeps(&family(&[]), kind, TERMS, &given), "q@90 q@89 q@88");
    }
}

#[test]
fn young_deletes_and_those_that_readers_do_not_see_yet_stay() {
    let given: [Given; 2] = [("q", 90, DC, 8), ("q", 80, P, 4)];
    let terms = CompactionTerms { purge_deletes_after_ms: 20, ..TERMS };
    assert_eq!(keeps(&family(&[]), CompactionKind::Major, terms, &given), "q@90DC");
    let terms = CompactionTerms { smallest_read_point: 5, ..TERMS };
    assert_eq!(keeps(&family(&[]), CompactionKind::Major, terms, &given), "q@90DC q@80");
}

#[test]
fn by_the_new_rule_only_a_compaction_of_all_drops_anything() {
    let family = family(&[("NEW_VERSION_BEHAVIOR", "true")]);
    let given: [Given; 3] = [("q", 90, DC, 2), ("q", 80, P, 1), ("q", 70, P, 3)];
    assert_eq!(keeps(&family, CompactionKind::Minor, TERMS, &given), "q@90DC q@80 q@70");
    assert_eq!(keeps(&family, CompactionKind::Major, TERMS, &given), "q@70");
}
