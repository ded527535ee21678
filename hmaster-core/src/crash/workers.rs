//! Which servers have room for another WAL to split. Counterpart of `WorkerAssigner`.

use std::collections::BTreeMap;

use hmaster_types::{Chance, ServerName};
use parking_lot::Mutex;

/// WALs being split by each server.
#[derive(Debug)]
pub struct SplitWorkers {
    /// `hbase.regionserver.wal.max.splitters`.
    per_server_max: usize,
    busy: Mutex<BTreeMap<ServerName, usize>>,
}

impl SplitWorkers {
    /// Nobody is busy.
    pub fn new(per_server_max: usize) -> Self {
        Self { per_server_max, busy: Mutex::default() }
    }

    /// Takes a place on one of `servers`, if there is one.
    pub fn acquire(&self, servers: &[ServerName], chance: &Chance) -> Option<ServerName> {
        let mut busy = self.busy.lock();
        let room = |server: &&ServerName| busy.get(*server).copied().unwrap_or(0) < self.per_server_max;
        let free: Vec<_> = servers.iter().filter(room).collect();
        let server = (*free.get(chance.below(free.len()))?).clone();
        *busy.entry(server.clone()).or_default() += 1;
        Some(server)
    }

    /// A WAL that was being split when the last master ended still is.
    pub fn add_used(&self, server: &ServerName) {
        *self.busy.lock().entry(server.clone()).or_default() += 1;
    }

    /// Gives a place back.
    pub fn release(&self, server: &ServerName) {
        let mut busy = self.busy.lock();
        if let Some(count) = busy.get_mut(server) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                busy.remove(server);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_so_many_places() {
        let (workers, chance) = (SplitWorkers::new(2), Chance::seeded(1));
        let servers: Vec<ServerName> = ["a,1,1", "b,1,1"].map(|name| name.parse().unwrap()).to_vec();
        let mut taken: Vec<_> = (0..4).map(|_| workers.acquire(&servers, &chance).unwrap()).collect();
        assert_eq!(workers.acquire(&servers, &chance), None);
        taken.sort();
        assert_eq!(taken, [servers[0].clone(), servers[0].clone(), servers[1].clone(), servers[1].clone()]);
        workers.release(&servers[1]);
        assert_eq!(workers.acquire(&servers, &chance), Some(servers[1].clone()));
        assert_eq!(workers.acquire(&[], &chance), None);
    }
}
