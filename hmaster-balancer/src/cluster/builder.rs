//! Puts a [`Cluster`] together and checks what it is given.

use std::collections::{BTreeSet, HashMap};

use hmaster_types::{Address, ServerName, TableName, to_string_binary};

use super::{Cluster, Copies, Locality, Names, ServerInfo};
use crate::cost::LOADS;
use crate::error::BalancerError;
use crate::history::hash;

/// Regions that fit into an index.
const REGIONS_MAX: usize = u32::MAX as usize - 1;
/// Bytes of region names that fit into an index.
const NAME_BYTES_MAX: usize = u32::MAX as usize;
/// Loads above this are taken for garbage: no server counts that far.
const LOAD_MAX: f64 = 1e18;

/// Collects servers first, then regions.
#[derive(Debug)]
pub struct ClusterBuilder {
    cluster: Cluster,
    by_address: HashMap<Address, u32>,
    table_ids: HashMap<Box<[u8]>, u32>,
    table_last: u32,
    seen: HashMap<u64, u32>,
    check_twice: bool,
}

impl ClusterBuilder {
    /// Starts with the servers that may hold regions and those that must give theirs up.
    ///
    /// Of two names with one host and port, the newer is the server's. `rack` names the rack of a server.
    pub fn new(usable: &[ServerName], retired: &[ServerName], rack: impl Fn(&ServerName) -> String) -> Self {
        let lives: BTreeSet<&ServerName> = usable.iter().collect();
        let mut names: Vec<ServerName> = Vec::new();
        for name in lives {
            match names.last_mut() {
                Some(last) if last.same_address(name) => *last = name.clone(),
                _ => names.push(name.clone()),
            }
        }
        let usable = names.len();
        names.extend(retired.iter().cloned());
        let mut hosts: HashMap<String, u32> = HashMap::new();
        let mut racks: Vec<String> = Vec::new();
        let mut by_address = HashMap::new();
        let mut servers = Vec::with_capacity(names.len());
        for (at, name) in names.into_iter().enumerate() {
            let address = name.address();
            let (mut host, mut rack_at) = (u32::MAX, u32::MAX);
            if at < usable {
                let next = hosts.len() as u32;
                host = *hosts.entry(address.host.clone()).or_insert(next);
                let rack = rack(&name);
                let known = racks.iter().position(|r| *r == rack);
                rack_at = known.unwrap_or_else(|| {
                    racks.push(rack);
                    racks.len() - 1
                }) as u32;
            }
            by_address.entry(address).or_insert(at as u32);
            servers.push(ServerInfo { name, host, rack: rack_at, capacity: 0 });
        }
        let cluster = Cluster {
            servers,
            usable,
            hosts: hosts.len(),
            racks,
            tables: Vec::new(),
            table: Vec::new(),
            home: Vec::new(),
            load: Vec::new(),
            names: Names::default(),
            copies: None,
            locality: None,
        };
        let (table_ids, seen) = (HashMap::new(), HashMap::new());
        Self { cluster, by_address, table_ids, table_last: 0, seen, check_twice: true }
    }

    /// Makes room.
    pub fn reserve(&mut self, regions: usize) {
        self.cluster.table.reserve(regions);
        self.cluster.home.reserve(regions);
        self.cluster.load.reserve(regions);
        self.cluster.names.ends.reserve(regions);
    }

    /// The caller has made sure that no region comes twice.
    pub(crate) fn trust(&mut self) {
        self.check_twice = false;
    }

    /// The index of a server with this host and port.
    pub fn server(&self, name: &ServerName) -> Option<super::Server> {
        self.by_address.get(&name.address()).map(|&at| super::Server(at))
    }

    /// What a server can hold, for the heterogeneous cost function.
    pub fn capacity(&mut self, server: super::Server, regions: u32) {
        self.cluster.servers[server.0 as usize].capacity = regions;
    }

