//! HBase's services, generated from proto/: for each a module with its name, its methods as typed constants, the trait
//! a server implements, and `dispatch` by method name.
//!
//! A client says `call(master_service::CREATE_TABLE, &request)`. A server implements
//! [`master_service::MasterService`] for as many methods as it has; the others refuse, as Java does with a method it
//! doesn't know. Names on the wire are exact: five of MasterService and all of VisibilityLabelsService begin in lower
//! case.

/// What the generated code uses.
mod prelude {
    pub(super) use std::sync::Arc;

    pub(super) use async_trait::async_trait;
    pub(super) use bytes::Bytes;
    pub(super) use hmaster_types::JavaException;

    pub(super) use crate::pb;
    pub(super) use crate::rpc::{Method, RpcService, answer, unsupported_operation};
}

include!(concat!(env!("OUT_DIR"), "/services.rs"));
