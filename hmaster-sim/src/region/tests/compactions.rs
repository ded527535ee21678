//! Flushes and compactions, by request and by the chores.

use hmaster_fs::CreateOptions;
use hmaster_store::hfile::{Half, Reference};

use super::*;

async fn filled(cluster: &Cluster, server: &Server, files: usize) -> Region {
    let region = cluster.open(server).await;
    for i in 0..files {
        one(&region, put(&format!("a{i}"), "v")).await.unwrap();
        one(&region, put("b", &i.to_string())).await.unwrap();
        assert_eq!(region.flush().await.unwrap().files, 1);
    }
    region
}

#[tokio::test]
async fn all_files_become_one_and_the_others_are_archived() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = filled(&cluster, &server, 4).await;
    one(&region, delete("a0")).await.unwrap();
    region.flush().await.unwrap();
    let before = rows(&region).await;
    assert!(region.compact(true).await.unwrap());
    assert!(!region.compact(true).await.unwrap(), "it is one by now");
    assert_eq!((cluster.files().await.len(), rows(&region).await), (1, before.clone()));
    let archive = server.root.layout().archived_table(info().table());
    let archived = archive.join(&info().encoded_name().to_string()).join("f");
    assert_eq!(cluster.names(&archived).await.len(), 5);
    let load = region.load();
    assert_eq!((load.store_files, load.memstore_bytes, load.stores), (2, 0, 2));
    region.close(true).await.unwrap();
    assert_eq!(rows(&cluster.open(&server).await).await, before);
}

#[tokio::test]
async fn a_flush_of_nothing_does_nothing() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    assert_eq!((region.flush().await.unwrap().files, region.flushed_sequence_id()), (0, None));
    one(&region, put("a", "1")).await.unwrap();
    assert_eq!(region.flushed_sequence_id(), None);
    let flushed = region.flush().await.unwrap();
    assert_eq!((flushed.files, region.flushed_sequence_id()), (1, Some(flushed.sequence_id)));
    assert_eq!(flushed.sequence_id, region.max_sequence_id().min(flushed.sequence_id));
    one(&region, put("a", "1")).await.unwrap();
    assert_eq!(region.flushed_sequence_id(), Some(flushed.sequence_id));
}

#[tokio::test]
async fn scans_go_on_over_flushes_and_compactions() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = filled(&cluster, &server, 2).await;
    let mut scanner = region.scanner(ScanSpec::range(Bytes::new(), Bytes::new())).unwrap();
    let mut cells = Vec::new();
    assert!(scanner.next(&mut cells, &mut Limits::batch_only(None)).await.unwrap());
    for row in ["a0", "a1", "b", "c"] {
        one(&region, delete(row)).await.unwrap();
        one(&region, put(row, "new")).await.unwrap();
    }
    region.flush().await.unwrap();
    region.compact(true).await.unwrap();
    while scanner.next(&mut cells, &mut Limits::batch_only(None)).await.unwrap() {}
    let values: Vec<_> =
        cells.iter().map(|cell| String::from_utf8_lossy(cell.value()).into_owned()).collect();
    assert_eq!(values, ["v", "v", "1"], "what was there when the scan began");
}

#[tokio::test]
async fn the_chores_flush_and_compact_and_clear_the_log() {
    let mut cluster = Cluster::new(1);
    cluster.region_options =
        RegionOptions { memstore_flush_bytes: 2000, compaction_files_min: 3, ..RegionOptions::default() };
    cluster.log_options.file_bytes_max = 2000;
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    for i in 0..300 {
        while let Err(error) = one(&region, put(&format!("a{i:03}"), "some value")).await {
            assert!(matches!(error, RegionError::TooBusy { .. }), "{error}");
            tokio::task::yield_now().await;
        }
    }
    region.flush().await.unwrap();
    let logs = server.root.layout().wals_of(&server.name);
    until(|| async { cluster.files().await.len() < 3 && cluster.names(&logs).await.len() <= 2 }).await;
    assert_eq!(rows(&region).await.len(), 300);
    assert!(cluster.names(&server.root.layout().old_wals()).await.len() > 3);
}

