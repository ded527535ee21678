//! Snapshots brought back on a disk in memory: what is linked, what is referred to, what is kept, what goes.

use std::sync::Arc;

use hmaster_fs::FileSystem as _;
use hmaster_fs::memory::{MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_fs::rootdir::RootDir;
use hmaster_types::{Chance, ManualClock};

use super::*;

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

    fn files(&self, tracker: &'static str) -> RegionFiles<'_> {
        RegionFiles { root: &self.root, default_tracker: tracker, now_ms: NOW_MS }
    }

    fn folder(&self, region: &RegionInfo) -> FsPath {
        self.root.layout().region(region).join("f")
    }

    async fn file(&self, region: &RegionInfo, name: &str) {
        self.fs.mkdirs(&self.folder(region), None).await.unwrap();
        let path = self.folder(region).join(name);
        self.fs.write_whole(&path, "content".into(), CreateOptions::overwrite()).await.unwrap();
    }

    /// All files below a folder of the root folder.
    async fn all(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![format!("/hbase/{folder}")];
        while let Some(folder) = folders.pop() {
            let path: FsPath = folder.parse().unwrap();
            for entry in self.fs.list(&path).await.found().unwrap().unwrap_or_default() {
                let path = format!("{folder}/{}", entry.name);
                match entry.is_dir() {
                    true => folders.push(path),
                    false => found.push(path.trim_start_matches("/hbase").trim_start_matches('/').to_owned()),
                }
            }
        }
        found.sort();
        found
    }

    async fn store_files(&self, region: &RegionInfo) -> Vec<String> {
        let entries = self.fs.list(&self.folder(region)).await.found().unwrap().unwrap_or_default();
        entries.iter().filter(|entry| entry.is_file()).map(|entry| entry.name.to_string()).collect()
    }
}

fn schema(table: &str) -> TableDescriptor {
    let family = ColumnFamilyDescriptor::builder("f").build();
    TableDescriptor::builder(table.parse().unwrap()).family(family).build()
}

fn region(table: &str, id: u64) -> RegionInfo {
    RegionInfo::builder(table.parse().unwrap()).region_id(id).build()
}

fn manifest(region: &RegionInfo, files: &[(&str, Option<Half>)]) -> pb::SnapshotRegionManifest {
    let file = |(name, half): &(&str, Option<Half>)| StoreFile {
        name: (*name).to_owned(),
        reference: half.map(|half| {
            let content = Reference::at_row(b"m", half).unwrap().encode();
            hmaster_protocol::pbuf_decode(&content).unwrap()
        }),
        file_size: Some(7),
    };
    let family = pb::snapshot_region_manifest::FamilyFiles {
        family_name: "f".into(),
        store_files: files.iter().map(file).collect(),
    };
    pb::SnapshotRegionManifest { version: None, region_info: region.into(), family_files: vec![family] }
}

/// Restores into `to`, twice: the second time changes nothing.
async fn restore(
    world: &World,
    tracker: &'static str,
    to: &RegionInfo,
    manifest: &pb::SnapshotRegionManifest,
    names: &[(&RegionInfo, &RegionInfo)],
) {
    let names = names.iter().map(|(a, b)| (a.encoded_name(), b.encoded_name())).collect();
    let schema = schema(to.table().as_str());
    let restore = Restore { region: to, manifest, names: &names };
    world.files(tracker).restore(&schema, restore).await.unwrap();
    let once = world.all("").await;
    world.files(tracker).restore(&schema, restore).await.unwrap();
    assert_eq!(world.all("").await, once);
}

#[tokio::test]
async fn a_clone_links_to_files_and_to_what_links_lead_to() {
    let world = World::new();
    let (from, to) = (region("t", 1), region("n:u", 1));
    let (a, b) = (from.encoded_name(), to.encoded_name());
    let listed = manifest(&from, &[("aa", None), ("x:y=12-bb".replace(':', "=").leak(), None)]);
    restore(&world, "DEFAULT", &to, &listed, &[(&from, &to)]).await;
    assert_eq!(
        world.all("").await,
        [
            format!("archive/data/default/t/{a}/f/.links-aa/{b}.n=u"),
            format!("archive/data/x/y/12/f/.links-bb/{b}.n=u"),
            format!("data/n/u/{b}/.regioninfo"),
            format!("data/n/u/{b}/f/t={a}-aa"),
            format!("data/n/u/{b}/f/x=y=12-bb"),
        ]
    );
}

#[tokio::test]
async fn references_lead_into_the_clone_of_their_parent() {
    let world = World::new();
    let (parent, from) = (region("t", 1), region("t", 2));
    let (new_parent, to) = (region("u", 1), region("u", 2));
    let p = parent.encoded_name();
    let listed = manifest(
        &from,
        &[(&format!("aa.{p}"), Some(Half::Bottom)), (&format!("x=12-bb.{p}"), Some(Half::Top))],
    );
    restore(&world, "DEFAULT", &to, &listed, &[(&parent, &new_parent), (&from, &to)]).await;
    let q = new_parent.encoded_name();
    let expected = [format!("t={p}-aa.{q}"), format!("x=12-bb.{q}")];
    assert_eq!(world.store_files(&to).await, expected);
    let path = world.folder(&to).join(&expected[0]);
    let made = Reference::read(&world.fs, &path).await.unwrap();
    assert_eq!((made.half, made.split_key.row()), (Half::Bottom, &b"m"[..]));
}

#[tokio::test]
async fn what_a_merged_region_refers_to_is_linked_when_its_parents_are_gone() {
    let world = World::new();
    let (parent, from, to) = (region("t", 1), region("t", 2), region("u", 2));
    let p = parent.encoded_name();
    let listed = manifest(&from, &[(&format!("aa.{p}"), Some(Half::Top))]);
    restore(&world, "DEFAULT", &to, &listed, &[(&from, &to)]).await;
    assert_eq!(world.store_files(&to).await, [format!("t={p}-aa")]);
    let b = to.encoded_name();
    let references = world.all("archive").await;
    assert_eq!(references, [format!("archive/data/default/t/{p}/f/.links-aa/{b}.u")]);
}

#[tokio::test]
async fn a_region_keeps_what_it_has_gets_what_it_lacks_and_loses_the_rest() {
    let world = World::new();
    let region = region("t", 1);
    let name = region.encoded_name();
    world.file(&region, "aa").await;
    world.file(&region, "cc").await;
    let listed = manifest(&region, &[("aa", None), ("bb", None)]);
    restore(&world, "DEFAULT", &region, &listed, &[(&region, &region)]).await;
    assert_eq!(world.store_files(&region).await, ["aa".to_owned(), format!("t={name}-bb")]);
    assert_eq!(
        world.all("archive").await,
        [
            format!("archive/data/default/t/{name}/f/.links-bb/{name}.t"),
            format!("archive/data/default/t/{name}/f/cc"),
        ]
    );
}

#[tokio::test]
async fn a_family_that_the_snapshot_lacks_goes_to_the_archive() {
    let world = World::new();
    let region = region("t", 1);
    let name = region.encoded_name();
    let other = world.root.layout().region(&region).join("g");
    world.fs.mkdirs(&other, None).await.unwrap();
    world.fs.write_whole(&other.join("dd"), "x".into(), CreateOptions::new()).await.unwrap();
    restore(&world, "DEFAULT", &region, &manifest(&region, &[]), &[(&region, &region)]).await;
    assert_eq!(world.all("archive").await, [format!("archive/data/default/t/{name}/g/dd")]);
    assert_eq!(world.all("data").await, [format!("data/default/t/{name}/.regioninfo")]);
}

#[tokio::test]
async fn a_trackers_list_names_what_is_there_now() {
    let world = World::new();
    let region = region("t", 1);
    let name = region.encoded_name();
    world.file(&region, "aa").await;
    world.file(&region, "cc").await;
    let ([folder, file], content) =
        list_after(None, 5000, vec![pb::StoreFileEntry { name: "cc".into(), size: 7 }]);
    let folder = world.folder(&region).join(&folder);
    world.fs.mkdirs(&folder, None).await.unwrap();
    world.fs.write_whole(&folder.join(&file), content, CreateOptions::new()).await.unwrap();
    let listed = manifest(&region, &[("aa", None), ("bb", None)]);
    restore(&world, "FILE", &region, &listed, &[(&region, &region)]).await;
    let mut names = load_list(&world.fs, &world.folder(&region)).await.unwrap();
    names.sort();
    assert_eq!(names, ["aa".to_owned(), format!("t={name}-bb")], "although the clock stood back");
    assert_eq!(world.store_files(&region).await, names);
}

#[tokio::test]
async fn bad_manifests_are_refused() {
    let world = World::new();
    let region = region("t", 1);
    let names = BTreeMap::new();
    for name in ["", "../x", "x y", "aa.", ".filelist", "=-"] {
        let listed = manifest(&region, &[(name, None)]);
        let restore = Restore { region: &region, manifest: &listed, names: &names };
        let error = world.files("DEFAULT").restore(&schema("t"), restore).await.unwrap_err();
        assert!(matches!(error, RegionFilesError::Manifest(_)), "{name}: {error}");
    }
    // A reference of which nobody says what it says.
    let listed = manifest(&region, &[(&format!("aa.{}", region.encoded_name()), None)]);
    let restore = Restore { region: &region, manifest: &listed, names: &names };
    let error = world.files("DEFAULT").restore(&schema("t"), restore).await.unwrap_err();
    assert!(matches!(error, RegionFilesError::Dangling(_)), "{error}");
}
