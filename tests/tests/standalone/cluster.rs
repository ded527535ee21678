//! The process and what a client needs of it: where it listens, tables, rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use hmaster_protocol::services::master_service;
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::{CallOptions, ClientOptions, ClientStub, RpcClient};
use hmaster_tests::process::Ready;
use hmaster_tests::{CommandSpec, MasterKind, Process, wait};
use hmaster_types::{Address, Cell, ColumnFamilyDescriptor, RegionInfo, TableDescriptor, TableName};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Many times what anything here takes; sessions of a process that was killed expire before it is served again.
pub(crate) const SOON: Duration = Duration::from_secs(180);

/// The last line of what it prints when clients can be served.
const SERVES: &str = "hbase shell     ";

/// `hmaster standalone` with a folder of its own.
pub(crate) struct Standalone {
    pub(crate) process: Process,
    pub(crate) rpc: RpcClient,
    folder: TempDir,
}

impl Standalone {
    /// A new cluster.
    pub(crate) async fn start(more: &[&str]) -> Result<Self> {
        let MasterKind::Program(binary) = MasterKind::hmaster().await? else { bail!("no binary") };
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        // Sessions of 4 s: what was killed is soon known to be dead.
        let settings = [
            "hbase.master.port=0",
            "hbase.master.info.port=-1",
            "hbase.regionserver.port=0",
            "zookeeper.session.timeout=4000",
        ];
        let command = CommandSpec::new(binary).args(["standalone", "--zk-port", "0", "--data-dir"]).arg(data);
        let command = settings.iter().chain(more).fold(command, |command, pair| command.args(["-D", *pair]));
        let (log, ready) = (folder.path().join("log"), Ready::Log(SERVES.to_owned()));
        let process = Process::start("standalone", command, log, ready).await?;
        let rpc = RpcClient::new(ClientOptions::new(CallUser::new("tester")));
        Ok(Self { process, rpc, folder })
    }

    /// Kills it with -9 and starts it again.
    pub(crate) async fn kill_and_restart(&self) -> Result<()> {
        self.process.kill9().await?;
        self.process.restart().await
    }

    /// Presses Ctrl-C; it must end by itself, as if nothing were wrong.
    pub(crate) async fn interrupt(&self) -> Result<()> {
        let pid = self.process.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("it runs")?, Signal::INT)?;
        let status = self.process.wait_exit(SOON).await?;
        ensure!(status.code() == Some(0), "{status}\n{}", self.process.tail());
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn conf_dir(&self) -> PathBuf {
        self.folder.path().join("data/conf")
    }

    /// The addresses on a line of what it printed.
    fn printed(&self, what: &str) -> Result<Vec<Address>> {
        let log = self.process.log();
        let line = log.lines().rev().find_map(|line| line.strip_prefix(what)).context("not printed yet")?;
        line.split_whitespace().map(|address| address.parse().context("an address")).collect()
    }

    async fn master<Q, A>(&self, method: hmaster_protocol::Method<Q, A>, request: &Q) -> Result<A>
    where
        Q: hmaster_protocol::HBaseMessage,
        A: hmaster_protocol::HBaseMessage,
    {
        let address = self.printed("master ")?.pop().context("a master")?;
        Ok(self.rpc.call(&address, method, request, CallOptions::default()).await?.0)
    }

    /// Creates a table with family `f`, split at `keys`; an acknowledged one is there when this returns.
    pub(crate) async fn create_table(&self, name: &str, keys: &[&str]) -> Result<()> {
        let table: TableName = name.parse()?;
        let family = ColumnFamilyDescriptor::builder("f").build();
        let schema = TableDescriptor::builder(table).family(family).build();
        let request = pb::CreateTableRequest {
            table_schema: (&schema).into(),
            split_keys: keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect(),
            ..Default::default()
        };
        let answer = self.master(master_service::CREATE_TABLE, &request).await?;
        self.finished(answer.proc_id.context("a procedure")?).await
    }

    /// Disables a table.
    pub(crate) async fn disable_table(&self, name: &str) -> Result<()> {
        let table: TableName = name.parse()?;
        let request = pb::DisableTableRequest { table_name: (&table).into(), ..Default::default() };
        let answer = self.master(master_service::DISABLE_TABLE, &request).await?;
        self.finished(answer.proc_id.context("a procedure")?).await
    }

    /// A table's state, as the master has it.
    pub(crate) async fn table_state(&self, name: &str) -> Result<pb::table_state::State> {
        let table: TableName = name.parse()?;
        let request = pb::GetTableStateRequest { table_name: (&table).into() };
        let answer = self.master(master_service::GET_TABLE_STATE, &request).await?;
        Ok(answer.table_state.state())
    }