    /// Adds a region: its full name, where it is, its reads, writes and memstore growth per status and its size in MB.
    ///
    /// # Errors
    /// When the name isn't one, the region is there already, or a load is negative, not a number or absurd.
    pub fn region(
        &mut self,
        name: &[u8],
        server: super::Server,
        load: [f64; LOADS],
    ) -> Result<super::Region, BalancerError> {
        let region = self.cluster.home.len();
        if region >= REGIONS_MAX || self.cluster.names.bytes.len() + name.len() > NAME_BYTES_MAX {
            return Err(BalancerError::TooMany { noun: "regions", count: region + 1, max: REGIONS_MAX });
        }
        if server.0 as usize >= self.cluster.servers.len() {
            return Err(BalancerError::UnknownServer { server: format!("number {}", server.0) });
        }
        if let Some(at) = load.iter().position(|v| !(0.0..=LOAD_MAX).contains(v)) {
            let what = ["a read rate", "a write rate", "a memstore growth", "a store file size"][at];
            let region = to_string_binary(name);
            return Err(BalancerError::Load { region, what, value: load[at].to_string() });
        }
        if self.check_twice {
            self.check_not_there(name, server)?;
        }
        let table = self.table_of(name)?;
        self.cluster.table.push(table);
        self.cluster.home.push(server.0);
        self.cluster.load.push(load);
        self.cluster.names.bytes.extend_from_slice(name);
        self.cluster.names.ends.push(self.cluster.names.bytes.len() as u32);
        Ok(super::Region(region as u32))
    }

    /// The cluster.
    ///
    /// # Errors
    /// When there is no server that may hold regions.
    pub fn build(mut self) -> Result<Cluster, BalancerError> {
        if self.cluster.usable == 0 {
            return Err(BalancerError::NoServers);
        }
        self.cluster.copies = find_copies(&self.cluster.names);
        Ok(self.cluster)
    }

    /// The cluster, with the share of each region's bytes on servers and the regions' sizes in MB, for locality.
    ///
    /// # Errors
    /// As [`Self::build`], and when there isn't one entry per region.
    pub fn build_with_locality(
        self,
        shares: &[Vec<(u32, f32)>],
        size_mb: &[u32],
    ) -> Result<Cluster, BalancerError> {
        let mut cluster = self.build()?;
        let count = cluster.region_count();
        if shares.len() != count || size_mb.len() != count {
            return Err(BalancerError::UnknownRegion {
                region: format!("number {}", shares.len().max(count)),
            });
        }
        for (region, shares) in cluster.regions().zip(shares) {
            for &(server, share) in shares {
                if !cluster.is_usable(super::Server(server)) {
                    return Err(BalancerError::UnknownServer { server: format!("number {server}") });
                }
                if !(0.0..=1.0).contains(&share) {
                    let (region, value) = (cluster.region_text(region), share.to_string());
                    return Err(BalancerError::Load { region, what: "a locality", value });
                }
            }
        }
        cluster.locality = Some(Locality::new(&cluster, shares, size_mb));
        Ok(cluster)
    }

    fn check_not_there(&mut self, name: &[u8], server: super::Server) -> Result<(), BalancerError> {
        let region = self.cluster.home.len() as u32;
        let Some(other) = self.seen.insert(hash(name), region) else { return Ok(()) };
        let text = |at: u32| self.cluster.servers[at as usize].name.to_string();
        Err(BalancerError::RegionTwice {
            region: to_string_binary(name),
            first: text(self.cluster.home[other as usize]),
            second: text(server.0),
        })
    }

    fn table_of(&mut self, name: &[u8]) -> Result<u32, BalancerError> {
        let bad = |reason: String| BalancerError::Name { noun: "region", reason };
        let comma = name.iter().position(|&b| b == b',');
        let comma = comma.ok_or_else(|| bad(format!("no comma in {}", to_string_binary(name))))?;
        let table = &name[..comma];
        if self.cluster.tables.get(self.table_last as usize).is_some_and(|last| last.as_bytes() == table) {
            return Ok(self.table_last);
        }
        self.table_last = match self.table_ids.get(table) {
            Some(&known) => known,
            None => {
                let parsed = TableName::from_bytes(table).map_err(|error| bad(error.to_string()))?;
                let id = self.cluster.tables.len() as u32;
                self.cluster.tables.push(parsed);
                self.table_ids.insert(table.into(), id);
                id
            }
        };
        Ok(self.table_last)
    }
}

