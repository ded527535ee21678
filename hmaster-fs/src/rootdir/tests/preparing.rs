//! A master begins.

use std::time::Duration;

use super::*;
use crate::memory::Fault;
use crate::{FsErrorKind, Operation, Permission};

#[tokio::test]
async fn a_new_root_folder_has_everything() {
    let f = Fixture::new(1);
    let info = f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
    assert!(info.is_new);
    let paths: Vec<String> = f.disk.snapshot().into_keys().map(|path| path.to_string()).collect();
    assert_eq!(
        paths,
        [
            "/",
            "/hbase",
            "/hbase/.hbck",
            "/hbase/.tmp",
            "/hbase/WALs",
            "/hbase/archive",
            "/hbase/corrupt",
            "/hbase/data",
            "/hbase/hbase.id",
            "/hbase/hbase.version",
            "/hbase/mobdir",
            "/hbase/oldWALs",
            "/hbase/staging",
        ]
    );
    let staging = f.root.file_system().status(&below_root("staging")).await.unwrap();
    assert_eq!(staging.permission, Permission::new(0o711));
}

#[tokio::test]
async fn the_next_master_finds_the_same_cluster() {
    let f = Fixture::prepared().await;
    let before = f.disk.snapshot();
    let first = f.root.prepare(&options(), &Chance::seeded(8)).await.unwrap();
    assert!(!first.is_new);
    assert_eq!(f.next().prepare(&options(), &Chance::seeded(9)).await.unwrap(), first);
    assert_eq!(f.disk.snapshot(), before);
}

#[tokio::test]
async fn wals_may_be_elsewhere() {
    let f = Fixture::new(1);
    let other = MemoryDisk::new(MemoryOptions::default(), f.clock.clone(), Chance::seeded(1));
    let wal_fs = Arc::new(other.client("master"));
    // Both are called memory:, so the roots must differ for the layout to tell them apart.
    let root = f.root.clone().with_wals_in(wal_fs, path("wal")).unwrap();
    root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
    let there: Vec<String> = other.snapshot().into_keys().map(|path| path.to_string()).collect();
    assert_eq!(there, ["/", "/wal", "/wal/WALs", "/wal/corrupt", "/wal/oldWALs"]);
    assert!(!f.disk.snapshot().contains_key(&below_root("WALs")));

    root.write_sequence_id(&regions(1)[0], hmaster_types::SeqNum(5)).await.unwrap();
    root.create_table(&schema(1), &regions(1)).await.unwrap();
    root.delete_table(&table()).await.unwrap();
    assert!(!other.snapshot().contains_key(&path("wal/data/ns/t")));

    let inside = f.root.clone().with_wals_in(Arc::clone(f.root.file_system()), below_root("wal"));
    assert!(matches!(inside, Err(RootDirError::WalRootInside { .. })));
    assert!(f.root.clone().with_wals_in(Arc::clone(f.root.file_system()), path("hbase")).is_ok());
}

#[tokio::test]
async fn with_security_others_are_kept_out() {
    let f = Fixture::new(1);
    let secure = PrepareOptions { secure: true, ..options() };
    f.root.prepare(&secure, &Chance::seeded(7)).await.unwrap();
    for (relative, permission) in
        [("data", 0o700), ("WALs", 0o700), (".tmp", 0o700), ("hbase.id", 0o600), ("hbase.version", 0o600)]
    {
        let found = f.root.file_system().status(&below_root(relative)).await.unwrap();
        assert_eq!(found.permission, Permission::new(permission), "{relative}");
    }
    f.root.file_system().set_permission(&path("hbase"), Permission::OWNER_ALL).await.unwrap();
    f.root.prepare(&secure, &Chance::seeded(7)).await.unwrap();
    let root = f.root.file_system().status(&path("hbase")).await.unwrap();
    assert_eq!(root.permission, Permission::new(0o711));
}

#[tokio::test]
async fn a_version_that_is_missing_beside_data() {
    let f = Fixture::prepared().await;
    for content in [None, Some("")] {
        f.root.file_system().delete(&below_root("hbase.version")).await.unwrap();
        if let Some(content) = content {
            f.put("hbase.version", content).await;
        }
        // Without hbase:meta the folder may as well be new.
        f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
        f.root.file_system().delete(&below_root("hbase.version")).await.unwrap();
        f.put("data/hbase/meta/1588230740/.regioninfo", "x").await;
        let error = f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap_err();
        assert!(matches!(error, RootDirError::VersionMissing { .. }), "{error}");
        assert!(
            error.to_string().contains("/hbase/hbase.version") && error.to_string().contains("1588230740")
        );
        f.root.file_system().delete_tree(&below_root("data/hbase")).await.unwrap();
        f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
    }
}

