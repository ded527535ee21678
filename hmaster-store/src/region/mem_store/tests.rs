//! Against a model that keeps everything and applies Java's rules when it is read.

use hmaster_types::CellParts;
use proptest::prelude::*;

use super::*;

fn cell(cell_type: CellType, row: u8, qualifier: u8, timestamp: i64, sequence: u64) -> Cell {
    let is_family = matches!(cell_type, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
    let qualifier = if is_family { vec![] } else { vec![qualifier] };
    let value = if cell_type == CellType::Put { sequence.to_be_bytes().to_vec() } else { vec![] };
    let parts =
        CellParts { row: &[row], family: b"f", qualifier: &qualifier, timestamp, cell_type, value: &value };
    Cell::new(parts).unwrap().with_sequence_id(sequence)
}

fn store(info: FamilyInfo) -> MemStore {
    MemStore::new([(Bytes::from_static(b"f"), info)])
}

fn versions(versions_max: usize) -> FamilyInfo {
    FamilyInfo { versions_max, ..FamilyInfo::default() }
}

/// What Java's scanner makes of all edits: newest first, those hidden by a delete not counted, one per timestamp.
fn model(edits: &[Cell], versions_max: usize) -> Vec<Cell> {
    let mut sorted = edits.to_vec();
    sorted.sort_by(|a, b| CellOrder::User.compare(a, b));
    let mut visible: Vec<Cell> = Vec::new();
    for put in sorted.iter().filter(|cell| cell.cell_type() == CellType::Put) {
        let hidden = sorted
            .iter()
            .any(|delete| delete.cell_type().is_delete() && delete.row() == put.row() && hides(delete, put));
        let same = |other: &&Cell| other.row() == put.row() && other.qualifier() == put.qualifier();
        let duplicate = visible.iter().any(|other| is_same_key(other, put));
        if !hidden && !duplicate && visible.iter().filter(same).count() < versions_max {
            visible.push(put.clone());
        }
    }
    visible
}

fn visible(store: &MemStore) -> Vec<Cell> {
    store.scan(b"f", Bound::Unbounded, usize::MAX).into_iter().flat_map(|(_, cells)| cells).collect()
}

fn edits(with_single_deletes: bool) -> impl Strategy<Value = Vec<Cell>> {
    let types: &[CellType] = if with_single_deletes {
        &[
            CellType::Put,
            CellType::Put,
            CellType::DeleteColumn,
            CellType::DeleteFamily,
            CellType::Delete,
            CellType::DeleteFamilyVersion,
        ]
    } else {
        &[CellType::Put, CellType::Put, CellType::DeleteColumn, CellType::DeleteFamily]
    };
    let edit = (proptest::sample::select(types.to_vec()), 0..3u8, 0..2u8, 1..6i64);
    proptest::collection::vec(edit, 0..40).prop_map(|edits| {
        let number = edits.into_iter().enumerate();
        number.map(|(n, (kind, row, qualifier, ts))| cell(kind, row, qualifier, ts, n as u64 + 1)).collect()
    })
}

proptest! {
    #[test]
    fn readers_see_what_java_shows(edits in edits(false), seed: u64, versions_max in 1..4usize) {
        let mut shuffled = edits.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        for order in [&edits, &shuffled] {
            let mut store = store(versions(versions_max));
            order.iter().for_each(|edit| assert!(store.apply(edit.clone())));
            prop_assert_eq!(visible(&store), model(&edits, versions_max));
            for put in edits.iter().filter(|edit| edit.cell_type() == CellType::Put) {
                let deletes = edits.iter().filter(|edit| edit.cell_type().is_delete());
                let hidden = deletes.into_iter().any(|delete| delete.row() == put.row() && hides(delete, put));
                prop_assert_eq!(store.hides(put), hidden);
            }
        }
    }

    /// With as many versions as there are, deletes of single ones are exact, too.
    #[test]
    fn single_versions(edits in edits(true)) {
        let mut store = store(versions(100));
        edits.iter().for_each(|edit| assert!(store.apply(edit.clone())));
        prop_assert_eq!(visible(&store), model(&edits, 100));
    }

    /// What goes into a new log, with what is in store files, is all there is.
    #[test]
    fn a_new_log_has_what_store_files_lack(edits in edits(false), stored in 0..40u64, bytes_max in 1..200usize) {
        let (in_files, in_log): (Vec<Cell>, Vec<Cell>) =
            edits.iter().cloned().partition(|edit| edit.sequence_id() <= stored);
        let rows: Vec<&[u8]> = in_files.iter().map(Cell::row).collect();
        let info = FamilyInfo {
            stored_sequence_id: stored,
            stored_rows: rows.iter().fold(StoredRows::default(), |mut all, row| {
                all.insert(row);
                all
            }),
            ..versions(2)
        };
        let mut before = store(info.clone());
        in_log.iter().chain(&in_files).for_each(|edit| assert!(before.apply(edit.clone())));
        let (mut place, mut after) = (Place::default(), store(info));
        loop {
            let cells = before.to_log(&mut place, bytes_max);
            if cells.is_empty() {
                break;
            }
            // Logged again with a sequence id above all.
            cells.into_iter().for_each(|cell| assert!(after.apply(cell.with_sequence_id(1000))));
        }
        in_files.iter().for_each(|edit| assert!(after.apply(edit.clone())));
        let keys = |store: &MemStore| {
            visible(store).into_iter().map(|cell| cell.with_sequence_id(0)).collect::<Vec<_>>()
        };
        prop_assert_eq!(keys(&after), keys(&before));
        before.forget_deletes(u64::MAX);
        prop_assert_eq!(keys(&after), keys(&before));
    }
}

#[test]
fn deletes_go_when_nothing_needs_them() {
    let mut store = store(FamilyInfo { stored_sequence_id: 2, ..versions(1) });
    store.apply_stored(cell(CellType::Put, 3, 1, 5, 1));
    store.apply_stored(cell(CellType::Put, 5, 1, 5, 1));
    for row in [1, 3, 4, 5, 6] {
        store.apply(cell(CellType::DeleteFamily, row, 0, 9, u64::from(row) + 10));
    }
    store.forget_deletes(13);
    assert_eq!(store.len(), 4, "in a store file, or too young");
    store.forget_deletes(u64::MAX);
    assert_eq!(store.len(), 2);
    assert!(store.last_row(b"f").is_none());
}

#[test]
fn deletes_do_not_pile_up() {
    let mut store = store(versions(1));
    for n in 0..100 {
        store.apply(cell(CellType::Put, 1, 1, n * 2, 1));
        store.apply(cell(CellType::DeleteColumn, 1, 1, n * 2 + 1, 1));
    }
    assert_eq!(store.len(), 1);
    store.apply(cell(CellType::DeleteFamily, 1, 0, 500, 1));
    assert_eq!(store.len(), 1);
    assert!(!store.apply(Cell::put(b"r", b"other", b"", 1, b"").unwrap()));
}

#[test]
fn rows_by_range() {
    let mut store = store(versions(1));
    (0..10).for_each(|row| assert!(store.apply(cell(CellType::Put, row, 1, 1, 1))));
    store.apply(cell(CellType::DeleteFamily, 9, 1, 1, 2));
    let rows = |from, limit| {
        let rows = store.scan(b"f", from, limit);
        rows.into_iter().map(|(row, _)| row[0]).collect::<Vec<_>>()
    };
    assert_eq!(rows(Bound::Excluded(&[6][..]), 5), [7, 8]);
    assert_eq!(rows(Bound::Included(&[6][..]), 2), [6, 7]);
    assert_eq!(store.last_row(b"f").unwrap(), &[8][..]);
    assert_eq!(
        (store.get(b"f", &[3]).len(), store.get(b"f", &[9]).len(), store.get(b"x", &[3]).len()),
        (1, 0, 0)
    );
    assert!(store.scan(b"x", Bound::Unbounded, 9).is_empty());
}
