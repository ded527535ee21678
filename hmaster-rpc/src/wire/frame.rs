//! Frames: a big-endian `int32` length, then that many bytes. Counterpart of `NettyRpcFrameDecoder`.
//!
//! Bytes go in as the socket gives them, frames come out as slices of the same buffer. Memory grows only with bytes
//! that are there, never by a claimed length. A frame that is longer than allowed, or for which the shared budget has
//! no room, isn't kept: its beginning comes out, as far as it takes to see whose call it was, and the rest is skipped
//! as it arrives, so the connection stays in step.

use bytes::{Bytes, BytesMut};

use super::budget::Held;
use super::delimited::{DelimitedError, split_delimited};

/// Bytes of a frame's length.
pub const LENGTH_LEN: usize = 4;
/// Room to read into, at least: a system call should bring more than one small frame.
const READ_BYTES_MIN: usize = 8 << 10;
/// Room to read into, at most, while a large frame arrives.
const READ_BYTES_MAX: usize = 1 << 20;

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    state: State,
    frame_bytes_max: usize,
}

/// What came out of the stream.
#[derive(Debug)]
pub enum Frame {
    /// All of a frame, and its share of the budget.
    Whole(Bytes, Held),
    /// A frame that isn't kept.
    Skipped {
        /// The first message in it with its length before it, or as much as came within [`FrameReader::HEAD_BYTES_MAX`].
        head: Bytes,
        /// The frame's length.
        len: usize,
        /// Why it isn't kept.
        why: SkipReason,
    },
}

/// Why a frame isn't kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// Longer than one frame may be.
    TooLong,
    /// All connections together hold as much as they may.
    NoBudget,
}

/// A length below zero: the stream is no longer in step, or never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame's length is negative: {0}")]
pub struct NegativeLength(pub i32);

#[derive(Debug)]
enum State {
    /// Before a length.
    Between,
    /// Within a frame that is kept.
    Body { len: usize, held: Held },
    /// Within a frame that isn't kept, as long as its head isn't there.
    Head { len: usize, why: SkipReason },
    /// Within the rest of a frame that isn't kept.
    Skip { left: usize },
}

impl FrameReader {
    /// How far into a frame that isn't kept its first message is looked for.
    pub const HEAD_BYTES_MAX: usize = 64 << 10;

