//! What parsing a noun can fail with.

/// A text or a byte string isn't the noun it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {noun}: {input:?}: {reason}")]
pub struct ParseError {
    /// The noun that was expected, such as `server name`.
    pub noun: &'static str,
    /// What was read, printable, shortened to [`ParseError::INPUT_CHARS_MAX`] characters.
    pub input: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ParseError {
    /// A longer input is cut: an error must not carry a megabyte of garbage into a log line.
    pub const INPUT_CHARS_MAX: usize = 200;

    /// An error about `input`, whose bytes may be anything.
    pub fn new(noun: &'static str, input: &[u8], reason: impl Into<String>) -> Self {
        let mut input = crate::to_string_binary(&input[..input.len().min(Self::INPUT_CHARS_MAX)]);
        if input.len() > Self::INPUT_CHARS_MAX {
            input.truncate(Self::INPUT_CHARS_MAX); // to_string_binary is ASCII only
            input.push('…');
        }
        Self { noun, input, reason: reason.into() }
    }
}
