//! ZooKeeper, a root folder, and masters that record what they are told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hmaster_config::{Builder, Configuration, Environment, Origin};
use hmaster_fs::rootdir::{MetaOptions, RootDir, meta_descriptor};
use hmaster_fs::{FileSystem as _, FsPath, LocalFileSystem};
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::services::region_server_status_service::{self, RegionServerStatusService};
use hmaster_protocol::{CallContext, CallUser, pb};
use hmaster_rpc::client::{AdminStub, CallOptions, ClientOptions, ClientStub, RpcClient};
use hmaster_rpc::server::RpcServer;
use hmaster_sim::{RegionServer, RegionServerBuilder, RegionServerHandle};
use hmaster_types::{
    Address, Cell, Chance, ColumnFamilyDescriptor, JavaException, RegionInfo, ServerName, StartCode,
    SystemClock, TableDescriptor, class,
};
use hmaster_zk::tracker::ClusterStatusTracker;
use hmaster_zk::znode::CreateMode;
use hmaster_zk::{ClusterId, MasterInfo, Payload as _, ZkConfig, ZkWatcher, mirror};
use hmaster_zk_server::ZkServer;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a master was told.
#[derive(Debug)]
pub(crate) enum Told {
    Startup(pb::RegionServerStartupRequest),
    Report(pb::RegionServerReportRequest),
    Transition(pb::RegionStateTransition),
    Done(pb::RemoteProcedureResult),
    Fatal(String),
}

/// How a master answers.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Answers reports with `YouAreDeadException`.
    pub(crate) says_dead: AtomicBool,
    /// The next calls of any kind are refused with these.
    pub(crate) refusals: Mutex<VecDeque<class::Class>>,
    /// Answers transitions with an error message.
    pub(crate) hates_transitions: AtomicBool,
    rootdir: String,
    told: Mutex<Option<mpsc::UnboundedSender<Told>>>,
}

/// A master that is active as long as it isn't dropped.
pub(crate) struct Master {
    pub(crate) script: Arc<Script>,
    pub(crate) told: mpsc::UnboundedReceiver<Told>,
    _stop: tokio_util::sync::DropGuard,
}

/// All that region servers need.
pub(crate) struct Cluster {
    pub(crate) zk_server: ZkServer,
    pub(crate) zk: ZkWatcher,
    pub(crate) root: RootDir,
    pub(crate) rpc: RpcClient,
    pairs: Vec<(String, String)>,
    next_procedure: AtomicI64,
    folder: TempDir,
}

struct Status(Arc<Script>);

impl Status {
    fn hear(&self, told: Told) -> Result<(), JavaException> {
        let refusal = self.0.refusals.lock().pop_front();
        if let Some(class) = refusal {
            return Err(JavaException::new(class, "not now"));
        }
        if let Some(listener) = &*self.0.told.lock() {
            let _ = listener.send(told);
        }
        Ok(())
    }
}

#[async_trait]
impl RegionServerStatusService<CallContext> for Status {
    async fn region_server_startup(
        &self,
        call: &CallContext,
        request: pb::RegionServerStartupRequest,
    ) -> Result<pb::RegionServerStartupResponse, JavaException> {
        let version = call.client_version.as_ref().map(|version| &*version.version);
        assert!(version.is_some_and(|version| version.starts_with("2.6.")), "{version:?}");
        let host = request.use_this_hostname_instead.clone().unwrap_or_default();
        self.hear(Told::Startup(request))?;
        let pair = |name: &str, value: &str| pb::NameStringPair { name: name.into(), value: value.into() };
        let map_entries = vec![
            pair("hbase.regionserver.hostname.seen.by.master", &host),
            pair("hbase.rootdir", &self.0.rootdir),
            pair("fs.defaultFS", "file:///"),
            pair("hbase.master.info.port", "-1"),
        ];
        Ok(pb::RegionServerStartupResponse { map_entries })
    }

    async fn region_server_report(
        &self,
        _call: &CallContext,
        request: pb::RegionServerReportRequest,
    ) -> Result<pb::RegionServerReportResponse, JavaException> {
        if self.0.says_dead.load(Ordering::SeqCst) {
            return Err(JavaException::new(
                class::YOU_ARE_DEAD,
                "rejected; currently processing as dead server",
            ));
        }
        self.hear(Told::Report(request))?;
        Ok(pb::RegionServerReportResponse {})
    }

