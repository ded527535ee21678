//! What region servers report. Counterpart of the `RegionServerStatusService` half of `MasterRpcServices`.
//!
//! How an answer is phrased decides what the region server does: a transition's `error_message`, `YouAreDeadException`
//! and `ClockOutOfSyncException` make it abort, everything else makes it wait and repeat (danger 18).
//!
//! Differs from Java in that reports of results wait for a master that starts, instead of being refused: a region server
//! that is asked for patience pauses the longer the more often it has tried, and it tries all the time while the last
//! master's port refuses it. After some seconds without a master its next pause would take 200 s.

mod online_regions;
mod transitions;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::{CallContext, pb, services::region_server_status_service as service};
use hmaster_types::{EncodedName, JavaException, ProcId, SeqNum, ServerName, StartCode, class};
use prost::Message as _;

use super::{bad_argument, textual};
use crate::environment::{Conditions, MasterEnv};
use crate::message::Message;
use crate::role::RoleCell;
use crate::servers::manager::ServerVersion;
use crate::servers::{RegionFlush, Registered, StartUp};

/// How long a report waits for a master that starts. Below the 10 s after which a region server gives a call up,
/// `hbase.rpc.shortoperation.timeout`.
const REPORT_PATIENCE: Duration = Duration::from_secs(5);

/// Names of hosts, by address.
#[async_trait]
pub trait HostNames: Send + Sync {
    /// The name of the host at this address; none when it has none.
    async fn name_of(&self, address: IpAddr) -> Option<String>;
}

/// The service for region servers.
pub struct RegionServerStatus {
    /// What the master is.
    pub role: Arc<RoleCell>,
    /// Names of hosts.
    pub hosts: Arc<dyn HostNames>,
}

impl RegionServerStatus {
    /// The active master, as soon as it takes reports of this kind. A region server that can't be served yet is sent back
    /// to ZooKeeper, and repeats its report at once.
    async fn ready(&self, takes_them: impl Fn(&Conditions) -> bool) -> Result<Arc<MasterEnv>, JavaException> {
        let ready = self.role.until_ready(REPORT_PATIENCE, takes_them).await;
        ready.ok_or_else(|| {
            JavaException::new(class::MASTER_NOT_RUNNING, "this master doesn't take reports yet")
        })
    }

    /// The host by which everybody will know the server: what it says itself, or what the network says of it.
    async fn host(&self, env: &MasterEnv, call: &CallContext, said: Option<&str>) -> String {
        if let Some(said) = said {
            return said.to_owned();
        }
        let address = call.peer.ip();
        let named = if env.options.master.use_ip { None } else { self.hosts.name_of(address).await };
        named.unwrap_or_else(|| textual(address))
    }
}

#[async_trait]
impl service::RegionServerStatusService<CallContext> for RegionServerStatus {
    async fn region_server_startup(
        &self,
        call: &CallContext,
        request: pb::RegionServerStartupRequest,
    ) -> Result<pb::RegionServerStartupResponse, JavaException> {
        let env = self.role.started()?;
        let host = self.host(&env, call, request.use_this_hostname_instead.as_deref()).await;
        let port = u16::try_from(request.port).map_err(|_| bad_argument(format!("port {}", request.port)))?;
        let server =
            ServerName::new(&host, port, StartCode(request.server_start_code)).map_err(bad_argument)?;
        let start = StartUp {
            server: server.clone(),
            clock_ms: request.server_current_time,
            version: version(call),
            refuse_decommissioned: env.online.get().region_servers.reject_decommissioned,
        };
        let registered = env.servers.start_up(&start, env.conditions.is_initialized())?;
        env.registered(&server, &registered).await?;
        tracing::info!(%server, version = start.version.text, "a region server has started");
        Ok(pb::RegionServerStartupResponse { map_entries: start_up_map(&env, &host) })
    }

