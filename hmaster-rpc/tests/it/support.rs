//! A service that does what its requests say, and connections to it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::services::client_service::{self, ClientService};
use hmaster_protocol::services::region_server_status_service::{self, RegionServerStatusService};
use hmaster_protocol::{CallContext, CallUser, pb};
use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient, RpcError};
use hmaster_rpc::server::{Door, RpcServer, RpcServerBuilder, ServerMetrics};
use hmaster_rpc::{BoxStream, Connector};
use hmaster_types::{Address, Cell, JavaException, class};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// `ExecService` by the name of the service in the request; reports of region servers that wait at the gate unless
/// they are about hbase:meta.
pub(crate) struct TestService {
    gate: Semaphore,
    events: mpsc::UnboundedSender<String>,
}

pub(crate) struct Fixture {
    pub(crate) service: Arc<TestService>,
    pub(crate) events: mpsc::UnboundedReceiver<String>,
    pub(crate) builder: RpcServerBuilder,
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) door: Door,
    pub(crate) metrics: Arc<ServerMetrics>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

/// Connects by a [`Door`].
pub(crate) struct ByDoor(pub(crate) Door);

pub(crate) fn fixture() -> Fixture {
    let (events, receiver) = mpsc::unbounded_channel();
    let service = Arc::new(TestService { gate: Semaphore::new(0), events });
    let builder = RpcServer::builder()
        .service(client_service::Server(service.clone()))
        .service(region_server_status_service::Server(service.clone()))
        .cluster_id(Arc::new(Some("the-cluster".to_owned())));
    Fixture { service, events: receiver, builder }
}

impl Fixture {
    pub(crate) fn listen(self) -> (Running, Arc<TestService>, mpsc::UnboundedReceiver<String>) {
        let server = self.builder.bind(([127, 0, 0, 1], 0).into()).unwrap();
        (Running::start(server), self.service, self.events)
    }

    pub(crate) fn in_memory(self) -> (Running, Arc<TestService>, mpsc::UnboundedReceiver<String>) {
        (Running::start(self.builder.in_memory().unwrap()), self.service, self.events)
    }
}

impl Running {
    fn start(server: RpcServer) -> Self {
        let shutdown = CancellationToken::new();
        let address = server.local_addr().unwrap_or(([0, 0, 0, 0], 0).into());
        let (door, metrics) = (server.door(), server.metrics());
        let serving = tokio::spawn(server.serve(shutdown.clone()));
        Self { address, door, metrics, shutdown, serving }
    }

    pub(crate) fn address(&self) -> Address {
        Address { host: self.address.ip().to_string(), port: self.address.port() }
    }

    /// A client by the door, with changed options.
    pub(crate) fn client(&self, change: impl FnOnce(&mut ClientOptions)) -> RpcClient {
        let mut options = ClientOptions::new(CallUser::new("joe"));
        change(&mut options);
        RpcClient::with_connector(options, Arc::new(ByDoor(self.door.clone())))
    }
}

#[async_trait]
impl Connector for ByDoor {
    async fn connect(&self, _address: &Address) -> io::Result<BoxStream> {
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        Ok(Box::new(self.0.connect().await.map_err(refused)?))
    }
}

impl TestService {
    /// Lets so many calls through that wait.
    pub(crate) fn open(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    fn event(&self, event: impl Into<String>) {
        let _ = self.events.send(event.into());
    }

    async fn wait(&self, name: &str) {
        self.event(name);
        self.gate.acquire().await.unwrap().forget();
    }
}

#[async_trait]
impl ClientService<CallContext> for TestService {
    async fn exec_service(
        &self,
        ctx: &CallContext,
        request: pb::CoprocessorServiceRequest,
    ) -> Result<pb::CoprocessorServiceResponse, JavaException> {
        let pb::CoprocessorServiceCall { service_name, method_name, request: bytes, .. } = request.call;
        let value = match service_name.as_str() {
            "echo" => {
                ctx.respond_with_cells(ctx.cells.iter().cloned());
                bytes
            }
            "cells" => {
                ctx.respond_with_cells((0..3).map(|i| Cell::put(b"r", b"f", &[i], 1, b"v").unwrap()));
                bytes
            }
            "big" => Bytes::from(vec![b'b'; method_name.parse().unwrap()]),
            "wait" => {
                self.wait(&method_name).await;
                bytes
            }
            "throw" => {
                let known = class::ALL.iter().find(|class| class.name == method_name).expect("a known class");
                return Err(JavaException::new(*known, String::from_utf8_lossy(&bytes)));
            }
            "panic" => panic!("{method_name}"),
            "who" => describe(ctx).into(),
            "time" => format!("{:?}", ctx.time_left(ctx.received_at)).into(),
            other => panic!("no such verb: {other}"),
        };
        let value = pb::NameBytesPair { name: method_name, value: Some(value) };
        Ok(pb::CoprocessorServiceResponse { region: request.region, value })
    }
}

#[async_trait]
impl RegionServerStatusService<CallContext> for TestService {
    async fn report_region_state_transition(
        &self,
        ctx: &CallContext,
        _request: pb::ReportRegionStateTransitionRequest,
    ) -> Result<pb::ReportRegionStateTransitionResponse, JavaException> {
        if ctx.priority < 300 {
            self.wait("transition").await;
        }
        Ok(pb::ReportRegionStateTransitionResponse::default())
    }

    async fn region_server_report(
        &self,
        _ctx: &CallContext,
        _request: pb::RegionServerReportRequest,
    ) -> Result<pb::RegionServerReportResponse, JavaException> {
        Ok(pb::RegionServerReportResponse::default())
    }
}

fn describe(ctx: &CallContext) -> String {
    let user = ctx.user.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let version = ctx.client_version.as_ref().map_or("unknown", |version| &version.version);
    let attributes: Vec<_> = ctx.connection_attributes.iter().chain(&ctx.attributes).collect();
    format!("{user} {version} {}.{} {} {attributes:?}", ctx.service, ctx.method, ctx.priority)
}

pub(crate) fn exec(verb: &str, method: &str, bytes: impl Into<Bytes>) -> pb::CoprocessorServiceRequest {
    pb::CoprocessorServiceRequest {
        region: pb::RegionSpecifier { r#type: 1, value: Bytes::from_static(b"region") },
        call: pb::CoprocessorServiceCall {
            row: Bytes::from_static(b"row"),
            service_name: verb.to_owned(),
            method_name: method.to_owned(),
            request: bytes.into(),
        },
    }
}

/// One call of `ExecService`; the answer's bytes and cells.
pub(crate) async fn run(
    client: &RpcClient,
    address: &Address,
    request: pb::CoprocessorServiceRequest,
    options: CallOptions,
) -> Result<(Bytes, Vec<Cell>), RpcError> {
    let (response, cells) = client.call(address, client_service::EXEC_SERVICE, &request, options).await?;
    Ok((response.value.value.unwrap_or_default(), cells))
}

/// An address for connectors that don't care.
pub(crate) fn nowhere() -> &'static Address {
    static NOWHERE: LazyLock<Address> = LazyLock::new(|| Address { host: "nowhere".into(), port: 1 });
    &NOWHERE
}

pub(crate) fn within(seconds: u64) -> CallOptions {
    CallOptions { timeout: Some(Duration::from_secs(seconds)), ..CallOptions::default() }
}

pub(crate) async fn event(events: &mut mpsc::UnboundedReceiver<String>) -> String {
    events.recv().await.expect("the service is there")
}
