//! Decompression of blocks and values. Counterpart of `Compression.Algorithm` and of the Hadoop codecs behind it.
//!
//! Hadoop writes most codecs in frames of its own: the length of what follows when decompressed, then chunks with
//! their compressed lengths. GZ is a plain gzip stream; ZSTD is framed by HBase's own codec and plain by Hadoop's.

mod hadoop;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

/// What blocks and values are compressed with. The order is part of the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they say it all")]
pub enum Compression {
    Lzo,
    Gz,
    None,
    Snappy,
    Lz4,
    Bzip2,
    Zstd,
    Lzma,
    Brotli,
}

/// Compressed bytes can't be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// They are damaged.
    #[error("{algorithm}: {reason}")]
    Damaged {
        /// What they were compressed with.
        algorithm: Compression,
        /// What is wrong.
        reason: Cow<'static, str>,
    },
    /// There is no decompressor here.
    #[error("compression {0} isn't supported")]
    Unsupported(Compression),
}

const ALL: [Compression; 9] = [
    Compression::Lzo,
    Compression::Gz,
    Compression::None,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Bzip2,
    Compression::Zstd,
    Compression::Lzma,
    Compression::Brotli,
];

impl Compression {
    /// The algorithm with this number, Java's ordinal.
    pub fn from_ordinal(ordinal: u32) -> Option<Self> {
        ALL.get(ordinal as usize).copied()
    }

    /// Java's ordinal.
    pub fn ordinal(self) -> u32 {
        self as u32
    }

    /// Whether [`Compression::decompress`] can do it.
    pub fn is_supported(self) -> bool {
        match self {
            Self::None | Self::Gz | Self::Snappy | Self::Lz4 => true,
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Lzo | Self::Bzip2 | Self::Lzma | Self::Brotli => false,
        }
    }

    /// Decompresses all of `input`, which must give exactly `length` bytes. Memory grows with what comes out, not by
    /// what is claimed.
    ///
    /// # Errors
    /// When the bytes are damaged or give another length, or there is no decompressor.
    pub fn decompress(self, input: &[u8], length: usize) -> Result<Vec<u8>, DecompressError> {
        let mut out = Vec::new();
        let done = match self {
            Self::None => {
                out.extend_from_slice(input);
                Ok(())
            }
            Self::Gz => read_to_end(flate2::bufread::MultiGzDecoder::new(input), length, &mut out),
            Self::Snappy => hadoop::frames(input, length, &mut out, snappy),
            Self::Lz4 => hadoop::frames(input, length, &mut out, lz4),
            Self::Zstd if self.is_supported() => zstd(input, length, &mut out),
            _ => return Err(DecompressError::Unsupported(self)),
        };
        match done {
            Ok(()) if out.len() == length => Ok(out),
            Ok(()) => Err(self.damaged(format!("{} bytes came out in place of {length}", out.len()))),
            Err(reason) => Err(self.damaged(reason)),
        }
    }

    fn damaged(self, reason: impl Into<Cow<'static, str>>) -> DecompressError {
        DecompressError::Damaged { algorithm: self, reason: reason.into() }
    }
}

type Outcome = Result<(), Cow<'static, str>>;

/// Reads a stream to its end, but not more than one byte beyond what is expected.
fn read_to_end(stream: impl Read, length: usize, out: &mut Vec<u8>) -> Outcome {
    let limit = (length as u64).saturating_add(1);
    stream.take(limit).read_to_end(out).map(drop).map_err(|error| error.to_string().into())
}

/// A chunk of snappy says its own length; three bytes can stand for at most 64.
fn snappy(input: &[u8], length_max: usize, out: &mut Vec<u8>) -> Outcome {
    let length = snap::raw::decompress_len(input).map_err(|error| error.to_string())?;
    if length > length_max || length / 64 > input.len() {
        return Err(format!("a chunk of {} bytes claims {length}", input.len()).into());
    }
    let chunk = snap::raw::Decoder::new().decompress_vec(input).map_err(|error| error.to_string())?;
    out.extend_from_slice(&chunk);
    Ok(())
}

/// One byte of LZ4 can stand for at most 255.
fn lz4(input: &[u8], length_max: usize, out: &mut Vec<u8>) -> Outcome {
    let room = length_max.min(input.len().saturating_mul(255));
    let chunk = lz4_flex::block::decompress(input, room).map_err(|error| error.to_string())?;
    out.extend_from_slice(&chunk);
    Ok(())
}

#[cfg(feature = "zstd")]
fn zstd(input: &[u8], length: usize, out: &mut Vec<u8>) -> Outcome {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if input.starts_with(&MAGIC) {
        return zstd_stream(input, length, out);
    }
    hadoop::frames(input, length, out, zstd_stream)
}

