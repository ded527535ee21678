//! What is special about local disk: checksum files, the fence by inode, recovery without leases.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::CreateMode;

const FS: LocalFileSystem = LocalFileSystem;

fn folder() -> (TempDir, FsPath) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap().parse().unwrap();
    (folder, root)
}

/// All names, those that listings hide too.
fn raw_names(folder: &FsPath) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(os(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn put(path: &FsPath, content: &str) {
    fs::write(os(path), content).unwrap();
}

async fn open_log(folder: &FsPath) -> Box<dyn Writer> {
    FS.mkdirs(folder, None).await.unwrap();
    let mut log = FS.create(&folder.join("log"), CreateOptions::new()).await.unwrap();
    log.write("synced".into()).await.unwrap();
    log.sync().await.unwrap();
    log
}

#[tokio::test]
async fn a_rename_alone_fences_what_is_synced_after_it() {
    for (renamed, put_back) in [("a/b/log", false), ("a/b", false), ("a", false), ("a/b", true)] {
        let (keep, root) = folder();
        let nested = root.join("a").join("b");
        let mut log = open_log(&nested).await;
        log.write(", more".into()).await.unwrap();
        fs::rename(keep.path().join(renamed), keep.path().join("moved")).unwrap();
        if put_back {
            fs::create_dir(os(&nested)).unwrap();
            put(&nested.join("log"), "synced, more");
        }
        assert_eq!(log.sync().await.unwrap_err().kind, FsErrorKind::Fenced, "{renamed} {put_back}");
        assert_eq!(log.close().await.unwrap_err().kind, FsErrorKind::Fenced, "{renamed} {put_back}");
    }
}

#[tokio::test]
async fn bytes_that_arrive_after_recovery_are_not_read() {
    let (_keep, root) = folder();
    let log = open_log(&root).await;
    let path = root.join("log");
    let mut held_open = fs::File::options().append(true).open(os(&path)).unwrap();
    FS.recover_lease(&path, Duration::ZERO).await.unwrap();
    held_open.write_all(b", too late").unwrap();
    assert_eq!(FS.read_whole(&path, 100).await.unwrap(), "synced");
    assert_eq!(log.close().await.unwrap_err().kind, FsErrorKind::Fenced);
    assert_eq!(raw_names(&root), ["log"]);
}

/// Each state that a crash can leave recovery in, and one in which the old writer got more in while it was
/// copied.
#[tokio::test]
async fn an_interrupted_recovery_goes_on() {
    type Crash = fn(&Path);
    let link: Crash = |at| fs::hard_link(at.join("log"), at.join(".log.recovering.crc")).unwrap();
    let states: [(&str, Crash); 3] = [
        ("second name", |_| {}),
        ("half a copy", |at| fs::write(at.join(".log.recovered.crc"), "sy").unwrap()),
        ("replaced", |at| {
            fs::write(at.join(".log.recovered.crc"), "synced").unwrap();
            fs::rename(at.join(".log.recovered.crc"), at.join("log")).unwrap();
        }),
    ];
    for more in ["", ", and answered"] {
        for (state, crash) in states {
            let (keep, root) = folder();
            let _log = open_log(&root).await;
            let mut held_open = fs::File::options().append(true).open(keep.path().join("log")).unwrap();
            link(keep.path());
            crash(keep.path());
            held_open.write_all(more.as_bytes()).unwrap();
            FS.recover_lease(&root.join("log"), Duration::ZERO).await.unwrap();
            let wanted = format!("synced{more}");
            assert_eq!(FS.read_whole(&root.join("log"), 100).await.unwrap(), wanted, "{state}");
            assert_eq!(raw_names(&root), ["log"], "{state}");
        }
    }
}

#[tokio::test]
async fn what_recovery_left_of_another_file_does_no_harm() {
    for old in ["", "of another life of the name", "synced"] {
        let (_keep, root) = folder();
        open_log(&root).await.close().await.unwrap();
        put(&root.join(".log.recovering.crc"), old);
        FS.recover_lease(&root.join("log"), Duration::ZERO).await.unwrap();
        assert_eq!(FS.read_whole(&root.join("log"), 100).await.unwrap(), "synced", "{old}");
        assert_eq!(raw_names(&root), ["log"], "{old}");
    }
}

#[tokio::test]
async fn a_file_we_make_has_no_checksums_of_another() {
    let (_keep, root) = folder();
    let path = root.join("file");
    let options = |mode| CreateOptions { mode, permission: None };
    for mode in [CreateMode::New, CreateMode::Overwrite] {
        put(&root.join(".file.crc"), "stale");
        FS.write_whole(&path, Bytes::new(), options(mode)).await.unwrap();
        assert_eq!(raw_names(&root), ["file"], "{mode:?}");
    }
    for file_is_there in [true, false] {
        put(&root.join(".file.crc"), "stale");
        if !file_is_there {
            fs::remove_file(os(&path)).unwrap();
        }
        FS.write_many(vec![NewFile { path: path.clone(), content: "x".into() }]).await.unwrap();
        assert_eq!(raw_names(&root), ["file"], "{file_is_there}");
    }
    put(&root.join(".file.crc"), "true");
    assert!(FS.create(&path, CreateOptions::new()).await.unwrap_err().is_already_exists());
    assert_eq!(raw_names(&root), [".file.crc", "file"], "not ours to remove");
    FS.recover_lease(&path, Duration::ZERO).await.unwrap();
    assert_eq!(raw_names(&root), ["file"]);
}

#[tokio::test]
async fn checksums_move_and_go_with_their_file() {
    let (_keep, root) = folder();
    let (a, b) = (root.join("a"), root.join("b"));
    let java_writes = |path: &FsPath| {
        put(path, path.name().unwrap());
        fs::write(checksum::path_for(os(path)), path.name().unwrap()).unwrap();
    };
    java_writes(&a);
    put(&root.join(".b.crc"), "stale");
    FS.rename(&a, &b).await.unwrap();
    assert_eq!(raw_names(&root), [".b.crc", "b"]);
    assert_eq!(fs::read(os(&root.join(".b.crc"))).unwrap(), b"a");

    put(&a, "without checksums");
    FS.rename_replacing(&a, &b).await.unwrap();
    assert_eq!(raw_names(&root), ["b"]);
    java_writes(&a);
    FS.rename_replacing(&a, &b).await.unwrap();
    assert_eq!(raw_names(&root), [".b.crc", "b"]);
    assert!(FS.delete(&b).await.unwrap());
    assert_eq!(raw_names(&root), [""; 0]);
}

#[tokio::test]
async fn checksums_are_hidden_and_do_not_fill_a_folder() {
    let (_keep, root) = folder();
    let sub = root.join("sub");
    FS.mkdirs(&sub, None).await.unwrap();
    put(&sub.join(".gone.crc"), "stale");
    assert_eq!(FS.list(&sub).await.unwrap(), []);
    assert!(FS.delete(&sub).await.unwrap());
    FS.mkdirs(&sub, None).await.unwrap();
    put(&sub.join(".there.crc"), "true");
    put(&sub.join("there"), "");
    assert_eq!(FS.delete(&sub).await.unwrap_err().kind, FsErrorKind::NotEmpty);
    assert_eq!(raw_names(&sub), [".there.crc", "there"]);
}

#[tokio::test]
async fn a_name_of_full_length_has_no_room_for_checksums() {
    let (_keep, root) = folder();
    let (a, b) = (root.join(&"a".repeat(255)), root.join(&"b".repeat(255)));
    FS.write_whole(&a, "x".into(), CreateOptions::overwrite()).await.unwrap();
    FS.rename(&a, &b).await.unwrap();
    FS.rename_replacing(&b, &a).await.unwrap();
    assert!(FS.delete(&a).await.unwrap());
}

#[tokio::test]
async fn names_that_are_not_utf8_are_left_out() {
    use std::os::unix::ffi::OsStrExt as _;
    let (keep, root) = folder();
    fs::write(keep.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    assert_eq!(FS.list(&root).await.unwrap(), []);
    assert!(FS.delete_tree(&root).await.unwrap());
}

#[test]
fn a_dropped_sync_leaves_a_writer_that_says_so() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.max_blocking_threads(1).build().unwrap().block_on(async {
        let (_keep, root) = folder();
        let mut log = open_log(&root).await;
        let (let_go, hold) = std::sync::mpsc::channel::<()>();
        let only_thread = tokio::task::spawn_blocking(move || hold.recv());
        {
            let mut sync = Box::pin(log.sync());
            assert!(futures_util::poll!(&mut sync).is_pending(), "the only thread is held");
        }
        drop(let_go);
        assert!(only_thread.await.unwrap().is_err());
        assert_eq!(log.write("x".into()).await.unwrap_err().kind, FsErrorKind::Unknown);
        assert_eq!(log.sync().await.unwrap_err().kind, FsErrorKind::Unknown);
    });
}
