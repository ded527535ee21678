//! No region is open on two servers. One whose WALs were taken away doesn't count: it can't acknowledge anything.

use hmaster_types::{RegionInfo, ServerName};

use crate::testing::state::State;

pub(super) fn check(state: &State, server: &ServerName, region: &RegionInfo) -> Option<String> {
    let name = region.encoded_name();
    let has = state.servers.values().filter(|other| other.is_up && other.regions.contains_key(&name));
    let mut others = has.filter(|other| !state.is_fenced(&other.name));
    let other = others.next()?;
    Some(format!("{region} is opened on {server} while it is open on {}", other.name))
}
