//! Opening and closing regions. Counterpart of `AssignRegionHandler`, `UnassignRegionHandler` and `CloseRegionHandler`.
//!
//! An order is carried out once, whatever arrives meanwhile, and its outcome is reported until a master takes the report:
//! the region is not served before, and no other order about it is begun. A region that can't be closed takes the server
//! with it: only its log can tell what was written.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::services::region_server_status_service::REPORT_REGION_STATE_TRANSITION;
use hmaster_types::{EncodedName, RegionInfo, ServerName, TableDescriptor};
use tokio::time::{sleep, timeout};

use super::online::{CloseOrder, OpenOrder};
use super::state::Server;
use crate::region::Region;

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

/// Why the server goes down with a region.
type Fatal = String;

impl Origin {
    /// Nobody's order.
    pub(crate) const NOBODY: Self = Self { procedure: -1, master_active_time: -1 };
}

/// Opens a region beside all else.
pub(crate) fn open(server: &Arc<Server>, order: OpenRegion) {
    let name = order.region.encoded_name();
    let this = server.clone();
    server.spawn(async move {
        if let Err(reason) = carry_out_open(&this, order).await {
            this.regions.settle(name);
            this.abort(&reason);
        }
    });
}

/// Closes a region beside all else.
pub(crate) fn close(server: &Arc<Server>, order: CloseRegion) {
    let name = order.region;
    let this = server.clone();
    server.spawn(async move {
        if let Err(reason) = carry_out_close(&this, order).await {
            this.regions.settle(name);
            this.abort(&reason);
        }
    });
}

async fn carry_out_open(server: &Server, order: OpenRegion) -> Result<(), Fatal> {
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
    let region = match open_files(server, &info).await {
        Ok(region) => region,
        Err(reason) => {
            tracing::warn!(region = %info.name(), reason, "can't be opened");
            server.regions.settle(name);
            return report(server, TransitionCode::FailedOpen, None, &info, from).await.map(drop);
        }
    };
    let opened = u64::try_from(region.open_sequence_id().0).unwrap_or(0);
    let reported = match server.life.is_ending() {
        true => Reported::GivenUp,
        false => report(server, TransitionCode::Opened, Some(opened), &info, from).await?,
    };
    if reported == Reported::GivenUp {
        // Whoever recovers this server takes care of the region.
        let closed = region.close(true).await;
        server.regions.settle(name);
        return closed.map_err(|error| format!("Failed to close region {name}: {}", chain(&error)));
    }
    server.regions.opened(name, Arc::new(region));
    server.procedure_ids.finish(from.procedure);
    tracing::info!(region = %info.name(), "opened");
    Ok(())
}

async fn open_files(server: &Server, info: &RegionInfo) -> Result<Region, String> {
    // System tables don't wait: others' opening may wait for them.
    let _permit = match info.table().is_system() {
        true => None,
        false => server.bounds.opening.acquire().await.ok(),
    };
    let (_, storage) = server.ready().map_err(|exception| exception.message)?;
    let table = table_descriptor(server, info).await?;
    let opened =
        Region::open(&storage.root, &storage.log, info.clone(), table, storage.region_options.clone()).await;
    opened.map_err(|error| chain(&error))
}

/// The schema of a region's table, as it is in the root folder now.
async fn table_descriptor(server: &Server, info: &RegionInfo) -> Result<TableDescriptor, String> {
    let (_, storage) = server.ready().map_err(|exception| exception.message)?;
    let found = storage.root.table_descriptor(info.table()).await.map_err(|error| chain(&error))?;
    found.ok_or_else(|| format!("Missing table descriptor for {}", info.name()))
}

async fn carry_out_close(server: &Server, order: CloseRegion) -> Result<(), Fatal> {
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
    close_files(server, name, &region, destination).await?;
    report(server, TransitionCode::Closed, None, region.info(), from).await?;
    server.procedure_ids.finish(from.procedure);
    server.regions.settle(name);
    tracing::info!(region = %region.info().name(), "closed");
    Ok(())
}

async fn close_files(
    server: &Server,
    name: EncodedName,
    region: &Region,
    destination: Option<ServerName>,
) -> Result<(), Fatal> {
    let _permit = match region.info().table().is_system() {
        true => None,
        false => server.bounds.closing.acquire().await.ok(),
    };
    tracing::info!(region = %region.info().name(), "closing");
    server.scanners.close_region(name);
    let closed = region.close(true).await;
    closed
        .map_err(|error| format!("Failed to close region {name} and can not recover: {}", chain(&error)))?;
    let sequence_id = region.flushed_sequence_id().and_then(|id| i64::try_from(id).ok());
    let sequence_id = sequence_id.unwrap_or_else(|| region.open_sequence_id().0.max(0));
    server.regions.remove(name, destination.map(|to| (to, sequence_id)));
    Ok(())
}

/// Closes a region of a server that stops: the master is told once, if it listens.
pub(crate) async fn close_for_good(server: &Server, name: EncodedName) -> Result<(), Fatal> {
    let CloseOrder::Go(region) = server.regions.begin_close(name) else { return Ok(()) };
    close_files(server, name, &region, None).await?;
    server.regions.settle(name);
    let Some(request) = request(server, TransitionCode::Closed, None, region.info(), Origin::NOBODY) else {
        return Ok(());
    };
    let told = server.link.call(REPORT_REGION_STATE_TRANSITION, &request);
    if !matches!(timeout(server.options.report_interval, told).await, Ok(Ok(_))) {
        tracing::info!(region = %region.info().name(), "the master wasn't told that it is closed");
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
async fn report(
    server: &Server,
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
    let answer = tokio::select! {
        biased;
        answer = server.link.insist(REPORT_REGION_STATE_TRANSITION, &request) => answer,
        () = patience => return Ok(Reported::GivenUp),
    };
    match answer.error_message {
        None => Ok(Reported::Heard),
        Some(message) => Err(format!("Failed to report {code:?} of {} to master: {message}", region.name())),
    }
}

fn request(
    server: &Server,
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
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}
