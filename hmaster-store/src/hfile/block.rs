//! Blocks, of which an HFile is made: a header, content, checksums. Counterpart of `HFileBlock`, `BlockType` and
//! `ChecksumUtil`.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::compression::{Compression, DecompressError};
use crate::cursor::{Cursor, Stepped};
use crate::error::{Malformed, ParseFailure};

pub(super) const HEADER_BYTES: usize = 33;
/// Java's default `hbase.hstore.bytes.per.checksum`.
const BYTES_PER_CHECKSUM: usize = 16 << 10;
const CHECKSUM_BYTES: usize = 4;
/// A block holds at least one cell, and there is no limit to those; a longer block than this is taken for damage.
pub const BLOCK_BYTES_MAX: usize = 256 << 20;
/// Java's "no such block".
const NO_OFFSET: i64 = -1;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockType {
    Data,
    EncodedData,
    LeafIndex,
    BloomChunk,
    Meta,
    IntermediateIndex,
    RootIndex,
    FileInfo,
    GeneralBloomMeta,
    DeleteFamilyBloomMeta,
}

/// A block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) block_type: BlockType,
    /// Header, content and checksums.
    pub(super) length: usize,
    /// Header and content.
    pub(super) length_without_checksums: usize,
    /// Content when decompressed.
    pub(super) uncompressed_length: usize,
    checksum: Checksum,
    bytes_per_checksum: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checksum {
    None,
    Crc32,
    Crc32c,
}

/// A block that was read, verified and decompressed.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) block_type: BlockType,
    pub(super) content: Bytes,
}

const TYPES: [(BlockType, &[u8; 8]); 10] = [
    (BlockType::Data, b"DATABLK*"),
    (BlockType::EncodedData, b"DATABLKE"),
    (BlockType::LeafIndex, b"IDXLEAF2"),
    (BlockType::BloomChunk, b"BLMFBLK2"),
    (BlockType::Meta, b"METABLKc"),
    (BlockType::IntermediateIndex, b"IDXINTE2"),
    (BlockType::RootIndex, b"IDXROOT2"),
    (BlockType::FileInfo, b"FILEINF2"),
    (BlockType::GeneralBloomMeta, b"BLMFMET2"),
    (BlockType::DeleteFamilyBloomMeta, b"DFBLMET2"),
];

impl BlockType {
    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Data | Self::EncodedData)
    }

    fn magic(self) -> &'static [u8; 8] {
        let (_, magic) = TYPES.iter().find(|(known, _)| *known == self).expect("all types are listed");
        magic
    }
}

impl BlockHeader {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        Self::read(&mut cursor).map_err(|stop| stop.at_end(bytes.len()))
    }

    fn read(cursor: &mut Cursor<'_>) -> Stepped<Self> {
        let magic: [u8; 8] = cursor.array()?;
        let known = TYPES.iter().find(|(_, known)| **known == magic);
        let (block_type, _) =
            known.ok_or_else(|| cursor.bad(format!("no block begins with {}", magic.escape_ascii())))?;
        let (on_disk, uncompressed) = (cursor.i32()?, cursor.i32()?);
        let _previous = cursor.i64()?;
        let (checksum, per_checksum, without_checksums) = (cursor.u8()?, cursor.i32()?, cursor.i32()?);
        let size = |size: i32, what| {
            let size = usize::try_from(size).ok().filter(|size| *size <= BLOCK_BYTES_MAX);
            size.ok_or_else(|| cursor.bad(format!("a block with a bad {what}")))
        };
        let checksum = match checksum {
            0 => Checksum::None,
            1 => Checksum::Crc32,
            2 => Checksum::Crc32c,
            other => return Err(cursor.bad(format!("unknown kind of checksum {other}"))),
        };
        let header = Self {
            block_type: *block_type,
            length: HEADER_BYTES + size(on_disk, "length")?,
            length_without_checksums: size(without_checksums, "length without checksums")?,
            uncompressed_length: size(uncompressed, "uncompressed length")?,
            checksum,
            bytes_per_checksum: size(per_checksum, "number of bytes per checksum")?,
        };
        let is_consistent = (HEADER_BYTES..=header.length).contains(&header.length_without_checksums)
            && (checksum == Checksum::None || header.bytes_per_checksum > 0);
        if is_consistent { Ok(header) } else { Err(cursor.bad("a block whose lengths contradict")) }
    }

    /// Verifies and decompresses the block, all of whose bytes are given, header included.
    pub(super) fn unpack(&self, bytes: &Bytes, compression: Compression) -> Result<Block, ParseFailure> {
        let (checked, checksums) = bytes.split_at(self.length_without_checksums);
        self.verify(checked, checksums)?;
        let content = bytes.slice(HEADER_BYTES..self.length_without_checksums);
        let content = match compression {
            Compression::None => content,
            compression => compression
                .decompress(&content, self.uncompressed_length)
                .map_err(|error| failed(&error))?
                .into(),
        };
        if content.len() != self.uncompressed_length {
            let reason = format!("{} bytes in place of {}", content.len(), self.uncompressed_length);
            return Err(Malformed::new(0, reason).into());
        }
        Ok(Block { block_type: self.block_type, content })
    }

    fn verify(&self, checked: &[u8], checksums: &[u8]) -> Result<(), Malformed> {
        if self.checksum == Checksum::None {
            return Ok(());
        }
        let chunks = checked.chunks(self.bytes_per_checksum);
        let (sums, rest) = checksums.as_chunks::<CHECKSUM_BYTES>();
        if sums.len() != chunks.len() || !rest.is_empty() {
            return Err(Malformed::new(0, "a block with another number of checksums than it needs"));
        }
        for (n, (chunk, sum)) in chunks.zip(sums).enumerate() {
            if self.checksum.of(chunk) != u32::from_be_bytes(*sum) {
                let at = n * self.bytes_per_checksum;
                return Err(Malformed::new(at as u64, "a block's checksum is wrong"));
            }
        }
        Ok(())
    }
}

