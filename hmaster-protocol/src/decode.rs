//! Decoding, as strict as Java's: what lacks a required field is refused. Counterpart of `parseFrom`,
//! `parseDelimitedFrom` and `ProtobufUtil.mergeFrom`.
//!
//! prost alone takes a `ServerName` without a host name for one with an empty one. Here the bytes are walked first
//! ([`crate::validate`]), and only what Java would have read reaches prost. No step takes memory by a length that is
//! merely claimed.

use std::borrow::Cow;

use bytes::Bytes;

use crate::canonical::canonical;
use crate::missing::MissingFields;
use crate::schema::{HBaseMessage, MessageTable};
use crate::validate::{Malformed, validate};
use crate::wire::{Fault, Reader};

/// Bytes aren't the message they were taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no message at all.
    #[error("decode {message}: {fault} at byte {offset}{}", if path.is_empty() { String::new() } else { format!(" in {path}") })]
    Malformed {
        /// Full name of the message.
        message: &'static str,
        /// The field, from the outermost message inwards; empty outside of all fields.
        path: String,
        /// Where it was noticed.
        offset: usize,
        /// What is wrong there.
        #[source]
        fault: Fault,
    },
    /// A message, but not all of it.
    #[error("decode {message}: Message missing required fields: {fields}")]
    MissingRequired {
        /// Full name of the message.
        message: &'static str,
        /// What isn't there.
        fields: MissingFields,
    },
    /// A stored value that must begin with `PBUF` doesn't.
    #[error("decode {message}: begins with {found:02x?} in place of PBUF")]
    NoMagic {
        /// Full name of the message.
        message: &'static str,
        /// The first bytes.
        found: Vec<u8>,
    },
    /// An `Any` holds another message than the one that was asked for.
    #[error("decode {message}: the type URL is {found:?}")]
    OtherType {
        /// Full name of the message that was asked for.
        message: &'static str,
        /// The type URL.
        found: String,
    },
    /// prost refused what the validator let pass.
    #[error("decode {message}")]
    Prost {
        /// Full name of the message.
        message: &'static str,
        /// Its reason.
        #[source]
        source: prost::DecodeError,
    },
}

/// Decodes a message that takes all of `bytes`. Fields of type `bytes` share its memory, and keep all of it alive.
///
/// # Errors
/// When Java's `parseFrom` would throw: see [`DecodeError`].
pub fn decode<M: HBaseMessage>(bytes: Bytes) -> Result<M, DecodeError> {
    let decoded = match check(M::TABLE, &bytes)? {
        None => M::decode(bytes),
        Some(canonical) => M::decode(Bytes::from(canonical)),
    };
    decoded.map_err(|source| DecodeError::Prost { message: M::TABLE.full_name, source })
}

/// Decodes a message that takes all of `bytes`. Fields of type `bytes` are copied.
///
/// # Errors
/// As [`decode`].
pub fn decode_slice<M: HBaseMessage>(bytes: &[u8]) -> Result<M, DecodeError> {
    let bytes = match check(M::TABLE, bytes)? {
        None => Cow::Borrowed(bytes),
        Some(canonical) => Cow::Owned(canonical),
    };
    M::decode(&*bytes).map_err(|source| DecodeError::Prost { message: M::TABLE.full_name, source })
}

/// Decodes a message that has its length before it; gives what comes after it, too.
///
/// # Errors
/// As [`decode`], and when the length is malformed, negative, or more than there is.
pub fn decode_delimited<M: HBaseMessage>(mut bytes: Bytes) -> Result<(M, Bytes), DecodeError> {
    let (start, end) = delimited(M::TABLE, &bytes)?;
    let rest = bytes.split_off(end);
    Ok((decode(bytes.slice(start..))?, rest))
}

/// [`decode_delimited`] that copies fields of type `bytes`.
///
/// # Errors
/// As [`decode_delimited`].
pub fn decode_delimited_slice<M: HBaseMessage>(bytes: &[u8]) -> Result<(M, &[u8]), DecodeError> {
    let (start, end) = delimited(M::TABLE, bytes)?;
    Ok((decode_slice(&bytes[start..end])?, &bytes[end..]))
}

/// Checks `bytes` without decoding them.
///
/// # Errors
/// As [`decode`].
pub fn check_message<M: HBaseMessage>(bytes: &[u8]) -> Result<(), DecodeError> {
    check(M::TABLE, bytes).map(drop)
}

/// Checks `bytes`; gives what prost is to read in their place, where it is something else.
fn check(table: &MessageTable, bytes: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let findings = validate(table, bytes).map_err(|malformed| DecodeError::malformed(table, malformed))?;
    if !findings.odd && findings.complete {
        return Ok(None);
    }
    if !findings.odd && !findings.merged {
        return Err(missing(table, bytes));
    }
    let error = |fault| DecodeError::malformed(table, Malformed::at_start(fault));
    let canonical = canonical(table, bytes).map_err(error)?;
    let findings =
        validate(table, &canonical).map_err(|malformed| DecodeError::malformed(table, malformed))?;
    if findings.complete { Ok(Some(canonical)) } else { Err(missing(table, &canonical)) }
}

fn missing(table: &MessageTable, bytes: &[u8]) -> DecodeError {
    match MissingFields::find(table, bytes) {
        Ok(fields) => DecodeError::MissingRequired { message: table.full_name, fields },
        Err(fault) => DecodeError::malformed(table, Malformed::at_start(fault)),
    }
}

/// Where the message begins and ends.
fn delimited(table: &MessageTable, bytes: &[u8]) -> Result<(usize, usize), DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.length() {
        Ok(length) => Ok((reader.pos(), reader.pos() + length)),
        Err(fault) => Err(DecodeError::malformed(table, Malformed::at_start(fault))),
    }
}

impl DecodeError {
    fn malformed(table: &MessageTable, malformed: Malformed) -> Self {
        let Malformed { fault, offset, mut path } = malformed;
        path.reverse();
        Self::Malformed { message: table.full_name, path: path.join("."), offset, fault }
    }
}

impl Malformed {
    fn at_start(fault: Fault) -> Self {
        Self { fault, offset: 0, path: Vec::new() }
    }
}
