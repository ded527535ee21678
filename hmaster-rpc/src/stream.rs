//! What carries the bytes: the seam for TLS and for connections without a socket.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use hmaster_types::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Any [`Stream`].
pub type BoxStream = Box<dyn Stream>;

/// Turns an accepted socket into a stream. An implementation for TLS may look at the first byte
/// ([`TcpStream::peek`]): 0x16 begins a TLS handshake and no preamble (`OptionalSslHandler`).
#[async_trait]
pub trait StreamAcceptor: Send + Sync {
    /// Takes the client's socket. What takes time here takes it from the client's time for the handshake.
    ///
    /// # Errors
    /// When the client can't be talked to; the connection ends.
    async fn accept(&self, socket: TcpStream, peer: SocketAddr) -> io::Result<BoxStream>;
}

/// Takes sockets as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainAcceptor;

#[async_trait]
impl StreamAcceptor for PlainAcceptor {
    async fn accept(&self, socket: TcpStream, _peer: SocketAddr) -> io::Result<BoxStream> {
        Ok(Box::new(socket))
    }
}

/// Opens connections to servers.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Connects to `address`. How long that may take is the caller's business.
    ///
    /// # Errors
    /// When there is no such host, nothing listens there, or the network fails. The kind of the error tells them
    /// apart: see [`ConnectFailure`](crate::client::ConnectFailure).
    async fn connect(&self, address: &Address) -> io::Result<BoxStream>;
}
