//! How many files and sockets this process may have open, and ZooKeeper connections.
//!
//! A light server takes four: where it listens, its ZooKeeper session, its connection to the master, and the master's
//! connection to it. What runs in the same process beside it (ZooKeeper, a master) has the other ends of three of these.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sockets of one light server.
const PER_SERVER: u64 = 4;
/// The same with ZooKeeper in this process.
const PER_SERVER_WITH_ZOOKEEPER: u64 = 5;
/// For everything else.
const REST: u64 = 256;

/// Connections that a ZooKeeper for a swarm has to take: a server that is killed may leave one while it starts again.
pub fn zookeeper_connections(servers: usize) -> usize {
    /// Of whoever isn't a light server.
    const OTHERS: usize = 100;
    servers.saturating_mul(2).saturating_add(OTHERS)
}

/// The system doesn't allow as many open files as the servers need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{servers} servers need {needed} open files, and the system allows {allowed}: raise the hard limit (ulimit -Hn), or \
     take fewer servers"
)]
pub struct TooFewFiles {
    /// Region servers that are to run.
    pub servers: usize,
    /// Files that they need.
    pub needed: u64,
    /// Files that may be open at most.
    pub allowed: u64,
}

/// Raises the soft limit as far as `servers` light servers need it.
///
/// # Errors
/// When the hard limit is below that.
pub fn raise_open_files(servers: usize, zookeeper_is_here: bool) -> Result<(), TooFewFiles> {
    let each = if zookeeper_is_here { PER_SERVER_WITH_ZOOKEEPER } else { PER_SERVER };
    let needed = needed(servers, each);
    let limit = getrlimit(Resource::Nofile);
    let Some(raised) = decide(limit.current, limit.maximum, needed) else { return Ok(()) };
    let too_few = |allowed| TooFewFiles { servers, needed, allowed };
    let new = raised.map_err(too_few)?;
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(new), maximum: limit.maximum });
    set.map_err(|_| too_few(limit.current.unwrap_or(0)))
}

fn needed(servers: usize, each: u64) -> u64 {
    (servers as u64).saturating_mul(each).saturating_add(REST)
}

/// The new soft limit, none if the present one is enough; the hard limit, if that isn't.
fn decide(soft: Option<u64>, hard: Option<u64>, needed: u64) -> Option<Result<u64, u64>> {
    let soft = soft?; // no limit
    if soft >= needed {
        return None;
    }
    Some(match hard {
        Some(hard) if hard < needed => Err(hard),
        _ => Ok(needed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_follows_up_to_the_hard_one() {
        assert_eq!(decide(Some(1024), Some(4096), 1000), None);
        assert_eq!(decide(None, None, 1 << 40), None);
        assert_eq!(decide(Some(1024), Some(4096), 2000), Some(Ok(2000)));
        assert_eq!(decide(Some(1024), None, 1 << 20), Some(Ok(1 << 20)));
        assert_eq!(decide(Some(1024), Some(4096), 5000), Some(Err(4096)));
    }

    #[test]
    fn more_than_any_system_has_is_refused_by_name() {
        let error = raise_open_files(usize::MAX, false);
        // A system without a hard limit would try.
        if let Err(error) = error {
            assert!(error.to_string().contains("ulimit"), "{error}");
        }
    }
}
