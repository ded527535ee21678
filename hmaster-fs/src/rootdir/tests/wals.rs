//! Folders of WALs.

use super::*;
use crate::FsErrorKind;

const WAL: &str = "host%2C16020%2C1600000000000.host%2C16020%2C1600000000000.regiongroup-0.1600000000001";

#[tokio::test]
async fn servers_with_folders() {
    let f = Fixture::prepared().await;
    assert!(f.root.wal_folders().await.unwrap().is_empty());
    for name in ["b,1,2", "a,1,2-splitting", "a,1,2", "not a server", "a,1,-2", "x,y,z-splitting"] {
        f.root.file_system().mkdirs(&below_root("WALs").join(name), None).await.unwrap();
    }
    f.put("WALs/c,1,2", "a file").await;
    let found = f.root.wal_folders().await.unwrap();
    let wanted = [("a,1,2", false), ("a,1,2", true), ("b,1,2", false)];
    let wanted =
        wanted.map(|(server, is_splitting)| WalFolder { server: server.parse().unwrap(), is_splitting });
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn the_way_of_a_dead_servers_wals() {
    let f = Fixture::prepared().await;
    let (server, root) = (server(), &f.root);
    assert!(!root.fence_wals(&server).await.unwrap());
    f.put(&format!("WALs/{server}/{WAL}"), "edits").await;
    f.put(&format!("WALs/{server}/{WAL}.meta"), "edits of meta").await;
    for _ in 0..2 {
        assert!(root.fence_wals(&server).await.unwrap());
    }
    assert!(f.file_names("WALs").iter().all(|wal| wal.starts_with(&format!("WALs/{server}-splitting/"))));

    let meta = root.wals_to_split(&server, WalKind::Meta).await.unwrap();
    let other = root.wals_to_split(&server, WalKind::Other).await.unwrap();
    assert_eq!((meta.len(), other.len()), (1, 1));
    assert!(meta[0].as_str().ends_with(".meta"));
    let uri = root.wal_uri(&other[0]).to_string();
    assert_eq!(root.parse_wal(&uri).unwrap(), other[0]);

    let error = root.delete_wal_folder(&server).await.unwrap_err();
    assert_eq!(fs_error(&error).kind, FsErrorKind::NotEmpty);
    f.clock.advance(1000);
    for _ in 0..2 {
        root.archive_wal(&other[0]).await.unwrap();
        assert!(!root.wal_exists(&other[0]).await.unwrap());
    }
    let status = root.file_system().status(&below_root(&format!("oldWALs/{WAL}"))).await.unwrap();
    assert_eq!(status.modified_ms, NOW_MS + 1000);
    for _ in 0..2 {
        root.archive_meta_wals(&server).await.unwrap();
        root.delete_wal_folder(&server).await.unwrap();
    }
    assert!(root.wal_folders().await.unwrap().is_empty());
    assert_eq!(root.old_wals_usage().await.unwrap(), Usage { files: 2, folders: 0, bytes: 18 });
}

use crate::Usage;

#[tokio::test]
async fn a_fenced_server_with_a_new_folder() {
    let f = Fixture::prepared().await;
    f.put(&format!("WALs/{}-splitting/{WAL}", server()), "edits").await;
    f.put(&format!("WALs/{}/{WAL}2", server()), "late edits").await;
    assert!(f.root.fence_wals(&server()).await.unwrap());
    assert_eq!(f.root.wals_to_split(&server(), WalKind::Other).await.unwrap().len(), 2);
    assert_eq!(f.root.wal_folders().await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_wals_of_one_name() {
    let f = Fixture::prepared().await;
    f.put(&format!("WALs/{}-splitting/{WAL}", server()), "edits").await;
    f.put(&format!("oldWALs/{WAL}"), "other edits").await;
    let wal = &f.root.wals_to_split(&server(), WalKind::Other).await.unwrap()[0];
    let error = f.root.archive_wal(wal).await.unwrap_err();
    assert!(fs_error(&error).is_already_exists());
    assert_eq!(f.files("oldWALs")[&format!("oldWALs/{WAL}")], "other edits");
}

#[tokio::test]
async fn paths_of_wals_from_outside() {
    let f = Fixture::prepared().await;
    let wal = format!("WALs/{}-splitting/{WAL}", server());
    for text in [
        format!("hdfs://nn:1/hbase/{wal}"),
        format!("/hbase/{wal}"),
        wal.clone(),
        format!("memory:/hbase/{wal}"),
    ] {
        assert_eq!(f.root.parse_wal(&text).unwrap(), below_root(&wal), "{text}");
    }
    for text in [
        "",
        "/",
        "/hbase",
        "/hbase/WALs",
        "WALs",
        "WALs/a,1,1",
        "../x",
        "/hbase/WALs/../data/x/y",
        "/etc/passwd",
        "data/ns/t",
        "WALs/\0/x",
    ] {
        let error = f.root.parse_wal(text).expect_err(text);
        assert!(matches!(error, RootDirError::NotAWal { .. }), "{error}");
    }
}
