//! HBase's native RPC: a server that unmodified clients and region servers call, and a client that calls region
//! servers and masters, Java's or ours.
//!
//! A connection is a preamble, a connection header that names one service, and then frames: calls one way, answers the
//! other way in any order, each with protobuf messages and perhaps cells beside them.
//!
//! - [`wire`] says what bytes mean. No I/O, no clock; every decoder takes anything and says what is wrong with it.
//! - [`server`] offers services, the generated traits of `hmaster-protocol`, behind one port. Calls are put into
//!   classes with handlers of their own, so that a report about hbase:meta never waits behind calls that wait for
//!   hbase:meta. Everything a client can make grow has a bound.
//! - [`client`] calls servers. The kind of a failure says whether the request can have been carried out, which is what
//!   a master must know before it gives the same order to somebody else.
//!
//! Both sides decide in plain synchronous state machines ([`server::session`], the client's exchange of calls), and
//! act in thin tasks over any [`Stream`]: a socket, a pipe in memory, later TLS. Timers are tokio's, so tests and
//! simulation run in paused time. All tasks end with their server or client.
//!
//! Only SIMPLE authentication and plain sockets are here. [`server::Authenticator`], [`StreamAcceptor`] and
//! [`Connector`] are where SASL and TLS come in. Compressed cell blocks are refused.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use async_trait::async_trait;
//! # use hmaster_protocol::{CallContext, CallUser, pb};
//! # use hmaster_protocol::services::master_service::{self, MasterService};
//! # use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient};
//! # use hmaster_rpc::server::RpcServer;
//! # use hmaster_types::JavaException;
//! struct Master;
//!
//! #[async_trait]
//! impl MasterService<CallContext> for Master {
//!     async fn is_balancer_enabled(
//!         &self,
//!         _call: &CallContext,
//!         _request: pb::IsBalancerEnabledRequest,
//!     ) -> Result<pb::IsBalancerEnabledResponse, JavaException> {
//!         Ok(pb::IsBalancerEnabledResponse { enabled: true })
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = RpcServer::builder()
//!     .service(master_service::Server(Arc::new(Master)))
//!     .bind(([127, 0, 0, 1], 0).into())?;
//! let address = server.local_addr()?.to_string().parse()?;
//! let shutdown = tokio_util::sync::CancellationToken::new();
//! tokio::spawn(server.serve(shutdown.clone()));
//!
//! let client = RpcClient::new(ClientOptions::new(CallUser::new("hbase")));
//! let request = pb::IsBalancerEnabledRequest::default();
//! let (answer, _cells) =
//!     client.call(&address, master_service::IS_BALANCER_ENABLED, &request, CallOptions::default()).await?;
//! assert!(answer.enabled);
//! # Ok(())
//! # }
//! ```

pub mod client;
mod histogram;
mod options;
pub mod server;
mod stream;
pub mod wire;

pub use histogram::{Histogram, HistogramSnapshot};
pub use options::OptionError;
pub use stream::{BoxStream, Connector, PlainAcceptor, Stream, StreamAcceptor};
