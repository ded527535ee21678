//! Random edits, rolls, takeovers and store files, against a map.

use std::collections::BTreeMap;

use hmaster_types::CellOrder;
use proptest::prelude::*;

use super::*;
use crate::hfile::{HFileOptions, HFileWriter, StoreFileOrigin};

#[derive(Debug, Clone)]
enum Step {
    Batch(Vec<(u64, Option<u8>)>),
    Roll,
    /// The master dies, and another takes over.
    Next,
    /// As `Next`, and in between a Java master has flushed all families and removed the logs.
    Flush,
    Clock(i16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let edit = (0..12u64, proptest::option::weighted(0.6, any::<u8>()));
    let step = prop_oneof![
        12 => proptest::collection::vec(edit, 1..5).prop_map(Step::Batch),
        1 => Just(Step::Roll),
        2 => Just(Step::Next),
        1 => Just(Step::Flush),
        2 => (-20..20i16).prop_map(Step::Clock),
    ];
    proptest::collection::vec(step, 1..60)
}

async fn run(steps: Vec<Step>, seed: u64) {
    let f = Fixture::new(seed);
    let (mut n, mut model) = (1, BTreeMap::new());
    let mut master = f.open(n).await.unwrap();
    for step in steps {
        match step {
            Step::Batch(edits) => {
                let cells = edits.iter().map(|(row, value)| match value {
                    Some(value) => put(*row, &value.to_string()),
                    None => delete(*row),
                });
                master.region.mutate(cells.collect()).await.unwrap();
                for (row, value) in edits {
                    match value {
                        Some(value) => model.insert(row, value.to_string()),
                        None => model.remove(&row),
                    };
                }
            }
            Step::Roll => master.region.roll(),
            Step::Clock(by) => f.clock.set(f.clock.now_ms().saturating_add_signed(i64::from(by))),
            Step::Next | Step::Flush => {
                f.disk.crash(&master.fs);
                drop(master);
                if matches!(step, Step::Flush) {
                    flush_as_java(&f, n).await;
                }
                n += 1;
                master = f.open(n).await.unwrap();
            }
        }
        let expected: Vec<(u64, String)> = model.clone().into_iter().collect();
        assert_eq!(content(&master.region), expected);
    }
}

/// What a Java master does when it opens: replays all logs, flushes, deletes them. Its store files keep deletes, and
/// puts that they hide.
async fn flush_as_java(f: &Fixture, n: u64) {
    let fs = f.disk.client("java");
    let data = master_data(&f.root(&fs), &(f.clock.clone() as Arc<dyn Clock>)).unwrap();
    let region = schema::region_info();
    let folders = LogFolders::new(&data, &region, &server(9000 + n), Duration::from_secs(1));
    let logs = folders.take_over().await.unwrap();
    let stored = stored_sequence_id(&data).await;
    let mut cells = Vec::new();
    for log in &logs {
        let mut reader = crate::wal::WalReader::open(&fs, log).await.unwrap();
        while let Some(entry) = reader.next().await.unwrap() {
            cells.extend(entry.cells.into_iter().filter(|cell| cell.sequence_id() > stored));
        }
    }
    let last = cells.iter().map(Cell::sequence_id).max();
    if let Some(last) = last {
        cells.sort_by(|a, b| CellOrder::User.compare(a, b));
        let path = data.layout().region(&region).join("proc").join(&format!("{:032x}", 1000 + n));
        let options = HFileOptions::new(CellOrder::User, 1);
        let mut writer = HFileWriter::create(&fs, &path, options).await.unwrap();
        for cell in &cells {
            writer.append(cell).await.unwrap();
        }
        let origin = StoreFileOrigin { sequence_id_max: last, ..StoreFileOrigin::default() };
        writer.finish(&origin).await.unwrap();
    }
    for log in &logs {
        fs.delete(log).await.unwrap();
    }
}

async fn stored_sequence_id(data: &RootDir) -> u64 {
    let folder = data.layout().region(&schema::region_info()).join("proc");
    let mut max = 0;
    for file in data.file_system().list(&folder).await.unwrap() {
        let file = crate::hfile::HFile::open(&**data.file_system(), &folder.join(&file.name)).await.unwrap();
        max = max.max(file.info().sequence_id_max().unwrap());
    }
    max
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn any_history(steps in steps(), seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps, seed));
    }
}
