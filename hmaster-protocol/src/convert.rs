//! Conversions between messages and the nouns of hmaster-types, one file per noun. Counterpart of `ProtobufUtil`.
//!
//! From a noun to its message they are `From` and can't fail; the other way they are `TryFrom`, and the error names the
//! field. A message says what Java would have written, byte for byte, since it is stored, mirrored and compared; but the
//! attributes of a schema come sorted, where Java leaves their order to a hash map. Nouns own their memory, so that a
//! name doesn't keep the frame alive that it came in.

mod exception;
mod namespace;
mod region;
mod region_specifier;
mod region_state;
mod server_name;
mod table_descriptor;
mod table_name;
mod table_state;

use hmaster_types::{JavaException, ParseError, class};

use crate::pb;

/// A field of a message isn't the noun it stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {field}: {reason}")]
pub struct ConvertError {
    /// The field, from the outermost message inwards, such as `region_info.table_name`.
    pub field: String,
    /// What is wrong with it.
    #[source]
    pub reason: ParseError,
}

impl ConvertError {
    /// An error about a field.
    pub fn new(field: impl Into<String>, reason: ParseError) -> Self {
        Self { field: field.into(), reason }
    }

    /// The same error, as seen from a message that has the converted one as its field `outer`.
    #[must_use]
    pub fn inside(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

/// The error a client gets for it: Java's nouns check themselves, and throw this.
impl From<ConvertError> for JavaException {
    fn from(error: ConvertError) -> Self {
        Self::new(class::ILLEGAL_ARGUMENT, error.to_string())
    }
}

impl pb::NameStringPair {
    /// A pair.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// An error about a field whose value is a number out of its range.
fn out_of_range(field: &str, noun: &'static str, value: impl Into<i128>) -> ConvertError {
    ConvertError::new(field, ParseError::new(noun, value.into().to_string().as_bytes(), "out of range"))
}
