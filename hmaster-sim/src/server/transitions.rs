//! Opening and closing regions. Counterpart of `AssignRegionHandler`, `UnassignRegionHandler` and `CloseRegionHandler`.
//!
//! An order is carried out once, whatever arrives meanwhile, and its outcome is reported until a master takes the report:
//! the region is not served before, and no other order about it is begun. A region that can't be closed takes the server
//! with it: only its log can tell what was written.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::services::region_server_status_service::REPORT_REGION_STATE_TRANSITION;
use hmaster_types::{EncodedName, RegionInfo, ServerName};
use tokio::time::{Instant, sleep, timeout};

use super::carrier::{Carrier, Fatal, Opened};
use super::online::{CloseOrder, OpenOrder};

/// An order to open a region.
#[derive(Debug, Clone)]
pub(crate) struct OpenRegion {
    pub(crate) region: RegionInfo,
    pub(crate) from: Origin,
}

/// An order to close a region.
#[derive(Debug, Clone)]
pub(crate) struct CloseRegion {
    pub(crate) region: EncodedName,
    /// Where it will be opened, for clients that ask.
    pub(crate) destination: Option<ServerName>,
    pub(crate) from: Origin,
}

/// Whose order it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The procedure that waits for its outcome; -1 for none.
    pub(crate) procedure: i64,
    /// When the master that gave it became active; -1 for one that doesn't say.
    pub(crate) master_active_time: i64,
}

impl Origin {
    /// Nobody's order.
    pub(crate) const NOBODY: Self = Self { procedure: -1, master_active_time: -1 };
}

/// Opens a region beside all else.
pub(crate) fn open<C: Carrier>(server: &Arc<C>, order: OpenRegion) {
    let name = order.region.encoded_name();
    let this = server.clone();
    server.spawn(async move {
        if let Err(reason) = carry_out_open(&*this, order).await {
            this.regions.settle(name);
            this.abort(&reason);
        }
    });
}

/// Closes a region beside all else.
pub(crate) fn close<C: Carrier>(server: &Arc<C>, order: CloseRegion) {
    let name = order.region;
    let this = server.clone();
    server.spawn(async move {
        if let Err(reason) = carry_out_close(&*this, order).await {
            this.regions.settle(name);
            this.abort(&reason);
        }
    });
}

async fn carry_out_open<C: Carrier>(server: &C, order: OpenRegion) -> Result<(), Fatal> {
    let began = Instant::now();
    let OpenRegion { region: info, from } = order;
    let name = info.encoded_name();
    loop {
        match server.regions.begin_open(name) {
            OpenOrder::Go => break,
            OpenOrder::Closing => server.regions.settled(name).await,
            ignored @ (OpenOrder::AlreadyOnline | OpenOrder::AlreadyOpening) => {
                tracing::warn!(region = %info.name(), ?ignored, "order to open ignored");
                return Ok(());
            }
        }
    }
    tracing::info!(region = %info.name(), procedure = from.procedure, "opening");
    let Opened { region, sequence_id } = match server.open(&info).await {
        Ok(opened) => opened,
        Err(reason) => {
            tracing::warn!(region = %info.name(), reason, "can't be opened");
            server.regions.settle(name);
            report(server, TransitionCode::FailedOpen, None, &info, from).await?;
            server.reported(TransitionCode::FailedOpen, began.elapsed());
            return Ok(());
        }
    };
    let reported = match server.life.is_ending() {
        true => Reported::GivenUp,
        false => report(server, TransitionCode::Opened, Some(sequence_id), &info, from).await?,
    };
    if reported == Reported::GivenUp {
        // Whoever recovers this server takes care of the region.
        let closed = server.close(&region).await;
        server.regions.settle(name);
        return closed.map(drop);
    }
    server.regions.opened(name, Arc::new(region));
    server.procedure_ids.finish(from.procedure);
    server.reported(TransitionCode::Opened, began.elapsed());
    tracing::info!(region = %info.name(), "opened");
    Ok(())
}

