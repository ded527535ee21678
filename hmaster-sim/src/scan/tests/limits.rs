//! Results in parts: batches, sizes, time.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn store() -> Vec<Store> {
    let mut cells = Vec::new();
    for row in ["a", "b", "c"] {
        cells.extend((0..5).map(|i| put(row, &format!("q{i}"), 5, 1)));
    }
    let (memory, file) = cells.into_iter().partition(|cell| cell.qualifier() < &b"q2"[..]);
    vec![Store { family: family("f", &[]), parts: vec![Part::Memory(memory), Part::File(file, 2)] }]
}

fn sizes(results: &[(Vec<Cell>, bool)]) -> Vec<(usize, bool)> {
    results.iter().map(|(cells, partial)| (cells.len(), *partial)).collect()
}

#[test]
fn batches_end_with_their_row() {
    let results = block_on(run(all(), &store(), 9, Limits::batch_only(Some(2))));
    let row = [(2, true), (2, true), (1, false)];
    assert_eq!(sizes(&results), [row, row, row].concat());
    let results = block_on(run(all(), &store(), 9, Limits::batch_only(Some(5))));
    assert_eq!(sizes(&results), [(5, false); 3]);
}

#[test]
fn sizes_cut_rows_only_where_they_may() {
    let limits = |size_scope| Limits { size_max: Some(200), size_scope, ..Limits::batch_only(None) };
    let cells = block_on(run(all(), &store(), 9, limits(Scope::Cells)));
    assert_eq!(cells.iter().map(|(cells, _)| cells.len()).sum::<usize>(), 15);
    assert!(cells.iter().any(|(_, partial)| *partial));
    let rows = block_on(run(all(), &store(), 9, limits(Scope::Rows)));
    assert_eq!(sizes(&rows), [(5, false); 3]);
}

/// Sizes add up over the results of one call.
#[test]
fn sizes_add_up() {
    let stores = store();
    let sources = stores.iter().map(Store::sources).collect();
    let mut scanner = RegionScanner::new(all(), sources, CellOrder::User, 9, NOW, u64::MAX);
    let mut limits = Limits { size_max: Some(700), size_scope: Scope::Rows, ..Limits::batch_only(None) };
    let mut calls = 0;
    while !limits.size_reached(Scope::Rows) {
        block_on(scanner.next(&mut Vec::new(), &mut limits)).unwrap();
        calls += 1;
    }
    assert_eq!(calls, 2);
}

#[test]
fn when_time_is_up_nothing_is_lost() {
    block_on(async {
        tokio::time::pause();
        let deadline = Some(Instant::now());
        let limits = Limits { deadline, time_scope: Scope::Cells, ..Limits::batch_only(None) };
        let stores = store();
        let sources = stores.iter().map(Store::sources).collect();
        let mut scanner = RegionScanner::new(all(), sources, CellOrder::User, 9, NOW, u64::MAX);
        let mut found = Vec::new();
        assert!(scanner.next(&mut found, &mut limits.clone()).await.unwrap() && found.is_empty());
        let later = Some(Instant::now() + Duration::from_secs(1));
        let mut limits = Limits { deadline: later, ..limits };
        while scanner.next(&mut found, &mut limits).await.unwrap() {}
        assert_eq!(found.len(), 15);
    });
}
