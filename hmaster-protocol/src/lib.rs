//! HBase's protobuf messages for Rust.
//!
//! The .proto files in proto/ are this project's own text; names, numbers and types in them are HBase 2.6.4's, and
//! tests compare them with what the Java artifacts say of themselves. They are compiled at build time without protoc.
//! What a file holds is said by who uses it: `master.proto` by clients, `region_server_status.proto` by region
//! servers, `znodes.proto` by whoever reads ZooKeeper.
//!
//! - [`pb`] has the messages, as prost makes them.
//! - [`decode`] and its kin are the only way in: they refuse what Java refuses, above all a message without its
//!   required fields, which prost would let pass. They also accept what Java accepts and prost doesn't.
//!   [`pbuf_decode`] is for stored values behind `PBUF`, [`pb::Any::unpack`] for state data of procedures.
//! - [`convert`] leads from messages to the nouns of hmaster-types and back.
//! - [`services`] has every service: typed methods for clients, traits and dispatch for servers. No transport: that
//!   is another crate's. [`CallContext`] is what a method gets to know about its call.
//!
//! Unknown fields are dropped: never decode and rewrite what a newer release may have written and this one doesn't
//! own; keep its bytes.
//!
//! Left out: messages of HBase's own tests, and coprocessor endpoints that no master meets (Aggregate, BulkDelete,
//! Export, RowProcessor, SecureBulkLoad).

mod any;
mod call;
mod canonical;
pub mod convert;
mod decode;
pub mod meta;
mod missing;
pub mod pb;
mod pbuf;
mod rpc;
mod schema;
pub mod services;
mod validate;
mod wire;

pub use call::{CallContext, CallUser};
pub use convert::ConvertError;
pub use decode::{
    DecodeError, check_message, decode, decode_delimited, decode_delimited_slice, decode_slice,
};
pub use missing::MissingFields;
pub use pbuf::{PBUF_MAGIC, pbuf_decode, pbuf_decode_lenient, pbuf_encode, strip_pbuf_magic};
pub use rpc::{Method, RpcService, bad_request, unsupported_operation};
pub use schema::{HBaseMessage, MessageTable};
pub use wire::{DEPTH_MAX, Fault};

/// The descriptors of all messages and services, a serialized `FileDescriptorSet`: for reflection, such as printing any
/// message as JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