/// Racks by the form of host names: `s12-r03.example.org` is on rack `/r03`, others on one unknown rack.
pub fn rack_by_host_name(server: &ServerName) -> String {
    let host = server.host();
    let mut rest = host;
    while let Some(at) = rest.find("-r") {
        rest = &rest[at + 2..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && matches!(rest.as_bytes().get(digits), None | Some(b'.')) {
            return format!("/r{}", &rest[..digits]);
        }
    }
    "/unknown-rack".to_owned()
}

/// Replicas of regions, if any: a replica's name is its primary's with `_` and four digits after the region id.
fn find_copies(names: &Names) -> Option<Copies> {
    let ids: Vec<u16> = (0..names.ends.len()).map(|at| replica_id(names.get(at))).collect();
    let replicas_max = ids.iter().max().map_or(1, |&id| usize::from(id) + 1);
    if replicas_max < 2 {
        return None;
    }
    let mut primaries: HashMap<&[u8], u32> = HashMap::with_capacity(ids.len());
    for (at, _) in ids.iter().enumerate().filter(|(_, id)| **id == 0) {
        primaries.insert(stem(names.get(at)), at as u32);
    }
    let primary_of: Vec<Option<u32>> = ids
        .iter()
        .enumerate()
        .map(|(at, &id)| if id == 0 { Some(at as u32) } else { primaries.get(stem(names.get(at))).copied() })
        .collect();
    Some(Copies::new(&primary_of, replicas_max))
}

/// The name up to its region id, which replicas share.
fn stem(name: &[u8]) -> &[u8] {
    let comma = name.iter().rposition(|&b| b == b',').unwrap_or(0);
    let digits = name[comma..].iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
    &name[..comma + 1 + digits]
}

fn replica_id(name: &[u8]) -> u16 {
    let stem = stem(name);
    let id = name.get(stem.len()..stem.len() + 5).filter(|id| id[0] == b'_');
    id.and_then(|id| std::str::from_utf8(&id[1..]).ok())
        .and_then(|id| u16::from_str_radix(id, 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use hmaster_types::StartCode;

    use super::*;

    fn name(host: &str, code: u64) -> ServerName {
        ServerName::new(host, 1, StartCode(code)).unwrap()
    }

    fn builder() -> ClusterBuilder {
        ClusterBuilder::new(&[name("b", 1), name("a", 1), name("a", 2)], &[name("c", 1)], rack_by_host_name)
    }

    #[test]
    fn servers_are_sorted_and_two_lives_are_one() {
        let cluster = builder().build().unwrap();
        assert_eq!((cluster.server_count(), cluster.host_count(), cluster.rack_count()), (2, 2, 1));
        assert_eq!(cluster.server(super::super::Server(0)).name, name("a", 2));
        assert!(!cluster.is_usable(cluster.find_server(&name("c", 1)).unwrap()));
    }

    #[test]
    fn replicas_find_their_primary() {
        let mut b = builder();
        let server = b.server(&name("b", 1)).unwrap();
        for n in ["t,k_0001,5.aa.", "t,k,5_0001.bb.", "t,k,5.cc.", "t,x,5_0002.dd.", "u,x,5_0001.dd."] {
            b.region(n.as_bytes(), server, [0.0; LOADS]).unwrap();
        }
        let cluster = b.build().unwrap();
        let copies = cluster.copies().unwrap();
        assert_eq!(copies.group(1), copies.group(2));
        assert_ne!(copies.group(0), copies.group(2));
        assert_eq!(copies.orphans(), Some(copies.group(3)));
        assert_eq!(
            copies.members(copies.group(4)),
            [3, 4],
            "without primaries, all are copies of one another"
        );
        assert_eq!((copies.replicas_max(), copies.primary_count()), (3, 2));
    }

    #[test]
    fn bad_input_is_named() {
        let mut b = builder();
        let server = b.server(&name("a", 1)).unwrap();
        b.region(b"t,a,1.x.", server, [0.0; LOADS]).unwrap();
        let twice = b.region(b"t,a,1.x.", b.server(&name("b", 1)).unwrap(), [0.0; LOADS]).unwrap_err();
        assert_eq!(twice.to_string(), "region t,a,1.x. is on two servers: a,1,2 and b,1,1");
        for load in [f64::NAN, -1.0, f64::INFINITY, 1e30] {
            let error = b.region(b"t,b,1.x.", server, [0.0, load, 0.0, 0.0]).unwrap_err().to_string();
            assert!(error.contains("t,b,1.x.") && error.contains("write rate"), "{error}");
        }
        assert!(matches!(b.region(b"nothing", server, [0.0; LOADS]), Err(BalancerError::Name { .. })));
        assert!(matches!(b.region(b"a b,,1.", server, [0.0; LOADS]), Err(BalancerError::Name { .. })));
        let beyond = super::super::Server(99);
        assert!(matches!(
            b.region(b"t,c,1.", beyond, [0.0; LOADS]),
            Err(BalancerError::UnknownServer { .. })
        ));
        let none = ClusterBuilder::new(&[], &[name("c", 1)], rack_by_host_name).build();
        assert_eq!(none.unwrap_err(), BalancerError::NoServers);
    }

    #[test]
    fn racks_by_name() {
        assert_eq!(rack_by_host_name(&name("s1-r03.example.org", 1)), "/r03");
        assert_eq!(rack_by_host_name(&name("s1-r03", 1)), "/r03");
        assert_eq!(rack_by_host_name(&name("s1-rx.r03", 1)), "/unknown-rack");
    }
}
