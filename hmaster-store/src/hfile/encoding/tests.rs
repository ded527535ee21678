//! Blocks as Java's encoders write them, by hand; the integration tests have Java write whole files.

use super::*;

const LAYOUT: CellLayout =
    CellLayout { encoding: Encoding::None, with_tags: true, tags_compressed: true, with_sequence_ids: true };

fn cells() -> Vec<Cell> {
    let put = |row: &[u8], qualifier: &[u8], timestamp, value: &[u8], sequence| {
        let cell = Cell::put(row, b"fa", qualifier, timestamp, value).unwrap();
        cell.with_sequence_id(sequence)
    };
    let tagged =
        [put(b"row2", b"qa", 1001, b"value", 0).as_bytes().to_vec(), vec![0, 5, 0, 3, 1, b'x', b'y']];
    vec![
        put(b"row1", b"qa", 1000, b"value", 300),
        put(b"row1", b"qb", 1001, b"value", 2),
        Cell::parse(tagged.concat().into()).unwrap().with_sequence_id(9),
        put(b"rox", b"", 2000, b"other value", 0),
    ]
}

/// Tags as the delta encoders write them: their length; the first time the tag itself, then its number.
const NO_TAGS: &[u8] = &[0];
const TAG: &[u8] = &[5, 0xff, 3, 1, b'x', b'y'];
/// Sequence ids as Hadoop writes them.
const SEQUENCES: [&[u8]; 4] = [&[0x8e, 1, 44], &[2], &[9], &[0]];

fn block(id: u8, parts: &[&[u8]]) -> Block {
    let content = [&[0, id][..], &parts.concat()].concat();
    Block { block_type: BlockType::EncodedData, content: content.into() }
}

fn prefix() -> Block {
    let keys: Vec<Vec<u8>> = cells().iter().map(|cell| cell.key().to_vec()).collect();
    let common = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let mut parts = vec![vec![0, 0, 0, 0]];
    let mut last: &[u8] = &[];
    for (n, (cell, key)) in cells().iter().zip(&keys).enumerate() {
        let common = common(last, key);
        parts.push(vec![(key.len() - common) as u8, cell.value().len() as u8, common as u8]);
        parts.push(key[common..].to_vec());
        parts.push(cell.value().to_vec());
        parts.push(if n == 2 { TAG } else { NO_TAGS }.to_vec());
        parts.push(SEQUENCES[n].to_vec());
        last = key;
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    block(2, &parts)
}

fn diff() -> Block {
    let first: [&[u8]; 6] = [
        b"\x02fa",
        &[1 << 4, 2 + 4 + 3 + 2 + 9, 5, 0], // timestamp of two bytes; lengths; nothing in common
        b"\0\x04row1qa",
        &[232, 3, 4],
        b"value",
        NO_TAGS,
    ];
    // Same lengths, same type, timestamp one less than the difference says: -1.
    let second: [&[u8]; 3] = [&[0b1000_1111, 2 + 4 + 3 + 1, b'b', 1], b"value", NO_TAGS];
    let third: [&[u8]; 3] = [&[0b0000_1111, 2 + 3, b'2', b'q', b'a', 0], b"value", TAG];
    // A row of another length: nothing in common but the first byte of its length.
    let fourth: [&[u8]; 4] =
        [&[0b0001_0100, 2 + 3 + 3 + 9, 11, 1, 3], b"rox\xd0\x07", b"other value", NO_TAGS];
    let parts: Vec<&[u8]> = [
        &[&[0u8, 0, 0, 0][..]][..],
        &first,
        &[SEQUENCES[0]],
        &second,
        &[SEQUENCES[1]],
        &third,
        &[SEQUENCES[2]],
        &fourth,
        &[SEQUENCES[3]],
    ]
    .concat();
    block(3, &parts)
}

fn fast_diff() -> Block {
    let whole = cells()[0].key().to_vec();
    let first: [&[u8]; 4] = [&[0, 20, 5, 0], &whole, b"value", NO_TAGS];
    // Same lengths, type and value, seven bytes of the timestamp.
    let second: [&[u8]; 2] = [&[0b0111_1111, 2 + 4 + 3 + 1, b'b', 233], NO_TAGS];
    let third: [&[u8]; 2] = [&[0b0111_1111, 2 + 3, b'2', b'q', b'a', 233], TAG];
    let fourth: [&[u8]; 4] = [&[0b0010_0110, 17, 11, 1, 3], b"rox\x07\xd0", b"other value", NO_TAGS];
    let parts: Vec<&[u8]> = [
        &[&[0u8, 0, 0, 0][..]][..],
        &first,
        &[SEQUENCES[0]],
        &second,
        &[SEQUENCES[1]],
        &third,
        &[SEQUENCES[2]],
        &fourth,
        &[SEQUENCES[3]],
    ]
    .concat();
    block(4, &parts)
}

fn row_index() -> Block {
    let mut content = Vec::new();
    for (n, cell) in cells().iter().enumerate() {
        content.extend(cell.without_tags().as_bytes());
        content.extend((cell.tags().len() as u16).to_be_bytes());
        content.extend(cell.tags());
        content.extend(SEQUENCES[n]);
    }
    let length = (content.len() as u32).to_be_bytes();
    block(7, &[&content, &3u32.to_be_bytes(), &[0; 12], &length])
}

#[test]
fn every_encoding_gives_the_same_cells() {
    for block in [prefix(), diff(), fast_diff(), row_index()] {
        assert_eq!(decode(&block, LAYOUT).unwrap(), cells(), "{:?}", block.content);
    }
}

#[test]
fn no_bytes_make_a_decoder_panic() {
    let mut rng = fastrand::Rng::with_seed(5);
    for block in [prefix(), diff(), fast_diff(), row_index()] {
        for cut in 0..block.content.len() {
            let cut = Block { content: block.content.slice(..cut), ..block.clone() };
            let _ = decode(&cut, LAYOUT);
        }
        for _ in 0..20_000 {
            let mut content = block.content.to_vec();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(2..content.len());
                content[at] = rng.u8(..);
            }
            let layout = CellLayout { tags_compressed: rng.bool(), with_tags: rng.bool(), ..LAYOUT };
            let _ = decode(&Block { content: content.into(), ..block.clone() }, layout);
        }
    }
    assert!(decode(&block(6, &[]), LAYOUT).is_err(), "PREFIX_TREE is gone");
}