    async fn report_region_state_transition(
        &self,
        _call: &CallContext,
        request: pb::ReportRegionStateTransitionRequest,
    ) -> Result<pb::ReportRegionStateTransitionResponse, JavaException> {
        for transition in request.transition {
            self.hear(Told::Transition(transition))?;
        }
        let error_message =
            self.0.hates_transitions.load(Ordering::SeqCst).then(|| "no such server".to_owned());
        Ok(pb::ReportRegionStateTransitionResponse { error_message })
    }

    async fn report_procedure_done(
        &self,
        _call: &CallContext,
        request: pb::ReportProcedureDoneRequest,
    ) -> Result<pb::ReportProcedureDoneResponse, JavaException> {
        for result in request.result {
            self.hear(Told::Done(result))?;
        }
        Ok(pb::ReportProcedureDoneResponse {})
    }

    async fn report_rs_fatal_error(
        &self,
        _call: &CallContext,
        request: pb::ReportRsFatalErrorRequest,
    ) -> Result<pb::ReportRsFatalErrorResponse, JavaException> {
        self.hear(Told::Fatal(request.error_message))?;
        Ok(pb::ReportRsFatalErrorResponse {})
    }

    async fn get_last_flushed_sequence_id(
        &self,
        _call: &CallContext,
        _request: pb::GetLastFlushedSequenceIdRequest,
    ) -> Result<pb::GetLastFlushedSequenceIdResponse, JavaException> {
        Ok(pb::GetLastFlushedSequenceIdResponse {
            last_flushed_sequence_id: u64::MAX,
            store_last_flushed_sequence_id: Vec::new(),
        })
    }
}

impl Master {
    /// Waits for something that it is told; what else it is told is passed over.
    pub(crate) async fn hears<T>(&mut self, mut what: impl FnMut(Told) -> Option<T>) -> T {
        let hearing = async {
            loop {
                let told = self.told.recv().await.expect("a master that listens");
                if let Some(found) = what(told) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hearing).await.expect("the master wasn't told in time")
    }

    pub(crate) async fn hears_transition(&mut self) -> (TransitionCode, pb::RegionStateTransition) {
        let transition = self.hears(|told| match told {
            Told::Transition(transition) => Some(transition),
            _ => None,
        });
        let transition = transition.await;
        (transition.transition_code(), transition)
    }

    pub(crate) async fn hears_report(&mut self) -> pb::RegionServerReportRequest {
        self.hears(|told| match told {
            Told::Report(report) => Some(report),
            _ => None,
        })
        .await
    }
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(pairs: &[(&str, &str)]) -> Self {
        let zk_server = ZkServer::builder()
            .tick_time(Duration::from_millis(500))
            .start()
            .await
            .expect("an embedded ZooKeeper");
        let folder = tempfile::tempdir().expect("a folder");
        let quorum = zk_server.connect_string();
        let usual = [
            ("hbase.zookeeper.quorum", &*quorum),
            ("zookeeper.session.timeout", "4000"),
            ("hbase.regionserver.hostname", "127.0.0.1"),
            ("hbase.regionserver.port", "0"),
            ("hbase.regionserver.msginterval", "200"),
        ];
        let pairs: Vec<_> =
            usual.iter().chain(pairs).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let find =
            |key: &str| pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.clone());
        let config = ZkConfig::from_lookup(find).expect("configuration");
        let zk = ZkWatcher::connect(&config, "test:1", Chance::seeded(1)).await.expect("a session");
        zk.create_base_znodes().await.expect("znodes");
        let root: FsPath = folder.path().join("hbase").to_str().expect("UTF-8").parse().expect("a path");
        LocalFileSystem.mkdirs(&root, None).await.expect("root folder");
        let root = RootDir::new(Arc::new(LocalFileSystem), root, Arc::new(SystemClock));
        let rpc = RpcClient::new(ClientOptions::new(CallUser::new("tester")));
        Self { zk_server, zk, root, rpc, pairs, next_procedure: AtomicI64::new(1), folder }
    }

