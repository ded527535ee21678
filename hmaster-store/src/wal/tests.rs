//! Reading back what was written, and whatever else a file may hold.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hmaster_fs::memory::{MemoryDisk, MemoryOptions};
use hmaster_fs::{CreateOptions, FileSystem, FsPath};
use hmaster_protocol::pb;
use hmaster_types::{Cell, Chance, ManualClock};
use proptest::prelude::*;

use super::*;
use crate::FileError;

fn key(sequence: u64) -> pb::WalKey {
    pb::WalKey {
        encoded_region_name: "0123456789abcdef0123456789abcdef".into(),
        table_name: "master:store".into(),
        log_sequence_number: sequence,
        write_time: 1_700_000_000_000,
        ..Default::default()
    }
}

fn cells(count: usize, value: &[u8]) -> Vec<Cell> {
    (0..count).map(|n| Cell::put(&[n as u8, 1], b"proc", b"d", 7, value).unwrap()).collect()
}

/// A file and where each of its entries ends; the first place is the end of the header.
fn file(entries: &[Vec<Cell>]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = BytesMut::from(&header::encode_header()[..]);
    let mut ends = vec![bytes.len()];
    for (n, cells) in entries.iter().enumerate() {
        encode_entry(&key(n as u64 + 1), cells, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes.to_vec(), ends)
}

fn sample() -> (Vec<u8>, Vec<usize>) {
    file(&[cells(1, b"value"), cells(3, b"\0\0\0"), Vec::new(), cells(2, b"last")])
}

/// The sequence ids that are read, and how the file ends.
async fn read(bytes: &[u8]) -> Result<(Vec<u64>, WalEnd), FileError> {
    let disk = MemoryDisk::new(MemoryOptions::default(), Arc::new(ManualClock::at(1)), Chance::seeded(1));
    let (fs, path) = (disk.client("reader"), FsPath::root().join("wal"));
    let content = Bytes::copy_from_slice(bytes);
    fs.write_whole(&path, content, CreateOptions::new()).await.unwrap();
    let mut reader = WalReader::open(&fs, &path).await?;
    let mut sequences = Vec::new();
    while let Some(entry) = reader.next().await? {
        assert!(entry.cells.iter().all(|cell| cell.sequence_id() == entry.sequence_id()));
        sequences.push(entry.sequence_id());
    }
    Ok((sequences, reader.end().unwrap()))
}

/// [`read`], and that the parser without a file says the same.
async fn read_both_ways(bytes: &[u8]) -> Result<(Vec<u64>, WalEnd), String> {
    let read = read(bytes).await.map_err(|error| error.to_string());
    let parsed = parse_wal(&Bytes::copy_from_slice(bytes));
    let parsed = parsed.map(|(entries, end)| (entries.iter().map(WalEntry::sequence_id).collect(), end));
    let parsed = parsed.map_err(|failure| format!("WAL /wal: {failure}"));
    assert_eq!(read, parsed);
    read
}

fn sequences_before(ends: &[usize], at: usize) -> (Vec<u64>, u64) {
    let whole = ends[1..].iter().filter(|end| **end <= at).count();
    ((1..=whole as u64).collect(), ends[whole] as u64)
}

#[tokio::test]
async fn what_was_written_comes_back() {
    let (mut bytes, ends) = sample();
    assert_eq!(read_both_ways(&bytes).await, Ok((vec![1, 2, 3, 4], WalEnd::Open)));
    bytes.extend(header::encode_trailer());
    assert_eq!(read_both_ways(&bytes).await, Ok((vec![1, 2, 3, 4], WalEnd::Closed)));
    let (entries, _) = parse_wal(&bytes.into()).unwrap();
    assert_eq!(entries[1].cells.len(), 3);
    assert_eq!(entries[1].cells[2].value(), b"\0\0\0");
    assert_eq!(read_both_ways(b"").await, Ok((vec![], WalEnd::Open)));
    assert_eq!(read_both_ways(&sample().0[..ends[0]]).await, Ok((vec![], WalEnd::Open)));
}

#[tokio::test]
async fn every_truncation_ends_after_the_last_whole_entry() {
    let (bytes, ends) = sample();
    for cut in 1..bytes.len() {
        let (sequences, last) = sequences_before(&ends, cut);
        let end = match cut {
            cut if cut < ends[0] => WalEnd::Torn { offset: 0 },
            cut if ends.contains(&cut) => WalEnd::Open,
            _ => WalEnd::Torn { offset: last },
        };
        assert_eq!(read_both_ways(&bytes[..cut]).await, Ok((sequences, end)), "{cut}");
    }
    for cut in 1..header::TRAILER_END_BYTES {
        let bytes = [&bytes[..], &header::encode_trailer()[..cut]].concat();
        let expected = (vec![1, 2, 3, 4], WalEnd::Torn { offset: ends[4] as u64 });
        for zeros in [0, 8 - cut, 100] {
            let mut torn = bytes.clone();
            torn.resize(bytes.len() + zeros, 0);
            assert_eq!(read_both_ways(&torn).await, Ok(expected.clone()), "trailer cut at {cut}");
        }
    }
}

/// A file whose end wasn't brought to the disk and is zeros: every place from where on that may be so.
#[tokio::test]
async fn zeros_at_the_end_are_no_entries() {
    let (bytes, ends) = sample();
    for zeros in 0..bytes.len() {
        let mut torn = bytes.clone();
        torn[zeros..].fill(0);
        // Where the bytes were zeros anyway, nothing is lost.
        let intact = bytes.iter().zip(&torn).position(|(a, b)| a != b).unwrap_or(bytes.len());
        let (sequences, last) = sequences_before(&ends, intact);
        let (read, end) = read_both_ways(&torn).await.unwrap();
        assert_eq!(read, sequences, "zeros from {zeros}");
        // A header that says nothing is one, too.
        let is_right = |offset| offset == last || intact < ends[0] && offset <= 5;
        assert!(matches!(end, WalEnd::Torn { offset } if is_right(offset)), "zeros from {zeros}: {end:?}");
    }
    let padded = [&bytes[..], &[0; 5000]].concat();
    let expected = (vec![1, 2, 3, 4], WalEnd::Torn { offset: bytes.len() as u64 });
    assert_eq!(read_both_ways(&padded).await, Ok(expected));
}

#[tokio::test]
async fn every_changed_bit_is_an_error_or_an_earlier_end() {
    let (mut bytes, _) = sample();
    bytes.extend(header::encode_trailer());
    let whole = parse_wal(&bytes.clone().into()).unwrap().0;
    let entries_at = header::encode_header().len();
    for at in entries_at..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok((entries, _)) = parse_wal(&changed.into()) {
                for (entry, original) in entries.iter().zip(&whole) {
                    let (cells, sequence) = (&original.cells, original.sequence_id());
                    assert_eq!((&entry.cells, entry.sequence_id()), (cells, sequence), "byte {at} bit {bit}");
                }
            }
        }
    }
}

