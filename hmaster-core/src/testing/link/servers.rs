//! Calls to region servers.

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, ServerName, class};

use super::MasterLink;
use crate::ports::region_servers::{RegionServers, RemoteError, RowMutation, ScanPage, ScanSpec};
use crate::testing::World;
use crate::testing::faults::Call;
use crate::testing::server::{self, Failure};

impl MasterLink {
    /// A master whose session is in doubt says nothing to region servers any more (danger 3).
    async fn may_call(&self) {
        self.alive().await;
        if self.is_session_over() {
            std::future::pending::<()>().await;
        }
    }

    /// What a server is about to do outlives the process that told it to.
    fn sent(&self, what: impl FnOnce() -> String) {
        self.world.with(|state| self.effect(state, what));
    }
}

fn settle<T>(world: &World, server: &ServerName, done: Result<T, Failure>) -> Result<T, JavaException> {
    done.map_err(|failure| match failure {
        Failure::Refused(exception) => exception,
        Failure::Fenced => {
            world.abort_server(server, "its WALs are gone");
            JavaException::new(class::REGION_SERVER_ABORTED, server.to_string())
        }
    })
}

#[async_trait]
impl RegionServers for MasterLink {
    async fn execute_procedures(
        &self,
        server: &ServerName,
        request: pb::ExecuteProceduresRequest,
    ) -> Result<(), RemoteError> {
        self.may_call().await;
        let sent = self.world.send_commands(server, request).await;
        if sent.is_ok() {
            self.sent(|| format!("commands to {server}"));
        }
        self.alive().await;
        sent
    }

    async fn close_region(
        &self,
        server: &ServerName,
        request: pb::CloseRegionRequest,
    ) -> Result<(), RemoteError> {
        self.may_call().await;
        let name = server.clone();
        let close = move |world: &World| server::close_stray(world, &name, &request);
        self.world.call_server(server, Call::Close, close).await
    }

    async fn warmup_region(&self, server: &ServerName, _: &RegionInfo) -> Result<(), RemoteError> {
        self.may_call().await;
        self.world.call_server(server, Call::Ask, |_| Ok(())).await
    }

    async fn get_region_info(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        best_split_row: bool,
    ) -> Result<pb::GetRegionInfoResponse, RemoteError> {
        self.may_call().await;
        let (name, region) = (server.clone(), region.clone());
        let look = move |world: &World| {
            world.with(|state| state.describe_region(&name, &region, best_split_row)).map_err(|failure| {
                match failure {
                    Failure::Refused(exception) => exception,
                    Failure::Fenced => JavaException::new(class::REGION_SERVER_ABORTED, name.to_string()),
                }
            })
        };
        self.world.call_server(server, Call::Ask, look).await
    }

    async fn get_online_regions(&self, server: &ServerName) -> Result<Vec<RegionInfo>, RemoteError> {
        self.may_call().await;
        let name = server.clone();
        let look = move |world: &World| {
            let regions = world.with(|state| state.regions_on(&name));
            Ok(regions.into_iter().filter(|(_, online)| *online).map(|(region, _)| region).collect())
        };
        self.world.call_server(server, Call::Ask, look).await
    }

    async fn scan(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        spec: &ScanSpec,
    ) -> Result<ScanPage, RemoteError> {
        self.may_call().await;
        let (name, region, spec) = (server.clone(), region.clone(), spec.clone());
        let look = move |world: &World| {
            let page = world.with(|state| state.scan(&name, &region, &spec));
            settle(world, &name, page)
        };
        self.world.call_server(server, Call::Scan, look).await
    }

    async fn mutate(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        rows: &[RowMutation],
    ) -> Result<Vec<Result<(), JavaException>>, RemoteError> {
        self.mutate_atomically(server, region, rows).await?;
        Ok(rows.iter().map(|_| Ok(())).collect())
    }

    async fn mutate_atomically(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        rows: &[RowMutation],
    ) -> Result<(), RemoteError> {
        self.may_call().await;
        let (name, on, changes) = (server.clone(), region.clone(), rows.to_vec());
        let change = move |world: &World| {
            let done = world.with(|state| state.mutate(&name, &on, &changes));
            settle(world, &name, done)
        };
        let done = self.world.call_server(server, Call::Mutate, change).await;
        if done.is_ok() {
            self.sent(|| format!("rows of {}: {:?}", region.table(), rows.first().map(|row| &row.row)));
        }
        self.alive().await;
        done
    }
}