#[cfg(feature = "zstd")]
fn zstd_stream(mut input: &[u8], length: usize, out: &mut Vec<u8>) -> Outcome {
    let end = out.len().saturating_add(length);
    while !input.is_empty() && out.len() <= end {
        let stream =
            ruzstd::decoding::StreamingDecoder::new(&mut input).map_err(|error| error.to_string())?;
        read_to_end(stream, end - out.len(), out)?;
    }
    Ok(())
}

#[cfg(not(feature = "zstd"))]
fn zstd(_: &[u8], _: usize, _: &mut Vec<u8>) -> Outcome {
    Ok(())
}

impl fmt::Display for Compression {
    /// As in table descriptors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lzo => "LZO",
            Self::Gz => "GZ",
            Self::None => "NONE",
            Self::Snappy => "SNAPPY",
            Self::Lz4 => "LZ4",
            Self::Bzip2 => "BZIP2",
            Self::Zstd => "ZSTD",
            Self::Lzma => "LZMA",
            Self::Brotli => "BROTLI",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn text() -> Vec<u8> {
        b"one row and another row and one more row ".repeat(40)
    }

    /// As Hadoop frames it: two frames, the first of two chunks.
    fn framed(compress: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let text = text();
        let (a, rest) = text.split_at(300);
        let (b, c) = rest.split_at(500);
        let mut out = Vec::new();
        for chunks in [&[a, b][..], &[c]] {
            let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
            out.extend((length as u32).to_be_bytes());
            for chunk in chunks {
                let compressed = compress(chunk);
                out.extend((compressed.len() as u32).to_be_bytes());
                out.extend(compressed);
            }
        }
        out
    }

    fn gz() -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&text()).unwrap();
        encoder.finish().unwrap()
    }

    fn samples() -> Vec<(Compression, Vec<u8>)> {
        let snappy = |chunk: &[u8]| snap::raw::Encoder::new().compress_vec(chunk).unwrap();
        let mut samples = vec![
            (Compression::None, text()),
            (Compression::Gz, gz()),
            (Compression::Snappy, framed(snappy)),
            (Compression::Lz4, framed(lz4_flex::block::compress)),
        ];
        if cfg!(feature = "zstd") {
            samples.extend(zstd_samples());
        }
        samples
    }

    #[cfg(feature = "zstd")]
    fn zstd_samples() -> Vec<(Compression, Vec<u8>)> {
        let zstd = |chunk: &[u8]| {
            ruzstd::encoding::compress_to_vec(chunk, ruzstd::encoding::CompressionLevel::Fastest)
        };
        vec![(Compression::Zstd, framed(zstd)), (Compression::Zstd, zstd(&text()))]
    }

    #[cfg(not(feature = "zstd"))]
    fn zstd_samples() -> Vec<(Compression, Vec<u8>)> {
        Vec::new()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for (algorithm, compressed) in samples() {
            assert!(algorithm.decompress(&compressed, text().len()) == Ok(text()), "{algorithm}");
        }
    }

    #[test]
    fn other_lengths_and_cut_ends_are_refused() {
        for (algorithm, compressed) in samples() {
            for length in [0, text().len() - 1, text().len() + 1, usize::MAX] {
                assert!(algorithm.decompress(&compressed, length).is_err(), "{algorithm} {length}");
            }
            for cut in 0..compressed.len() {
                assert!(algorithm.decompress(&compressed[..cut], text().len()).is_err(), "{algorithm} {cut}");
            }
        }
    }

    #[test]
    fn garbage_is_refused_and_takes_no_memory() {
        let mut rng = fastrand::Rng::with_seed(7);
        for (algorithm, compressed) in samples().into_iter().filter(|(a, _)| *a != Compression::None) {
            for _ in 0..2000 {
                let mut bytes = compressed.clone();
                bytes[rng.usize(..compressed.len())] = rng.u8(..);
                let _ = algorithm.decompress(&bytes, text().len());
                let noise: Vec<u8> = (0..rng.usize(..64)).map(|_| rng.u8(..)).collect();
                assert!(algorithm.decompress(&noise, 1 << 30).is_err());
            }
        }
    }

    #[test]
    fn the_others_say_so() {
        for ordinal in [0, 5, 7, 8] {
            let algorithm = Compression::from_ordinal(ordinal).unwrap();
            assert_eq!(algorithm.ordinal(), ordinal);
            assert_eq!(algorithm.decompress(b"", 1), Err(DecompressError::Unsupported(algorithm)));
        }
        assert_eq!(Compression::from_ordinal(9), None);
        assert_eq!(Compression::Lzo.to_string(), "LZO");
    }
}
