//! Masters that follow one another, or believe that they are alone.

use hmaster_fs::{CreateOptions, FsErrorKind};

use super::*;

#[tokio::test]
async fn a_deposed_master_confirms_nothing() {
    for rename_fences in [false, true] {
        let f = Fixture::with_options(1, MemoryOptions { rename_fences, ..MemoryOptions::default() });
        let one = f.open(1).await.unwrap();
        one.region.mutate(vec![put(1, "a")]).await.unwrap();
        let two = f.open(2).await.unwrap();
        let failure = one.region.mutate(vec![put(1, "late")]).await.unwrap_err();
        assert!(is_fenced(&failure), "{failure:?}");
        assert!(matches!(one.region.failure().await, LogFailure::Fs(_)));
        assert!(one.region.mutate(vec![put(1, "later")]).await.is_err());
        two.region.mutate(vec![put(2, "b")]).await.unwrap();
        assert_eq!(content(&two.region), [(1, "a".into()), (2, "b".into())]);
        assert_eq!(content(&one.region), [(1, "a".into())]);
    }
}

fn is_fenced(failure: &MutateError) -> bool {
    matches!(failure, MutateError::Log(LogFailure::Fs(error)) if error.kind == FsErrorKind::Fenced)
}

/// A deposed master that begins a new log doesn't bring its folder back.
#[tokio::test]
async fn a_deposed_master_that_rolls_confirms_nothing() {
    let f = Fixture::new(1);
    let one = f.open(1).await.unwrap();
    one.region.mutate(vec![put(1, "a")]).await.unwrap();
    let two = f.open(2).await.unwrap();
    one.region.roll();
    let LogFailure::Fs(error) = one.region.failure().await else { panic!("the file system refuses") };
    assert_eq!(error.kind, FsErrorKind::NotFound);
    assert!(one.region.mutate(vec![put(1, "late")]).await.is_err());
    assert_eq!(content(&two.region), [(1, "a".into())]);
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,2"]);
}

/// Two masters open at once, every interleaving that the runtime makes of random pauses: never do both confirm edits.
#[tokio::test(start_paused = true)]
async fn of_two_masters_at_once_one_is_fenced() {
    let mut both_failed = 0;
    for seed in 0..200 {
        let f = Fixture::new(seed);
        f.open(1).await.unwrap().region.mutate(vec![put(1, "a")]).await.unwrap();
        let chance = Chance::seeded(seed);
        f.disk.set_fault_plan(move |_: &hmaster_fs::memory::Call<'_>| {
            hmaster_fs::memory::Fault::Delay(Duration::from_millis(chance.below(50) as u64))
        });
        let (two, three) = tokio::join!(f.open(2), f.open(3));
        f.disk.set_fault_plan(hmaster_fs::memory::NoFaults);
        let mut confirmed = 0;
        for (n, master) in [(2, &two), (3, &three)] {
            if let Ok(master) = master
                && master.region.mutate(vec![put(n, "mine")]).await.is_ok()
            {
                confirmed += 1;
            }
        }
        assert!(confirmed <= 1, "seed {seed}");
        both_failed += usize::from(confirmed == 0);
        drop((two, three));
        let next = f.open(4).await.unwrap();
        assert_eq!(content(&next.region)[0], (1, "a".into()), "seed {seed}");
        assert_eq!(content(&next.region).len(), 1 + confirmed, "seed {seed}");
    }
    assert!(both_failed < 150, "{both_failed} of 200");
}

/// What several dead takeovers leave: folders with and without the mark, logs that were moved, an empty log.
#[tokio::test]
async fn leftovers_of_several_masters() {
    let f = Fixture::new(1);
    for n in 1..5 {
        let master = f.open(n).await.unwrap();
        master.region.mutate(vec![put(n, "a"), put(100, &n.to_string())]).await.unwrap();
    }
    let fs = f.disk.client("admin");
    let data: FsPath = "/hbase/MasterData".parse().unwrap();
    let wals = data.join("WALs");
    let region = data
        .join("data")
        .join("master")
        .join("store")
        .join(&schema::region_info().encoded_name().to_string());
    // The archive as if it had never come to it: logs of 1 in place, of 2 marked as dead, of 3 moved.
    let places =
        [wals.join("master,16000,1"), wals.join("master,16000,2-dead"), region.join("recovered.wals")];
    for (n, place) in (1..).zip(&places) {
        fs.mkdirs(place, None).await.unwrap();
        let archived = f.names("oldWALs").await;
        for name in archived.iter().filter(|name| name.starts_with(&format!("master%2C16000%2C{n}."))) {
            let from = root().join("oldWALs").join(name);
            let log = name.strip_suffix("$masterlocalwal$").unwrap();
            fs.recover_lease(&from, Duration::from_secs(1)).await.unwrap();
            fs.rename(&from, &place.join(log)).await.unwrap();
        }
        assert!(!fs.list(place).await.unwrap().is_empty(), "{place}");
    }
    fs.write_whole(&places[0].join("empty.1"), Bytes::new(), CreateOptions::new()).await.unwrap();
    fs.mkdirs(&wals.join("master,16000,9-dead"), None).await.unwrap();
    let next = f.open(5).await.unwrap();
    let expected = [(1, "a"), (2, "a"), (3, "a"), (4, "a"), (100, "4")];
    assert_eq!(content(&next.region), expected.map(|(row, value)| (row, value.to_owned())));
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,5"]);
    assert!(fs.list(&region.join("recovered.wals")).await.unwrap().is_empty());
}