    async fn region_server_report(
        &self,
        call: &CallContext,
        request: pb::RegionServerReportRequest,
    ) -> Result<pb::RegionServerReportResponse, JavaException> {
        let env = self.role.started()?;
        let server = ServerName::try_from(&request.server)?;
        let load = request.load.unwrap_or_default();
        let whole = Bytes::from(load.encode_to_vec());
        let registered =
            env.servers.report(&server, whole, version(call), env.conditions.is_initialized())?;
        env.registered(&server, &registered).await?;
        if registered.is_new {
            env.look_for_znodes().await;
        }
        env.server_joined();
        raise_flushed(&env, &load);
        env.metrics.cluster_requests.add(load.number_of_requests());
        online_regions::check(&env, &server, &load);
        Ok(pb::RegionServerReportResponse {})
    }

    async fn report_rs_fatal_error(
        &self,
        _: &CallContext,
        request: pb::ReportRsFatalErrorRequest,
    ) -> Result<pb::ReportRsFatalErrorResponse, JavaException> {
        let env = self.role.active()?;
        let server = ServerName::try_from(&request.server)?;
        tracing::error!(%server, error = request.error_message, "a region server reports a fatal error");
        env.fatal_errors.push(&server, &request.error_message);
        Ok(pb::ReportRsFatalErrorResponse {})
    }

    async fn report_region_state_transition(
        &self,
        _: &CallContext,
        request: pb::ReportRegionStateTransitionRequest,
    ) -> Result<pb::ReportRegionStateTransitionResponse, JavaException> {
        let about_meta = transitions::is_about_meta(&request);
        let env = self.ready(|are| are.is_services_started() && (about_meta || are.is_meta_loaded())).await?;
        transitions::report(&env, request).await
    }

    async fn report_procedure_done(
        &self,
        _: &CallContext,
        request: pb::ReportProcedureDoneRequest,
    ) -> Result<pb::ReportProcedureDoneResponse, JavaException> {
        let env = self.ready(Conditions::is_services_started).await?;
        for result in &request.result {
            check_reign(&env, result.initiating_master_active_time)?;
        }
        for result in request.result {
            let done = match result.status() {
                pb::remote_procedure_result::Status::Success => Ok(Bytes::new()),
                pb::remote_procedure_result::Status::Error => {
                    let unsaid =
                        JavaException::new(class::REMOTE_PROCEDURE, "the region server gave no reason");
                    Err(result.error.as_ref().map_or(unsaid, JavaException::from))
                }
            };
            // One that isn't there any more has been answered for by somebody else. What isn't stored is reported again,
            // to whichever master comes next.
            let delivered = env.deliver(ProcId(result.proc_id), Message::RemoteDone { result: done }).await;
            delivered.map_err(|error| JavaException::new(class::PLEASE_HOLD, error.to_string()))?;
        }
        Ok(pb::ReportProcedureDoneResponse {})
    }

    async fn get_last_flushed_sequence_id(
        &self,
        _: &CallContext,
        request: pb::GetLastFlushedSequenceIdRequest,
    ) -> Result<pb::GetLastFlushedSequenceIdResponse, JavaException> {
        let env = self.role.started()?;
        let name = std::str::from_utf8(&request.region_name).map_err(bad_argument)?;
        let region: EncodedName = name.parse().map_err(bad_argument)?;
        // "Unknown" is the safe answer (danger 7).
        let known =
            env.flushed.get(region).unwrap_or(RegionFlush { region: SeqNum::NONE, stores: Vec::new() });
        Ok(pb::GetLastFlushedSequenceIdResponse {
            last_flushed_sequence_id: known.region.0.cast_unsigned(),
            store_last_flushed_sequence_id: known
                .stores
                .iter()
                .map(|(family, seq)| pb::StoreSequenceId {
                    family_name: Bytes::copy_from_slice(family),
                    sequence_id: seq.0.cast_unsigned(),
                })
                .collect(),
        })
    }

