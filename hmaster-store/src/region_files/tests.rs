//! Region folders on a disk in memory: what is listed, what is refused, and what the manifest of a tracker says.

use std::sync::Arc;

use hmaster_fs::memory::{MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_types::{Cell, CellOrder, Chance, ManualClock, attribute};

use super::*;
use crate::hfile::{HFileOptions, HFileWriter, StoreFileOrigin};

const NOW_MS: u64 = 77;

struct World {
    fs: MemoryFileSystem,
    root: RootDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1));
        let disk = MemoryDisk::new(MemoryOptions::default(), clock.clone(), Chance::seeded(1));
        let root = RootDir::new(Arc::new(disk.client("test")), "/hbase".parse().unwrap(), clock);
        Self { fs: disk.client("other"), root }
    }

    fn files(&self) -> RegionFiles<'_> {
        RegionFiles { root: &self.root, default_tracker: "DEFAULT", now_ms: NOW_MS }
    }

    fn folder(&self, region: &RegionInfo) -> FsPath {
        self.root.layout().region(region).join("f")
    }

    async fn file(&self, region: &RegionInfo, name: &str, rows: &[&str]) {
        self.fs.mkdirs(&self.folder(region), None).await.unwrap();
        let path = self.folder(region).join(name);
        let mut writer =
            HFileWriter::create(&self.fs, &path, HFileOptions::new(CellOrder::User, 1)).await.unwrap();
        for row in rows {
            writer.append(&Cell::put(row.as_bytes(), b"f", b"q", 5, b"v").unwrap()).await.unwrap();
        }
        writer.finish(&StoreFileOrigin::default()).await.unwrap();
    }

    async fn empty(&self, region: &RegionInfo, name: &str) {
        self.fs.mkdirs(&self.folder(region), None).await.unwrap();
        self.fs.write_whole(&self.folder(region).join(name), "".into(), CreateOptions::new()).await.unwrap();
    }

    /// The names of a region's references with their halves and the row they are divided at.
    async fn references(&self, region: &RegionInfo) -> Vec<(String, Half, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in self.fs.list(&self.folder(region)).await.found().unwrap().unwrap_or_default() {
            if entry.is_file() {
                let path = self.folder(region).join(&entry.name);
                let reference = Reference::read(&self.fs, &path).await.unwrap();
                let row = reference.split_key.row().to_vec();
                found.push((entry.name.to_string(), reference.half, row));
            }
        }
        found
    }
}

fn schema() -> TableDescriptor {
    let family = ColumnFamilyDescriptor::builder("f").build();
    TableDescriptor::builder("t".parse().unwrap()).family(family).build()
}

fn region(start: &str, end: &str, id: u64) -> RegionInfo {
    let builder = RegionInfo::builder("t".parse().unwrap()).region_id(id);
    builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
}

fn family_members() -> (RegionInfo, RegionInfo, RegionInfo) {
    (region("", "", 1), region("", "m", 2), region("m", "", 2))
}

#[tokio::test]
async fn daughters_refer_to_files_with_rows_of_theirs() {
    let (world, (parent, a, b)) = (World::new(), family_members());
    world.file(&parent, "aa", &["b", "c"]).await;
    world.file(&parent, "bb", &["m", "z"]).await;
    world.file(&parent, "cc", &["l", "n"]).await;
    world.file(&parent, "dd", &[]).await;
    world.empty(&parent, "t=12ab-ff").await;
    world.empty(&parent, "ee").await;
    // What an attempt before left.
    world.empty(&a, "garbage").await;
    for _ in 0..2 {
        world.files().split(&schema(), &parent, [&a, &b]).await.unwrap();
        let name = |file: &str| format!("{file}.{}", parent.encoded_name());
        let at = b"m".to_vec();
        let references = |files: &[&str], half| {
            files.iter().map(|file| (name(file), half, at.clone())).collect::<Vec<_>>()
        };
        assert_eq!(world.references(&a).await, references(&["aa", "cc", "t=12ab-ff"], Half::Bottom));
        assert_eq!(world.references(&b).await, references(&["bb", "cc", "t=12ab-ff"], Half::Top));
        for daughter in [&a, &b] {
            let read = world.root.region_info(daughter.table(), daughter.encoded_name()).await.unwrap();
            assert_eq!(read.as_ref(), Some(daughter));
            assert_eq!(world.files().has_references(daughter).await.unwrap(), Some(true));
        }
    }
    assert_eq!(world.files().has_references(&parent).await.unwrap(), Some(false));
    assert_eq!(world.files().has_references(&region("x", "y", 9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_merged_region_refers_to_everything() {
    let (world, (merged, a, b)) = (World::new(), family_members());
    world.file(&a, "aa", &["b"]).await;
    world.file(&b, "aa", &["m"]).await;
    world.empty(&b, "t=12ab-ff").await;
    world.files().merge(&schema(), &[a.clone(), b.clone()], &merged).await.unwrap();
    let mut expected = vec![
        (format!("aa.{}", a.encoded_name()), Half::Top, b"".to_vec()),
        (format!("aa.{}", b.encoded_name()), Half::Top, b"m".to_vec()),
        (format!("t=12ab-ff.{}", b.encoded_name()), Half::Top, b"m".to_vec()),
    ];
    expected.sort_by(|x, y| x.0.cmp(&y.0));
    assert_eq!(world.references(&merged).await, expected);
}

#[tokio::test]
async fn a_list_of_files_decides_and_is_kept() {
    let (world, (parent, a, b)) = (World::new(), family_members());
    world.file(&parent, "aa", &["b"]).await;
    world.file(&parent, "bb", &["c"]).await;
    let (list, content) = first_list(5, vec![pb::StoreFileEntry { name: "aa".into(), size: 1 }]);
    let folder = world.folder(&parent).join(&list[0]);
    world.fs.mkdirs(&folder, None).await.unwrap();
    world.fs.write_whole(&folder.join(&list[1]), content, CreateOptions::new()).await.unwrap();
    let schema = schema().to_builder().attribute(attribute::STORE_FILE_TRACKER, "FILE").build();
    world.files().split(&schema, &parent, [&a, &b]).await.unwrap();
    let expected = format!("aa.{}", parent.encoded_name());
    assert_eq!(load_list(&world.fs, &world.folder(&a)).await.unwrap(), [expected]);
    assert!(load_list(&world.fs, &world.folder(&b)).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_divided_is_refused() {
    let (world, (parent, a, b)) = (World::new(), family_members());
    let split = || async { world.files().split(&schema(), &parent, [&a, &b]).await.unwrap_err().to_string() };
    assert!(split().await.starts_with("the region has no folder"));
    world.file(&parent, "aa.12ab", &["b"]).await;
    assert!(split().await.contains("must be compacted first"));
    world.fs.delete(&world.folder(&parent).join("aa.12ab")).await.unwrap();
    // The version of an HFile behind what is none.
    let garbage = [&[0; 5000][..], &[3, 0, 0, 3]].concat();
    let path = world.folder(&parent).join("aa");
    world.fs.write_whole(&path, garbage.into(), CreateOptions::new()).await.unwrap();
    assert!(split().await.contains("aa"), "a damaged file isn't passed over");
}