/// A process that became active again opens its region again, under the same name.
#[tokio::test]
async fn the_same_name_again() {
    let f = Fixture::new(1);
    let one = f.open(1).await.unwrap();
    one.region.mutate(vec![put(1, "a")]).await.unwrap();
    f.clock.advance(1);
    let again = f.open(1).await.unwrap();
    assert!(one.region.mutate(vec![put(1, "late")]).await.is_err());
    again.region.mutate(vec![put(2, "b")]).await.unwrap();
    assert_eq!(content(&again.region), [(1, "a".into()), (2, "b".into())]);
}

#[tokio::test]
async fn a_damaged_log_stops_the_master_and_stays() {
    let f = Fixture::new(1);
    let one = f.open(1).await.unwrap();
    one.region.mutate(vec![put(1, "a")]).await.unwrap();
    one.region.mutate(vec![put(2, "b")]).await.unwrap();
    one.region.close().await.unwrap();
    let fs = f.disk.client("admin");
    let folder: FsPath = "/hbase/MasterData/WALs/master,16000,1".parse().unwrap();
    let log = folder.join(&fs.list(&folder).await.unwrap()[0].name);
    let mut content = fs.read_whole(&log, 1 << 20).await.unwrap().to_vec();
    let at = content.len() - 120;
    content[at] ^= 0x55;
    fs.write_whole(&log, content.into(), CreateOptions::overwrite()).await.unwrap();
    for n in 2..4 {
        let refused = f.open(n).await.map(|_| ()).unwrap_err();
        let chain = format!("{refused}: {}", std::error::Error::source(&refused).unwrap());
        assert!(chain.contains("recovered.wals/master%2C16000%2C1.") && chain.contains("at byte"), "{chain}");
    }
}

/// A clock that was set back gives the log of a later life the name of an earlier one, which still waits to be read.
#[tokio::test]
async fn logs_of_one_name() {
    let f = Fixture::new(1);
    f.open(1).await.unwrap().region.mutate(vec![put(1, "a")]).await.unwrap();
    // The second takeover dies before it has archived the first one's log.
    f.disk.set_fault_plan(|call: &hmaster_fs::memory::Call<'_>| match call.operation {
        hmaster_fs::Operation::SetModified => hmaster_fs::memory::Fault::CrashBefore,
        _ => hmaster_fs::memory::Fault::None,
    });
    assert!(f.open(1).await.is_err());
    f.disk.set_fault_plan(hmaster_fs::memory::NoFaults);
    let next = f.open(1).await.unwrap();
    assert_eq!(content(&next.region), [(1, "a".into())]);
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,1"]);
}

/// A Java master on HDFS that finds a folder both with and without the mark moves the one into the other.
#[tokio::test]
async fn logs_in_a_folder_in_a_folder() {
    let f = Fixture::new(1);
    f.open(1).await.unwrap().region.mutate(vec![put(1, "a")]).await.unwrap();
    let fs = f.disk.client("java");
    let wals: FsPath = "/hbase/MasterData/WALs".parse().unwrap();
    fs.mkdirs(&wals.join("master,16000,1-dead"), None).await.unwrap();
    let inside = wals.join("master,16000,1-dead").join("master,16000,1");
    fs.rename(&wals.join("master,16000,1"), &inside).await.unwrap();
    let next = f.open(2).await.unwrap();
    assert_eq!(content(&next.region), [(1, "a".into())]);
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,2"]);
}

/// An old log was archived, but the answer got lost: that is no reason to stop.
#[tokio::test]
async fn a_lost_answer_while_archiving() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    f.disk.client("admin").mkdirs(&root().join("oldWALs"), None).await.unwrap();
    f.disk.set_fault_plan(|call: &hmaster_fs::memory::Call<'_>| match call.operation {
        hmaster_fs::Operation::Rename => hmaster_fs::memory::Fault::FailAfter(FsErrorKind::Unknown),
        _ => hmaster_fs::memory::Fault::None,
    });
    master.region.roll();
    master.region.mutate(vec![put(1, "a")]).await.unwrap();
    for n in 0.. {
        master.region.mutate(vec![put(2, "b")]).await.unwrap();
        if !f.names("oldWALs").await.is_empty() {
            break;
        }
        assert!(n < 1000, "nothing is archived");
    }
    f.disk.set_fault_plan(hmaster_fs::memory::NoFaults);
    master.region.roll();
    master.region.mutate(vec![put(3, "c")]).await.unwrap();
    master.region.close().await.unwrap();
    assert_eq!(f.names("oldWALs").await.len(), 2);
}
