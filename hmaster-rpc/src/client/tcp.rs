//! Connects by TCP.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_types::Address;
use tokio::net::{TcpStream, lookup_host};

use crate::stream::{BoxStream, Connector};

/// Plain sockets, with the options that Java sets: `hbase.ipc.client.tcpnodelay` and `hbase.ipc.client.tcpkeepalive`.
#[derive(Debug, Clone, Copy)]
pub struct TcpConnector {
    /// Send small requests at once.
    pub no_delay: bool,
    /// Notice in the long run that the server's host is gone.
    pub keep_alive: bool,
}

impl Default for TcpConnector {
    fn default() -> Self {
        Self { no_delay: true, keep_alive: true }
    }
}

/// A host may have many addresses, each of which is given this long before the next one is tried.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, address: &Address) -> io::Result<BoxStream> {
        let unknown = |error: io::Error| io::Error::new(io::ErrorKind::NotFound, error);
        let addresses = lookup_host((address.host.as_str(), address.port)).await.map_err(unknown)?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match tokio::time::timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(self.no_delay)?;
                    socket2::SockRef::from(&stream).set_keepalive(self.keep_alive)?;
                    return Ok(Box::new(stream));
                }
                Ok(Err(error)) => last = error,
                Err(elapsed) => last = elapsed.into(),
            }
        }
        Err(last)
    }
}
