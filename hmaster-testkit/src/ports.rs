//! Ports of servers that may be started again where they were.
//!
//! A port that the system gives lies in the ephemeral range: while its server is down, an outgoing connection of any
//! process may take it, and the server can't come back.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use hmaster_config::Configuration;
use hmaster_types::Chance;

use crate::{TestCluster, TestClusterError};

/// Below the ephemeral range, which begins at 32768 on Linux and above elsewhere.
const RANGE: Range<u16> = 20_000..32_000;
/// How many ports are tried before the system may give one after all.
const TRIES_MAX: usize = 64;

impl TestCluster {
    /// The settings of a server that listens where `port_key` says: at a free port unless `own` or the cluster's own
    /// settings have a certain one.
    pub(crate) fn server_configuration(
        &self,
        port_key: &str,
        own: &[(&str, &str)],
    ) -> Result<Configuration, TestClusterError> {
        let configuration =
            |own: &[(&str, &str)]| self.settings.configuration(own).map_err(TestClusterError::Configuration);
        let config = configuration(own)?;
        if !config.raw().get_trimmed(port_key).is_ok_and(|set| set.as_deref() == Some("0")) {
            return Ok(config);
        }
        let port = free_port(&self.chance).to_string();
        configuration(&[own, &[(port_key, port.as_str())]].concat())
    }
}

/// A port on which nothing listens, 0 if there is none to be found.
fn free_port(chance: &Chance) -> u16 {
    let candidates = (0..TRIES_MAX).map(|_| RANGE.start + chance.below(RANGE.len()) as u16);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    candidates.into_iter().find(is_free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_below_the_ephemeral_range_and_a_busy_one_is_not_given() {
        let seed = 7;
        let port = free_port(&Chance::seeded(seed));
        assert!(RANGE.contains(&port));
        let _busy = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let other = free_port(&Chance::seeded(seed));
        assert!(RANGE.contains(&other) && other != port);
    }
}
