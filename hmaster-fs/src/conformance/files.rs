//! Files written and read.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::{Case, Fixture, failure};
use crate::FsErrorKind::{AlreadyExists, Invalid, IsADirectory, NotFound, TooLarge};
use crate::{CreateOptions, NewFile, READ_BYTES_MAX, Usage};

pub(super) const CASES: &[Case] = &[
    ("what_was_written_is_read", |f| what_was_written_is_read(f).boxed()),
    ("positioned_reads", |f| positioned_reads(f).boxed()),
    ("reads_are_bounded", |f| reads_are_bounded(f).boxed()),
    ("a_new_file_replaces_nothing", |f| a_new_file_replaces_nothing(f).boxed()),
    ("of_many_creators_one_succeeds", |f| of_many_creators_one_succeeds(f).boxed()),
    ("creating_makes_no_folder", |f| creating_makes_no_folder(f).boxed()),
    ("overwriting_starts_afresh", |f| overwriting_starts_afresh(f).boxed()),
    ("folders_are_no_files", |f| folders_are_no_files(f).boxed()),
    ("many_at_once", |f| many_at_once(f).boxed()),
];

async fn what_was_written_is_read(f: Fixture) {
    let path = f.at("file");
    let mut file = f.fs.create(&path, CreateOptions::new()).await.unwrap();
    let chunk: Bytes = (0..300_000_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>().into();
    let mut wanted = Vec::new();
    for n in 0..12 {
        file.write(chunk.slice(n..)).await.unwrap();
        wanted.extend_from_slice(&chunk[n..]);
        if n % 5 == 0 {
            file.sync().await.unwrap();
        }
    }
    assert_eq!((file.length(), file.path()), (wanted.len() as u64, &path));
    file.close().await.unwrap();
    assert!(f.content(&path).await == wanted, "the content differs");
    assert_eq!(f.fs.status(&path).await.unwrap().length, wanted.len() as u64);

    let empty = f.at("empty");
    f.fs.create(&empty, CreateOptions::new()).await.unwrap().close().await.unwrap();
    assert_eq!(f.content(&empty).await, "");
    let mut synced = f.fs.create(&f.at("synced empty"), CreateOptions::new()).await.unwrap();
    synced.sync().await.unwrap();
    synced.close().await.unwrap();
}

async fn positioned_reads(f: Fixture) {
    let path = f.put("file", "0123456789").await;
    let file = f.fs.open(&path).await.unwrap();
    assert_eq!(file.length(), 10);
    for (offset, length, wanted) in [
        (0, 10, "0123456789"),
        (3, 4, "3456"),
        (8, 5, "89"),
        (10, 1, ""),
        (11, 5, ""),
        (u64::MAX, 1, ""),
        (5, 0, ""),
    ] {
        assert_eq!(file.read_at(offset, length).await.unwrap(), wanted, "{offset} {length}");
    }
    let both = tokio::join!(file.read_at(0, 5), file.read_at(5, 5));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (Bytes::from("01234"), Bytes::from("56789")));
}

async fn reads_are_bounded(f: Fixture) {
    let path = f.put("file", "0123456789").await;
    assert_eq!(f.fs.read_whole(&path, 10).await.unwrap().len(), 10);
    let (kind, at) = failure(f.fs.read_whole(&path, 9).await);
    assert_eq!((kind, at), (TooLarge { bytes: 10, bytes_max: 9 }, path.clone()));
    let (kind, _) = failure(f.fs.open(&path).await.unwrap().read_at(0, READ_BYTES_MAX + 1).await);
    assert!(matches!(kind, Invalid(_)), "{kind:?}");
}

async fn a_new_file_replaces_nothing(f: Fixture) {
    let path = f.put("file", "x").await;
    assert_eq!(failure(f.fs.create(&path, CreateOptions::new()).await), (AlreadyExists, path.clone()));
    assert_eq!(f.content(&path).await, "x");
    let open = f.at("open");
    let writer = f.fs.create(&open, CreateOptions::new()).await.unwrap();
    assert_eq!(failure(f.other.create(&open, CreateOptions::new()).await), (AlreadyExists, open));
    writer.close().await.unwrap();
}

async fn of_many_creators_one_succeeds(f: Fixture) {
    let path = f.at("file");
    let create = |n: usize| {
        let (f, path) = (&f, &path);
        async move {
            let fs = if n.is_multiple_of(2) { &f.fs } else { &f.other };
            fs.write_whole(path, n.to_string().into(), CreateOptions::new()).await
        }
    };
    let results = join_all((0..8).map(create)).await;
    let winners: Vec<_> = (0..8).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(f.content(&path).await, winners[0].to_string());
    assert!(results.into_iter().flat_map(Result::err).all(|error| error.is_already_exists()));
}

async fn creating_makes_no_folder(f: Fixture) {
    let options = [CreateOptions::new(), CreateOptions::overwrite()];
    for options in options {
        assert_eq!(failure(f.fs.create(&f.at("absent/file"), options).await).0, NotFound);
    }
    assert!(!f.fs.exists(&f.at("absent")).await.unwrap());
}

async fn overwriting_starts_afresh(f: Fixture) {
    let path = f.put("file", "older and longer").await;
    let mut file = f.fs.create(&path, CreateOptions::overwrite()).await.unwrap();
    file.write("new".into()).await.unwrap();
    file.close().await.unwrap();
    assert_eq!(f.content(&path).await, "new");
}

async fn folders_are_no_files(f: Fixture) {
    let folder = f.at("folder");
    f.fs.mkdirs(&folder, None).await.unwrap();
    assert_eq!(failure(f.fs.open(&folder).await), (IsADirectory, folder.clone()));
    assert_eq!(
        failure(f.fs.create(&folder, CreateOptions::overwrite()).await),
        (IsADirectory, folder.clone())
    );
    let (kind, _) = failure(f.fs.create(&folder, CreateOptions::new()).await);
    assert!(matches!(kind, IsADirectory | AlreadyExists), "{kind:?}");
    assert_eq!(failure(f.fs.open(&f.at("absent")).await), (NotFound, f.at("absent")));
    assert_eq!(failure(f.fs.read_whole(&f.at("absent"), 1).await).0, NotFound);
}

async fn many_at_once(f: Fixture) {
    for content in ["first", "2nd"] {
        let files = (0..40).map(|n| {
            let path = f.at("folder").join(&format!("{n:02}")).join(".regioninfo");
            NewFile { path, content: format!("{content} {n}").into() }
        });
        f.fs.write_many(files.collect()).await.unwrap();
        assert_eq!(f.content(&f.at("folder/31/.regioninfo")).await, format!("{content} 31"));
    }
    f.fs.write_many(Vec::new()).await.unwrap();
    let bytes = (0..40).map(|n: u64| "2nd ".len() as u64 + n.to_string().len() as u64).sum();
    assert_eq!(f.fs.usage(&f.at("folder")).await.unwrap(), Usage { files: 40, folders: 40, bytes });
    assert!(f.fs.usage(&f.at("absent")).await.unwrap_err().is_not_found());
}