#[tokio::test]
async fn damage_in_the_middle_is_an_error_with_file_and_place() {
    let (bytes, ends) = sample();
    let second = ends[1];
    let cells_at = |entry: usize| entry + 1 + usize::from(bytes[entry]);
    let mut cases: Vec<(usize, u8, &str)> = vec![
        (0, b'X', "in place of PWAL at byte 0"),
        (second + 1, 0xff, "decode hbase.pb.WALKey"),
        (cells_at(second), 0x80, "a cell has length"),
        (cells_at(second), 0x7f, "a cell claims 21"),
        (cells_at(second) + 3, 8, "not a cell"),
        (ends[2] - 1, 1, "an entry's checksum is wrong"),
    ];
    cases.push((second, 0, "missing required fields"));
    for (at, byte, expected) in cases {
        let mut changed = bytes.clone();
        changed[at] = byte;
        let error = read_both_ways(&changed).await.unwrap_err();
        assert!(error.contains(expected) && error.starts_with("WAL /wal: "), "{at}: {error}");
    }
}

#[tokio::test]
async fn lengths_that_lie_take_no_memory() {
    let header = header::encode_header();
    let cases: [(&[u8], bool); 4] = [
        (b"\xff\xff\xff\xff\x07 rest", false), // a key of 2 GB
        (b"\xff\xff\xff\x7f rest", true),      // of 256 MB less one byte: just not all there
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01 rest", false), // of -1
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", false),
    ];
    for (bytes, is_end) in cases {
        let read = read_both_ways(&[&header, bytes].concat()).await;
        assert_eq!(read.is_ok(), is_end, "{bytes:02x?}: {read:?}");
    }
    // As many cells as a key can claim, and none there.
    let key = pb::WalKey { following_kv_count: Some(u32::MAX), ..key(1) };
    let mut bytes = header.to_vec();
    prost::Message::encode_length_delimited(&key, &mut bytes).unwrap();
    assert_eq!(read_both_ways(&bytes).await, Ok((vec![], WalEnd::Torn { offset: header.len() as u64 })));
}

#[tokio::test]
async fn entries_longer_than_what_is_read_at_once() {
    let long = vec![7; 700_000];
    let (bytes, _) = file(&[cells(5, &long), cells(1, b"short"), cells(3, &long)]);
    assert_eq!(read_both_ways(&bytes).await, Ok((vec![1, 2, 3], WalEnd::Open)));
    let cut = bytes.len() - 1;
    assert_eq!(read_both_ways(&bytes[..cut]).await.unwrap().0, [1, 2]);
}

#[tokio::test]
async fn files_without_checksums_are_read_too() {
    let mut bytes = header::encode_header().to_vec();
    for sequence in 1..3 {
        let key = pb::WalKey { following_kv_count: Some(1), ..key(sequence) };
        prost::Message::encode_length_delimited(&key, &mut bytes).unwrap();
        let cell = &cells(1, b"by Java")[0];
        bytes.extend((cell.as_bytes().len() as u32).to_be_bytes());
        bytes.extend(cell.as_bytes());
    }
    assert_eq!(read_both_ways(&bytes).await, Ok((vec![1, 2], WalEnd::Open)));
}

proptest! {
    /// Any bytes get an answer, with or without a good beginning.
    #[test]
    fn garbage_gets_an_answer(noise in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..200usize) {
        let (bytes, _) = sample();
        let _ = parse_wal(&noise.clone().into());
        let _ = parse_wal(&[&bytes[..cut], &noise].concat().into());
    }
}
