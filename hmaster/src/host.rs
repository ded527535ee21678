//! The name by which this machine goes. Counterpart of `DNS.getHostname` and `InetAddress.getLocalHost`.

use std::net::{IpAddr, Ipv4Addr};

use hmaster_config::Options;

/// The name by which a master on this machine goes, and where that leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// The name that other servers and clients are told.
    pub(crate) name: String,
    /// Its address.
    pub(crate) address: IpAddr,
}

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("host name {name} has no address")]
pub struct HostError {
    /// The name.
    pub name: String,
    #[source]
    source: std::io::Error,
}

impl Host {
    /// The name that is configured, or else this machine's. Asks the resolver, which may take a while.
    ///
    /// # Errors
    /// When the name that is configured has no address.
    pub(crate) fn find(options: &Options) -> Result<Self, HostError> {
        let machine = dns_lookup::get_hostname().unwrap_or_else(|_| "localhost".to_owned());
        // A machine that doesn't know its own name in the network can still serve itself.
        let address = address_of(&machine).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let name = options.server_host(&full_name(&machine, address), &address.to_string());
        match address_of(&name) {
            Ok(address) => Ok(Self { name, address }),
            Err(_) if name == machine => Ok(Self { name, address }),
            Err(source) => Err(HostError { name, source }),
        }
    }
}

/// The address that `host` leads to, IPv4 before IPv6 as in HBase's scripts (`preferIPv4Stack`).
pub(crate) fn address_of(host: &str) -> std::io::Result<IpAddr> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let found: Vec<IpAddr> = dns_lookup::lookup_host(host)?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
}

/// The name with its domain, if the resolver leads from the address to such a name and back.
fn full_name(machine: &str, address: IpAddr) -> String {
    let Ok(found) = dns_lookup::lookup_addr(&address) else { return machine.to_owned() };
    let is_name = found.parse::<IpAddr>().is_err() && !found.is_empty();
    if is_name && address_of(&found).is_ok_and(|back| back == address) { found } else { machine.to_owned() }
}

#[cfg(test)]
mod tests {
    use hmaster_config::{Builder, Configuration, Environment, Origin};

    use super::*;

    fn find(pairs: &[(&str, &str)]) -> Result<Host, HostError> {
        let builder = Builder::new(Environment::of_process());
        let raw = pairs.iter().fold(builder, |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
        Host::find(Configuration::new(raw).unwrap().options())
    }

    #[test]
    fn a_configured_name_is_taken_as_it_is() {
        let host = find(&[("hbase.master.hostname", "127.0.0.1")]).unwrap();
        assert_eq!(host, Host { name: "127.0.0.1".into(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) });
    }

    #[test]
    fn a_machine_has_some_name() {
        assert!(!find(&[]).unwrap().name.is_empty());
    }

    #[test]
    fn a_name_without_address_is_an_error() {
        let error = find(&[("hbase.master.hostname", "no-such-host.invalid")]).unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"));
    }
}
