//! Lists of store files. Counterpart of `StoreFileListFile`.
//!
//! In `.filelist`, two files of one number are written in turn: a length, the list, a checksum. The file with the newer
//! timestamp counts, unless it isn't whole; then the other does.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_fs::{FileSystem, FsPath, NotFoundAsNone as _};
use hmaster_protocol::{decode_slice, pb};
use prost::Message as _;
use tracing::debug;

use crate::cursor::{Cursor, Stepped, Stop};
use crate::error::{FileError, FileKind, Malformed, ParseFailure};

const FOLDER: &str = ".filelist";
/// Java reads no longer ones either.
const LIST_BYTES_MAX: usize = 16 << 20;
const VERSION_MAX: u64 = 1;
/// Files of one number.
const FILES_MAX: usize = 2;

/// A list of store files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFileList {
    /// The list with the newest counts.
    pub timestamp: u64,
    /// The files' names.
    pub names: Vec<String>,
}

/// The names that a family's list has; none when there is no list.
pub(crate) async fn load(fs: &dyn FileSystem, folder: &FsPath) -> Result<Vec<String>, FileError> {
    let folder = folder.join(FOLDER);
    let listed = fs.list(&folder).await.found().map_err(FileKind::StoreFileList.fs())?;
    let mut by_number: BTreeMap<u64, Vec<FsPath>> = BTreeMap::new();
    for entry in listed.unwrap_or_default().iter().filter(|entry| entry.is_file()) {
        if let Some(number) = number_of(&entry.name) {
            by_number.entry(number).or_default().push(folder.join(&entry.name));
        }
    }
    for files in by_number.values().rev() {
        let mut newest: Option<StoreFileList> = None;
        for file in files {
            let is_newer =
                |list: &StoreFileList| newest.as_ref().is_none_or(|other| list.timestamp >= other.timestamp);
            if let Some(list) = read(fs, file, files.len()).await?.filter(is_newer) {
                newest = Some(list);
            }
        }
        if let Some(list) = newest {
            return Ok(list.names);
        }
    }
    Ok(Vec::new())
}

/// Reads a list; none when it isn't whole.
async fn read(fs: &dyn FileSystem, file: &FsPath, files: usize) -> Result<Option<StoreFileList>, FileError> {
    let failed = |failure: ParseFailure| failure.of(FileKind::StoreFileList, file);
    if files > FILES_MAX {
        let reason = format!("one of {files} lists with its number");
        return Err(failed(Malformed::new(0, reason).into()));
    }
    let content = fs.read_whole(file, LIST_BYTES_MAX + 8).await.map_err(FileKind::StoreFileList.fs())?;
    let list = parse_store_file_list(&content).map_err(failed)?;
    if list.is_none() {
        debug!(%file, "a list of store files that was never completed");
    }
    Ok(list)
}

