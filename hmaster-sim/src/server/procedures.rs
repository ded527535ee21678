//! Procedures that the master runs here. Counterpart of `RSProcedureHandler`, its callables, and
//! `RemoteProcedureResultReporter`.
//!
//! What is done is told by the order's answer only so far that it arrived; the outcome is reported, until a master takes
//! it. A procedure that isn't there is reported as failed, never as done.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{CreateOptions, FsPath};
use hmaster_protocol::pb;
use hmaster_protocol::pb::remote_procedure_result::Status;
use hmaster_protocol::services::region_server_status_service::{
    GET_LAST_FLUSHED_SEQUENCE_ID, REPORT_PROCEDURE_DONE,
};
use hmaster_store::region_files::RegionFiles;
use hmaster_types::{JavaException, PlainTracker, RegionInfo, TableDescriptor, class};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::Notify;

use super::state::Server;
use super::transitions::chain;
use crate::log::{FlushedSequenceIds, split_log};
use crate::region::Region;

const SPLIT_WAL: &str = "org.apache.hadoop.hbase.regionserver.SplitWALCallable";
const FLUSH_REGION: &str = "org.apache.hadoop.hbase.regionserver.FlushRegionCallable";
const SNAPSHOT_REGION: &str = "org.apache.hadoop.hbase.regionserver.SnapshotRegionCallable";
const SPLIT_FAILED: &str = "org.apache.hadoop.hbase.regionserver.SplitWALCallable$ErrorWALSplitException";
const CLASS_NOT_FOUND: &str = "java.lang.ClassNotFoundException";
/// Outcomes in one report.
const REPORT_MAX: usize = 100;

/// Outcomes that wait to be reported, and what is being carried out.
#[derive(Debug, Default)]
pub(crate) struct ProcedureResults {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: HashSet<u64>,
    waiting: Vec<pb::RemoteProcedureResult>,
}

impl ProcedureResults {
    /// Whether a procedure isn't being carried out, and its outcome doesn't wait to be reported.
    fn begin(&self, id: u64) -> bool {
        self.state.lock().running.insert(id)
    }

    fn end(&self, result: pb::RemoteProcedureResult) {
        self.state.lock().waiting.push(result);
        self.more.notify_one();
    }

    /// Reports outcomes, for ever.
    pub(crate) async fn report(&self, server: &Server) {
        loop {
            let result = self.next();
            if result.is_empty() {
                self.more.notified().await;
                continue;
            }
            let ids: Vec<_> = result.iter().map(|result| result.proc_id).collect();
            let request = pb::ReportProcedureDoneRequest { result };
            server.link.insist(REPORT_PROCEDURE_DONE, &request).await;
            let mut state = self.state.lock();
            for id in ids {
                state.running.remove(&id);
            }
        }
    }

    fn next(&self) -> Vec<pb::RemoteProcedureResult> {
        let mut state = self.state.lock();
        let count = state.waiting.len().min(REPORT_MAX);
        state.waiting.drain(..count).collect()
    }
}

/// Carries out a procedure beside all else.
pub(crate) fn run(server: &Arc<Server>, order: pb::RemoteProcedureRequest) {
    if !server.results.begin(order.proc_id) {
        tracing::info!(procedure = order.proc_id, "ignored: it is being carried out");
        return;
    }
    let this = server.clone();
    server.spawn(async move {
        let outcome = carry_out(&this, &order).await;
        if let Err(exception) = &outcome {
            tracing::warn!(procedure = order.proc_id, class = order.proc_class, %exception, "procedure failed");
        }
        this.results.end(result(&this, &order, outcome.err()));
    });
}

async fn carry_out(server: &Server, order: &pb::RemoteProcedureRequest) -> Result<(), JavaException> {
    let data = order.proc_data.clone().unwrap_or_default();
    let unreadable = |error: hmaster_protocol::DecodeError| {
        JavaException::new(class::ILLEGAL_ARGUMENT, format!("parameter of {}: {error}", order.proc_class))
    };
    match &*order.proc_class {
        SPLIT_WAL => split_wal(server, &hmaster_protocol::decode(data).map_err(unreadable)?).await,
        FLUSH_REGION => flush(server, &hmaster_protocol::decode(data).map_err(unreadable)?).await,
        SNAPSHOT_REGION => snapshot_region(server, hmaster_protocol::decode(data).map_err(unreadable)?).await,
        unknown => Err(JavaException::named(CLASS_NOT_FOUND, unknown, false)),
    }
}

