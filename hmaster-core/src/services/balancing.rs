//! Balancing, when a client asks for it, and what became of it. Counterpart of `MasterRpcServices.balance`,
//! `setBalancerRunning` and `getLogEntries`.

use hmaster_protocol::{bad_request, decode, pb};
use hmaster_types::{JavaException, class};
use prost::Message as _;

use super::switches;
use crate::balancing::BalanceOptions;
use crate::role::RoleCell;
use crate::switches::Switch;

/// Class names of the messages inside GetLogEntries begin so.
const MESSAGES: &str = "org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos$";

/// Ends when the moves have begun.
pub(super) async fn balance(
    role: &RoleCell,
    request: &pb::BalanceRequest,
) -> Result<pb::BalanceResponse, JavaException> {
    let options = BalanceOptions { dry_run: request.dry_run(), ignore_transitions: request.ignore_rit() };
    let done = role.initialized()?.balance(options).await?;
    Ok(pb::BalanceResponse {
        balancer_ran: done.ran,
        moves_calculated: Some(done.moves_calculated),
        moves_executed: Some(done.moves_executed),
    })
}

/// Turns the balancer on or off, after a run under way if that is wished for.
pub(super) async fn set_running(
    role: &RoleCell,
    request: &pb::SetBalancerRunningRequest,
) -> Result<pb::SetBalancerRunningResponse, JavaException> {
    if request.synchronous() {
        role.initialized()?.balancing.rest().await;
    }
    let prev_balance_value = Some(switches::set(role, Switch::Balancer, request.on).await?);
    Ok(pb::SetBalancerRunningResponse { prev_balance_value })
}

/// The balancer's last decisions or rejections, newest first.
pub(super) fn log_entries(role: &RoleCell, request: pb::LogRequest) -> Result<pb::LogEntry, JavaException> {
    let env = role.active()?;
    let records = env.balancing.records();
    let bad = |error: hmaster_protocol::DecodeError| bad_request(&error);
    let name = request.log_class_name;
    let (answer, log_message) = if name.contains("BalancerDecisionsRequest") {
        let asked: pb::BalancerDecisionsRequest = decode(request.log_message).map_err(bad)?;
        let balancer_decision = records.decisions(asked.limit);
        ("BalancerDecisionsResponse", pb::BalancerDecisionsResponse { balancer_decision }.encode_to_vec())
    } else if name.contains("BalancerRejectionsRequest") {
        let asked: pb::BalancerRejectionsRequest = decode(request.log_message).map_err(bad)?;
        let balancer_rejection = records.rejections(asked.limit);
        ("BalancerRejectionsResponse", pb::BalancerRejectionsResponse { balancer_rejection }.encode_to_vec())
    } else {
        return Err(JavaException::new(class::DO_NOT_RETRY_IO, format!("Invalid request params: {name}")));
    };
    Ok(pb::LogEntry { log_class_name: format!("{MESSAGES}{answer}"), log_message: log_message.into() })
}
