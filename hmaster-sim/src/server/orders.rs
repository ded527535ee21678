//! A master's orders, as they arrive by `AdminService`. Counterpart of `executeProcedures`, `openRegion` and
//! `closeRegion` of `RSRpcServices`.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, ServerName, class};

use super::carrier::Carrier;
use super::member::encoded_name;
use super::procedures;
use super::transitions::{CloseRegion, OpenRegion, Origin, close, open};

/// Takes orders and procedures of any number.
///
/// # Errors
/// When the server doesn't serve, or any of it isn't meant for it or can't be read. None of it is begun then.
pub fn execute_procedures<C: Carrier>(
    server: &Arc<C>,
    request: pb::ExecuteProceduresRequest,
) -> Result<pb::ExecuteProceduresResponse, JavaException> {
    server.check_open()?;
    for start_code in request.open_region.iter().map(|order| order.server_start_code) {
        server.check_start_code(start_code)?;
    }
    for start_code in request.close_region.iter().map(|order| order.server_start_code) {
        server.check_start_code(start_code)?;
    }
    // All of it is read before any of it is begun.
    let opening = request.open_region.iter().map(orders_to_open).collect::<Result<Vec<_>, _>>()?;
    let closing = request.close_region.iter().map(order_to_close).collect::<Result<Vec<_>, _>>()?;
    for order in opening.into_iter().flatten() {
        if server.procedure_ids.submit(order.from.procedure) {
            open(server, order);
        }
    }
    for order in closing {
        if server.procedure_ids.submit(order.from.procedure) {
            close(server, order);
        }
    }
    for order in request.proc {
        procedures::run(server, order);
    }
    Ok(pb::ExecuteProceduresResponse {})
}

/// Takes orders to open regions.
///
/// # Errors
/// As of [`execute_procedures`].
pub fn open_regions<C: Carrier>(
    server: &Arc<C>,
    request: &pb::OpenRegionRequest,
) -> Result<pb::OpenRegionResponse, JavaException> {
    server.check_open()?;
    server.check_start_code(request.server_start_code)?;
    let orders = orders_to_open(request)?;
    let opened = pb::open_region_response::RegionOpeningState::Opened;
    let opening_state = vec![opened.into(); orders.len()];
    for order in orders {
        if server.procedure_ids.submit(order.from.procedure) {
            open(server, order);
        }
    }
    Ok(pb::OpenRegionResponse { opening_state })
}

/// Takes an order to close a region that no procedure waits for.
///
/// # Errors
/// As of [`execute_procedures`], and when the region isn't here.
pub fn close_region<C: Carrier>(
    server: &Arc<C>,
    request: &pb::CloseRegionRequest,
) -> Result<pb::CloseRegionResponse, JavaException> {
    server.check_open()?;
    server.check_start_code(request.server_start_code)?;
    let order = order_to_close(request)?;
    let name = order.region;
    if server.regions.get(name).is_none() {
        let message = match server.regions.is_in_transition(name) {
            true => format!("The region {name} was opening but not yet served."),
            false => format!("The region {name} is not online, and is not opening."),
        };
        return Err(JavaException::new(class::NOT_SERVING_REGION, message));
    }
    close(server, CloseRegion { from: Origin::NOBODY, ..order });
    Ok(pb::CloseRegionResponse { closed: true })
}

fn orders_to_open(request: &pb::OpenRegionRequest) -> Result<Vec<OpenRegion>, JavaException> {
    let master_active_time = request.initiating_master_active_time.unwrap_or(-1);
    let order = |info: &pb::open_region_request::RegionOpenInfo| {
        let from = Origin { procedure: info.open_proc_id(), master_active_time };
        let region = RegionInfo::try_from(&info.region).map_err(|error| unreadable(&error))?;
        Ok(OpenRegion { region, from })
    };
    request.open_info.iter().map(order).collect()
}

fn order_to_close(request: &pb::CloseRegionRequest) -> Result<CloseRegion, JavaException> {
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

fn unreadable(error: &dyn std::fmt::Display) -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, error.to_string())
}
