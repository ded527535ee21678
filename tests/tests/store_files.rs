//! hmaster's WALs and HFiles beside Java's: each reads what the other wrote, and both say the same of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_fs::{FileSystem as _, FsPath, LocalFileSystem};
use hmaster_protocol::pb;
use hmaster_store::hfile::{HFile, HFileOptions, HFileWriter, ScanRange, StoreFileOrigin};
use hmaster_store::wal::{NewEntry, Wal, WalEnd, WalOptions, WalReader};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, maven, require_peers};
use hmaster_types::{Cell, CellOrder, CellParts, CellType, SystemClock};

/// A JVM that does a list of commands; see StoreFiles.java.
struct Java {
    jvm: Jvm,
    _conf: tempfile::TempDir,
}

/// Hadoop's own ZSTD needs native code that isn't there; HBase's brings it along.
const HBASE_SITE: &str = "<configuration><property><name>hbase.io.compress.zstd.codec</name>
    <value>org.apache.hadoop.hbase.io.compress.zstd.ZstdCodec</value></property></configuration>";

impl Java {
    async fn new(version: HBaseVersion) -> Result<Self> {
        let source = ("StoreFiles.java", include_str!("../java/store/StoreFiles.java"));
        let classes = javac::classes(&[source], HBaseVersion::V2_6).await?;
        let conf = tempfile::tempdir()?;
        std::fs::write(conf.path().join("hbase-site.xml"), HBASE_SITE)?;
        let jvm = Jvm::new(512).folder(classes).folder(conf.path()).jars(version.server_jars().await?);
        let zstd = maven::jars("hbase-compression-zstd", HBaseVersion::V2_6.as_str()).await?;
        Ok(Self { jvm: jvm.jars(zstd), _conf: conf })
    }

    /// What each command printed.
    async fn run(&self, commands: &[String]) -> Result<Vec<String>> {
        let command = self.jvm.command("StoreFiles")?;
        let output = command.output(&(commands.join("\n") + "\n"), Duration::from_secs(300)).await?;
        let printed: Vec<String> = output.success()?.split_terminator("done\n").map(str::to_owned).collect();
        ensure!(printed.len() == commands.len(), "{} answers to {}", printed.len(), commands.len());
        Ok(printed)
    }
}

fn fs_path(path: &Path) -> Result<FsPath> {
    Ok(path.to_str().context("a path of UTF-8")?.parse()?)
}

/// What hmaster reads, in the words of StoreFiles.java.
async fn read_wal(path: &Path) -> Result<String> {
    let mut reader = WalReader::open(&LocalFileSystem, &fs_path(path)?).await?;
    let mut out = String::new();
    while let Some(entry) = reader.next().await? {
        let key = &entry.key;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (region, table) = (text(&key.encoded_region_name), text(&key.table_name));
        let (group, nonce) = (key.nonce_group.unwrap_or(0), key.nonce.unwrap_or(0));
        let (sequence, time) = (key.log_sequence_number, key.write_time);
        writeln!(out, "entry {region} {table} {sequence} {time} {group} {nonce} {}", key.scopes.len())?;
        entry.cells.iter().try_for_each(|cell| write_cell(&mut out, cell, 0))?;
    }
    let end = if reader.end() == Some(WalEnd::Closed) { "closed" } else { "open" };
    writeln!(out, "end {end}")?;
    Ok(out)
}

async fn read_hfile(path: &Path) -> Result<String> {
    let file = HFile::open(&LocalFileSystem, &fs_path(path)?).await?;
    let row = |cell: Option<&Cell>| cell.map_or_else(|| "-".to_owned(), |cell| hex(cell.row()));
    let (entries, sequence) = (file.trailer().entry_count, file.info().sequence_id_max().unwrap_or(0));
    let mut out = format!("hfile {entries} {sequence} {} {}\n", row(file.first_key()), row(file.last_key()));
    let mut scan = file.scan(ScanRange::all());
    while let Some(cell) = scan.next().await? {
        write_cell(&mut out, &cell, cell.sequence_id())?;
    }
    Ok(out)
}

