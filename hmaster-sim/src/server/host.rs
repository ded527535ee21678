//! The name by which a region server goes, and where it listens. Counterpart of `RSRpcServices.getHostname`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::options::RegionServerOptions;

/// A name that is configured, or this machine's, and where to listen.
///
/// # Errors
/// When a configured name has no address.
pub async fn find(options: &RegionServerOptions) -> Result<(String, SocketAddr), HostError> {
    let name = match &options.host_name {
        Some(name) => name.clone(),
        None => machine().await,
    };
    let listen = options.bind_address.as_ref().or(options.host_name.as_ref());
    let address = match listen {
        Some(host) => address_of(host).await.map_err(|source| HostError { host: host.clone(), source })?,
        // A machine that doesn't know its own name in the network can still serve itself.
        None => address_of(&name).await.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    Ok((name, SocketAddr::new(address, options.port)))
}

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("host {host} has no address")]
pub struct HostError {
    /// The name.
    pub host: String,
    #[source]
    source: io::Error,
}

async fn machine() -> String {
    let name = tokio::task::spawn_blocking(dns_lookup::get_hostname).await;
    name.ok().and_then(Result::ok).unwrap_or_else(|| "localhost".to_owned())
}

/// IPv4 before IPv6, as in HBase's scripts.
async fn address_of(host: &str) -> io::Result<IpAddr> {
    let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn configured_names_and_addresses() {
        let options = RegionServerOptions {
            port: 7,
            host_name: Some("127.0.0.1".into()),
            bind_address: Some("0.0.0.0".into()),
            ..RegionServerOptions::default()
        };
        let (name, listen) = find(&options).await.unwrap();
        assert_eq!((&*name, listen), ("127.0.0.1", "0.0.0.0:7".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_without_address_is_named() {
        let options = RegionServerOptions { host_name: Some("no such host".into()), ..Default::default() };
        assert!(find(&options).await.unwrap_err().to_string().contains("no such host"));
        let (name, _) = find(&RegionServerOptions::default()).await.unwrap();
        assert!(!name.is_empty());
    }
}
