//! A cluster that is described on the command line: `regions=10000,servers=100,tables=10,shape=random,racks=4`.

use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use hmaster_balancer::{Cluster, ClusterBuilder, Server, rack_by_host_name};
use hmaster_types::{ServerName, StartCode};

/// Numbers that a machine can hold.
const REGIONS_MAX: u64 = 20_000_000;
const SERVERS_MAX: u64 = 100_000;

/// Where regions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// All on one server.
    OneServer,
    /// Anywhere.
    Random,
    /// Level, but for a tenth of the servers, which are empty.
    NewServers,
    /// Level in number; nobody looks at loads.
    Level,
}

/// A cluster to be made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synthetic {
    regions: u64,
    servers: u64,
    tables: u64,
    replicas: u64,
    racks: u64,
    shape: Shape,
}

impl FromStr for Synthetic {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut made =
            Self { regions: 1000, servers: 10, tables: 5, replicas: 1, racks: 1, shape: Shape::Random };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').with_context(|| format!("{part}: no ="))?;
            let number = |max: u64| -> anyhow::Result<u64> {
                let number = value.parse().with_context(|| part.to_owned())?;
                ensure!((1..=max).contains(&number), "{part}: not from 1 to {max}");
                Ok(number)
            };
            match key {
                "regions" => made.regions = number(REGIONS_MAX)?,
                "servers" => made.servers = number(SERVERS_MAX)?,
                "tables" => made.tables = number(SERVERS_MAX)?,
                "replicas" => made.replicas = number(100)?,
                "racks" => made.racks = number(1000)?,
                "shape" => made.shape = value.parse()?,
                _ => bail!("{part}: none of regions, servers, tables, replicas, racks, shape"),
            }
        }
        Ok(made)
    }
}

impl FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "one-server" => Self::OneServer,
            "random" => Self::Random,
            "new-servers" => Self::NewServers,
            "level" => Self::Level,
            _ => bail!("shape={text}: none of one-server, random, new-servers, level"),
        })
    }
}

impl Synthetic {
    /// The cluster; one seed is one cluster.
    pub(super) fn build(&self, seed: u64) -> anyhow::Result<Cluster> {
        let mut draw = Draw(seed);
        let name = |s: u64| format!("s{s:05}-r{:02}.example.org", s % self.racks);
        let names = (0..self.servers).map(|s| ServerName::new(&name(s), 16020, StartCode(1)));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
        builder.reserve((self.regions * self.replicas) as usize);
        let old = (self.servers * 10).div_ceil(11);
        for region in 0..self.regions {
            for replica in 0..self.replicas {
                let number = region * self.replicas + replica;
                let server = match self.shape {
                    Shape::OneServer => 0,
                    Shape::Random => draw.below(self.servers),
                    Shape::NewServers => number % old,
                    Shape::Level => number % self.servers,
                };
                let suffix = if replica == 0 { String::new() } else { format!("_{replica:04X}") };
                let name = format!("t{:04},row{region:010},1{suffix}.x.", region % self.tables);
                builder.region(name.as_bytes(), Server(server as u32), draw.loads())?;
            }
        }
        Ok(builder.build()?)
    }
}

/// Numbers from a seed; splitmix64.
struct Draw(u64);

impl Draw {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: u64) -> u64 {
        self.bits() % count.max(1)
    }

    /// Few regions have most of the requests.
    fn loads(&mut self) -> [f64; 4] {
        let mut heavy = |scale: f64| (scale / (1.0 + self.below(1000) as f64)).floor();
        [heavy(1e7), heavy(1e6), heavy(1e3), 2000.0 + self.below(4000) as f64]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_a_cluster() {
        let made: Synthetic = "regions=60,servers=6,tables=3,replicas=2,racks=3,shape=level".parse().unwrap();
        let cluster = made.build(1).unwrap();
        assert_eq!((cluster.region_count(), cluster.server_count(), cluster.table_count()), (120, 6, 3));
        assert_eq!((cluster.rack_count(), cluster.copies().is_some()), (3, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            ("regions=0", "regions=0"),
            ("servers=x", "servers=x"),
            ("shape=round", "shape=round"),
            ("size=3", "size=3"),
            ("regions", "no ="),
            ("servers=999999999", "100000"),
        ] {
            let error = format!("{:#}", text.parse::<Synthetic>().unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