    /// Declares the cluster up, and gives it an id.
    pub(crate) async fn up(&self) {
        mirror::cluster_id::publish(&self.zk, &ClusterId("the-id".into())).await.expect("cluster id");
        ClusterStatusTracker::set_up(&self.zk, &SystemClock).await.expect("running");
    }

    pub(crate) async fn down(&self) {
        ClusterStatusTracker::set_down(&self.zk).await.expect("running");
    }

    /// A master that becomes active now, in place of any other.
    pub(crate) async fn master(&self) -> Master {
        let (tell, told) = mpsc::unbounded_channel();
        let script = Arc::new(Script {
            rootdir: format!("file://{}", self.folder.path().join("hbase").display()),
            told: Mutex::new(Some(tell)),
            ..Script::default()
        });
        let rpc = RpcServer::builder()
            .service(region_server_status_service::Server(Arc::new(Status(script.clone()))))
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("a port");
        let port = rpc.local_addr().expect("an address").port();
        let stop = CancellationToken::new();
        tokio::spawn(rpc.serve(stop.clone()));
        let name = ServerName::new("127.0.0.1", port, StartCode(1)).expect("a name");
        let info = MasterInfo { server: name, info_port: None };
        self.zk.delete_if_present(&self.zk.paths.master).await.expect("znode");
        self.zk.create(&self.zk.paths.master, &info.encode(), CreateMode::Ephemeral).await.expect("znode");
        Master { script, told, _stop: stop.drop_guard() }
    }

    pub(crate) fn builder(&self, more: &[(&str, &str)]) -> RegionServerBuilder {
        RegionServer::builder(self.configuration(more))
    }

    pub(crate) fn configuration(&self, more: &[(&str, &str)]) -> Configuration {
        let builder = Builder::new(Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []));
        let origin = || Origin::Program("test");
        let pairs = self.pairs.iter().map(|(key, value)| (&**key, &**value)).chain(more.iter().copied());
        let raw = pairs.fold(builder, |builder, (key, value)| builder.set(key, value, origin())).build();
        Configuration::new(raw).expect("configuration")
    }

    /// A region server that is online, as this master sees it.
    pub(crate) async fn region_server(&self) -> RegionServerHandle {
        let starting = self.builder(&[]).start();
        tokio::time::timeout(PATIENCE, starting).await.expect("in time").expect("a region server")
    }

    pub(crate) fn admin(&self, server: &RegionServerHandle) -> AdminStub {
        self.rpc.admin(address(server), CallOptions::default())
    }

    pub(crate) fn rows(&self, server: &RegionServerHandle) -> ClientStub {
        self.rpc.rows(address(server), CallOptions::default())
    }

    /// A table of one region, which is nowhere yet.
    pub(crate) async fn table(&self, name: &str) -> RegionInfo {
        let table: hmaster_types::TableName = name.parse().expect("a table name");
        let schema = TableDescriptor::builder(table.clone())
            .family(ColumnFamilyDescriptor::builder("f").build())
            .family(ColumnFamilyDescriptor::builder("g").build())
            .build();
        let region = RegionInfo::builder(table).region_id(1).build();
        self.root.create_table(&schema, std::slice::from_ref(&region)).await.expect("a table");
        region
    }

    pub(crate) async fn meta(&self) -> RegionInfo {
        self.root.bootstrap_meta(&meta_descriptor(&MetaOptions::default())).await.expect("hbase:meta");
        RegionInfo::meta()
    }

    pub(crate) fn procedure(&self) -> i64 {
        self.next_procedure.fetch_add(1, Ordering::SeqCst)
    }

    /// Has a region opened, and waits until it is served.
    pub(crate) async fn open(
        &self,
        master: &mut Master,
        server: &RegionServerHandle,
        region: &RegionInfo,
    ) -> u64 {
        let procedure = self.procedure();
        let order = order_to_open(server, region, procedure);
        self.admin(server).execute_procedures(&order).await.expect("taken");
        let transition = master.hears(|told| match told {
            Told::Transition(transition) if *transition.proc_id == [procedure] => Some(transition),
            _ => None,
        });
        let transition = transition.await;
        assert_eq!(transition.transition_code(), TransitionCode::Opened);
        self.served(server, region).await;
        transition.open_seq_num.expect("a sequence id")
    }

    /// It is reported first, and served a moment later.
    pub(crate) async fn served(&self, server: &RegionServerHandle, region: &RegionInfo) {
        let request = pb::GetRegionInfoRequest {
            region: (&region.name()).into(),
            compaction_state: None,
            best_split_row: None,
        };
        while let Err(error) = self.admin(server).get_region_info(&request).await {
            let exception = error.exception().unwrap_or_else(|| panic!("{error}"));
            assert!(exception.is(class::REGION_OPENING), "{error}");
        }
    }
}

