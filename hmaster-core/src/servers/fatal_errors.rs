//! The last words of region servers, for the page. Counterpart of `MemoryBoundedLogMessageBuffer`.

use std::collections::VecDeque;

use hmaster_types::ServerName;
use parking_lot::Mutex;

/// The latest messages, as many as fit.
#[derive(Debug)]
pub struct FatalErrors {
    /// `hbase.master.buffer.for.rs.fatals`.
    bytes_max: usize,
    messages: Mutex<(usize, VecDeque<String>)>,
}

impl FatalErrors {
    /// Holds up to `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, messages: Mutex::default() }
    }

    /// Adds a message; the oldest go.
    pub fn push(&self, server: &ServerName, message: &str) {
        let text = format!("Region server {server} reported a fatal error:\n{message}");
        let mut messages = self.messages.lock();
        messages.0 += text.len();
        messages.1.push_back(text);
        while messages.0 > self.bytes_max {
            let Some(oldest) = messages.1.pop_front() else { break };
            messages.0 -= oldest.len();
        }
    }

    /// The messages, oldest first.
    pub fn all(&self) -> Vec<String> {
        self.messages.lock().1.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let errors = FatalErrors::new(110);
        let server: ServerName = "h,1,1".parse().unwrap();
        for word in ["one", "two", "three"] {
            errors.push(&server, word);
        }
        let kept = errors.all();
        assert_eq!(kept.len(), 2);
        assert!(kept[1].ends_with("three"));
        errors.push(&server, &"x".repeat(1000));
        assert!(errors.all().is_empty(), "a message beyond the bound isn't kept");
    }
}
