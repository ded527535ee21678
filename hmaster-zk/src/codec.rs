//! What stands in znodes, as types. Counterpart of the parts of `ProtobufUtil` that znodes need.
//!
//! A payload is read once, where it enters; what can't be read is a [`CodecError`] that names the znode. Formats older
//! than protobuf (HBase 0.94) are errors, too.

mod cluster;
mod meta;
mod namespace;
mod server;
mod session;
mod switch;
mod table;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use hmaster_protocol::{ConvertError, DecodeError};
use hmaster_types::ParseError;

use crate::envelope::EnvelopeError;
use crate::watcher::Znode;

pub use cluster::{ClusterId, ClusterUp};
pub use meta::MetaLocation;
pub use server::{MasterInfo, RegionServerInfo};
pub use session::MasterSession;
pub use switch::SwitchKind;

/// Something that is kept in a znode.
pub trait Payload: Sized {
    /// As it is written, without envelope.
    fn encode(&self) -> Bytes;

    /// Reads what [`Payload::encode`] or Java wrote.
    ///
    /// # Errors
    /// When it isn't that.
    fn decode(payload: &[u8]) -> Result<Self, CodecReason>;
}

/// A znode's data isn't what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the data of znode {path} can't be read")]
pub struct CodecError {
    /// The znode.
    pub path: String,
    /// What is wrong with it.
    #[source]
    pub reason: CodecReason,
}

/// What is wrong with a znode's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecReason {
    /// There is none.
    #[error("it is empty")]
    Empty,
    /// The envelope around it.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// It isn't the message that belongs there.
    #[error(transparent)]
    Message(#[from] DecodeError),
    /// A field of the message makes no sense.
    #[error(transparent)]
    Field(#[from] ConvertError),
    /// The message as a whole is about something that can't be.
    #[error(transparent)]
    Noun(#[from] ParseError),
}

impl CodecError {
    /// An error about the data of `path`.
    pub fn new(path: impl Into<String>, reason: CodecReason) -> Self {
        Self { path: path.into(), reason }
    }
}

impl Znode {
    /// What its data says.
    ///
    /// # Errors
    /// When the data isn't that.
    pub fn decode<P: Payload>(&self) -> Result<P, CodecError> {
        let payload = self.payload()?;
        let decoded = if payload.is_empty() { Err(CodecReason::Empty) } else { P::decode(&payload) };
        decoded.map_err(|reason| CodecError::new(&self.path, reason))
    }
}
