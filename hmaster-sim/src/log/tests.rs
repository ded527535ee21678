//! Splitting of logs, whole and damaged ones, once and again.

use hmaster_fs::{CreateOptions, FileSystem as _, FsPath};
use hmaster_protocol::pb;
use hmaster_store::wal::WalReader;
use hmaster_types::{RegionInfo, SeqNum};

use super::split::SplitSummary;
use super::*;
use crate::region::tests::{Cluster, NothingKnown, Server, delete, info, one, put, rows, table, value};
use crate::region::{Region, RegionOptions};

/// A server that died, and the path of its only log, fenced.
async fn dead(cluster: &Cluster, fill: impl AsyncFnOnce(&Region)) -> (Server, FsPath) {
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    fill(&region).await;
    cluster.kill(&server);
    let root = cluster.root(&cluster.disk.client("master"));
    root.fence_wals(&server.name).await.unwrap();
    let logs = root.wals_to_split(&server.name, hmaster_fs::rootdir::WalKind::Other).await.unwrap();
    (server, logs[0].clone())
}

async fn some_edits(region: &Region) {
    for row in ["a", "b", "c"] {
        one(region, put(row, "1")).await.unwrap();
    }
    one(region, delete("b")).await.unwrap();
}

fn pairs(rows: &[&str]) -> Vec<(String, String)> {
    rows.iter().map(|row| ((*row).to_owned(), "1".to_owned())).collect()
}

fn edits_folder(root: &RootDir) -> FsPath {
    root.layout().recovered_edits(info().table(), info().encoded_name())
}

#[tokio::test]
async fn splitting_again_changes_nothing() {
    let cluster = Cluster::new(1);
    let (_, log) = dead(&cluster, some_edits).await;
    let root = cluster.root(&cluster.disk.client("splitter"));
    let summary = split_log(&root, &log, &NothingKnown).await.unwrap();
    assert_eq!((summary.entries, summary.kept, summary.regions), (4, 4, 1));
    let once = cluster.disk.snapshot();
    assert_eq!(split_log(&root, &log, &NothingKnown).await.unwrap(), summary);
    assert_eq!(cluster.disk.snapshot(), once);
    let names = cluster.names(&edits_folder(&root)).await;
    let last = format!("{:019}", 5);
    assert_eq!(names, ["0.seqid", last.as_str()], "named by the highest sequence id");
    let region = cluster.open(&cluster.server(2).await).await;
    assert_eq!(rows(&region).await, pairs(&["a", "c"]));
    // And once more, behind the back of the region that is open: it finds nothing new when it opens again.
    split_log(&root, &log, &NothingKnown).await.unwrap();
    one(&region, delete("a")).await.unwrap();
    region.close(true).await.unwrap();
    let again = cluster.open(&cluster.server(3).await).await;
    assert_eq!(rows(&again).await, pairs(&["c"]));
}

#[tokio::test]
async fn a_log_that_is_gone_was_split() {
    let cluster = Cluster::new(1);
    let root = cluster.root(&cluster.disk.client("splitter"));
    let log = root.layout().wals().join("server,1,1-splitting").join("server%2C1%2C1.1");
    assert_eq!(split_log(&root, &log, &NothingKnown).await.unwrap(), SplitSummary::default());
}

