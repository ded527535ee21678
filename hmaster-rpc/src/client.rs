//! The client: calls to any number of servers over connections that are shared.
//!
//! A connection is opened by the first call that needs it, takes any number of calls at the same time, and closes
//! when it has been idle. No call is ever sent twice: how a call failed ([`RpcError`]) says whether that would be
//! safe, and whether it makes sense is the caller's to decide. A call whose future is dropped isn't sent if it wasn't
//! yet.

mod backoff;
mod connection;
mod error;
mod exchange;
mod options;
mod pool;
mod registry;
mod stubs;
mod tcp;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_protocol::services::connection_registry_service;
use hmaster_protocol::{CallUser, HBaseMessage, Method};
use hmaster_types::{Address, Cell};
use tokio::time::Instant;

pub use error::{ConnectFailure, ConnectionLost, Failure, NotSent, OutcomeUnknown, RpcError};
pub use options::{CallOptions, ClientOptions};
pub use stubs::{AdminStub, ClientStub};
pub use tcp::TcpConnector;

use crate::stream::Connector;
use crate::wire::cell_block::decode_cell_block;
use crate::wire::request::OutgoingCall;
use pool::{Key, Pool};

/// Calls servers. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct RpcClient {
    pool: Arc<Pool>,
    user: CallUser,
}

/// The longest request: what its length can say, less room for the header.
const REQUEST_BYTES_MAX: usize = i32::MAX as usize - (1 << 20);

impl RpcClient {
    /// A client that connects by TCP.
    pub fn new(options: ClientOptions) -> Self {
        Self::with_connector(options, Arc::new(TcpConnector::default()))
    }

    /// A client that connects by `connector`.
    pub fn with_connector(options: ClientOptions, connector: Arc<dyn Connector>) -> Self {
        let user = options.user.clone();
        Self { pool: Pool::new(options, connector), user }
    }

    /// The same client with calls by another user.
    #[must_use]
    pub fn by(&self, user: CallUser) -> Self {
        Self { pool: self.pool.clone(), user }
    }

    /// Calls a method and waits for the answer and the cells beside it, at most for the call's time-out.
    ///
    /// # Errors
    /// When there is no answer, or the answer is an exception. [`RpcError::failure`] says what that proves.
    pub async fn call<Q: HBaseMessage, A: HBaseMessage>(
        &self,
        address: &Address,
        method: Method<Q, A>,
        request: &Q,
        options: CallOptions,
    ) -> Result<(A, Vec<Cell>), RpcError> {
        let param = method.encode_request(request);
        let error = |failure| error_of(address, method, failure);
        let (message, cell_block) = self
            .call_encoded(address, method.service(), method.name(), param, options)
            .await
            .map_err(error)?;
        let malformed = |text: String| error(Failure::Malformed(text));
        let answer = method.decode_answer(message).map_err(|error| malformed(error.to_string()))?;
        let cells = decode_cell_block(cell_block).map_err(|error| malformed(error.to_string()))?;
        Ok((answer, cells))
    }

    async fn call_encoded(
        &self,
        address: &Address,
        service: &'static str,
        method: &'static str,
        param: Bytes,
        options: CallOptions,
    ) -> Result<(Bytes, Bytes), Failure> {
        let CallOptions { priority, timeout, cells, attributes } = options;
        let configured = self.pool.options();
        let deadline = Instant::now() + timeout.unwrap_or(configured.call_timeout);
        let cell_block = match configured.codec {
            Some(codec) => codec.encode(&cells),
            None if cells.is_empty() => Bytes::new(),
            None => return Err(unsendable("it has cells, but the client has no codec".into())),
        };
        let call = OutgoingCall { method, param, cell_block, priority, attributes };
        if call.body_len() > REQUEST_BYTES_MAX {
            return Err(unsendable(format!(
                "it has {} bytes, at most {REQUEST_BYTES_MAX} can",
                call.body_len()
            )));
        }
        let key = Key { address: address.clone(), service, user: self.user.clone() };
        let answered = self.pool.call(&key, call, deadline).await?;
        match (answered.cell_block, configured.codec) {
            (Some(_), None) => Err(Failure::Malformed("it has cells, but the client has no codec".into())),
            (cell_block, _) => Ok((answered.message, cell_block.unwrap_or_default())),
        }
    }

    /// Asks a server for the id of its cluster by the registry preamble, without authentication.
    ///
    /// # Errors
    /// As [`RpcClient::call`]. A server before 2.6 answers with an exception that begins `Expected HEADER=`.
    pub async fn cluster_id(&self, address: &Address) -> Result<String, RpcError> {
        let asked = registry::cluster_id(&**self.pool.connector(), address, self.pool.options()).await;
        asked.map_err(|failure| {
            error_of(address, connection_registry_service::GET_CONNECTION_REGISTRY, failure)
        })
    }

    /// `AdminService` of a server; all calls with `options`.
    pub fn admin(&self, address: Address, options: CallOptions) -> AdminStub {
        AdminStub::new(self.clone(), address, options)
    }

    /// `ClientService` of a server; all calls with `options`.
    pub fn rows(&self, address: Address, options: CallOptions) -> ClientStub {
        ClientStub::new(self.clone(), address, options)
    }

    /// Ends the connections to a server that is known to be dead, and with them all calls to it. Counterpart of
    /// `cancelConnections`.
    pub fn give_up(&self, address: &Address) {
        self.pool.give_up(address);
    }

    /// Ends all connections, and with them all calls, those of clones too.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Connections that are open or being opened.
    pub fn connections(&self) -> usize {
        self.pool.connections()
    }
}

impl fmt::Debug for RpcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcClient").field("user", &self.user).finish_non_exhaustive()
    }
}

fn error_of<Q: HBaseMessage, A: HBaseMessage>(
    address: &Address,
    method: Method<Q, A>,
    failure: Failure,
) -> RpcError {
    RpcError { address: address.clone(), service: method.service(), method: method.name(), failure }
}

fn unsendable(why: String) -> Failure {
    Failure::NotSent(NotSent::Unsendable(why))
}
