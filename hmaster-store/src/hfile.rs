//! HFiles, which hold what a store has flushed. Counterpart of the package `org.apache.hadoop.hbase.io.hfile`.
//!
//! # The format
//!
//! Blocks, each with a header and checksums: data blocks with sorted cells, and between them blocks of the index and
//! of Bloom filters; then the index's upper levels, its root, an index of meta blocks, the file info; at the end a
//! trailer of fixed length that says where all that is.
//!
//! Versions 3.0 to 3.3 and 2.3 are read, in all encodings of data blocks that HBase 2 writes, with the compressions
//! that [`crate::Compression::is_supported`] names. Bloom filters aren't looked at. [`HFileWriter`] writes version 3.3,
//! plain, without Bloom filters.
//!
//! # Reading order
//!
//! [`block`], [`trailer`], [`info`], [`index`], [`encoding`], then [`HFile`] and [`HFileScan`]; [`Reference`] for the
//! halves that splits leave; [`HFileWriter`].

pub(crate) mod block;
mod blocks;
pub(crate) mod encoding;
pub(crate) mod index;
pub(crate) mod info;
mod reader;
mod reference;
mod scan;
pub(crate) mod trailer;
mod writer;

pub use block::BLOCK_BYTES_MAX;
pub use blocks::DataBlock;
pub use encoding::Encoding;
pub use info::FileInfo;
pub use reader::HFile;
pub use reference::{Half, Reference};
pub use scan::{HFileScan, ScanRange};
pub use trailer::Trailer;
pub use writer::{HFileOptions, HFileWriteError, HFileWriter, StoreFileOrigin};
