//! Permissions and coprocessors. Without any that are loaded, the answers are those of a Java master.

use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use super::absent::absent;
use crate::role::RoleCell;

const ACCESS_CONTROLLER: &str = "org.apache.hadoop.hbase.security.access.AccessController";

/// Nobody keeps permissions.
pub(super) fn permissions<T>(role: &RoleCell) -> Result<T, JavaException> {
    role.initialized()?;
    Err(absent(&format!("{ACCESS_CONTROLLER} is not loaded")))
}

/// A coprocessor's service on the master.
pub(super) fn exec_master_service(
    role: &RoleCell,
    request: &pb::CoprocessorServiceRequest,
) -> Result<pb::CoprocessorServiceResponse, JavaException> {
    role.initialized()?;
    let service = &request.call.service_name;
    let message =
        format!("No registered Master Coprocessor Endpoint found for {service}. Has it been enabled?");
    Err(JavaException::new(class::UNKNOWN_PROTOCOL, message))
}