async fn split_wal(server: &Server, parameter: &pb::SplitWalParameter) -> Result<(), JavaException> {
    let (_, storage) = server.ready()?;
    let log = storage.root.parse_wal(&parameter.wal_path);
    let log: FsPath = log.map_err(|error| JavaException::new(class::ILLEGAL_ARGUMENT, chain(&error)))?;
    let _permit = server.bounds.splitting.acquire().await.ok();
    tracing::info!(%log, "splitting");
    match split_log(&storage.root, &log, &AskMaster(server)).await {
        Ok(summary) => {
            tracing::info!(%log, ?summary, "split");
            Ok(())
        }
        Err(error) => Err(JavaException::named(
            SPLIT_FAILED,
            format!("{}: {}", parameter.wal_path, chain(&error)),
            false,
        )),
    }
}

async fn flush(server: &Server, parameter: &pb::FlushRegionParameter) -> Result<(), JavaException> {
    let region = served(server, &parameter.region)?;
    // All families are flushed, those that are asked for among them.
    region.flush().await.map_err(|error| error.to_java())?;
    Ok(())
}

fn served(server: &Server, region: &pb::RegionInfo) -> Result<Arc<Region>, JavaException> {
    let info = RegionInfo::try_from(region);
    let info = info.map_err(|error| JavaException::new(class::ILLEGAL_ARGUMENT, error.to_string()))?;
    let region = server.regions.get(info.encoded_name());
    region.ok_or_else(|| JavaException::new(class::NOT_SERVING_REGION, format!("region={}", info.name())))
}

/// Flushes a region and tells the snapshot which files it has.
async fn snapshot_region(
    server: &Server,
    parameter: pb::SnapshotRegionParameter,
) -> Result<(), JavaException> {
    let region = served(server, &parameter.region)?;
    if parameter.snapshot.r#type() != pb::snapshot_description::Type::Skipflush {
        region.flush().await.map_err(|error| error.to_java())?;
    }
    let (_, storage) = server.ready()?;
    let listed = list_region(&storage.root, region.table(), region.info(), &parameter.snapshot.name).await;
    listed.map_err(|reason| JavaException::new(class::IO, reason))
}

/// A file that a compaction takes away meanwhile makes it fail; the master asks again.
async fn list_region(
    root: &RootDir,
    table: &TableDescriptor,
    region: &RegionInfo,
    snapshot: &str,
) -> Result<(), String> {
    let files = RegionFiles { root, default_tracker: PlainTracker::Default.name(), now_ms: 0 };
    let manifest = files.list(table, region).await.map_err(|error| chain(&error))?;
    let folder = root.layout().snapshots().join(".tmp").try_join(snapshot);
    let folder = folder.map_err(|error| chain(&error))?;
    let fs = root.file_system();
    if !fs.exists(&folder).await.map_err(|error| chain(&error))? {
        return Err(format!("{folder}: nobody takes that snapshot any more"));
    }
    let path = folder.join(&format!("region-manifest.{}", region.encoded_name()));
    let content = Bytes::from(manifest.encode_to_vec());
    let written = fs.write_whole(&path, content, CreateOptions::overwrite()).await;
    written.map_err(|error| chain(&error))
}

fn result(
    server: &Server,
    order: &pb::RemoteProcedureRequest,
    failure: Option<JavaException>,
) -> pb::RemoteProcedureResult {
    let source = server.label();
    pb::RemoteProcedureResult {
        proc_id: order.proc_id,
        status: if failure.is_some() { Status::Error } else { Status::Success }.into(),
        error: failure.map(|exception| pb::ForeignExceptionMessage::new(Some(&source), &exception)),
        initiating_master_active_time: order.initiating_master_active_time,
    }
}

/// The master knows what a dead server reported to have flushed.
struct AskMaster<'a>(&'a Server);

#[async_trait]
impl FlushedSequenceIds for AskMaster<'_> {
    async fn of_region(&self, encoded_name: &str) -> Option<pb::RegionStoreSequenceIds> {
        let request =
            pb::GetLastFlushedSequenceIdRequest { region_name: encoded_name.to_owned().into_bytes().into() };
        match self.0.link.call(GET_LAST_FLUSHED_SEQUENCE_ID, &request).await {
            Ok(answer) => {
                (answer.last_flushed_sequence_id != u64::MAX).then_some(pb::RegionStoreSequenceIds {
                    last_flushed_sequence_id: answer.last_flushed_sequence_id,
                    store_sequence_id: answer.store_last_flushed_sequence_id,
                })
            }
            Err(error) => {
                tracing::warn!(%error, "the master doesn't say what was flushed; all edits are kept");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_reported_in_batches() {
        let results = ProcedureResults::default();
        for id in 0..150 {
            assert!(results.begin(id) && !results.begin(id));
            results.end(pb::RemoteProcedureResult {
                proc_id: id,
                status: Status::Success.into(),
                error: None,
                initiating_master_active_time: None,
            });
        }
        assert_eq!((results.next().len(), results.next().len(), results.next().len()), (100, 50, 0));
        assert!(!results.begin(3), "not reported yet");
    }
}
