//! Folders, listings, renames, deletions.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use super::{Case, Fixture, failure};
use crate::FsErrorKind::{AlreadyExists, Invalid, IsADirectory, NotADirectory, NotEmpty, NotFound};
use crate::{CreateOptions, FileKind, Permission};

pub(super) const CASES: &[Case] = &[
    ("folders_are_made_with_those_above", |f| folders_are_made_with_those_above(f).boxed()),
    ("a_file_in_the_way_of_a_folder", |f| a_file_in_the_way_of_a_folder(f).boxed()),
    ("absent_is_not_empty", |f| absent_is_not_empty(f).boxed()),
    ("listings_are_sorted", |f| listings_are_sorted(f).boxed()),
    ("pages_miss_nothing", |f| pages_miss_nothing(f).boxed()),
    ("renames", |f| renames(f).boxed()),
    ("a_rename_replaces_nothing", |f| a_rename_replaces_nothing(f).boxed()),
    ("a_rename_tells_what_is_missing", |f| a_rename_tells_what_is_missing(f).boxed()),
    ("a_folder_does_not_go_into_itself", |f| a_folder_does_not_go_into_itself(f).boxed()),
    ("replacing_renames", |f| replacing_renames(f).boxed()),
    ("deletions", |f| deletions(f).boxed()),
    ("times_and_permissions", |f| times_and_permissions(f).boxed()),
    ("names_that_are_too_long", |f| names_that_are_too_long(f).boxed()),
    ("uris", |f| uris(f).boxed()),
];

async fn folders_are_made_with_those_above(f: Fixture) {
    let deep = f.at("a/b/c");
    f.fs.mkdirs(&deep, None).await.unwrap();
    f.fs.mkdirs(&deep, None).await.unwrap();
    let status = f.fs.status(&deep).await.unwrap();
    assert_eq!((&*status.name, status.kind, status.length), ("c", FileKind::Directory, 0));
    assert_eq!(f.names(&f.at("a")).await, ["b"]);
    assert!(f.fs.exists(&deep).await.unwrap() && !f.fs.exists(&f.at("x")).await.unwrap());
}

async fn a_file_in_the_way_of_a_folder(f: Fixture) {
    let file = f.put("file", "x").await;
    assert_eq!(failure(f.fs.mkdirs(&file, None).await).0, NotADirectory);
    assert_eq!(failure(f.fs.mkdirs(&file.join("below"), None).await).0, NotADirectory);
    assert_eq!(failure(f.fs.status(&file.join("below")).await).0, NotFound);
    assert_eq!(f.content(&file).await, "x");
}

async fn absent_is_not_empty(f: Fixture) {
    let folder = f.at("folder");
    assert_eq!(failure(f.fs.list(&folder).await), (NotFound, folder.clone()));
    assert_eq!(failure(f.fs.status(&folder).await), (NotFound, folder.clone()));
    f.fs.mkdirs(&folder, None).await.unwrap();
    assert_eq!(f.fs.list(&folder).await.unwrap(), []);
    let file = f.put("file", "x").await;
    assert_eq!(failure(f.fs.list(&file).await), (NotADirectory, file));
}

async fn listings_are_sorted(f: Fixture) {
    for name in ["b", "a.1", "a", "B", ".dot", "a-splitting"] {
        f.put(&format!("folder/{name}"), "12345").await;
    }
    f.fs.mkdirs(&f.at("folder/c"), None).await.unwrap();
    let entries = f.fs.list(&f.at("folder")).await.unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, [".dot", "B", "a", "a-splitting", "a.1", "b", "c"]);
    assert!(entries[0].is_file() && entries[0].length == 5 && entries[6].is_dir());
}

