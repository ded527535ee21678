//! Java and hmaster on one root folder, on local disk with Hadoop's checksum files: each reads what the other wrote,
//! byte for byte, and neither takes the other's files for corrupt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::TryStreamExt as _;
use hmaster_fs::rootdir::{MetaOptions, PrepareOptions, RootDir, meta_descriptor};
use hmaster_fs::{CreateOptions, FileSystem as _, FsPath, FsUri, LocalFileSystem, NewFile};
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_tests::{Cluster, HBaseVersion, Storage, ZooKeeper, require_peers};
use hmaster_types::{
    Chance, ColumnFamilyDescriptor, RegionInfo, SeqNum, SystemClock, TableDescriptor, TableName,
};

const FS: LocalFileSystem = LocalFileSystem;

/// A root folder without servers, seen by hmaster and by one-shot Java programs.
struct Fixture {
    cluster: Cluster,
    root: RootDir,
}

impl Fixture {
    async fn new(name: &str) -> Result<Self> {
        let builder = Cluster::builder(name).storage(Storage::LocalWithChecksums);
        let cluster = builder.zookeeper(ZooKeeper::At("127.0.0.1:1".into())).start().await?;
        let uri: FsUri = cluster.root().parse()?;
        let root = RootDir::new(Arc::new(FS), uri.path, Arc::new(SystemClock));
        Ok(Self { cluster, root })
    }

    async fn java_of(&self, version: HBaseVersion, args: &[&str]) -> Result<Vec<Vec<String>>> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/RootFolder.java");
        let output = self.cluster.run_java_file(&source, version, args).await?;
        let words = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(output.success()?.lines().map(words).collect())
    }

    async fn java(&self, args: &[&str]) -> Result<Vec<Vec<String>>> {
        self.java_of(HBaseVersion::V2_6, args).await
    }

    fn at(&self, relative: &str) -> FsPath {
        relative.split('/').fold(self.root.layout().root().clone(), |path, name| path.join(name))
    }

    async fn put(&self, relative: &str, content: &'static str) -> Result<()> {
        let path = self.at(relative);
        FS.mkdirs(&path.parent().context("a folder")?, None).await?;
        Ok(FS.write_whole(&path, content.into(), CreateOptions::overwrite()).await?)
    }

    /// The files below a folder as the operating system has them, checksum files too.
    fn raw_files(&self, relative: &str) -> Result<BTreeSet<String>> {
        let mut files = BTreeSet::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(format!("{}/{folder}", self.at(relative)))? {
                let entry = entry?;
                let name = format!("{folder}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    folders.push(format!("{name}/"));
                } else {
                    files.insert(name);
                }
            }
        }
        Ok(files)
    }
}

/// Java writes a family's attributes in the order of a hash map, so schemas are compared, not their bytes.
fn schema_of(content: &[u8]) -> Result<TableDescriptor> {
    let message: pb::TableSchema = pbuf_decode(content)?;
    Ok(TableDescriptor::try_from(&message)?)
}

