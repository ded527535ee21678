//! Reading a row. Counterpart of `RSRpcServices.get`.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Cell, JavaException, class};

use super::results;
use crate::region::{Region, RegionError};
use crate::scan::ScanSpec;
use crate::server::Server;

pub(super) async fn get(
    server: &Server,
    call: &CallContext,
    request: &pb::GetRequest,
) -> Result<pb::GetResponse, JavaException> {
    let region = server.region(&request.region)?;
    let cells = read(server, &region, &request.get).await?;
    let stale = !region.info().is_default_replica();
    let result = match request.get.existence_only() {
        true => results::existence(!cells.is_empty(), stale),
        false => results::result(call, cells, stale),
    };
    Ok(pb::GetResponse { result: Some(result) })
}

/// The cells that a get asks for.
pub(super) async fn read(
    server: &Server,
    region: &Region,
    get: &pb::Get,
) -> Result<Vec<Cell>, JavaException> {
    if get.closest_row_before() {
        // Clients for releases before 2.0 take this for the sign that they have to do otherwise.
        let message =
            "Client is invoking getClosestRowBefore removed in hbase-2.0.0 replaced by reverse Scan.";
        return Err(JavaException::new(class::UNKNOWN_PROTOCOL, message));
    }
    let spec = ScanSpec::from_get(get, &server.chance).map_err(|error| RegionError::from(error).to_java())?;
    region.refresh().await;
    region.get(spec).await.map_err(|error| error.to_java())
}