impl Checksum {
    fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::None => 0,
            Self::Crc32 => crc32fast::hash(bytes),
            Self::Crc32c => crc32c::crc32c(bytes),
        }
    }
}

fn failed(error: &DecompressError) -> ParseFailure {
    match error {
        DecompressError::Damaged { .. } => Malformed::new(HEADER_BYTES as u64, error.to_string()).into(),
        DecompressError::Unsupported(algorithm) => {
            ParseFailure::Unsupported(format!("compression {algorithm}").into())
        }
    }
}

/// A block that isn't compressed, with CRC32C checksums. `previous` is where the block of the same type before it is.
pub(super) fn encode_block(block_type: BlockType, content: &[u8], previous: Option<u64>) -> Bytes {
    let data_length = HEADER_BYTES + content.len();
    let checksums_length = data_length.div_ceil(BYTES_PER_CHECKSUM) * CHECKSUM_BYTES;
    let length = |length: usize| i32::try_from(length).expect("the writer keeps blocks below their bound");
    let mut out = BytesMut::with_capacity(data_length + checksums_length);
    out.put_slice(block_type.magic());
    out.put_i32(length(content.len() + checksums_length));
    out.put_i32(length(content.len()));
    out.put_i64(previous.map_or(NO_OFFSET, |previous| previous as i64));
    out.put_u8(2); // CRC32C
    out.put_i32(length(BYTES_PER_CHECKSUM));
    out.put_i32(length(data_length));
    out.put_slice(content);
    let sums: Vec<u32> = out.chunks(BYTES_PER_CHECKSUM).map(crc32c::crc32c).collect();
    sums.into_iter().for_each(|sum| out.put_u32(sum));
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(bytes: &[u8]) -> Result<Block, ParseFailure> {
        let header = BlockHeader::parse(bytes)?;
        if bytes.len() < header.length {
            return Err(Malformed::new(bytes.len() as u64, "ends too early").into());
        }
        header.unpack(&Bytes::copy_from_slice(&bytes[..header.length]), Compression::None)
    }

    #[test]
    fn there_and_back() {
        for length in [0, 1, BYTES_PER_CHECKSUM - HEADER_BYTES, 40_000] {
            let content = vec![7; length];
            let bytes = encode_block(BlockType::LeafIndex, &content, None);
            let block = unpack(&bytes).unwrap();
            assert_eq!((block.block_type, &block.content[..]), (BlockType::LeafIndex, &content[..]));
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let content = vec![7; BYTES_PER_CHECKSUM];
        let bytes = encode_block(BlockType::Data, &content, Some(4));
        for at in (0..HEADER_BYTES).chain((HEADER_BYTES..bytes.len()).step_by(97)).chain([bytes.len() - 1]) {
            for bit in 0..8 {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << bit;
                // A block that claims to have no checksums can't be told.
                assert!(unpack(&changed).is_err() || changed[24] == 0, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = encode_block(BlockType::FileInfo, b"content", None);
        for cut in 0..bytes.len() {
            assert!(unpack(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
