//! A master's orders to open and close regions, as they are carried out here.

use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, ServerName};

use super::unreadable;
use crate::server::{CloseRegion, OpenRegion, Origin, encoded_name};

pub(super) fn order_to_open(
    info: &pb::open_region_request::RegionOpenInfo,
    request: &pb::OpenRegionRequest,
) -> Result<OpenRegion, JavaException> {
    let from = Origin {
        procedure: info.open_proc_id(),
        master_active_time: request.initiating_master_active_time.unwrap_or(-1),
    };
    Ok(OpenRegion { region: RegionInfo::try_from(&info.region).map_err(|error| unreadable(&error))?, from })
}

pub(super) fn order_to_close(request: &pb::CloseRegionRequest) -> Result<CloseRegion, JavaException> {
    let destination = request.destination_server.as_ref().map(ServerName::try_from);
    Ok(CloseRegion {
        region: encoded_name(&request.region)?,
        destination: destination.transpose().map_err(|error| unreadable(&error))?,
        from: Origin {
            procedure: request.close_proc_id(),
            master_active_time: request.initiating_master_active_time.unwrap_or(-1),
        },
    })
}
