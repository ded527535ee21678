//! HBase's write-ahead logs, as Java 2.4 to 3.0 write and read them. Counterpart of the packages
//! `org.apache.hadoop.hbase.wal` and `org.apache.hadoop.hbase.regionserver.wal`.
//!
//! # The format
//!
//! `PWAL`, a header, entries, and, if the writer closed the file, a trailer. An entry is a key (which region of which
//! table, sequence id, number of cells) and its cells, all of one atomic change. Files are written plain; they are
//! read also with dictionaries and compressed values. Encrypted ones aren't.
//!
//! # Reading order
//!
//! [`name`], [`header`], [`entry`] with its [`checksum`], [`parse`], [`WalReader`]; then [`file`], [`commit`] and
//! [`Wal`], which write.

pub(crate) mod checksum;
pub(crate) mod commit;
mod compressed;
pub(crate) mod entry;
pub(crate) mod file;
mod header;
mod log;
pub(crate) mod name;
mod parse;
mod reader;

pub use commit::{Durable, LogFailure};
pub use entry::{NewEntry, WalEntry, compaction_marker, encode_entry, is_marker};
pub use file::WalFile;
pub use log::{Wal, WalOptions};
pub use name::WalName;
pub use parse::ENTRY_BYTES_MAX;
pub use reader::{COMPRESSED_FILE_BYTES_MAX, WalEnd, WalReader, parse_wal};

#[cfg(test)]
mod tests;
