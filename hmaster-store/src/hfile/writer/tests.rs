//! What is written is what is read, in files of every shape.

use std::sync::Arc;

use bytes::Bytes;
use hmaster_fs::memory::{MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_fs::{CreateOptions, FileSystem as _, FsPath};
use hmaster_types::{CellParts, CellType, Chance, ManualClock};
use proptest::prelude::*;

use super::*;
use crate::FileError;
use crate::hfile::{HFile, Half, Reference, ScanRange};

fn file_system() -> MemoryFileSystem {
    let clock = Arc::new(ManualClock::at(1));
    MemoryDisk::new(MemoryOptions::default(), clock, Chance::seeded(1)).client("test")
}

fn path() -> FsPath {
    FsPath::root().join("hfile")
}

/// Small blocks, so that few cells make many of them.
fn small() -> HFileOptions {
    HFileOptions {
        block_bytes: 120,
        index_block_bytes: 150,
        with_tags: true,
        ..HFileOptions::new(CellOrder::User, 77)
    }
}

fn cell(row: u32, qualifier: &[u8], value: &[u8]) -> Cell {
    Cell::put(&row.to_be_bytes(), b"f", qualifier, i64::from(row) + 5, value).unwrap()
}

fn cells(count: u32) -> Vec<Cell> {
    (0..count).map(|n| cell(n, b"q", &[b'v'; 20]).with_sequence_id(u64::from(n) * 1000)).collect()
}

async fn write(fs: &MemoryFileSystem, cells: &[Cell], options: HFileOptions) -> u64 {
    let mut writer = HFileWriter::create(fs, &path(), options).await.unwrap();
    for cell in cells {
        writer.append(cell).await.unwrap();
    }
    let origin = StoreFileOrigin { sequence_id_max: 99, ..StoreFileOrigin::default() };
    writer.finish(&origin).await.unwrap()
}

async fn read(file: &HFile, range: ScanRange) -> Result<Vec<Cell>, FileError> {
    let (mut scan, mut cells) = (file.scan(range), Vec::new());
    while let Some(cell) = scan.next().await? {
        cells.push(cell);
    }
    Ok(cells)
}

#[tokio::test]
async fn files_with_one_to_many_levels() {
    for (count, levels) in [(0, 1), (1, 1), (4, 1), (40, 2), (600, 3), (4000, 4)] {
        let (fs, cells) = (file_system(), cells(count));
        let length = write(&fs, &cells, small()).await;
        assert_eq!(fs.status(&path()).await.unwrap().length, length);
        let file = HFile::open(&fs, &path()).await.unwrap();
        assert_eq!(file.trailer().data_index_levels, levels, "{count}");
        assert_eq!(read(&file, ScanRange::all()).await.unwrap(), cells);
        assert_eq!(file.first_key().map(Cell::key), cells.first().map(Cell::key));
        assert_eq!(file.last_key().map(Cell::key), cells.last().map(Cell::key));
        assert_eq!((file.info().sequence_id_max(), file.info().created_ms()), (Some(99), Some(77)));
        for row in [0, 1, 2, 3, 17, 299, 300, 599, 3999, 5000] {
            let key = Reference::at_row(&u32::to_be_bytes(row), Half::Top).unwrap();
            let split = (row as usize).min(cells.len());
            assert_eq!(read(&file, key.range()).await.unwrap(), cells[split..], "{count} from {row}");
            let bottom = Reference { half: Half::Bottom, ..key };
            assert_eq!(read(&file, bottom.range()).await.unwrap(), cells[..split], "{count} until {row}");
        }
    }
}

#[tokio::test]
async fn data_blocks_by_themselves() {
    for count in [0, 1, 40, 4000] {
        let (fs, cells) = (file_system(), cells(count));
        write(&fs, &cells, small()).await;
        let file = HFile::open(&fs, &path()).await.unwrap();
        let blocks = file.data_blocks().await.unwrap();
        let found = file.read_blocks(&blocks).await.unwrap();
        assert_eq!(found.concat(), cells);
        for (i, (block, cells)) in blocks.iter().zip(&found).enumerate() {
            let before = i.checked_sub(1).and_then(|i| found[i].last());
            let order = file.order();
            assert!(order.compare_keys(&block.key, &cells[0]).is_le());
            assert!(before.is_none_or(|before| order.compare_keys(before, &block.key).is_lt()));
            let one = file.read_blocks(std::slice::from_ref(block)).await.unwrap();
            assert_eq!(one.as_slice(), std::slice::from_ref(cells));
        }
    }
}

#[tokio::test]
async fn cells_of_every_kind_with_tags() {
    let fs = file_system();
    let tagged = [cell(2, b"a", b"v").as_bytes().to_vec(), vec![0, 3, 0, 1, 9]].concat();
    let delete = CellParts {
        row: &[0, 0, 0, 1],
        family: b"f",
        qualifier: b"",
        timestamp: 9,
        cell_type: CellType::DeleteFamily,
        value: b"",
    };
    let cells = [
        Cell::new(delete).unwrap(),
        Cell::parse(tagged.into()).unwrap().with_sequence_id(u64::MAX >> 1),
        cell(3, b"", b"").with_sequence_id(8),
        cell(3, b"", b"").with_sequence_id(7),
    ];
    write(&fs, &cells, small()).await;
    let file = HFile::open(&fs, &path()).await.unwrap();
    assert_eq!(read(&file, ScanRange::all()).await.unwrap(), cells);
    assert_eq!(file.info().get("DELETE_FAMILY_COUNT").unwrap(), &1u64.to_be_bytes()[..]);
}

#[tokio::test]
async fn cells_that_do_not_fit_are_refused() {
    let fs = file_system();
    let options = HFileOptions { with_tags: false, ..small() };
    let mut writer = HFileWriter::create(&fs, &path(), options).await.unwrap();
    writer.append(&cell(2, b"q", b"").with_sequence_id(5)).await.unwrap();
    for late in [cell(1, b"q", b""), cell(2, b"q", b"").with_sequence_id(6)] {
        let refused = writer.append(&late).await.unwrap_err();
        assert!(matches!(refused, HFileWriteError::OutOfOrder { .. }), "{refused}");
    }
    let tagged = [cell(3, b"a", b"v").as_bytes().to_vec(), vec![0, 3, 0, 1, 9]].concat();
    let refused = writer.append(&Cell::parse(tagged.into()).unwrap()).await.unwrap_err();
    assert!(matches!(refused, HFileWriteError::Tags { .. }), "{refused}");
}

async fn open_and_read(fs: &MemoryFileSystem, bytes: &[u8]) -> Result<Vec<Cell>, FileError> {
    let content = Bytes::copy_from_slice(bytes);
    fs.write_whole(&path(), content, CreateOptions::overwrite()).await.unwrap();
    read(&HFile::open(fs, &path()).await?, ScanRange::all()).await
}

#[tokio::test]
async fn damage_is_an_error_that_names_the_file() {
    let fs = file_system();
    let length = write(&fs, &cells(20), small()).await as usize;
    let whole = fs.read_whole(&path(), length).await.unwrap();
    for cut in (0..length).step_by(7) {
        let error = open_and_read(&fs, &whole[..cut]).await.unwrap_err().to_string();
        assert!(error.starts_with("HFile /hfile: "), "{cut}: {error}");
    }
    let padding = whole.len() - 4096 + 200..whole.len() - 4;
    for at in (0..length).filter(|at| !padding.contains(at)) {
        let mut changed = whole.to_vec();
        changed[at] ^= 1 << (at % 8);
        if let Ok(read) = open_and_read(&fs, &changed).await {
            assert_eq!(read, cells(20), "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn garbage_gets_an_answer(noise in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..3000) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fs = file_system();
            let length = write(&fs, &cells(20), small()).await as usize;
            let mut bytes = fs.read_whole(&path(), length).await.unwrap().to_vec();
            let end = (at + noise.len()).min(bytes.len());
            if at < end {
                bytes[at..end].copy_from_slice(&noise[..end - at]);
            }
            let _ = open_and_read(&fs, &bytes).await;
            let _ = open_and_read(&fs, &noise).await;
        });
    }
}
