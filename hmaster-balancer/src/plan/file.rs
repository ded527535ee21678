//! Plans as text: a region's full name in hex, a tab, the server it goes to; one line per move.

use std::collections::HashMap;
use std::fmt::Write as _;

use hmaster_types::ServerName;

use super::{Move, Plan};
use crate::cluster::{Cluster, Region};
use crate::error::BalancerError;

impl Plan {
    /// The plan as text.
    pub fn to_text(&self, cluster: &Cluster) -> String {
        let mut text = String::with_capacity(self.moves.len() * 180);
        for planned in &self.moves {
            for byte in cluster.region_name(planned.region) {
                // Writing to a string doesn't fail.
                let _ = write!(text, "{byte:02x}");
            }
            let _ = writeln!(text, "\t{}", cluster.server(planned.to).name);
        }
        text
    }
}

/// Reads a plan for a cluster.
///
/// # Errors
/// When a line isn't one, or names a region or a server that the cluster doesn't have, or a region twice.
pub fn read_plan(text: &str, cluster: &Cluster) -> Result<Vec<Move>, BalancerError> {
    let regions: HashMap<&[u8], Region> = cluster.regions().map(|r| (cluster.region_name(r), r)).collect();
    let mut seen = std::collections::HashSet::new();
    let mut moves = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    {
        let wrong = |reason: String| BalancerError::PlanLine { line: at + 1, reason };
        let (hex, server) = line.split_once('\t').ok_or_else(|| wrong("no tab".to_owned()))?;
        let name = unhex(hex).ok_or_else(|| wrong(format!("region {hex} isn't in hex")))?;
        let region = regions.get(&name[..]).copied();
        let region = region
            .ok_or_else(|| wrong(format!("unknown region {}", hmaster_types::to_string_binary(&name))))?;
        let name: ServerName = server.parse().map_err(|error| wrong(format!("{error}")))?;
        let to = cluster.find_server(&name).filter(|&to| cluster.is_usable(to));
        let to = to.ok_or_else(|| wrong(format!("unknown server {name}")))?;
        if !seen.insert(region) {
            return Err(wrong(format!("region {} a second time", cluster.region_text(region))));
        }
        moves.push(Move { region, from: cluster.home(region), to });
    }
    moves.sort_by_key(|m| m.region);
    Ok(moves)
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
