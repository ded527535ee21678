//! Bytes on their way out: a rope of shared buffers that is written with as few system calls as possible.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Buffers to write, one after the other, without copying them together.
#[derive(Debug, Default)]
pub struct ByteQueue {
    parts: VecDeque<Bytes>,
    len: usize,
}

impl ByteQueue {
    /// Adds `bytes` at the end.
    pub fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.parts.push_back(bytes);
        }
    }

    /// Adds all of `other` at the end.
    pub fn append(&mut self, mut other: Self) {
        self.len += other.len;
        self.parts.append(&mut other.parts);
    }

    /// Bytes not yet written.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when all is written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Buf for ByteQueue {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| part)
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "cannot write {count} of {} bytes", self.len);
        self.len -= count;
        while count > 0 {
            let front = self.parts.front_mut().expect("len counts the parts");
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.parts.pop_front();
        }
    }

    fn chunks_vectored<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, part) in out.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(part);
            filled += 1;
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_leave_in_order_whatever_the_steps() {
        for step in 1..=7 {
            let mut queue = ByteQueue::default();
            for part in [&b"ab"[..], b"", b"cde", b"f"] {
                queue.push(Bytes::from_static(part));
            }
            let mut written = Vec::new();
            while !queue.is_empty() {
                let mut slices = [IoSlice::new(&[]); 4];
                let filled = queue.chunks_vectored(&mut slices);
                let all: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
                assert_eq!(all.len(), queue.len());
                let count = step.min(queue.len());
                written.extend_from_slice(&all[..count]);
                queue.advance(count);
            }
            assert_eq!(written, b"abcdef");
        }
    }
}
