//! Reads the ClusterStatus message that any HBase master returns, straight into loads and a [`Cluster`].
//!
//! A message of a million regions has 130 MB, of which six fields per region matter here. So the bytes are walked in
//! place instead of becoming messages first: no allocation per region, and one pass per status. Counterpart of
//! `StochasticLoadBalancer.updateClusterMetrics` and `ClusterMetricsBuilder.toClusterMetrics`.

mod wire;

use hmaster_types::{ServerName, StartCode, to_string_binary};

use crate::cluster::{Cluster, ClusterBuilder};
use crate::error::BalancerError;
use crate::history::{LoadHistory, Sample};
use wire::{Fields, Value};

/// Counters above this are negative for Java.
const COUNTER_MAX: u64 = i64::MAX as u64;
/// Sizes in MB above this are negative for Java.
const SIZE_MB_MAX: u64 = i32::MAX as u64;

/// One server's part of a status.
struct Live<'a> {
    name: ServerName,
    load: &'a [u8],
    base: usize,
}

/// Adds a status to the history.
///
/// # Errors
/// When the bytes aren't a ClusterStatus, or say something that can't be, with the item.
pub fn observe(status: &[u8], history: &mut LoadHistory) -> Result<(), BalancerError> {
    let servers = live_servers(status)?;
    history.reserve(count_regions(&servers));
    history.begin();
    let read = each_region(&servers, |_, name, sample| {
        history.record(name, sample).map(drop).ok_or_else(|| twice(&servers, name))
    });
    history.end();
    read
}

/// Adds what region servers reported last to the history: a `ServerLoad` message each. Reports come at different
/// moments, so a region that has just moved may be in two of them; the first counts.
///
/// # Errors
/// When the bytes aren't a ServerLoad, or say something that can't be, with the item. The history is whole then, too.
pub fn observe_loads<'a>(
    loads: impl IntoIterator<Item = (&'a ServerName, &'a [u8])>,
    history: &mut LoadHistory,
) -> Result<(), BalancerError> {
    let live = |(name, load): (&'a ServerName, &'a [u8])| Live { name: name.clone(), load, base: 0 };
    let servers: Vec<Live<'a>> = loads.into_iter().map(live).collect();
    history.reserve(count_regions(&servers));
    history.begin();
    let read = each_region(&servers, |_, name, sample| {
        history.record(name, sample);
        Ok(())
    });
    history.end();
    read
}

/// Adds a status to the history and makes a cluster of it: regions where it saw them, with the loads of the history.
///
/// # Errors
/// As [`observe`], and when there is no live server.
pub fn read(
    status: &[u8],
    history: &mut LoadHistory,
    rack: impl Fn(&ServerName) -> String,
) -> Result<Cluster, BalancerError> {
    let servers = live_servers(status)?;
    let names: Vec<ServerName> = servers.iter().map(|live| live.name.clone()).collect();
    let mut builder = ClusterBuilder::new(&names, &[], rack);
    builder.trust();
    let count = count_regions(&servers);
    history.reserve(count);
    builder.reserve(count);
    let mut places = Vec::with_capacity(servers.len());
    for live in &servers {
        let place = builder.server(&live.name);
        places.push(place.ok_or_else(|| BalancerError::UnknownServer { server: live.name.to_string() })?);
    }
    history.begin();
    let read = each_region(&servers, |server, name, sample| {
        let row = history.record(name, sample).ok_or_else(|| twice(&servers, name))?;
        builder.region(name, places[server], history.loads(row)).map(drop)
    });
    history.end();
    read?;
    builder.build()
}

/// Reads several statuses, oldest first; the last one says where regions are.
///
/// # Errors
/// As [`read`].
pub fn read_all<'a>(
    statuses: impl IntoIterator<Item = &'a [u8]>,
    samples_max: usize,
    rack: impl Fn(&ServerName) -> String,
) -> Result<Cluster, BalancerError> {
    let mut history = LoadHistory::new(samples_max);
    let mut last = None;
    for status in statuses {
        if let Some(before) = last.replace(status) {
            observe(before, &mut history)?;
        }
    }
    read(last.ok_or(BalancerError::NoServers)?, &mut history, rack)
}

/// The live servers in the order of their names.
fn live_servers(status: &[u8]) -> Result<Vec<Live<'_>>, BalancerError> {
    let mut servers = Vec::new();
    let mut fields = Fields::new(status, 0);
    while let Some((number, value)) = fields.next()? {
        if let (2, Value::Bytes(bytes, base)) = (number, value) {
            servers.push(live_server(bytes, base)?);
        }
    }
    servers.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = servers.windows(2).find(|pair| pair[0].name == pair[1].name) {
        let problem = format!("server {} twice", pair[0].name);
        return Err(BalancerError::Status { problem, at: pair[1].base });
    }
    Ok(servers)
}

