//! Free ports for servers that have to be told their port before they start.
//!
//! Java servers get their ports from configuration, and clients of other processes must find them
//! there again after a restart, so port 0 won't do. The ports lie below the ephemeral range: above
//! it, an outgoing connection of any process may hold one just when a server restarts. A lock file
//! per port keeps test processes that run at the same time apart.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::process;

use anyhow::{Context as _, Result, bail};

/// Where ports are taken from; Linux's ephemeral ports begin at 32768.
const RANGE: Range<u16> = 20_000..32_000;

/// A port that no other test process takes while this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a port on which nothing listens now.
    pub fn reserve() -> Result<Self> {
        // By user: the files of another one could not be opened.
        let uid = rustix::process::getuid().as_raw();
        let folder = env::temp_dir().join(format!("hmaster-ports-{uid}"));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let count = usize::from(RANGE.end - RANGE.start);
        // Different processes begin at different places, only to save lock attempts.
        let start = process::id() as usize * 97 % count;
        for number in RANGE.cycle().skip(start).take(count) {
            if let Some(port) = Self::try_reserve(&folder, number)? {
                return Ok(port);
            }
        }
        bail!("no free port in {RANGE:?}: each is locked in {} or in use", folder.display())
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    fn try_reserve(folder: &Path, number: u16) -> Result<Option<Self>> {
        let path = folder.join(number.to_string());
        let lock = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let free = lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).is_ok();
        Ok(free.then_some(Self { number, _lock: lock }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reserved_ports_differ_lie_below_the_ephemeral_range_and_are_free() {
        let ports: Vec<Port> = (0..20).map(|_| Port::reserve().unwrap()).collect();
        let numbers: BTreeSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        for number in numbers {
            assert!(RANGE.contains(&number));
            TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        }
    }

    #[test]
    fn a_port_in_use_or_locked_is_not_given_out() {
        let folder = tempfile::tempdir().unwrap();
        let held = Port::reserve().unwrap();
        let number = held.number();
        let first = Port::try_reserve(folder.path(), number).unwrap();
        assert!(first.is_some(), "free, and not locked in this folder");
        assert!(Port::try_reserve(folder.path(), number).unwrap().is_none(), "locked");
        drop(first);
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(Port::try_reserve(folder.path(), number).unwrap().is_none(), "in use");
    }
}