/// Wherever the log was cut, what lies before the cut is there.
#[tokio::test]
async fn a_log_cut_anywhere_gives_what_is_whole() {
    let lengths = {
        let cluster = Cluster::new(1);
        let (_, log) = dead(&cluster, some_edits).await;
        let fs = cluster.disk.client("look");
        fs.recover_lease(&log, std::time::Duration::ZERO).await.unwrap();
        fs.status(&log).await.unwrap().length
    };
    for cut in 0..lengths {
        let cluster = Cluster::new(1);
        let (_, log) = dead(&cluster, some_edits).await;
        let fs = cluster.disk.client("splitter");
        fs.recover_lease(&log, std::time::Duration::ZERO).await.unwrap();
        let whole = fs.read_whole(&log, 1 << 20).await.unwrap();
        for tail in [&b""[..], &[0; 9]] {
            let content = [&whole[..cut as usize], tail].concat();
            fs.write_whole(&log, content.into(), CreateOptions::overwrite()).await.unwrap();
            let summary = split_log(&cluster.root(&fs), &log, &NothingKnown).await;
            let summary = summary.unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
            assert!(summary.kept <= 4);
        }
        let mut reader = WalReader::open(&fs, &log).await.unwrap();
        let mut whole_entries = 0;
        while reader.next().await.unwrap().is_some() {
            whole_entries += 1;
        }
        let region = cluster.open(&cluster.server(2).await).await;
        let expected: &[&str] = [&[][..], &["a"], &["a", "b"], &["a", "b", "c"], &["a", "c"]][whole_entries];
        assert_eq!(rows(&region).await, pairs(expected), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_log_damaged_in_the_middle_is_an_error() {
    let cluster = Cluster::new(1);
    let (_, log) = dead(&cluster, some_edits).await;
    let fs = cluster.disk.client("splitter");
    fs.recover_lease(&log, std::time::Duration::ZERO).await.unwrap();
    let mut content = fs.read_whole(&log, 1 << 20).await.unwrap().to_vec();
    let middle = content.len() / 2;
    content[middle..middle + 40].fill(0xff);
    fs.write_whole(&log, content.into(), CreateOptions::overwrite()).await.unwrap();
    let error = split_log(&cluster.root(&fs), &log, &NothingKnown).await.unwrap_err();
    assert!(error.to_string().contains(log.as_str()), "{error}");
}

/// Says what it is told to.
struct Known(u64, Vec<(&'static str, u64)>);

#[async_trait::async_trait]
impl FlushedSequenceIds for Known {
    async fn of_region(&self, encoded_name: &str) -> Option<pb::RegionStoreSequenceIds> {
        assert_eq!(encoded_name, info().encoded_name().to_string());
        let store = |(family, id): &(&'static str, u64)| pb::StoreSequenceId {
            family_name: (*family).into(),
            sequence_id: *id,
        };
        Some(pb::RegionStoreSequenceIds {
            last_flushed_sequence_id: self.0,
            store_sequence_id: self.1.iter().map(store).collect(),
        })
    }
}

#[tokio::test]
async fn what_was_flushed_is_left_out() {
    // Edits have the sequence ids 2 to 5.
    for (known, kept) in [
        (Known(0, vec![]), 4),
        (Known(3, vec![]), 2),
        (Known(u64::MAX, vec![("f", u64::MAX)]), 4), // Java's -1
        (Known(2, vec![("f", 4)]), 1),
        (Known(5, vec![]), 0),
    ] {
        let cluster = Cluster::new(1);
        let (_, log) = dead(&cluster, async |region: &Region| {
            for row in ["a", "b", "c", "d"] {
                one(region, put(row, "1")).await.unwrap();
            }
        })
        .await;
        let root = cluster.root(&cluster.disk.client("splitter"));
        let summary = split_log(&root, &log, &known).await.unwrap();
        assert_eq!(summary.kept, kept, "{} {:?}", known.0, known.1);
        assert_eq!(summary.regions, usize::from(kept > 0));
    }
}

#[tokio::test]
async fn edits_of_a_region_that_is_no_more_are_left_out() {
    let cluster = Cluster::new(1);
    let (_, log) = dead(&cluster, some_edits).await;
    let fs = cluster.disk.client("splitter");
    fs.delete_tree(&cluster.folder()).await.unwrap();
    let root = cluster.root(&fs);
    let summary = split_log(&root, &log, &NothingKnown).await.unwrap();
    assert_eq!((summary.entries, summary.kept), (4, 0));
    assert!(!fs.exists(&cluster.folder()).await.unwrap(), "it isn't brought back");
}

/// The new sequence ids of a region that moved are above those of its edits elsewhere; old edits hide nothing.
#[tokio::test]
async fn a_region_that_moved_ignores_its_edits_in_the_log_of_its_former_server() {
    let cluster = Cluster::new(1);
    let first = cluster.server(1).await;
    let region = cluster.open(&first).await;
    one(&region, put("a", "old")).await.unwrap();
    region.close(true).await.unwrap();
    let second = cluster.server(2).await;
    let moved = cluster.open(&second).await;
    assert!(moved.open_sequence_id() > SeqNum(region.max_sequence_id() as i64 - 1));
    one(&moved, delete("a")).await.unwrap();
    moved.flush().await.unwrap();
    moved.compact(true).await.unwrap();
    cluster.kill(&first);
    cluster.recover(&first.name).await;
    cluster.kill(&second);
    cluster.recover(&second.name).await;
    let again = cluster.open(&cluster.server(3).await).await;
    assert_eq!(value(&again, "a").await, None);
}

/// Regions share a log; each gets its own edits.
#[tokio::test]
async fn each_region_gets_its_own() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let other = RegionInfo::builder(info().table().clone()).start_key(*b"z").region_id(9).build();
    let options = RegionOptions::default();
    let first = cluster.open(&server).await;
    let open = |server: &Server| {
        let (root, log, other, options) =
            (server.root.clone(), server.log.clone(), other.clone(), options.clone());
        async move { Region::open(&root, &log, other, table(), options).await.unwrap() }
    };
    let second = open(&server).await;
    futures_util::join!(
        async {
            for i in 0..50 {
                one(&first, put(&format!("a{i:02}"), "1")).await.unwrap();
            }
        },
        async {
            for i in 0..50 {
                one(&second, put(&format!("z{i:02}"), "1")).await.unwrap();
            }
            second.flush().await.unwrap();
        }
    );
    cluster.kill(&server);
    cluster.recover(&server.name).await;
    let server = cluster.server(2).await;
    assert_eq!(rows(&cluster.open(&server).await).await.len(), 50);
    assert_eq!(rows(&open(&server).await).await.len(), 50);
}

#[tokio::test]
async fn a_log_that_fails_says_so_and_confirms_nothing() {
    use hmaster_fs::memory::{Call, Fault};
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    one(&region, put("a", "1")).await.unwrap();
    cluster.disk.set_fault_plan(|call: &Call<'_>| match call.operation {
        Operation::Sync => Fault::Fail(FsErrorKind::NoSpace),
        _ => Fault::None,
    });
    assert!(matches!(one(&region, put("b", "1")).await, Err(crate::region::RegionError::Log(_))));
    assert!(matches!(server.log.failure().await, LogFailure::Fs(_)));
    assert_eq!(rows(&region).await, pairs(&["a"]), "what isn't durable isn't seen");
    assert!(server.log.roll().await.is_err());
}

#[tokio::test]
async fn a_server_does_not_begin_twice() {
    let cluster = Cluster::new(1);
    let _server = cluster.server(1).await;
    assert!(cluster.try_server(1).await.is_err_and(|error| error.is_already_exists()));
}
