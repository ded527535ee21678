//! Sockets: accepting, reading frames, writing frames. A thin shell around the
//! [engine](crate::engine). Counterparts: `NIOServerCnxnFactory` and `NIOServerCnxn`.

pub(crate) mod connection;
pub(crate) mod frames;
pub(crate) mod listener;
pub(crate) mod outbox;