fn live_server(bytes: &[u8], base: usize) -> Result<Live<'_>, BalancerError> {
    let mut fields = Fields::new(bytes, base);
    let (mut name, mut load) = (None, None);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes, base)) => name = Some(server_name(bytes, base)?),
            (2, Value::Bytes(bytes, base)) => load = Some((bytes, base)),
            _ => {}
        }
    }
    let name = name.ok_or_else(|| fields.error("a live server without a name"))?;
    let (load, base) = load.ok_or_else(|| fields.error(&format!("live server {name} without a load")))?;
    Ok(Live { name, load, base })
}

fn server_name(bytes: &[u8], base: usize) -> Result<ServerName, BalancerError> {
    let mut fields = Fields::new(bytes, base);
    let (mut host, mut port, mut code) = (None, 0, 0);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes, _)) => host = std::str::from_utf8(bytes).ok(),
            (2, Value::Varint(v)) => port = v,
            (3, Value::Varint(v)) => code = v,
            _ => {}
        }
    }
    let host = host.ok_or_else(|| fields.error("a server without a host name"))?;
    let port = u16::try_from(port).map_err(|_| fields.error(&format!("port {port} of {host}")))?;
    ServerName::new(host, port, StartCode(code))
        .map_err(|error| BalancerError::Name { noun: "server", reason: error.to_string() })
}

/// Counts regions by skipping over them. What is broken is found by who reads them.
fn count_regions(servers: &[Live<'_>]) -> usize {
    let mut count = 0;
    for live in servers {
        let mut fields = Fields::new(live.load, live.base);
        while let Ok(Some((number, _))) = fields.next() {
            count += usize::from(number == 5);
        }
    }
    count
}

fn each_region(
    servers: &[Live<'_>],
    mut seen: impl FnMut(usize, &[u8], Sample) -> Result<(), BalancerError>,
) -> Result<(), BalancerError> {
    for (at, live) in servers.iter().enumerate() {
        let mut fields = Fields::new(live.load, live.base);
        while let Some((number, value)) = fields.next()? {
            if let (5, Value::Bytes(bytes, base)) = (number, value) {
                let (name, sample) = region_load(bytes, base)?;
                seen(at, name, sample)?;
            }
        }
    }
    Ok(())
}

#[inline]
fn region_load(bytes: &[u8], base: usize) -> Result<(&[u8], Sample), BalancerError> {
    let mut fields = Fields::new(bytes, base);
    let (mut name, mut sample) = (None, [0_u64; 4]);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes, base)) => name = Some(region_specifier(bytes, base)?),
            (5, Value::Varint(v)) => sample[3] = v,
            (6, Value::Varint(v)) => sample[2] = v,
            (8, Value::Varint(v)) => sample[0] = v,
            (9, Value::Varint(v)) => sample[1] = v,
            _ => {}
        }
    }
    let name = name.ok_or_else(|| fields.error("a region load without a region"))?;
    let absurd = |what, value: u64| BalancerError::Load {
        region: to_string_binary(name),
        what,
        value: (value as i64).to_string(),
    };
    let checks = [
        ("a number of reads", sample[0], COUNTER_MAX),
        ("a number of writes", sample[1], COUNTER_MAX),
        ("a memstore size", sample[2], SIZE_MB_MAX),
        ("a store file size", sample[3], SIZE_MB_MAX),
    ];
    if let Some(&(what, value, _)) = checks.iter().find(|(_, value, max)| value > max) {
        return Err(absurd(what, value));
    }
    let [read_requests, write_requests, memstore, storefile] = sample;
    let (memstore_mb, storefile_mb) = (memstore as u32, storefile as u32);
    Ok((name, Sample { read_requests, write_requests, memstore_mb, storefile_mb }))
}

/// The full name of a region. Masters never name a region by its encoded name here.
fn region_specifier(bytes: &[u8], base: usize) -> Result<&[u8], BalancerError> {
    let mut fields = Fields::new(bytes, base);
    let (mut kind, mut name) = (1, None);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Varint(v)) => kind = v,
            (2, Value::Bytes(bytes, _)) => name = Some(bytes),
            _ => {}
        }
    }
    match name {
        Some(name) if kind == 1 => Ok(name),
        Some(name) => Err(fields.error(&format!("region {} not by its full name", to_string_binary(name)))),
        None => Err(fields.error("a region without a name")),
    }
}

/// Finds both places of a region that was seen a second time.
fn twice(servers: &[Live<'_>], wanted: &[u8]) -> BalancerError {
    let mut places = Vec::new();
    let looked = each_region(servers, |at, name, _| {
        if name == wanted {
            places.push(servers[at].name.to_string());
        }
        Ok(())
    });
    let second = if looked.is_ok() { places.get(1).cloned() } else { None };
    let first = places.into_iter().next().unwrap_or_default();
    BalancerError::RegionTwice { region: to_string_binary(wanted), second: second.unwrap_or_default(), first }
}

#[cfg(test)]
mod tests;