fn write_cell(out: &mut String, cell: &Cell, sequence: u64) -> std::fmt::Result {
    let (row, family, qualifier) = (hex(cell.row()), hex(cell.family()), hex(cell.qualifier()));
    let (timestamp, kind, value) = (cell.timestamp(), cell.cell_type() as u8, hex(cell.value()));
    writeln!(
        out,
        "cell {row} {family} {qualifier} {timestamp} {kind} {value} {} {sequence}",
        hex(cell.tags())
    )
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

fn same(what: &str, ours: &str, java: &str) -> Result<()> {
    let differs = ours.lines().zip(java.lines()).position(|(a, b)| a != b);
    let at = differs.or((ours.lines().count() != java.lines().count()).then_some(usize::MAX));
    ensure!(
        at.is_none(),
        "{what}: line {at:?}\n{:?}\n{:?}",
        at.and_then(|at| ours.lines().nth(at)),
        at.and_then(|at| java.lines().nth(at))
    );
    ensure!(ours.lines().count() > 10, "{what}: nearly nothing was read: {ours}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wals_by_java() -> Result<()> {
    require_peers!();
    let (java, folder) = (Java::new(HBaseVersion::V2_6).await?, tempfile::tempdir()?);
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut commands = Vec::new();
    for (dictionaries, values) in [
        ("none", "none"),
        ("no-tags", "none"),
        ("tags", "none"),
        ("tags", "gz"),
        ("tags", "snappy"),
        ("tags", "zstd"),
    ] {
        for close in [true, false] {
            let path = folder.path().join(format!("{dictionaries}-{values}-{close}"));
            commands.push(format!("write-wal {} {dictionaries} {values} {close}", path.display()));
            commands.push(format!("read-wal {}", path.display()));
            paths.push(path);
        }
    }
    let printed = java.run(&commands).await?;
    for (path, java) in paths.iter().zip(printed.iter().skip(1).step_by(2)) {
        let what = path.display().to_string();
        same(&what, &read_wal(path).await.context(what.clone())?, java)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hfiles_by_java() -> Result<()> {
    require_peers!();
    let (java, folder) = (Java::new(HBaseVersion::V2_6).await?, tempfile::tempdir()?);
    let mut paths = Vec::new();
    let mut commands = Vec::new();
    let mut add = |encoding: &str, compression: &str, checksum: &str, count: usize| {
        let path = folder.path().join(format!("{encoding}-{compression}-{checksum}-{count}"));
        commands.push(format!("write-hfile {} {encoding} {compression} {checksum} {count}", path.display()));
        commands.push(format!("read-hfile {}", path.display()));
        paths.push(path);
    };
    for encoding in ["NONE", "PREFIX", "DIFF", "FAST_DIFF", "ROW_INDEX_V1"] {
        for compression in ["NONE", "GZ", "SNAPPY", "ZSTD"] {
            // Odd counts have tags, those that three divides have them compressed.
            for count in [1000, 3001, 3003] {
                add(encoding, compression, "CRC32C", count);
            }
        }
        add(encoding, "NONE", "CRC32", 30);
        add(encoding, "NONE", "NULL", 20_000);
    }
    let printed = java.run(&commands).await?;
    for (path, java) in paths.iter().zip(printed.iter().skip(1).step_by(2)) {
        let what = path.display().to_string();
        let java = java.rsplit_once("mid ").context("a last line")?.0;
        same(&what, &read_hfile(path).await.context(what.clone())?, java)?;
    }
    Ok(())
}

/// Every kind of cell, sorted.
fn cells(count: u32) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for n in 0..count {
        let kinds =
            [CellType::Put, CellType::Put, CellType::DeleteColumn, CellType::Put, CellType::DeleteFamily];
        let cell_type = kinds[n as usize % kinds.len()];
        let value = if cell_type == CellType::Put { vec![b'v'; n as usize % 200] } else { Vec::new() };
        let qualifier: &[u8] = if cell_type == CellType::DeleteFamily { b"" } else { b"d" };
        let (row, timestamp) = (u64::from(n).to_be_bytes(), 1_700_000_000_000 + i64::from(n));
        let parts = CellParts { row: &row, family: b"proc", qualifier, timestamp, cell_type, value: &value };
        cells.push(Cell::new(parts)?.with_sequence_id(u64::from(n) * 300));
    }
    Ok(cells)
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_our_wals() -> Result<()> {
    require_peers!();
    let folder = tempfile::tempdir()?;
    let wals = fs_path(folder.path())?.join("WALs");
    LocalFileSystem.mkdirs(&wals, None).await?;
    let server = "host.example.com,16000,1700000000000".parse()?;
    let options = WalOptions { file_bytes_max: 40_000, ..WalOptions::default() };
    let wal =
        Wal::create(Arc::new(LocalFileSystem), wals.clone(), server, Arc::new(SystemClock), options).await?;
    let key = pb::WalKey {
        encoded_region_name: "0123456789abcdef0123456789abcdef".into(),
        table_name: "master:store".into(),
        ..Default::default()
    };
    for chunk in cells(2000)?.chunks(7) {
        wal.append(vec![NewEntry { key: key.clone(), cells: chunk.to_vec() }]).await?;
    }
    wal.close().await?;
    let files = LocalFileSystem.list(&wals).await?;
    ensure!(files.len() > 3, "{files:?}");
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.path().join("WALs").join(&*file.name)).collect();
    let commands: Vec<String> = paths.iter().map(|path| format!("read-wal {}", path.display())).collect();
    for version in HBaseVersion::ALL {
        // 2.5 and 3.0 have other classes to read WALs with; WALPrettyPrinter is in all.
        if version == HBaseVersion::V2_6 {
            for (path, java) in paths.iter().zip(Java::new(version).await?.run(&commands).await?) {
                same(&path.display().to_string(), &read_wal(path).await?, &java)?;
            }
        }
        let jvm = Jvm::new(256).jars(version.server_jars().await?);
        let print = jvm.command("org.apache.hadoop.hbase.wal.WALPrettyPrinter")?.arg(&paths[0]);
        let printed = print.output("", Duration::from_secs(60)).await?;
        let printed = printed.success()?;
        ensure!(
            printed.matches("Sequence=").count() > 5 && printed.contains("master:store"),
            "{version}: {printed}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_our_hfiles() -> Result<()> {
    require_peers!();
    let folder = tempfile::tempdir()?;
    let (mut paths, mut commands) = (Vec::new(), Vec::new());
    for (count, block_bytes, index_block_bytes) in
        [(1, 64 << 10, 128 << 10), (3000, 64 << 10, 128 << 10), (3000, 500, 600)]
    {
        let path = folder.path().join(format!("{count}-{block_bytes}"));
        let order = CellOrder::User;
        let options =
            HFileOptions { block_bytes, index_block_bytes, ..HFileOptions::new(order, 1_700_000_000_000) };
        let mut writer = HFileWriter::create(&LocalFileSystem, &fs_path(&path)?, options).await?;
        for cell in cells(count)? {
            writer.append(&cell).await?;
        }
        writer.finish(&StoreFileOrigin { sequence_id_max: 900_000, ..StoreFileOrigin::default() }).await?;
        commands.push(format!("read-hfile {}", path.display()));
        paths.push(path);
    }
    for (path, java) in paths.iter().zip(Java::new(HBaseVersion::V2_6).await?.run(&commands).await?) {
        let (what, ours) = (path.display().to_string(), read_hfile(path).await?);
        let (java, mid) = java.rsplit_once("mid ").context("a last line")?;
        ensure!(ours == java, "{what}:\n{ours}\n{java}");
        ensure!(mid.trim() != "none", "{what}");
    }
    let jvm = Jvm::new(256).jars(HBaseVersion::V2_6.server_jars().await?);
    let printer = jvm.command("org.apache.hadoop.hbase.io.hfile.HFilePrettyPrinter")?;
    let print = printer.args(["-m", "-v", "-s", "-k", "-f"]).arg(&paths[2]);
    let printed = print.output("", Duration::from_secs(60)).await?;
    let printed = printed.success()?;
    ensure!(printed.contains("MAX_SEQ_ID_KEY = 900000"), "{printed}");
    ensure!(!printed.contains("WARNING"), "{printed}");
    Ok(())
}
