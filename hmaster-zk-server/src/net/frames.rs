//! Cuts a byte stream into frames.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::engine::four_letter::FourLetterWord;

/// Least free room before a read.
const READ_BYTES: usize = 4096;

/// Why no further frame can be read.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    /// A length that is negative or beyond the bound. What follows can't be understood.
    #[error("a frame claims {length} bytes, the bound (jute.maxbuffer) is {max}")]
    BadLength {
        /// The length it claims.
        length: i32,
        /// The bound.
        max: usize,
    },
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    CutOff,
    /// Reading failed.
    #[error("read: {0}")]
    Io(#[from] std::io::Error),
}

/// What a connection begins with.
#[derive(Debug)]
pub(crate) enum Opening {
    /// A connect request.
    Frame(Bytes),
    /// A four-letter word instead of a length.
    Word(FourLetterWord),
    /// Nothing: the client went.
    End,
}

/// Reads frames from a stream. Room is made as bytes arrive, never for what a length claims.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    stream: R,
    buffer: BytesMut,
    frame_bytes_max: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from a stream; frames longer than `frame_bytes_max` are errors.
    pub(crate) fn new(stream: R, frame_bytes_max: usize) -> Self {
        Self { stream, buffer: BytesMut::new(), frame_bytes_max }
    }

    /// Reads the first frame, or a four-letter word in place of its length.
    pub(crate) async fn opening(&mut self) -> Result<Opening, FrameError> {
        while self.buffer.len() < 4 {
            if !self.fill().await? {
                return if self.buffer.is_empty() { Ok(Opening::End) } else { Err(FrameError::CutOff) };
            }
        }
        let first = [self.buffer[0], self.buffer[1], self.buffer[2], self.buffer[3]];
        match FourLetterWord::from_bytes(first) {
            Some(word) => Ok(Opening::Word(word)),
            None => Ok(self.next().await?.map_or(Opening::End, Opening::Frame)),
        }
    }

    /// Reads the next frame, without its length; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                return if self.buffer.is_empty() { Ok(None) } else { Err(FrameError::CutOff) };
            }
        }
    }

    fn take_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(&[a, b, c, d]) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = i32::from_be_bytes([a, b, c, d]);
        let count = usize::try_from(length).ok().filter(|count| *count <= self.frame_bytes_max);
        let count = count.ok_or(FrameError::BadLength { length, max: self.frame_bytes_max })?;
        if self.buffer.len() < 4 + count {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(count).freeze()))
    }

    async fn fill(&mut self) -> Result<bool, FrameError> {
        self.buffer.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &'static [u8]) -> FrameReader<&'static [u8]> {
        FrameReader::new(bytes, 16)
    }

    #[tokio::test]
    async fn frames_are_cut_at_their_lengths() {
        let mut reader = reader(b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c");
        for expected in [&b"ab"[..], b"", b"c"] {
            assert_eq!(reader.next().await.unwrap().unwrap(), expected);
        }
        assert!(reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn bad_lengths_and_cut_frames_are_errors_without_room_being_made() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x7f\xff\xff\xff", b"\0\0\0\x11", b"GET / HTTP/1.1"] {
            let mut reader = reader(bytes);
            assert!(matches!(reader.next().await, Err(FrameError::BadLength { .. })), "{bytes:?}");
            assert!(reader.buffer.capacity() <= 2 * READ_BYTES);
        }
        for bytes in [&b"\0"[..], b"\0\0\0\x10abc"] {
            assert!(matches!(reader(bytes).next().await, Err(FrameError::CutOff)), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_word_is_known_in_place_of_the_first_length_only() {
        assert!(matches!(reader(b"ruok").opening().await, Ok(Opening::Word(FourLetterWord::Ruok))));
        assert!(matches!(reader(b"").opening().await, Ok(Opening::End)));
        assert!(matches!(reader(b"ru").opening().await, Err(FrameError::CutOff)));
        assert!(matches!(reader(b"xxxx").opening().await, Err(FrameError::BadLength { .. })));
        let mut reader = reader(b"\0\0\0\x01aruok");
        assert!(matches!(reader.opening().await, Ok(Opening::Frame(_))));
        assert!(matches!(reader.next().await, Err(FrameError::BadLength { .. })));
    }
}