#[tokio::test]
async fn too_many_log_files_have_the_holder_flushed() {
    let mut cluster = Cluster::new(1);
    (cluster.log_options.file_bytes_max, cluster.log_options.files_max) = (500, 3);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    for i in 0..100 {
        one(&region, put(&format!("a{i:03}"), "some value")).await.unwrap();
    }
    let logs = server.root.layout().wals_of(&server.name);
    until(|| async { cluster.names(&logs).await.len() <= 5 }).await;
    assert!(!cluster.files().await.is_empty());
    assert_eq!(rows(&region).await.len(), 100);
}

#[tokio::test]
async fn much_in_memory_of_all_regions_has_the_largest_flushed() {
    let mut cluster = Cluster::new(1);
    cluster.log_options.memstore_bytes_max = 8000;
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    for i in 0..100 {
        while one(&region, put(&format!("a{i:03}"), "some value")).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    until(|| async { !cluster.files().await.is_empty() }).await;
    assert_eq!(rows(&region).await.len(), 100);
}

/// A daughter of a split has references to halves of its parent's files; a compaction makes them its own.
#[tokio::test]
async fn daughters_read_their_halves_and_then_have_their_own() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let parent = cluster.open(&server).await;
    for row in ["a", "b", "m", "n"] {
        one(&parent, put(row, row)).await.unwrap();
    }
    parent.close(true).await.unwrap();
    let file = cluster.files().await.remove(0);
    for (half, start, end, expected) in
        [(Half::Bottom, "", "m", ["a", "b"]), (Half::Top, "m", "z", ["m", "n"])]
    {
        let daughter = RegionInfo::builder(info().table().clone())
            .start_key(start.as_bytes())
            .end_key(end.as_bytes())
            .region_id(8)
            .build();
        let folder = server.root.layout().region(&daughter).join("f");
        server.fs.mkdirs(&folder, None).await.unwrap();
        let reference = Reference::at_row(b"m", half).unwrap().encode();
        let path = folder.join(&format!("{file}.{}", info().encoded_name()));
        server.fs.write_whole(&path, reference, CreateOptions::new()).await.unwrap();
        let options = cluster.region_options.clone();
        let region = Region::open(&server.root, &server.log, daughter, table(), options).await.unwrap();
        let names = |rows: Vec<(String, String)>| rows.into_iter().map(|(row, _)| row).collect::<Vec<_>>();
        assert!(names(rows(&region).await) == expected);
        let reversed = ScanSpec { reversed: true, ..ScanSpec::range(Bytes::new(), Bytes::new()) };
        assert_eq!(scan(&region, reversed).await.len(), 2);
        until(|| async { !region.has_references() }).await;
        assert_eq!(cluster.names(&folder).await.len(), 1);
        assert!(names(rows(&region).await) == expected);
        assert!(region.max_sequence_id() > parent.max_sequence_id());
    }
}

#[tokio::test]
async fn a_row_in_the_middle() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    assert_eq!(region.best_split_row().await.unwrap(), None);
    for i in 0..300 {
        one(&region, put(&format!("a{i:03}"), &"x".repeat(1000))).await.unwrap();
    }
    region.flush().await.unwrap();
    let row = region.best_split_row().await.unwrap().unwrap();
    assert!((&b"a080"[..]..&b"a220"[..]).contains(&&*row), "{row:?}");
}

/// A compaction whose answer is lost must not bring deleted rows back, whenever it turns out to have happened.
#[tokio::test]
async fn a_lost_answer_brings_nothing_back() {
    use hmaster_fs::memory::{Call, Fault, NoFaults};
    use hmaster_fs::{FsErrorKind, Operation};
    for lost in [Fault::FailAfter(FsErrorKind::Unknown), Fault::FailAfter(FsErrorKind::Unavailable)] {
        let cluster = Cluster::new(1);
        let server = cluster.server(1).await;
        let region = filled(&cluster, &server, 2).await;
        cluster.disk.set_fault_plan(move |call: &Call<'_>| {
            let is_commit = call.operation == Operation::Rename && call.path.as_str().contains("/.tmp/");
            if is_commit { lost.clone() } else { Fault::None }
        });
        let _ = region.compact(true).await;
        cluster.disk.set_fault_plan(NoFaults);
        one(&region, delete("b")).await.unwrap();
        region.flush().await.unwrap();
        region.compact(true).await.unwrap();
        cluster.kill(&server);
        cluster.recover(&server.name).await;
        let again = cluster.open(&cluster.server(2).await).await;
        assert_eq!(value(&again, "b").await, None);
        assert_eq!(rows(&again).await.len(), 2);
    }
}
