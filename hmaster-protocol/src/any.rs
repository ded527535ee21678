//! Messages in an `Any`: how procedures keep their state data.

use bytes::Bytes;

use crate::decode::{DecodeError, decode_slice};
use crate::pb::Any;
use crate::schema::HBaseMessage;

impl Any {
    /// A message with its type, as Java's `Any.pack` writes it.
    pub fn pack<M: HBaseMessage>(message: &M) -> Self {
        Self { type_url: M::type_url(), value: Bytes::from(message.encode_to_vec()) }
    }

    /// True if it holds an `M`. As in Java, what stands before the last slash doesn't matter, but there must be one.
    pub fn is<M: HBaseMessage>(&self) -> bool {
        self.type_url.rsplit_once('/').is_some_and(|(_, name)| name == M::TABLE.full_name())
    }

    /// The message in it. Fields of type `bytes` are copied.
    ///
    /// # Errors
    /// When it holds another message, and as [`crate::decode`].
    pub fn unpack<M: HBaseMessage>(&self) -> Result<M, DecodeError> {
        if self.is::<M>() {
            return decode_slice(&self.value);
        }
        Err(DecodeError::OtherType { message: M::TABLE.full_name(), found: self.type_url.clone() })
    }
}