async fn pages_miss_nothing(f: Fixture) {
    let wanted: BTreeSet<String> = (0..2100).map(|n| format!("{n:04}")).collect();
    let make = |name: String| {
        let (f, folder) = (&f, f.at("folder").join(&name));
        async move { f.fs.mkdirs(&folder, None).await }
    };
    stream::iter(wanted.clone()).map(make).buffer_unordered(32).try_collect::<()>().await.unwrap();
    let pages: Vec<_> = f.fs.list_pages(&f.at("folder")).await.unwrap().try_collect().await.unwrap();
    assert!(pages.len() > 1, "many entries come in pages");
    let found: Vec<String> = pages.into_iter().flatten().map(|entry| entry.name.into()).collect();
    assert_eq!(found.len(), wanted.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
    assert!(f.fs.delete_tree(&f.at("folder")).await.unwrap());
}

async fn renames(f: Fixture) {
    let file = f.put("a/file", "x").await;
    f.fs.mkdirs(&f.at("b"), None).await.unwrap();
    f.fs.rename(&file, &f.at("b/moved")).await.unwrap();
    assert_eq!(f.content(&f.at("b/moved")).await, "x");
    assert!(!f.fs.exists(&file).await.unwrap());
    f.fs.rename(&f.at("b"), &f.at("a/c")).await.unwrap();
    assert_eq!(f.content(&f.at("a/c/moved")).await, "x");
    assert_eq!(f.names(&f.root).await, ["a"]);
}

async fn a_rename_replaces_nothing(f: Fixture) {
    let (a, b) = (f.put("a", "a").await, f.put("b", "b").await);
    for folder in ["empty", "full", "moving"] {
        f.fs.mkdirs(&f.at(folder), None).await.unwrap();
    }
    f.put("full/file", "x").await;
    let (empty, full, moving) = (f.at("empty"), f.at("full"), f.at("moving"));
    for (from, to) in [(&a, &b), (&a, &a), (&a, &empty), (&moving, &empty), (&moving, &full), (&moving, &a)] {
        assert_eq!(failure(f.fs.rename(from, to).await), (AlreadyExists, to.clone()), "{from} to {to}");
    }
    assert_eq!((f.content(&a).await, f.content(&b).await), (Bytes::from("a"), Bytes::from("b")));
    assert_eq!(f.names(&f.root).await, ["a", "b", "empty", "full", "moving"]);
}

async fn a_rename_tells_what_is_missing(f: Fixture) {
    let file = f.put("file", "x").await;
    let (absent, orphan) = (f.at("absent"), f.at("nowhere/file"));
    assert_eq!(failure(f.fs.rename(&absent, &f.at("to")).await), (NotFound, absent.clone()));
    assert_eq!(failure(f.fs.rename(&absent, &file).await), (NotFound, absent.clone()));
    assert_eq!(failure(f.fs.rename(&file, &orphan).await), (NotFound, f.at("nowhere")));
    assert_eq!(failure(f.fs.rename_replacing(&absent, &file).await), (NotFound, absent.clone()));
    assert_eq!(failure(f.fs.rename_replacing(&file, &orphan).await), (NotFound, f.at("nowhere")));
    assert_eq!(f.content(&file).await, "x");
}

async fn a_folder_does_not_go_into_itself(f: Fixture) {
    let folder = f.at("folder");
    f.fs.mkdirs(&folder, None).await.unwrap();
    let (kind, _) = failure(f.fs.rename(&folder, &folder.join("inside")).await);
    assert!(matches!(kind, Invalid(_)), "{kind:?}");
    assert!(f.fs.exists(&folder).await.unwrap());
}

async fn replacing_renames(f: Fixture) {
    let (new, file) = (f.put("new", "new").await, f.put("file", "older and longer").await);
    f.fs.rename_replacing(&new, &file).await.unwrap();
    assert_eq!(f.content(&file).await, "new");
    f.fs.rename_replacing(&file, &new).await.unwrap();
    assert_eq!(f.names(&f.root).await, ["new"]);
    let folder = f.at("folder");
    f.fs.mkdirs(&folder, None).await.unwrap();
    assert_eq!(failure(f.fs.rename_replacing(&new, &folder).await), (IsADirectory, folder.clone()));
    assert_eq!(failure(f.fs.rename_replacing(&folder, &new).await), (IsADirectory, folder.clone()));
    assert_eq!(f.names(&f.root).await, ["folder", "new"]);
}

async fn deletions(f: Fixture) {
    let file = f.put("folder/below/file", "x").await;
    let (folder, below) = (f.at("folder"), f.at("folder/below"));
    assert_eq!(failure(f.fs.delete(&folder).await), (NotEmpty, folder.clone()));
    assert!(f.fs.delete(&file).await.unwrap());
    assert!(!f.fs.delete(&file).await.unwrap());
    assert!(!f.fs.delete(&file.join("below a file")).await.unwrap());
    assert!(f.fs.delete(&below).await.unwrap());
    f.put("folder/below/file", "x").await;
    f.put("folder/a/b/c", "x").await;
    assert!(f.fs.delete_tree(&folder).await.unwrap());
    assert!(!f.fs.delete_tree(&folder).await.unwrap());
    assert_eq!(f.fs.list(&f.root).await.unwrap(), []);
    let file = f.put("file", "x").await;
    assert!(f.fs.delete_tree(&file).await.unwrap());
}

async fn times_and_permissions(f: Fixture) {
    let file = f.put("folder/file", "x").await;
    f.fs.set_modified(&file, 1_700_000_000_123).await.unwrap();
    assert_eq!(f.fs.status(&file).await.unwrap().modified_ms, 1_700_000_000_123);
    f.fs.rename(&file, &f.at("file")).await.unwrap();
    assert_eq!(f.fs.status(&f.at("file")).await.unwrap().modified_ms, 1_700_000_000_123);
    let permission = Permission::new(0o711);
    f.fs.mkdirs(&f.at("private"), Some(Permission::OWNER_ALL)).await.unwrap();
    assert_eq!(f.fs.status(&f.at("private")).await.unwrap().permission, Permission::OWNER_ALL);
    f.fs.set_permission(&f.at("private"), permission).await.unwrap();
    assert_eq!(f.fs.status(&f.at("private")).await.unwrap().permission, permission);
    let options = CreateOptions { permission: Some(Permission::new(0o600)), ..CreateOptions::new() };
    f.fs.write_whole(&f.at("secret"), Bytes::new(), options).await.unwrap();
    assert_eq!(f.fs.status(&f.at("secret")).await.unwrap().permission, Permission::new(0o600));
    assert_eq!(failure(f.fs.set_modified(&f.at("absent"), 1).await), (NotFound, f.at("absent")));
    assert_eq!(failure(f.fs.set_permission(&f.at("absent"), permission).await), (NotFound, f.at("absent")));
}

async fn names_that_are_too_long(f: Fixture) {
    let (file, long) = (f.put("file", "x").await, f.at(&"n".repeat(256)));
    let made = [
        failure(f.fs.mkdirs(&long, None).await),
        failure(f.fs.create(&long, CreateOptions::new()).await),
        failure(f.fs.rename(&file, &long).await),
    ];
    for (kind, _) in made {
        assert!(matches!(kind, Invalid(_)), "{kind:?}");
    }
    assert_eq!(failure(f.fs.status(&long).await).0, NotFound);
    assert_eq!(failure(f.fs.list(&long).await).0, NotFound);
    assert!(!f.fs.delete(&long).await.unwrap() && !f.fs.delete_tree(&long).await.unwrap());
    f.fs.mkdirs(&f.at(&"n".repeat(255)), None).await.unwrap();
}

async fn uris(f: Fixture) {
    let uri = f.fs.uri(&f.root).to_string();
    let read: crate::FsUri = uri.parse().unwrap();
    assert_eq!((read.path, read.scheme.is_some()), (f.root, true), "{uri}");
}