    /// A reader of frames of at most `frame_bytes_max` bytes.
    pub fn new(frame_bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), state: State::Between, frame_bytes_max }
    }

    /// Where bytes that arrive are to be put, with room for more.
    pub fn buffer(&mut self) -> &mut BytesMut {
        let room =
            self.missing().clamp(READ_BYTES_MIN, self.buffer.len().clamp(READ_BYTES_MIN, READ_BYTES_MAX));
        self.buffer.reserve(room);
        &mut self.buffer
    }

    /// Takes bytes that are no frame, such as a preamble, off the front.
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.buffer.first_chunk::<N>()?;
        let _ = self.buffer.split_to(N);
        Some(taken)
    }

    /// True between frames with nothing of the next one there.
    pub fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Between) && self.buffer.is_empty()
    }

    /// Changes how long a frame may be, from the next one on.
    pub fn set_frame_bytes_max(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// The next frame, if it is there. `share` gives an empty share of the budget.
    ///
    /// # Errors
    /// When a length is negative; the stream is of no use afterwards.
    pub fn next(&mut self, share: impl Fn() -> Held) -> Result<Option<Frame>, NegativeLength> {
        loop {
            match std::mem::replace(&mut self.state, State::Between) {
                State::Between => match self.take::<LENGTH_LEN>() {
                    Some(length) => self.state = self.begin(i32::from_be_bytes(length), share())?,
                    None => return Ok(None),
                },
                State::Body { len, mut held } => {
                    let there = len.min(self.buffer.len());
                    if !held.grow(there as u64) {
                        self.state = State::Head { len, why: SkipReason::NoBudget };
                    } else if there == len {
                        return Ok(Some(Frame::Whole(self.buffer.split_to(len).freeze(), held)));
                    } else {
                        self.state = State::Body { len, held };
                        return Ok(None);
                    }
                }
                State::Head { len, why } => {
                    let Some(head) = self.head(len) else {
                        self.state = State::Head { len, why };
                        return Ok(None);
                    };
                    self.state = State::Skip { left: len - head.len() };
                    return Ok(Some(Frame::Skipped { head, len, why }));
                }
                State::Skip { left } => {
                    let there = left.min(self.buffer.len());
                    let _ = self.buffer.split_to(there);
                    if there < left {
                        self.state = State::Skip { left: left - there };
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn begin(&self, length: i32, held: Held) -> Result<State, NegativeLength> {
        let len = usize::try_from(length).map_err(|_| NegativeLength(length))?;
        Ok(if len > self.frame_bytes_max {
            State::Head { len, why: SkipReason::TooLong }
        } else {
            State::Body { len, held }
        })
    }

    /// The first message of a frame of `len` bytes with its length, or as many bytes as are looked at.
    fn head(&mut self, len: usize) -> Option<Bytes> {
        let limit = len.min(Self::HEAD_BYTES_MAX);
        let there = limit.min(self.buffer.len());
        let mut rest = Bytes::copy_from_slice(&self.buffer[..there]);
        match split_delimited(&mut rest, "header") {
            Ok(_) => Some(self.buffer.split_to(there - rest.len()).freeze()),
            Err(DelimitedError::Truncated { .. }) if there < limit => None,
            Err(_) => Some(self.buffer.split_to(there).freeze()),
        }
    }

    /// Bytes until something can come out, as far as that is known.
    fn missing(&self) -> usize {
        match &self.state {
            State::Body { len, .. } => len.saturating_sub(self.buffer.len()),
            State::Between | State::Head { .. } | State::Skip { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BufMut;

    use super::super::budget::ByteBudget;
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut out = (body.len() as i32).to_be_bytes().to_vec();
        out.extend_from_slice(body);
        out
    }

    /// Feeds `bytes` in pieces of `step`; what came out, printable.
    fn read(bytes: &[u8], step: usize, frame_bytes_max: usize, budget: &Arc<ByteBudget>) -> Vec<String> {
        let mut reader = FrameReader::new(frame_bytes_max);
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            reader.buffer().put_slice(piece);
            loop {
                match reader.next(|| budget.share()) {
                    Ok(Some(Frame::Whole(bytes, _))) => out.push(format!("whole {}", bytes.escape_ascii())),
                    Ok(Some(Frame::Skipped { head, len, why })) => {
                        out.push(format!("{why:?} {len} {}", head.escape_ascii()));
                    }
                    Ok(None) => break,
                    Err(error) => return out.into_iter().chain([error.to_string()]).collect(),
                }
            }
        }
        if !reader.is_between_frames() {
            out.push("unfinished".into());
        }
        out
    }

    #[test]
    fn every_split_gives_the_same_frames() {
        let long = [&b"\x03abc"[..], &[b'x'; 100]].concat();
        let bytes = [framed(b"one"), framed(b""), framed(&long), framed(b"two")].concat();
        let budget = ByteBudget::new(1000);
        for step in 1..=bytes.len() {
            let frames = read(&bytes, step, 20, &budget);
            assert_eq!(frames, ["whole one", "whole ", "TooLong 104 \\x03abc", "whole two"], "{step}");
        }
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_frame_beyond_the_budget_is_skipped_and_gives_back_what_it_held() {
        let long = [&b"\x03abc"[..], &[b'x'; 60]].concat();
        let bytes = [framed(&long), framed(b"two")].concat();
        let budget = ByteBudget::new(30);
        for step in 1..=bytes.len() {
            assert_eq!(read(&bytes, step, 1000, &budget), ["NoBudget 64 \\x03abc", "whole two"], "{step}");
        }
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn every_truncation_waits() {
        let bytes = framed(b"frame");
        for len in 1..bytes.len() {
            assert_eq!(read(&bytes[..len], 1, 100, &ByteBudget::new(100)), ["unfinished"], "{len}");
        }
    }

    #[test]
    fn a_negative_length_is_an_error() {
        let frames = read(b"\xff\xff\xff\xffrest", 3, 100, &ByteBudget::new(100));
        assert_eq!(frames, ["the frame's length is negative: -1"]);
    }

    #[test]
    fn a_head_that_makes_no_sense_comes_out_as_far_as_it_is_looked_at() {
        let budget = ByteBudget::new(1 << 20);
        let bad = framed(&[0xff; 50]);
        assert_eq!(read(&bad, 1, 10, &budget).len(), 1);
        let endless = [&[0xff, 0xff, 0x7f][..], &vec![b'x'; FrameReader::HEAD_BYTES_MAX + 10]].concat();
        let frames = read(&framed(&endless), 1000, 10, &budget);
        assert_eq!(frames.len(), 1);
        assert!(frames[0].starts_with("TooLong"));
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut reader = FrameReader::new(usize::MAX);
        reader.buffer().put_slice(&i32::MAX.to_be_bytes());
        let budget = ByteBudget::new(u64::MAX);
        for _ in 0..100 {
            assert!(reader.next(|| budget.share()).unwrap().is_none());
            reader.buffer().put_slice(b"x");
        }
        assert!(reader.buffer().capacity() < 64 << 10, "{}", reader.buffer().capacity());
        assert_eq!(budget.held(), 99);
    }
}
