//! When regions were compacted last, as region servers report it. Counterpart of
//! `ClusterMetrics.getLastMajorCompactionTimestamp`.

use bytes::Bytes;
use hmaster_protocol::{decode, pb};
use hmaster_types::{EncodedName, JavaException, TableName, parse_region_name};

use super::regions;
use crate::environment::MasterEnv;
use crate::role::RoleCell;

/// The earliest of a table's regions; 0 when one of them never was, or none is known.
pub(super) fn of_table(
    role: &RoleCell,
    request: &pb::MajorCompactionTimestampRequest,
) -> Result<pb::MajorCompactionTimestampResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let mut earliest = None;
    for (_, online) in env.servers.online() {
        for region in region_loads(online.load) {
            let name = &region.region_specifier.value;
            if parse_region_name(name).is_ok_and(|(of, ..)| of == table) {
                let timestamp = region.last_major_compaction_ts();
                earliest = Some(earliest.map_or(timestamp, |earliest: u64| earliest.min(timestamp)));
            }
        }
    }
    Ok(response(earliest))
}

/// 0 when the region never was, or isn't known.
pub(super) fn of_region(
    role: &RoleCell,
    request: &pb::MajorCompactionTimestampForRegionRequest,
) -> Result<pb::MajorCompactionTimestampResponse, JavaException> {
    let env = role.initialized()?;
    let Ok(node) = regions::find(&env, &request.region) else { return Ok(response(None)) };
    let region = node.info().encoded_name();
    let timestamp = load_of(&env, region, node.location()).map(|load| load.last_major_compaction_ts());
    Ok(response(timestamp))
}

fn load_of(
    env: &MasterEnv,
    region: EncodedName,
    server: Option<&hmaster_types::ServerName>,
) -> Option<pb::RegionLoad> {
    let online = env.servers.online().into_iter().find(|(online, _)| Some(online) == server)?.1;
    region_loads(online.load)
        .into_iter()
        .find(|load| EncodedName::try_from(&load.region_specifier).is_ok_and(|name| name == region))
}

/// What a server reported of its regions. It was read once when it came in, so it can be read again.
fn region_loads(load: Bytes) -> Vec<pb::RegionLoad> {
    decode::<pb::ServerLoad>(load).map(|load| load.region_loads).unwrap_or_default()
}

fn response(timestamp: Option<u64>) -> pb::MajorCompactionTimestampResponse {
    pb::MajorCompactionTimestampResponse { compaction_timestamp: timestamp.unwrap_or(0).cast_signed() }
}