async fn carry_out_close<C: Carrier>(server: &C, order: CloseRegion) -> Result<(), Fatal> {
    let began = Instant::now();
    let CloseRegion { region: name, destination, from } = order;
    let region = loop {
        match server.regions.begin_close(name) {
            CloseOrder::Go(region) => break region,
            CloseOrder::Opening => server.regions.settled(name).await,
            ignored @ (CloseOrder::NotOnline | CloseOrder::AlreadyClosing) => {
                tracing::info!(region = %name, ?ignored, "order to close ignored");
                return Ok(());
            }
        }
    };
    let info = C::info(&region);
    take_out(server, &region, destination).await?;
    report(server, TransitionCode::Closed, None, info, from).await?;
    server.procedure_ids.finish(from.procedure);
    server.regions.settle(name);
    server.reported(TransitionCode::Closed, began.elapsed());
    tracing::info!(region = %info.name(), "closed");
    Ok(())
}

async fn take_out<C: Carrier>(
    server: &C,
    region: &C::Region,
    destination: Option<ServerName>,
) -> Result<(), Fatal> {
    let info = C::info(region);
    tracing::info!(region = %info.name(), "closing");
    let sequence_id = server.close(region).await?;
    server.regions.remove(info.encoded_name(), destination.map(|to| (to, sequence_id)));
    Ok(())
}

/// Closes a region of a server that stops: the master is told once, if it listens.
pub(crate) async fn close_for_good<C: Carrier>(server: &C, name: EncodedName) -> Result<(), Fatal> {
    let CloseOrder::Go(region) = server.regions.begin_close(name) else { return Ok(()) };
    take_out(server, &region, None).await?;
    server.regions.settle(name);
    let Some(request) = request(server, TransitionCode::Closed, None, C::info(&region), Origin::NOBODY)
    else {
        return Ok(());
    };
    let told = server.link.call(REPORT_REGION_STATE_TRANSITION, &request);
    if !matches!(timeout(server.options.report_interval, told).await, Ok(Ok(_))) {
        tracing::info!(region = %C::info(&region).name(), "the master wasn't told that it is closed");
    }
    Ok(())
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    Heard,
    /// The server stops, and no master listens.
    GivenUp,
}

/// Reports until it is heard; a server that stops tries for a while.
async fn report<C: Carrier>(
    server: &C,
    code: TransitionCode,
    open_sequence_id: Option<u64>,
    region: &RegionInfo,
    from: Origin,
) -> Result<Reported, Fatal> {
    let Some(request) = request(server, code, open_sequence_id, region, from) else {
        return Ok(Reported::GivenUp);
    };
    let patience = async {
        server.life.ending().await;
        sleep(server.options.master_call_timeout).await;
    };
    let telling = async {
        server.may_speak().await;
        // System tables don't wait: others' reports may be taken only after theirs.
        let _permit = match region.table().is_system() {
            true => None,
            false => server.reporting.acquire().await.ok(),
        };
        server.link.insist(REPORT_REGION_STATE_TRANSITION, &request).await
    };
    let answer = tokio::select! {
        biased;
        answer = telling => answer,
        () = patience => return Ok(Reported::GivenUp),
    };
    match answer.error_message {
        None => Ok(Reported::Heard),
        Some(message) => Err(format!("Failed to report {code:?} of {} to master: {message}", region.name())),
    }
}

fn request<C: Carrier>(
    server: &C,
    code: TransitionCode,
    open_sequence_id: Option<u64>,
    region: &RegionInfo,
    from: Origin,
) -> Option<pb::ReportRegionStateTransitionRequest> {
    let transition = pb::RegionStateTransition {
        transition_code: code.into(),
        region_info: vec![region.into()],
        open_seq_num: open_sequence_id,
        proc_id: vec![from.procedure],
        initiating_master_active_time: Some(from.master_active_time),
    };
    let name = server.name.get()?;
    Some(pb::ReportRegionStateTransitionRequest { server: name.into(), transition: vec![transition] })
}

/// The error and all that lies below it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}
