//! The master:store region in HBase's own format

pub mod wal;

mod compression;
mod cursor;
mod error;

pub use compression::{Compression, DecompressError};
pub use error::{FileError, FileKind, Malformed, ParseFailure};
