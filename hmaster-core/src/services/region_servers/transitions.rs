//! Regions that were opened or closed, or that want to be split. Counterpart of
//! `AssignmentManager.reportRegionStateTransition`.

use bytes::Bytes;
use hmaster_procedure::Delivery;
use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{JavaException, ProcId, RegionInfo, RegionState, SeqNum, ServerName, class};

use super::check_reign;
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::message::Message;
use crate::regions::split::{self, SplitRegion};
use crate::servers::Liveness;
use crate::services::refusal;
use crate::step::ProcedureUser;

type Response = pb::ReportRegionStateTransitionResponse;

/// Takes in a report. It is answered when the procedures that wait for it have stored it, because the region server
/// forgets it then (danger 4).
pub(super) async fn report(
    env: &MasterEnv,
    request: pb::ReportRegionStateTransitionRequest,
) -> Result<Response, JavaException> {
    let server = ServerName::try_from(&request.server)?;
    for transition in &request.transition {
        check_reign(env, transition.initiating_master_active_time)?;
    }
    match env.servers.liveness(&server) {
        Liveness::Live => {}
        Liveness::Dead => return Ok(aborting("You are dead")),
        // Perhaps it hasn't reported to this master yet; then it will.
        Liveness::Unknown => {
            return Err(JavaException::new(class::PLEASE_HOLD, format!("{server} is not known yet")));
        }
    }
    for transition in &request.transition {
        if let Err(exception) = one(env, &server, transition).await {
            if exception.is(class::PLEASE_HOLD) {
                return Err(exception);
            }
            // A wish that isn't granted; the region server only notes it.
            if transition.transition_code() == TransitionCode::ReadyToSplit {
                tracing::info!(%server, %exception, "a region isn't split as its server wishes");
                return Ok(aborting(&format!("Failed transition {}", exception.message)));
            }
            tracing::error!(%server, %exception, "a transition that must not be: the region server will abort");
            return Ok(aborting(&format!("Failed transition {}", exception.message)));
        }
    }
    Ok(Response::default())
}

/// Whether each transition is one of hbase:meta, so that it can be taken before the other regions are known.
pub(super) fn is_about_meta(request: &pb::ReportRegionStateTransitionRequest) -> bool {
    request.transition.iter().all(|transition| transition.region_info.iter().any(is_meta))
}

/// Makes the region server abort, unless it only wished for something.
fn aborting(why: &str) -> Response {
    Response { error_message: Some(why.to_owned()) }
}

fn is_meta(region: &pb::RegionInfo) -> bool {
    region.table_name.namespace == "hbase" && region.table_name.qualifier == "meta"
}

async fn one(
    env: &MasterEnv,
    server: &ServerName,
    transition: &pb::RegionStateTransition,
) -> Result<(), JavaException> {
    let unexpected = |message: String| JavaException::new(class::UNEXPECTED_STATE, message);
    match transition.transition_code() {
        code @ (TransitionCode::Opened | TransitionCode::FailedOpen | TransitionCode::Closed) => {
            let [region] = &transition.region_info[..] else {
                return Err(unexpected(format!(
                    "{} names {} regions",
                    code.as_str_name(),
                    transition.region_info.len()
                )));
            };
            open_or_closed(env, server, code, &RegionInfo::try_from(region)?, transition).await
        }
        TransitionCode::ReadyToSplit => ready_to_split(env, &transition.region_info).await,
        code => Err(unexpected(format!("unsupported transition {}", code.as_str_name()))),
    }
}

/// A region has become too large, and its server has chosen where to split it: it names the region and the two that it
/// should become. Counterpart of `updateRegionSplitTransition`.
async fn ready_to_split(env: &MasterEnv, regions: &[pb::RegionInfo]) -> Result<(), JavaException> {
    let [parent, _, upper] = regions else {
        let message = format!("READY_TO_SPLIT names {} regions", regions.len());
        return Err(JavaException::new(class::UNEXPECTED_STATE, message));
    };
    let (parent, upper) = (RegionInfo::try_from(parent)?, RegionInfo::try_from(upper)?);
    split::check_switches(env, &parent)?;
    let row = Some(Bytes::copy_from_slice(upper.start_key()));
    let split = SplitRegion::procedure(env, ProcedureUser::master(), &parent, row).await?;
    let id = env.submit(split).await.map_err(refusal::executor)?;
    tracing::info!(pid = %id, region = %parent, "its server wishes it to be split");
    Ok(())
}

async fn open_or_closed(
    env: &MasterEnv,
    server: &ServerName,
    code: TransitionCode,
    region: &RegionInfo,
    transition: &pb::RegionStateTransition,
) -> Result<(), JavaException> {
    let look = |node: &RegionNode| {
        let is_opening_in_doubt =
            node.doubtful_place() == Some(server) && node.state() == RegionState::Opening;
        (node.remote(), node.location() == Some(server), is_opening_in_doubt)
    };
    let Some((waiting, is_there, is_opening_in_doubt)) = env.regions.with(region.encoded_name(), look) else {
        // Java makes the server abort. But it may only repeat what an earlier master has taken and whose answer was lost,
        // and the region is gone since (danger 18). One that is open will be closed when the server reports its load.
        tracing::warn!(%server, %region, code = code.as_str_name(), "a report of a region that isn't there");
        return Ok(());
    };
    // Old region servers don't say which procedure they answer. Neither does a server that closes a region which it
    // shouldn't have: that one answers nobody, and must not abort because somebody waits for another (danger 18).
    let answers = |waiting: &ProcId| match transition.proc_id.first() {
        Some(id) if *id >= 0 => id.cast_unsigned() == waiting.0,
        _ => is_there,
    };
    let open_seq_num = transition.open_seq_num.map_or(SeqNum::NONE, |seq| SeqNum(seq.cast_signed()));
    // Whichever command this answers, the region is open there. That one couldn't be opened would prove nothing: the server
    // may be at another command by now.
    let is_found_open = is_opening_in_doubt && code == TransitionCode::Opened;
    let Some(procedure) = waiting.filter(|waiting| answers(waiting) || is_found_open) else {
        tracing::warn!(%server, region = %region.encoded_name(), code = code.as_str_name(), "nobody waits for this report");
        return Ok(());
    };
    let message = Message::Transition { server: server.clone(), code, open_seq_num };
    match env.deliver(procedure, message).await {
        Ok(Delivery::Rejected(exception)) => Err(exception),
        Ok(Delivery::Accepted | Delivery::NoSuchProcedure) => Ok(()),
        // What isn't stored isn't acknowledged.
        Err(error) => Err(JavaException::new(class::PLEASE_HOLD, error.to_string())),
    }
}