fn unhex(hex: &str) -> Result<Vec<u8>> {
    let byte = |at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?);
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn region_hex(region: &RegionInfo) -> String {
    hex(&pbuf_encode(&pb::RegionInfo::from(region)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn table(name: &str) -> Result<TableName> {
    Ok(name.parse()?)
}

/// The lines of a kind, without the kind.
fn lines<'a>(read: &'a [Vec<String>], kind: &str) -> Vec<&'a [String]> {
    read.iter().filter(|line| line[0] == kind).map(|line| &line[1..]).collect()
}

fn some_regions(table: &TableName) -> Vec<RegionInfo> {
    let keys: [&[u8]; 4] = [b"", b"\0\xff,", b"m", b""];
    let region = |n: usize| {
        let builder = RegionInfo::builder(table.clone()).start_key(keys[n]).end_key(keys[n + 1]);
        builder.region_id(1_700_000_000_000).build()
    };
    (0..3).map(region).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_what_hmaster_wrote() -> Result<()> {
    require_peers!();
    let f = Fixture::new("fs-java-reads").await?;
    let info = f.root.prepare(&PrepareOptions::default(), &Chance::seeded(1)).await?;
    f.root.write_hbck1_lock("host").await?;
    let meta = meta_descriptor(&MetaOptions::default());
    f.root.bootstrap_meta(&meta).await?;
    let table = table("ns:rust")?;
    let first = TableDescriptor::builder(table.clone()).family(ColumnFamilyDescriptor::builder("f").build());
    let second = first.clone().attribute("REGION_REPLICATION", "2").attribute(&b"\xff"[..], &b"\0"[..]);
    let (first, second) = (first.build(), second.build());
    let regions = some_regions(&table);
    f.root.create_table(&first, &regions).await?;
    f.root.write_table_descriptor(&second).await?;
    for (region, sequence_id) in regions.iter().zip([5, 6, 7]) {
        f.root.write_sequence_id(region, SeqNum(sequence_id)).await?;
    }
    let with_edits = format!("data/ns/rust/{}/recovered.edits", regions[1].encoded_name());
    f.put(&format!("{with_edits}/0000000000000000009"), "edits").await?;
    f.put("WALs/Host.example,16020,1700000000001-splitting/wal.1", "edits").await?;
    for region in &regions {
        // Java's getAll lists them, so what a table needs is there.
        ensure!(f.root.region_exists(region).await?);
    }

    for version in [HBaseVersion::V2_6, HBaseVersion::V2_5] {
        let read = f.java_of(version, &["read"]).await?;
        ensure!(lines(&read, "version") == [["8"]], "{read:?}");
        ensure!(lines(&read, "id") == [[info.cluster_id.as_str()]], "{read:?}");
        let tables: BTreeMap<&str, &str> =
            lines(&read, "table").iter().map(|line| (line[0].as_str(), line[1].as_str())).collect();
        ensure!(schema_of(&unhex(tables["ns:rust"])?)? == second, "{tables:?}");
        ensure!(schema_of(&unhex(tables["hbase:meta"])?)? == meta, "{tables:?}");
        ensure!(tables.len() == 2, "{tables:?}");
        let mut found = lines(&read, "region");
        found.sort();
        let line = |region: &RegionInfo, id: i64, has_edits: bool| {
            let (table, encoded) = (region.table().to_string(), region.encoded_name());
            // Java prints hbase:meta's encoded name behind the name, where it isn't part of it.
            let dotted = if region.is_meta() { format!(".{encoded}") } else { String::new() };
            let name = format!("{}{dotted}", region.name());
            [table, encoded.to_string(), name, region_hex(region), id.to_string(), has_edits.to_string()]
        };
        let mut wanted: Vec<_> =
            regions.iter().zip(5..).map(|(region, id)| line(region, id, id == 6)).collect();
        wanted.push(line(&RegionInfo::meta(), -1, false));
        wanted.sort();
        ensure!(found == wanted, "{found:?}\n{wanted:?}");
        let wals = lines(&read, "wals");
        ensure!(wals.len() == 1 && wals[0][1].ends_with(",16020,1700000000001"), "{wals:?}");
    }
    f.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn hmaster_reads_what_java_wrote() -> Result<()> {
    require_peers!();
    let f = Fixture::new("fs-java-writes").await?;
    f.java(&["write"]).await?;
    let version = std::fs::read(f.at("hbase.version").as_str())?;
    let before = f.raw_files("data")?;
    let info = f.root.prepare(&PrepareOptions::default(), &Chance::seeded(1)).await?;
    ensure!(info.cluster_id == "0a1b2c3d-0000-4000-8000-000000000000" && !info.is_new, "{info:?}");
    ensure!(f.raw_files("data")? == before, "reading changes nothing");

    let all: BTreeMap<TableName, TableDescriptor> = f
        .root
        .table_descriptors()
        .await?
        .into_iter()
        .map(|(name, schema)| Ok((name, schema?)))
        .collect::<Result<_>>()?;
    let meta = all.get(&TableName::meta()).context("hbase:meta")?;
    ensure!(*meta == meta_descriptor(&MetaOptions::default()), "{meta:?}");
    let name = table("ns:java")?;
    let schema = all.get(&name).context("ns:java")?;
    ensure!(schema.region_replication() == 2 && schema.families().len() == 2, "{schema:?}");
    ensure!(schema.attribute("key").is_some_and(|value| value == "second"), "{schema:?}");

    let mut regions = Vec::new();
    for (_, found) in f.root.region_infos(&name).await?.try_collect::<Vec<_>>().await? {
        regions.push(found?.context("a .regioninfo")?);
    }
    regions.sort();
    ensure!(regions == some_regions(&name), "{regions:?}");
    for (region, id) in regions.iter().zip(80..) {
        ensure!(f.root.max_sequence_id(region).await? == Some(SeqNum(id)), "{region:?}");
    }
    let wals = f.root.wal_folders().await?;
    ensure!(wals.len() == 1 && wals[0].server.as_str() == "host.example,16020,1700000000001", "{wals:?}");

    // What hmaster writes is the same, including the length in the name.
    let files = |table: &str| -> Result<BTreeMap<String, TableDescriptor>> {
        let folder = f.at(&format!("data/{table}/.tabledesc"));
        let names = f.raw_files(&format!("data/{table}/.tabledesc"))?;
        let visible = names.into_iter().filter(|name| !name.ends_with(".crc"));
        visible
            .map(|name| Ok((name.clone(), schema_of(&std::fs::read(format!("{folder}/{name}"))?)?)))
            .collect()
    };
    let (java_meta, java_schema) = (files("hbase/meta")?, files("ns/java")?);
    let java_region = std::fs::read(f.root.layout().region_info(&name, regions[1].encoded_name()).as_str())?;
    f.root.delete_table(&name).await?;
    f.root.create_table(schema, &regions).await?;
    f.root.bootstrap_meta(meta).await?;
    ensure!(files("hbase/meta")? == java_meta);
    let number = |name: &String| name.replace("0000000002", "0000000001");
    let java_schema: BTreeMap<_, _> =
        java_schema.iter().map(|(name, content)| (number(name), content.clone())).collect();
    ensure!(files("ns/java")? == java_schema);
    let region = std::fs::read(f.root.layout().region_info(&name, regions[1].encoded_name()).as_str())?;
    ensure!(region == java_region);
    ensure!(version == b"PBUF\x0a\x018");

    // Changed by hmaster, then by Java's eyes.
    let changed = schema.to_builder().attribute("key", "third").build();
    f.root.write_table_descriptor(&changed).await?;
    f.root.write_sequence_id(&regions[0], SeqNum(100)).await?;
    let read = f.java(&["read"]).await?;
    let tables = lines(&read, "table");
    let of_java = tables.iter().find(|line| line[0] == "ns:java").context("ns:java")?;
    ensure!(schema_of(&unhex(&of_java[1])?)? == changed, "{tables:?}");
    let sequence_ids: BTreeSet<&str> = lines(&read, "region").iter().map(|line| line[4].as_str()).collect();
    ensure!(sequence_ids.contains("100"), "{sequence_ids:?}");
    f.cluster.finish().await
}

/// Java verifies a file that has checksums. After everything that hmaster does to files of Java's, it still reads them.
#[tokio::test(flavor = "multi_thread")]
async fn checksums_stay_true() -> Result<()> {
    require_peers!();
    let f = Fixture::new("fs-checksums").await?;
    let names = [
        "moved",
        "overwritten",
        "created over",
        "replaced",
        "replacing",
        "bulk",
        "deleted",
        "recovered",
        "spoiled",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("x/{name}")).collect();
    let mut args = vec!["put"];
    args.extend(paths.iter().map(String::as_str));
    f.java(&args).await?;
    ensure!(f.raw_files("x")?.len() == 2 * names.len(), "each has a checksum file");

    let at = |name: &str| f.at("x").join(name);
    let listed: Vec<String> = FS.list(&f.at("x")).await?.into_iter().map(|entry| entry.name.into()).collect();
    ensure!(
        listed.iter().map(String::as_str).collect::<BTreeSet<_>>() == BTreeSet::from(names),
        "{listed:?}"
    );
    FS.rename(&at("moved"), &at("moved on")).await?;
    FS.write_whole(&at("overwritten"), "by hmaster".into(), CreateOptions::overwrite()).await?;
    let mut file = FS.create(&at("created over"), CreateOptions::overwrite()).await?;
    file.write("by hmaster".into()).await?;
    file.close().await?;
    FS.rename_replacing(&at("replacing"), &at("replaced")).await?;
    FS.write_many(vec![NewFile { path: at("bulk"), content: "by hmaster".into() }]).await?;
    FS.delete(&at("deleted")).await?;
    FS.write_whole(&at("deleted"), "made again".into(), CreateOptions::new()).await?;
    FS.recover_lease(&at("recovered"), Duration::ZERO).await?;
    std::fs::write(at("spoiled").as_str(), "behind the checksums' back")?;

    let read = f.java(&["cat", "x"]).await?;
    let found: BTreeMap<&str, &str> =
        lines(&read, "file").iter().map(|line| (line[0].as_str(), line[1].as_str())).collect();
    let wanted = BTreeMap::from([
        ("bulk", "by hmaster"),
        ("created over", "by hmaster"),
        ("deleted", "made again"),
        ("moved on", "x/moved of Java"),
        ("overwritten", "by hmaster"),
        ("recovered", "x/recovered of Java"),
        ("replaced", "x/replacing of Java"),
    ]);
    ensure!(found == wanted, "{found:?}");
    ensure!(lines(&read, "corrupt") == [["spoiled"]], "this test would notice: {read:?}");
    let raw = f.raw_files("x")?;
    let with_checksums: Vec<&String> = raw.iter().filter(|name| name.ends_with(".crc")).collect();
    ensure!(with_checksums == [".moved on.crc", ".replaced.crc", ".spoiled.crc"], "{raw:?}");

    // Java goes on with them, and a folder that looks empty to both can be deleted by either.
    f.java(&["put", "x/bulk", "x/moved on"]).await?;
    ensure!(FS.read_whole(&at("bulk"), 100).await? == "x/bulk of Java");
    FS.delete_tree(&f.at("x")).await?;
    f.cluster.finish().await
}

/// Two contents of one length.
const CLASH: [&str; 2] = ["another of some length", "a length that is equal"];

/// Two regions alike, one archived by Java and one by hmaster: the archive looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn archives_are_alike() -> Result<()> {
    require_peers!();
    let f = Fixture::new("fs-archive").await?;
    f.root.prepare(&PrepareOptions::default(), &Chance::seeded(1)).await?;
    let table = table("ns:t")?;
    let schema = TableDescriptor::builder(table.clone()).family(ColumnFamilyDescriptor::builder("f").build());
    let regions = some_regions(&table);
    f.root.create_table(&schema.build(), &regions).await?;
    let files = ["f/a", "f/b", "f/.filelist/f1.5", "g/c", "recovered.edits/5.seqid", ".tmp/f/half"];
    for region in &regions[..2] {
        let folder = format!("data/ns/t/{}", region.encoded_name());
        let mut args = vec!["put".to_owned()];
        args.extend(files.iter().map(|file| format!("{folder}/{file}")));
        f.java(&args.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        f.put(&format!("archive/{folder}/f/b"), CLASH[0]).await?;
        f.put(&format!("{folder}/f/b"), CLASH[1]).await?;
    }
    let [by_java, by_us] = [&regions[0], &regions[1]].map(|region| region.encoded_name().to_string());
    f.java(&["archive", "ns:t", &by_java]).await?;
    ensure!(f.root.archive_region(&regions[1]).await?);
    let archived = |region: &str| -> Result<Vec<String>> {
        // The time behind the name of what was archived before.
        let without_time = |name: String| match name.strip_prefix("f/b.") {
            Some(_) => "f/b.TIME".to_owned(),
            None => name,
        };
        Ok(f.raw_files(&format!("archive/data/ns/t/{region}"))?.into_iter().map(without_time).collect())
    };
    ensure!(archived(&by_java)? == archived(&by_us)?, "{:?}\n{:?}", archived(&by_java)?, archived(&by_us)?);
    for region in &regions[..2] {
        ensure!(!f.root.region_exists(region).await?);
    }
    let read = f.java(&["cat", &format!("archive/data/ns/t/{by_us}/f")]).await?;
    let contents: BTreeSet<&str> = lines(&read, "file").iter().map(|line| line[1].as_str()).collect();
    let data = format!("data/ns/t/{by_us}/f/a of Java");
    ensure!(contents == BTreeSet::from([data.as_str(), CLASH[0], CLASH[1]]), "{read:?}");
    f.cluster.finish().await
}
