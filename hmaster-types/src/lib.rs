//! The nouns of HBase, without I/O.
//!
//! Every other crate speaks in these types: [`ServerName`], [`TableName`], [`RegionInfo`] with its
//! names, [`TableDescriptor`], [`Cell`] with the two orders HBase knows, [`JavaException`] for the
//! errors that cross the wire, identifiers as newtypes, and the two seams through which the outside
//! world's whims enter: [`Clock`] for wall-clock time and [`Chance`] for randomness. Because nothing
//! else in the project reads the system clock or an unseeded generator, one seed replays one run.
//!
//! Values are parsed once, at the edge: a `ServerName` that exists is valid, a `TableName` is legal,
//! a `RegionInfo` has its names computed. What cannot be parsed is a [`ParseError`] that says what
//! was read and what is wrong with it.
//!
//! Names follow HBase, so that an operator can search for them; each module says which Java class it
//! stands for and where it behaves differently.

mod binary;
mod cell;
mod chance;
mod clock;
mod error;
mod exception;
mod ids;
mod jenkins;
mod namespace;
mod region_info;
mod region_name;
mod region_state;
mod server_name;
mod table_descriptor;
mod table_name;
mod table_state;

pub use binary::{from_string_binary, to_string_binary};
pub use cell::{Cell, CellOrder, CellParts, CellType, compare_meta_rows};
pub use chance::Chance;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::ParseError;
pub use exception::{JavaException, class};
pub use ids::{ActiveTime, Nonce, ProcId, SeqNum, StartCode};
pub use jenkins::jenkins_hash;
pub use namespace::NamespaceDescriptor;
pub use region_info::{RegionInfo, RegionInfoBuilder};
pub use region_name::{EncodedName, RegionName, parse_region_name};
pub use region_state::RegionState;
pub use server_name::{Address, ServerName};
pub use table_descriptor::{
    ColumnFamilyDescriptor, ColumnFamilyDescriptorBuilder, PlainTracker, StoreFileTracker, TableDescriptor,
    TableDescriptorBuilder, UnknownTracker, attribute,
};
pub use table_name::TableName;
pub use table_state::TableState;
