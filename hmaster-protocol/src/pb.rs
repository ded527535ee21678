//! The generated messages, all in one module whatever their package.
//!
//! A message's nested types are in a module named after it: `pb::region_state::State`. prost spells names its own way
//! where HBase has runs of capitals: `WALKey` is [`WalKey`], `RPCTInfo` is [`RpctInfo`], `RSGroupInfo` is
//! [`RsGroupInfo`]. Mind that [`Result`] hides Rust's own under a glob import. Comments come from proto/.

pub use modules::RegionNormalizerState;
pub use modules::google::protobuf::Any;
pub use modules::hbase::pb::*;

/// One module per package, nested by its parts, as the generated code expects it.
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_qualifications)]
mod modules {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}