    /// Sizes of regions matter to space quotas, which are off.
    async fn report_region_space_use(
        &self,
        _: &CallContext,
        _: pb::RegionSpaceUseReportRequest,
    ) -> Result<pb::RegionSpaceUseReportResponse, JavaException> {
        self.role.initialized()?;
        Ok(pb::RegionSpaceUseReportResponse {})
    }

    /// Archived files matter to space quotas of snapshots, which are off.
    async fn report_file_archival(
        &self,
        _: &CallContext,
        _: pb::FileArchiveNotificationRequest,
    ) -> Result<pb::FileArchiveNotificationResponse, JavaException> {
        self.role.initialized()?;
        Ok(pb::FileArchiveNotificationResponse {})
    }

    async fn get_live_region_servers(
        &self,
        _: &CallContext,
        request: pb::GetLiveRegionServersRequest,
    ) -> Result<pb::GetLiveRegionServersResponse, JavaException> {
        let env = self.role.active()?;
        let mut servers: Vec<_> = env.servers.online().into_iter().map(|(server, _)| server).collect();
        let total = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        env.chance.shuffle(&mut servers);
        servers.truncate(request.count as usize);
        Ok(pb::GetLiveRegionServersResponse { server: servers.iter().map(Into::into).collect(), total })
    }
}

impl MasterEnv {
    /// What follows from a server's registration, before it gets its answer: its earlier life is recovered, and its name
    /// is durable, so that whichever master comes next knows that its WALs may have to be split.
    async fn registered(&self, server: &ServerName, registered: &Registered) -> Result<(), JavaException> {
        if let Some(skew_ms) = registered.skew_ms {
            tracing::warn!(%server, skew_ms, "the region server's clock is off");
        }
        for alias in &registered.aliases {
            tracing::warn!(%server, %alias, "two names for what seems to be one process: check its name resolution");
        }
        if let Some(stale) = &registered.stale {
            tracing::info!(%server, %stale, "the server was restarted before its end was noticed");
            self.expire_server(stale).await;
        }
        if registered.is_new
            && let Err(error) = self.store.add_server(server).await
        {
            self.end_reign(error.to_string());
            return Err(JavaException::new(class::SERVER_NOT_RUNNING_YET, error.to_string()));
        }
        Ok(())
    }
}

/// An answer to a command of a later master: this one is deposed and doesn't know it yet.
fn check_reign(env: &MasterEnv, initiating_ms: Option<i64>) -> Result<(), JavaException> {
    match initiating_ms {
        Some(initiating) if initiating > env.active_time.0.cast_signed() => {
            Err(JavaException::new(class::MASTER_NOT_RUNNING, "Another master is active"))
        }
        _ => Ok(()),
    }
}

/// A region server changes its own configuration to these.
fn start_up_map(env: &MasterEnv, host: &str) -> Vec<pb::NameStringPair> {
    let info_port = env.identity.info_port.to_string();
    [
        ("hbase.regionserver.hostname.seen.by.master", host),
        ("hbase.rootdir", &env.identity.root_dir),
        ("fs.defaultFS", &env.identity.default_fs),
        ("hbase.master.info.port", &info_port),
    ]
    .map(|(name, value)| pb::NameStringPair::new(name, value))
    .into()
}

fn version(call: &CallContext) -> ServerVersion {
    call.client_version.as_deref().map(ServerVersion::of).unwrap_or_default()
}

fn raise_flushed(env: &MasterEnv, load: &pb::ServerLoad) {
    for region in &load.region_loads {
        let Ok(name) = EncodedName::try_from(&region.region_specifier) else { continue };
        let seq = |id: u64| SeqNum(id.cast_signed());
        let flush = RegionFlush {
            region: region.complete_sequence_id.map_or(SeqNum::NONE, seq),
            stores: region
                .store_complete_sequence_id
                .iter()
                .map(|store| (Arc::from(&store.family_name[..]), seq(store.sequence_id)))
                .collect(),
        };
        env.flushed.raise(name, flush);
    }
}
