//! Where the blocks of regions' store files are. Counterpart of the locality caches of `BalancerClusterState`.
//!
//! Kept for the few servers that hold blocks of a region, weighted by the region's size; servers that aren't listed
//! have none. As in Java, shares are single and products of share and size are as well.

use super::Cluster;

/// Weights per region and server, and per region and rack.
#[derive(Debug, Clone, Default)]
pub struct Locality {
    starts: Vec<u32>,
    servers: Vec<(u32, f32)>,
    rack_starts: Vec<u32>,
    racks: Vec<(u32, f32)>,
    /// What the best server and the best rack of every region would give in all.
    pub(crate) best_on_servers: f64,
    pub(crate) best_on_racks: f64,
}

impl Locality {
    /// From the share of each region's bytes on servers (usable ones, by index) and the regions' sizes in MB.
    pub fn new(cluster: &Cluster, shares: &[Vec<(u32, f32)>], size_mb: &[u32]) -> Self {
        let mut servers_of_rack = vec![0_u32; cluster.rack_count()];
        for server in cluster.servers() {
            servers_of_rack[cluster.server(server).rack as usize] += 1;
        }
        let mut made = Self { starts: vec![0], rack_starts: vec![0], ..Self::default() };
        for (shares, &size) in shares.iter().zip(size_mb) {
            made.add(cluster, shares, size as f32, &servers_of_rack);
        }
        made
    }

    /// Weight of a region on a server.
    #[inline]
    pub fn on_server(&self, region: u32, server: u32) -> f64 {
        find(&self.servers[range(&self.starts, region)], server)
    }

    /// Weight of a region on a rack.
    #[inline]
    pub fn on_rack(&self, region: u32, rack: u32) -> f64 {
        find(&self.racks[range(&self.rack_starts, region)], rack)
    }

    /// Servers with blocks of a region, and their weights.
    pub fn servers_of(&self, region: u32) -> &[(u32, f32)] {
        &self.servers[range(&self.starts, region)]
    }

    fn add(&mut self, cluster: &Cluster, shares: &[(u32, f32)], size: f32, servers_of_rack: &[u32]) {
        let mut racks: Vec<(u32, f32)> = Vec::new();
        // Single sums depend on the order of what is added, which in Java is that of servers.
        let mut shares = shares.to_vec();
        shares.sort_by_key(|(server, _)| *server);
        for (server, share) in shares {
            self.servers.push((server, size * share));
            let rack = cluster.server(super::Server(server)).rack;
            let part = share / servers_of_rack[rack as usize] as f32;
            match racks.iter_mut().find(|(r, _)| *r == rack) {
                Some((_, sum)) => *sum += part,
                None => racks.push((rack, part)),
            }
        }
        racks.iter_mut().for_each(|(_, sum)| *sum *= size);
        let best = |weights: &[(u32, f32)]| weights.iter().map(|&(_, w)| f64::from(w)).fold(0.0, f64::max);
        self.best_on_servers += best(&self.servers[self.starts[self.starts.len() - 1] as usize..]);
        self.best_on_racks += best(&racks);
        self.racks.extend(racks);
        self.starts.push(self.servers.len() as u32);
        self.rack_starts.push(self.racks.len() as u32);
    }
}

fn range(starts: &[u32], region: u32) -> std::ops::Range<usize> {
    starts[region as usize] as usize..starts[region as usize + 1] as usize
}

fn find(weights: &[(u32, f32)], at: u32) -> f64 {
    weights.iter().find(|(entity, _)| *entity == at).map_or(0.0, |&(_, weight)| f64::from(weight))
}
