//! Calls to one region server by their names. Counterpart of `AsyncRegionServerAdmin` and of the stubs of
//! `ClientService`.
//!
//! Nothing but names: each method is [`RpcClient::call`] with its constant.

use hmaster_protocol::pb;
use hmaster_protocol::services::{admin_service, client_service};
use hmaster_types::{Address, Cell};

use super::{CallOptions, RpcClient, RpcError};

/// `AdminService` of one server: what a master tells a region server, or asks it.
#[derive(Debug, Clone)]
pub struct AdminStub {
    client: RpcClient,
    address: Address,
    options: CallOptions,
}

/// `ClientService` of one server: rows. Cells go beside messages when the client has a codec.
#[derive(Debug, Clone)]
pub struct ClientStub {
    client: RpcClient,
    address: Address,
    options: CallOptions,
}

macro_rules! admin_calls {
    ($($(#[$doc:meta])* $name:ident, $method:ident: $request:ident => $response:ident;)*) => {
        impl AdminStub {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As [`RpcClient::call`].
                pub async fn $name(&self, request: &pb::$request) -> Result<pb::$response, RpcError> {
                    let options = self.options.clone();
                    Ok(self.client.call(&self.address, admin_service::$method, request, options).await?.0)
                }
            )*
        }
    };
}

admin_calls! {
    /// Opens and closes regions, runs remote procedures. The answer says that they were taken, not that they are done.
    execute_procedures, EXECUTE_PROCEDURES: ExecuteProceduresRequest => ExecuteProceduresResponse;
    /// Closes a region.
    close_region, CLOSE_REGION: CloseRegionRequest => CloseRegionResponse;
    /// Reads a region's store files into the system's cache before it moves there.
    warmup_region, WARMUP_REGION: WarmupRegionRequest => WarmupRegionResponse;
    /// A region's state, whether it can be split or merged, and where.
    get_region_info, GET_REGION_INFO: GetRegionInfoRequest => GetRegionInfoResponse;
    /// The regions that are open.
    get_online_region, GET_ONLINE_REGION: GetOnlineRegionRequest => GetOnlineRegionResponse;
    /// The server's name and the port of its pages.
    get_server_info, GET_SERVER_INFO: GetServerInfoRequest => GetServerInfoResponse;
    /// Load of the regions of a table, or of all.
    get_region_load, GET_REGION_LOAD: GetRegionLoadRequest => GetRegionLoadResponse;
    /// Flushes a region.
    flush_region, FLUSH_REGION: FlushRegionRequest => FlushRegionResponse;
    /// Asks for a compaction.
    compact_region, COMPACT_REGION: CompactRegionRequest => CompactRegionResponse;
    /// Begins a new WAL.
    roll_wal_writer, ROLL_WAL_WRITER: RollWalWriterRequest => RollWalWriterResponse;
    /// Reads the configuration anew.
    update_configuration, UPDATE_CONFIGURATION: UpdateConfigurationRequest => UpdateConfigurationResponse;
    /// Stops the server.
    stop_server, STOP_SERVER: StopServerRequest => StopServerResponse;
}

macro_rules! client_calls {
    ($($(#[$doc:meta])* $name:ident, $method:ident: $request:ident => $response:ident;)*) => {
        impl ClientStub {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As [`RpcClient::call`].
                pub async fn $name(
                    &self,
                    request: &pb::$request,
                    cells: Vec<Cell>,
                ) -> Result<(pb::$response, Vec<Cell>), RpcError> {
                    let options = CallOptions { cells, ..self.options.clone() };
                    self.client.call(&self.address, client_service::$method, request, options).await
                }
            )*
        }
    };
}

client_calls! {
    /// Reads a row.
    get, GET: GetRequest => GetResponse;
    /// Changes a row.
    mutate, MUTATE: MutateRequest => MutateResponse;
    /// Opens a scanner, reads on, or closes it.
    scan, SCAN: ScanRequest => ScanResponse;
    /// Many reads and changes of rows, each on its own.
    multi, MULTI: MultiRequest => MultiResponse;
    /// Calls a coprocessor's service, such as the one that changes several rows of hbase:meta as one.
    exec_service, EXEC_SERVICE: CoprocessorServiceRequest => CoprocessorServiceResponse;
}

impl AdminStub {
    pub(super) fn new(client: RpcClient, address: Address, options: CallOptions) -> Self {
        Self { client, address, options }
    }
}

impl ClientStub {
    pub(super) fn new(client: RpcClient, address: Address, options: CallOptions) -> Self {
        Self { client, address, options }
    }
}