    async fn finished(&self, proc_id: u64) -> Result<()> {
        use pb::get_procedure_result_response::State;
        let request = pb::GetProcedureResultRequest { proc_id };
        let result = wait::until("a procedure", SOON, async || {
            let result = self.master(master_service::GET_PROCEDURE_RESULT, &request).await;
            match result {
                // A process that is gone finishes nothing.
                Err(error) if !self.process.is_running() => Ok(Err(error)),
                result => {
                    let result = result?;
                    ensure!(result.state() == State::Finished, "not finished");
                    Ok(Ok(result))
                }
            }
        });
        let result = result.await??;
        ensure!(result.exception.is_none(), "{:?}", result.exception);
        Ok(())
    }

    /// Waits until the master has nothing left to do, such as the recovery of region servers that were killed.
    pub(crate) async fn settled(&self) -> Result<()> {
        use pb::ProcedureState::{Rolledback, Success};
        wait::until("all procedures", SOON, async || {
            let answer = self.master(master_service::GET_PROCEDURES, &pb::GetProceduresRequest {}).await?;
            let is_over = |procedure: &&pb::Procedure| matches!(procedure.state(), Rolledback | Success);
            let under_way = answer.procedure.iter().find(|procedure| !is_over(procedure));
            ensure!(under_way.is_none(), "{under_way:?}");
            Ok(())
        })
        .await
    }

    /// Where each region of a table is, by its first row. Waits until `count` are served.
    pub(crate) async fn regions(&self, table: &str, count: usize) -> Result<Regions> {
        let name: TableName = table.parse()?;
        let found = wait::until("all regions of the table", SOON, async || {
            let mut regions = BTreeMap::new();
            for address in self.printed("region servers ")? {
                let admin = self.rpc.admin(address.clone(), CallOptions::default());
                let online = admin.get_online_region(&pb::GetOnlineRegionRequest {}).await?;
                for info in &online.region_info {
                    let info = RegionInfo::try_from(info)?;
                    if *info.table() == name {
                        let rows = self.rpc.rows(address.clone(), CallOptions::default());
                        regions.insert(Bytes::copy_from_slice(info.start_key()), (info, rows));
                    }
                }
            }
            ensure!(regions.len() == count, "{} regions are served", regions.len());
            Ok(regions)
        });
        Ok(Regions(found.await?))
    }
}

/// The regions of a table with the servers that have them, by first row.
#[derive(Clone)]
pub(crate) struct Regions(BTreeMap<Bytes, (RegionInfo, ClientStub)>);

impl Regions {
    /// Puts a value into `f:q` of a row; the row is acknowledged when this succeeds.
    pub(crate) async fn put(&self, row: &str, value: &str) -> Result<()> {
        let (_, (region, rows)) =
            self.0.range(..=Bytes::copy_from_slice(row.as_bytes())).next_back().context("a region")?;
        let cell = Cell::put(row.as_bytes(), b"f", b"q", Cell::LATEST_TIMESTAMP, value.as_bytes())?;
        let mutation = pb::MutationProto {
            row: Some(Bytes::copy_from_slice(row.as_bytes())),
            mutate_type: Some(pb::mutation_proto::MutationType::Put.into()),
            associated_cell_count: Some(1),
            ..Default::default()
        };
        let request = pb::MutateRequest { region: (&region.name()).into(), mutation, ..Default::default() };
        rows.mutate(&request, vec![cell]).await?;
        Ok(())
    }

    /// All rows of the table with their values.
    pub(crate) async fn scan(&self) -> Result<BTreeMap<String, String>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = BTreeMap::new();
        for (region, rows) in self.0.values() {
            let open = pb::ScanRequest {
                region: Some((&region.name()).into()),
                scan: Some(pb::Scan::default()),
                number_of_rows: Some(1000),
                client_handles_partials: Some(true),
                client_handles_heartbeats: Some(true),
                ..Default::default()
            };
            let (mut answer, mut cells) = rows.scan(&open, Vec::new()).await?;
            loop {
                all.extend(cells.iter().map(|cell| (text(cell.row()), text(cell.value()))));
                if !answer.more_results_in_region() || !answer.more_results() {
                    break;
                }
                let next = pb::ScanRequest {
                    scanner_id: answer.scanner_id,
                    scan: None,
                    region: None,
                    ..open.clone()
                };
                (answer, cells) = rows.scan(&next, Vec::new()).await?;
            }
        }
        Ok(all)
    }

    /// Writes what is in memory to store files.
    pub(crate) async fn flush(&self, cluster: &Standalone) -> Result<()> {
        for (region, _) in self.0.values() {
            let request = pb::FlushRegionRequest { region: (&region.name()).into(), ..Default::default() };
            let mut flushed = false;
            for address in cluster.printed("region servers ")? {
                flushed |=
                    cluster.rpc.admin(address, CallOptions::default()).flush_region(&request).await.is_ok();
            }
            ensure!(flushed, "nobody flushed {}", region.name());
        }
        Ok(())
    }

    /// The first rows of all regions.
    pub(crate) fn starts(&self) -> BTreeSet<Bytes> {
        self.0.keys().cloned().collect()
    }
}
