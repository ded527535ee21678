//! Where to listen. Counterpart of `HRegionServer.putUpWebUI`.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use hmaster_config::Options;

const PORT_KEY: &str = "hbase.master.info.port";
const ADDRESS_KEY: &str = "hbase.master.info.bindAddress";

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Something else listens there.
    #[error("{key}: {address} is in use")]
    PortInUse {
        /// The key that names the port.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// It can't listen there.
    #[error("{key}: can't listen at {address}")]
    Listen {
        /// The key that names the port.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address to listen at isn't one.
    #[error("{key}: {value} has no address")]
    Address {
        /// The key that names the address.
        key: &'static str,
        /// Its value.
        value: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Listens where it is configured; none if pages are off.
pub(super) fn listen(options: &Options) -> Result<Option<TcpListener>, BindError> {
    let options = &options.info_server;
    let Some(port) = options.port else { return Ok(None) };
    let host = match options.bind_address.trim() {
        "" => "0.0.0.0",
        host => host,
    };
    let mut address = address_of(host, port)?;
    loop {
        match listen_at(address) {
            Err(BindError::PortInUse { .. }) if options.port_auto && address.port() < u16::MAX => {
                address.set_port(address.port() + 1);
            }
            listener => return listener.map(Some),
        }
    }
}

pub(super) fn listen_at(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::PortInUse { key: PORT_KEY, address },
        _ => BindError::Listen { key: PORT_KEY, address, source },
    })
}

pub(super) fn into_tokio(listener: TcpListener) -> Result<(tokio::net::TcpListener, SocketAddr), BindError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = |source| BindError::Listen { key: PORT_KEY, address: unknown, source };
    listener.set_nonblocking(true).map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok((tokio::net::TcpListener::from_std(listener).map_err(error)?, address))
}

/// IPv4 before IPv6, as in HBase's scripts (`preferIPv4Stack`).
fn address_of(host: &str, port: u16) -> Result<SocketAddr, BindError> {
    let error = |source| BindError::Address { key: ADDRESS_KEY, value: host.to_owned(), source };
    let found: Vec<_> = (host, port).to_socket_addrs().map_err(error)?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    first.ok_or_else(|| error(io::ErrorKind::NotFound.into()))
}