#[tokio::test]
async fn files_of_before_protobuf() {
    let f = Fixture::prepared().await;
    f.put("hbase.id", "\0\x06old-id").await;
    let info = f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
    assert_eq!(info, RootInfo { cluster_id: "old-id".into(), is_new: false });
    assert_eq!(f.files("hbase.id")["hbase.id"], content::encode_cluster_id("old-id"));
    f.put("hbase.version", "\0\x017").await;
    let error = f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap_err();
    assert!(matches!(&error, RootDirError::OtherVersion { found, .. } if found == "7"), "{error}");
}

#[tokio::test]
async fn a_file_in_place_of_the_root_folder() {
    let f = Fixture::new(1);
    f.root.file_system().write_whole(&path("hbase"), "x".into(), CreateOptions::new()).await.unwrap();
    let error = f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap_err();
    assert!(matches!(error, RootDirError::RootIsNoFolder { .. }), "{error}");
}

#[tokio::test]
async fn tables_in_temp_are_archived() {
    let f = Fixture::prepared().await;
    f.put(".tmp/data/ns/t/0123456789abcdef0123456789abcdef/f/hfile", "data").await;
    f.put(".tmp/data/ns/t/.tabledesc/.tableinfo.0000000001.5", "x").await;
    f.put(".tmp/hbase.version", "left over").await;
    f.next().prepare(&options(), &Chance::seeded(7)).await.unwrap();
    assert_eq!(f.file_names("archive"), ["archive/data/ns/t/0123456789abcdef0123456789abcdef/f/hfile"]);
    assert!(f.file_names(".tmp").is_empty());
    f.put(".tmp/data/ns/t/0123456789abcdef0123456789abcdef/f/hfile2", "data").await;
    let keep = PrepareOptions { keep_temp: true, ..options() };
    f.next().prepare(&keep, &Chance::seeded(7)).await.unwrap();
    assert_eq!(f.file_names("archive").len(), 2);
    assert!(f.disk.snapshot().contains_key(&below_root(".tmp/data/ns/t")), "its ACLs are somebody's");
}

#[tokio::test]
async fn a_lock_against_hbck_of_hbase_1() {
    let f = Fixture::prepared().await;
    for _ in 0..2 {
        f.root.write_hbck1_lock("host.example").await.unwrap();
    }
    let lock = &f.files(".tmp")[".tmp/hbase-hbck.lock"];
    assert!(lock.starts_with(b"host.example"), "{lock:?}");
}

/// A new HDFS takes folders at once, and files only when it has a DataNode.
#[tokio::test(start_paused = true)]
async fn writing_is_tried_again() {
    let f = Fixture::new(1);
    let started = tokio::time::Instant::now();
    f.disk.set_fault_plan(move |call: &crate::memory::Call<'_>| {
        let early = started.elapsed() < Duration::from_secs(15);
        let writes = call.operation == Operation::Write;
        if early && writes { Fault::Fail(FsErrorKind::Unavailable) } else { Fault::None }
    });
    f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    f.disk.set_fault_plan(|call: &crate::memory::Call<'_>| {
        if call.operation == Operation::Write { Fault::Fail(FsErrorKind::Unavailable) } else { Fault::None }
    });
    let f = Fixture { root: RootDir::new(Arc::new(f.disk.client("m")), path("new"), f.clock.clone()), ..f };
    assert!(f.root.prepare(&options(), &Chance::seeded(7)).await.unwrap_err().is_transient());
}

#[tokio::test(start_paused = true)]
async fn safe_mode_is_waited_out() {
    let f = Fixture::new(1);
    f.disk.set_safe_mode(true);
    let (root, disk) = (f.root.clone(), f.disk.clone());
    let preparing = tokio::spawn(async move { root.prepare(&options(), &Chance::seeded(7)).await });
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!preparing.is_finished());
    disk.set_safe_mode(false);
    preparing.await.unwrap().unwrap();
}

#[tokio::test]
async fn metas_folder_on_a_new_cluster() {
    let f = Fixture::prepared().await;
    let schema = meta_descriptor(&MetaOptions::default());
    for _ in 0..2 {
        f.root.bootstrap_meta(&schema).await.unwrap();
        let info = f.root.region_info(&TableName::meta(), hmaster_types::EncodedName::META).await.unwrap();
        assert_eq!(info, Some(RegionInfo::meta()));
        assert_eq!(f.root.table_descriptor(&TableName::meta()).await.unwrap(), Some(schema.clone()));
        assert_eq!(f.file_names("data/hbase/meta/.tabledesc").len(), 1);
    }
    f.put("data/hbase/meta/1588230740/recovered.edits/2.seqid", "").await;
    f.put("data/hbase/meta/1588230740/info/empty", "").await;
    f.root.bootstrap_meta(&schema).await.unwrap();
    f.put("data/hbase/meta/1588230740/info/0123", "data").await;
    let error = f.root.bootstrap_meta(&schema).await.unwrap_err();
    assert!(matches!(&error, RootDirError::MetaHasData { file } if file.name() == Some("0123")), "{error}");
}
