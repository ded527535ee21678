//! Who may write a file, and what a successor finds.

use futures_util::FutureExt as _;

use super::{Case, Fixture, LEASE_WAIT_MAX, failure};
use crate::FsErrorKind::{Fenced, NotFound};
use crate::{CreateOptions, FsPath, Writer};

pub(super) const CASES: &[Case] = &[
    ("a_successor_fences_and_reads_all_that_was_synced", |f| {
        a_successor_fences_and_reads_all_that_was_synced(f).boxed()
    }),
    ("a_fenced_process_brings_no_folder_back", |f| a_fenced_process_brings_no_folder_back(f).boxed()),
    ("a_deleted_file_has_no_writer", |f| a_deleted_file_has_no_writer(f).boxed()),
    ("a_replaced_file_has_one_writer", |f| a_replaced_file_has_one_writer(f).boxed()),
    ("recovery_of_a_closed_file_changes_nothing", |f| recovery_of_a_closed_file_changes_nothing(f).boxed()),
];

async fn open_log(f: &Fixture) -> (FsPath, Box<dyn Writer>) {
    let path = f.at("WALs/master/log.1");
    f.fs.mkdirs(&path.parent().unwrap(), None).await.unwrap();
    let mut log = f.fs.create(&path, CreateOptions::new()).await.unwrap();
    log.write("synced".into()).await.unwrap();
    log.sync().await.unwrap();
    (path, log)
}

async fn a_successor_fences_and_reads_all_that_was_synced(f: Fixture) {
    let (path, mut log) = open_log(&f).await;
    log.write(", not synced".into()).await.unwrap();
    let dead = f.at("WALs/master-dead");
    f.other.rename(&path.parent().unwrap(), &dead).await.unwrap();
    let taken = dead.join("log.1");
    f.other.recover_lease(&taken, LEASE_WAIT_MAX).await.unwrap();
    let found = f.other.read_whole(&taken, 1000).await.unwrap();
    assert!(found.starts_with(b"synced"), "{found:?}");
    assert!(found.len() <= "synced, not synced".len(), "{found:?}");

    assert_eq!(failure(log.sync().await).0, Fenced);
    assert!(log.write("more".into()).await.is_err() || log.sync().await.is_err());
    assert_eq!(failure(log.sync().await).0, Fenced, "fenced for good");
    assert_eq!(failure(log.close().await).0, Fenced);
    f.other.recover_lease(&taken, LEASE_WAIT_MAX).await.unwrap();
    assert_eq!(f.other.read_whole(&taken, 1000).await.unwrap(), found, "the end was final");
}

async fn a_fenced_process_brings_no_folder_back(f: Fixture) {
    let (path, log) = open_log(&f).await;
    let folder = path.parent().unwrap();
    f.other.rename(&folder, &f.at("WALs/master-dead")).await.unwrap();
    f.other.recover_lease(&f.at("WALs/master-dead/log.1"), LEASE_WAIT_MAX).await.unwrap();
    let next = folder.join("log.2");
    assert_eq!(failure(f.fs.create(&next, CreateOptions::new()).await).0, NotFound);
    assert_eq!(failure(log.close().await).0, Fenced);
    assert_eq!(f.names(&f.at("WALs")).await, ["master-dead"]);
}

async fn a_deleted_file_has_no_writer(f: Fixture) {
    let (path, mut log) = open_log(&f).await;
    assert!(f.other.delete(&path).await.unwrap());
    log.write("more".into()).await.unwrap();
    assert_eq!(failure(log.sync().await).0, Fenced);
    assert!(!f.fs.exists(&path).await.unwrap());
}

async fn a_replaced_file_has_one_writer(f: Fixture) {
    let (path, mut log) = open_log(&f).await;
    let mut new = f.other.create(&path, CreateOptions::overwrite()).await.unwrap();
    new.write("new".into()).await.unwrap();
    new.sync().await.unwrap();
    log.write("more".into()).await.unwrap();
    assert_eq!(failure(log.sync().await).0, Fenced);
    new.close().await.unwrap();
    assert_eq!(f.content(&path).await, "new");
}

async fn recovery_of_a_closed_file_changes_nothing(f: Fixture) {
    let path = f.put("file", "content").await;
    for _ in 0..2 {
        f.other.recover_lease(&path, LEASE_WAIT_MAX).await.unwrap();
        assert_eq!(f.content(&path).await, "content");
    }
    let absent = f.at("absent");
    assert_eq!(failure(f.fs.recover_lease(&absent, LEASE_WAIT_MAX).await), (NotFound, absent));
    assert_eq!(f.names(&f.root).await, ["file"]);
}
