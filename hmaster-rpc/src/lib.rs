//! HBase RPC, server and client

mod histogram;
mod options;
pub mod server;
mod stream;
pub mod wire;

pub use histogram::{Histogram, HistogramSnapshot};
pub use options::OptionError;
pub use stream::{BoxStream, Connector, PlainAcceptor, Stream, StreamAcceptor};
