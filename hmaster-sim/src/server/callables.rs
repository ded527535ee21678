//! What of a master's procedures a server with rows can do. Counterpart of the callables of `RSProcedureHandler`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{CreateOptions, FsPath};
use hmaster_protocol::pb;
use hmaster_protocol::services::region_server_status_service::GET_LAST_FLUSHED_SEQUENCE_ID;
use hmaster_store::region_files::RegionFiles;
use hmaster_types::{JavaException, PlainTracker, RegionInfo, TableDescriptor, class};
use prost::Message as _;

use super::procedures::{FLUSH_REGION, SNAPSHOT_REGION, SPLIT_WAL, not_there};
use super::state::Server;
use super::transitions::chain;
use crate::log::{FlushedSequenceIds, split_log};
use crate::region::Region;

const SPLIT_FAILED: &str = "org.apache.hadoop.hbase.regionserver.SplitWALCallable$ErrorWALSplitException";

/// Carries one out.
///
/// # Errors
/// What is reported to the master.
pub(super) async fn carry_out(
    server: &Server,
    order: &pb::RemoteProcedureRequest,
) -> Result<(), JavaException> {
    let data = order.proc_data.clone().unwrap_or_default();
    let unreadable = |error: hmaster_protocol::DecodeError| {
        JavaException::new(class::ILLEGAL_ARGUMENT, format!("parameter of {}: {error}", order.proc_class))
    };
    match &*order.proc_class {
        SPLIT_WAL => split_wal(server, &hmaster_protocol::decode(data).map_err(unreadable)?).await,
        FLUSH_REGION => flush(server, &hmaster_protocol::decode(data).map_err(unreadable)?).await,
        SNAPSHOT_REGION => snapshot_region(server, hmaster_protocol::decode(data).map_err(unreadable)?).await,
        unknown => Err(not_there(unknown)),
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