/// The number in `f1.<number>` or `f2.<number>`; 0 where there is none, as in early releases.
fn number_of(name: &str) -> Option<u64> {
    let rest = name.strip_prefix("f1").or_else(|| name.strip_prefix("f2"))?;
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix('.')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Reads the content of a list; none when it ends too early, as one that was being written does.
///
/// # Errors
/// When it is damaged, or newer than what is known here.
pub fn parse_store_file_list(content: &[u8]) -> Result<Option<StoreFileList>, ParseFailure> {
    let (message, checksum) = match parts(content) {
        Ok(parts) => parts,
        Err(Stop::Short(_)) => return Ok(None),
        Err(Stop::Bad(malformed)) => return Err(malformed.into()),
    };
    if crc32fast::hash(message) != checksum as u32 {
        return Err(Malformed::new(4 + message.len() as u64, "the list's checksum is wrong").into());
    }
    let list = decode_slice::<pb::StoreFileList>(message);
    let list = list.map_err(|error| Malformed::new(4, error.to_string()))?;
    if list.version() > VERSION_MAX {
        let feature = format!("version {} of lists of store files", list.version());
        return Err(ParseFailure::Unsupported(feature.into()));
    }
    let names = list.store_file.into_iter().map(|entry| entry.name).collect();
    Ok(Some(StoreFileList { timestamp: list.timestamp, names }))
}

/// The numbers of the lists that a family has, in order.
pub(crate) async fn numbers(fs: &dyn FileSystem, folder: &FsPath) -> Result<Vec<u64>, FileError> {
    let listed = fs.list(&folder.join(FOLDER)).await.found().map_err(FileKind::StoreFileList.fs())?;
    let files = listed.iter().flatten().filter(|entry| entry.is_file());
    let mut numbers: Vec<u64> = files.filter_map(|entry| number_of(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first list of a store that has none yet: the name of its file below the family's folder, and its content.
/// Counterpart of `StoreFileListFile.write`.
pub(crate) fn first_list(now_ms: u64, files: Vec<pb::StoreFileEntry>) -> ([String; 2], Bytes) {
    list_after(None, now_ms, files)
}

/// A list that counts instead of all up to the number `last`, if there is one.
pub(crate) fn list_after(
    last: Option<u64>,
    now_ms: u64,
    files: Vec<pb::StoreFileEntry>,
) -> ([String; 2], Bytes) {
    let number = last.map_or(now_ms, |last| now_ms.max(last.saturating_add(1)));
    let message = pb::StoreFileList { timestamp: number, store_file: files, version: Some(VERSION_MAX) };
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let checksum = crc32fast::hash(&message);
    let content = [&length.to_be_bytes()[..], &message, &checksum.to_be_bytes()].concat();
    ([FOLDER.to_owned(), format!("f1.{number}")], content.into())
}

/// The list and its checksum.
fn parts(content: &[u8]) -> Stepped<(&[u8], i32)> {
    let mut cursor = Cursor::new(content);
    let length = cursor.i32()?;
    if !usize::try_from(length).is_ok_and(|length| (1..=LIST_BYTES_MAX).contains(&length)) {
        return Err(cursor.bad(format!("a list of {length} bytes")));
    }
    Ok((cursor.take_i32(length, "the list")?, cursor.i32()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hmaster_fs::CreateOptions;
    use hmaster_fs::memory::{MemoryDisk, MemoryOptions};
    use hmaster_types::{Chance, ManualClock};

    use super::*;

    fn list(timestamp: u64, names: &[&str], version: Option<u64>) -> Vec<u8> {
        let entry = |name: &&str| pb::StoreFileEntry { name: (*name).to_owned(), size: 5 };
        let store_file = names.iter().map(entry).collect();
        let message = pb::StoreFileList { timestamp, store_file, version }.encode_to_vec();
        let length = (message.len() as u32).to_be_bytes();
        [&length[..], &message, &crc32fast::hash(&message).to_be_bytes()].concat()
    }

    #[test]
    fn there_and_not_there() {
        let whole = list(7, &["a", "b"], Some(1));
        let expected = StoreFileList { timestamp: 7, names: vec!["a".into(), "b".into()] };
        assert_eq!(parse_store_file_list(&whole), Ok(Some(expected)));
        for cut in 0..whole.len() {
            assert_eq!(parse_store_file_list(&whole[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn bad_lists() {
        let whole = list(7, &["a", "b"], None);
        for at in 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(parse_store_file_list(&changed).is_err(), "{at}");
        }
        for length in [[0, 0, 0, 0], [0xff; 4], [0x7f, 0, 0, 0]] {
            let changed = [&length[..], &whole[4..]].concat();
            assert!(parse_store_file_list(&changed).is_err(), "{length:?}");
        }
        let newer = parse_store_file_list(&list(7, &[], Some(2))).unwrap_err();
        assert_eq!(newer.to_string(), "version 2 of lists of store files isn't supported");
    }

    #[test]
    fn numbers() {
        let names = ["f1", "f2", "f1.5", "f2.99", "f3.1", "f1.x", "f1x", "f1.", "x"];
        let expected = [Some(0), Some(0), Some(5), Some(99), None, None, None, None, None];
        assert_eq!(names.map(number_of), expected);
    }

    #[tokio::test]
    async fn the_newest_whole_list_counts() {
        let disk = MemoryDisk::new(MemoryOptions::default(), Arc::new(ManualClock::at(1)), Chance::seeded(1));
        let (fs, folder) = (disk.client("test"), FsPath::root().join("f"));
        assert!(load(&fs, &folder).await.unwrap().is_empty());
        fs.mkdirs(&folder.join(FOLDER), None).await.unwrap();
        let half = list(90, &["half"], None);
        let steps: [(&str, Vec<u8>, &str); 6] = [
            ("f1.5", list(10, &["a"], None), "a"),
            ("f2.5", list(11, &["b"], None), "b"),
            ("f1.7", half[..half.len() - 1].to_vec(), "b"),
            ("f2.7", list(3, &["c"], None), "c"),
            ("f1", list(99, &["old"], None), "c"),
            ("other", list(99, &["other"], None), "c"),
        ];
        for (name, content, expected) in steps {
            let path = folder.join(FOLDER).join(name);
            fs.write_whole(&path, content.into(), CreateOptions::new()).await.unwrap();
            assert_eq!(load(&fs, &folder).await.unwrap(), [expected], "{name}");
        }
        let damaged = folder.join(FOLDER).join("f1.8");
        fs.write_whole(&damaged, vec![0; 20].into(), CreateOptions::new()).await.unwrap();
        assert!(load(&fs, &folder).await.unwrap_err().to_string().contains("f1.8"));
    }
}
