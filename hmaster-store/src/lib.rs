//! The master:store region in HBase's own format

pub mod hfile;
pub mod wal;

mod compression;
mod cursor;
mod dictionary;
mod error;

pub use compression::{Compression, DecompressError};
pub use error::{FileError, FileKind, Malformed, ParseFailure};
