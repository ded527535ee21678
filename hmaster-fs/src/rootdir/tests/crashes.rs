//! Every operation of several steps is crashed before and after each of its changes, and done again by
//! another process: it comes to the end that it comes to without a crash.

use std::pin::Pin;

use hmaster_types::SeqNum;

use super::*;
use crate::memory::{CrashAtChange, NoFaults};

type Work = fn(RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>>;

/// What is below the root folder, without what a crash may leave that means nothing.
fn end_of(f: &Fixture) -> BTreeMap<FsPath, Content> {
    let meaningless = |path: &FsPath| path.name() == Some(".new-tableinfo");
    f.disk.snapshot().into_iter().filter(|(path, _)| !meaningless(path)).collect()
}

/// Does `work` after `set_up`, with a crash at every point that there is, and twice without.
async fn crash_everywhere(set_up: Work, work: Work) {
    crash_and_look_everywhere(set_up, work, |_| {}).await;
}

/// The same, and looks at what each crash leaves.
async fn crash_and_look_everywhere(set_up: Work, work: Work, look: impl Fn(&Fixture)) {
    let undisturbed = Fixture::new(0);
    set_up(undisturbed.root.clone()).await.unwrap();
    work(undisturbed.root.clone()).await.unwrap();
    let wanted = end_of(&undisturbed);
    work(undisturbed.next()).await.unwrap();
    assert_eq!(end_of(&undisturbed), wanted, "done a second time");

    for after in [false, true] {
        for nth in 0.. {
            assert!(nth < 1000, "an end must come");
            let f = Fixture::new(nth);
            set_up(f.root.clone()).await.unwrap();
            let plan = Arc::new(if after { CrashAtChange::after(nth) } else { CrashAtChange::before(nth) });
            f.disk.set_fault_plan(Arc::clone(&plan));
            let crashed = work(f.next()).await;
            if !plan.reached() {
                crashed.unwrap();
                assert!(nth > 0, "there is something to crash");
                break;
            }
            // The last change may be one whose failure doesn't matter, but the process is gone all the same.
            f.disk.set_fault_plan(NoFaults);
            look(&f);
            work(f.next())
                .await
                .unwrap_or_else(|error| panic!("again after a crash at {nth}, {after}: {error}"));
            assert_eq!(end_of(&f), wanted, "a crash at {nth}, {after}");
        }
    }
}

fn nothing(_: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
    Box::pin(async { Ok(()) })
}

fn prepare(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
    Box::pin(async move {
        root.prepare(&options(), &Chance::seeded(7)).await?;
        root.write_hbck1_lock("host").await
    })
}

/// A root folder with a table of three regions with store files.
fn with_table(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
    Box::pin(async move {
        prepare(root.clone()).await?;
        root.create_table(&schema(1), &regions(3)).await?;
        for region in regions(3) {
            for file in ["f/a", "f/b", "recovered.edits/4.seqid"] {
                put(&root, &format!("data/ns/t/{}/{file}", region.encoded_name()), "data").await;
            }
        }
        put(&root, &format!("mobdir/data/ns/t/{}/f/big", layout::mob_region(&table())), "big").await;
        Ok(())
    })
}

/// Each file that [`with_table`] made with data in it is somewhere.
fn nothing_is_lost(f: &Fixture) {
    let mut wanted: Vec<String> = Vec::new();
    for region in regions(3) {
        wanted.extend(["f/a", "f/b"].map(|file| format!("data/ns/t/{}/{file}", region.encoded_name())));
    }
    wanted.push(format!("data/ns/t/{}/f/big", layout::mob_region(&table())));
    let files = f.file_names("");
    for file in wanted {
        assert!(files.iter().any(|path| path.ends_with(&file)), "{file} is lost: {files:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn preparing_a_new_root_folder() {
    // A crash must not change the id, so the id is part of the end.
    crash_everywhere(nothing, prepare).await;
}

#[tokio::test(start_paused = true)]
async fn preparing_with_a_table_in_temp() {
    fn with_temp(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
        Box::pin(async move {
            with_table(root.clone()).await?;
            let fs = root.file_system();
            fs.mkdirs(&below_root(".tmp/data/ns"), None).await?;
            Ok(fs.rename(&below_root("data/ns/t"), &below_root(".tmp/data/ns/t")).await?)
        })
    }
    crash_and_look_everywhere(with_temp, prepare, nothing_is_lost).await;
}

#[tokio::test(start_paused = true)]
async fn making_hbase_meta() {
    crash_everywhere(prepare, |root| {
        Box::pin(async move { root.bootstrap_meta(&meta_descriptor(&MetaOptions::default())).await })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn creating_a_table() {
    crash_everywhere(prepare, |root| {
        Box::pin(async move { root.create_table(&schema(1), &regions(5)).await })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn archiving_a_region() {
    let archive: Work = |root| Box::pin(async move { root.archive_region(&regions(3)[1]).await.map(drop) });
    crash_and_look_everywhere(with_table, archive, nothing_is_lost).await;
}

#[tokio::test(start_paused = true)]
async fn archiving_over_an_archived_name() {
    fn with_clash(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
        Box::pin(async move {
            with_table(root.clone()).await?;
            put(&root, &format!("archive/data/ns/t/{}/f/a", regions(3)[1].encoded_name()), "olda").await;
            Ok(())
        })
    }
    let archive: Work = |root| Box::pin(async move { root.archive_region(&regions(3)[1]).await.map(drop) });
    let both_are_there = |f: &Fixture| {
        nothing_is_lost(f);
        assert!(f.files("").values().any(|content| content == "olda"), "what was archived before is lost");
    };
    crash_and_look_everywhere(with_clash, archive, both_are_there).await;
}

#[tokio::test(start_paused = true)]
async fn deleting_a_table() {
    let delete: Work = |root| Box::pin(async move { root.delete_table(&table()).await });
    let java_could_go_on = |f: &Fixture| {
        nothing_is_lost(f);
        let folders = f.disk.snapshot();
        let (table, mob) = (f.root.layout().table(&table()), f.root.layout().mob_table(&table()));
        assert!(
            folders.contains_key(&table) || !folders.contains_key(&mob),
            "Java would leave the big values"
        );
    };
    crash_and_look_everywhere(with_table, delete, java_could_go_on).await;
}

#[tokio::test(start_paused = true)]
async fn deleting_a_namespace() {
    fn with_namespace(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
        Box::pin(async move {
            prepare(root.clone()).await?;
            put(&root, "data/ns/.tmp/left over", "").await;
            Ok(())
        })
    }
    crash_everywhere(with_namespace, |root| Box::pin(async move { root.delete_namespace("ns").await })).await;
}

#[tokio::test(start_paused = true)]
async fn recording_a_sequence_id() {
    crash_everywhere(with_table, |root| {
        Box::pin(async move { root.write_sequence_id(&regions(3)[0], SeqNum(9)).await })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fencing_splitting_and_archiving_wals() {
    fn with_wals(root: RootDir) -> Pin<Box<dyn Future<Output = Result<(), RootDirError>> + Send>> {
        Box::pin(async move {
            prepare(root.clone()).await?;
            for wal in ["a.1", "a.2", "a.3.meta"] {
                put(&root, &format!("WALs/{}/{wal}", server()), "edits").await;
            }
            put(&root, &format!("WALs/{}-splitting/a.0", server()), "edits").await;
            Ok(())
        })
    }
    crash_everywhere(with_wals, |root| {
        Box::pin(async move {
            root.fence_wals(&server()).await?;
            for wal in root.wals_to_split(&server(), WalKind::Other).await? {
                root.archive_wal(&wal).await?;
            }
            root.archive_meta_wals(&server()).await?;
            root.delete_wal_folder(&server()).await
        })
    })
    .await;
}

/// The number in the name depends on what an interrupted attempt left, so the schema is compared, and that
/// one file is left.
#[tokio::test(start_paused = true)]
async fn changing_a_schema() {
    for after in [false, true] {
        for nth in 0.. {
            let f = Fixture::prepared().await;
            f.root.write_table_descriptor(&schema(1)).await.unwrap();
            let plan = Arc::new(if after { CrashAtChange::after(nth) } else { CrashAtChange::before(nth) });
            f.disk.set_fault_plan(Arc::clone(&plan));
            let done = f.next().write_table_descriptor(&schema(2)).await;
            f.disk.set_fault_plan(NoFaults);
            let between = f.next().table_descriptor(&table()).await.unwrap();
            assert!(between == Some(schema(1)) || between == Some(schema(2)), "never none, never torn");
            f.next().write_table_descriptor(&schema(2)).await.unwrap();
            assert_eq!(f.next().table_descriptor(&table()).await.unwrap(), Some(schema(2)));
            let files = f.file_names("data/ns/t/.tabledesc/.tableinfo");
            assert_eq!(files.len(), 1, "{files:?} after a crash at {nth}, {after}");
            if !plan.reached() {
                done.unwrap();
                assert!(nth > 4);
                break;
            }
        }
    }
}