pub(crate) fn address(server: &RegionServerHandle) -> Address {
    server.address().to_string().parse().expect("an address")
}

pub(crate) fn start_code(server: &RegionServerHandle) -> u64 {
    server.server_name().expect("a name").start_code().0
}

pub(crate) fn order_to_open(
    server: &RegionServerHandle,
    region: &RegionInfo,
    procedure: i64,
) -> pb::ExecuteProceduresRequest {
    open_at(start_code(server), region, procedure)
}

pub(crate) fn open_at(start_code: u64, region: &RegionInfo, procedure: i64) -> pb::ExecuteProceduresRequest {
    let info = pb::open_region_request::RegionOpenInfo {
        region: region.into(),
        open_proc_id: Some(procedure),
        ..Default::default()
    };
    let open = pb::OpenRegionRequest {
        open_info: vec![info],
        server_start_code: Some(start_code),
        initiating_master_active_time: Some(77),
        ..Default::default()
    };
    pb::ExecuteProceduresRequest { open_region: vec![open], ..Default::default() }
}

pub(crate) fn order_to_close(
    server: &RegionServerHandle,
    region: &RegionInfo,
    procedure: i64,
    destination: Option<&ServerName>,
) -> pb::ExecuteProceduresRequest {
    close_at(start_code(server), region, procedure, destination)
}

pub(crate) fn close_at(
    start_code: u64,
    region: &RegionInfo,
    procedure: i64,
    destination: Option<&ServerName>,
) -> pb::ExecuteProceduresRequest {
    let close = pb::CloseRegionRequest {
        region: (&region.name()).into(),
        destination_server: destination.map(Into::into),
        server_start_code: Some(start_code),
        close_proc_id: Some(procedure),
        initiating_master_active_time: Some(77),
        ..Default::default()
    };
    pb::ExecuteProceduresRequest { close_region: vec![close], ..Default::default() }
}

pub(crate) fn put_cell(row: &str, family: &str, qualifier: &str, value: &str) -> Cell {
    let bytes = str::as_bytes;
    Cell::put(bytes(row), bytes(family), bytes(qualifier), Cell::LATEST_TIMESTAMP, bytes(value))
        .expect("a cell")
}

/// A change whose cells go beside the message.
pub(crate) fn beside(kind: pb::mutation_proto::MutationType, row: &str, cells: usize) -> pb::MutationProto {
    pb::MutationProto {
        row: Some(row.to_owned().into()),
        mutate_type: Some(kind.into()),
        associated_cell_count: Some(i32::try_from(cells).expect("few")),
        ..Default::default()
    }
}

pub(crate) async fn put(
    rows: &ClientStub,
    region: &RegionInfo,
    row: &str,
    value: &str,
) -> Result<pb::MutateResponse, hmaster_rpc::client::RpcError> {
    let request = pb::MutateRequest {
        region: (&region.name()).into(),
        mutation: beside(pb::mutation_proto::MutationType::Put, row, 1),
        ..Default::default()
    };
    Ok(rows.mutate(&request, vec![put_cell(row, "f", "q", value)]).await?.0)
}

pub(crate) fn get_request(region: &RegionInfo, row: &str) -> pb::GetRequest {
    let get = pb::Get { row: row.to_owned().into(), ..Default::default() };
    pb::GetRequest { region: (&region.name()).into(), get }
}

pub(crate) async fn get(
    rows: &ClientStub,
    region: &RegionInfo,
    row: &str,
) -> Result<Vec<Cell>, hmaster_rpc::client::RpcError> {
    let (answer, cells) = rows.get(&get_request(region, row), Vec::new()).await?;
    let result = answer.result.expect("a result");
    assert_eq!(result.associated_cell_count, Some(i32::try_from(cells.len()).expect("few")));
    Ok(cells)
}
