//! What each step does. It is over when its regions are where they should be, for which [`super::Stage::settle`] waits.

use std::time::Duration;

use hmaster_types::TableName;
use tokio::time::{Instant, sleep};

use super::{Done, OnStage, Stage, wait_for};
use crate::SwarmError;
use crate::preload::{schema, split_keys};
use crate::scenario::Step;

impl Stage {
    pub(super) async fn act(&mut self, step: &Step) -> Result<Done, SwarmError> {
        match step {
            Step::RestartMaster => self.restart_master().await,
            Step::Failover => self.failover().await,
            Step::ColdStart => self.cold_start().await,
            Step::KillServers { count } => self.kill_servers(*count).await,
            Step::RollingRestart { at_once, count } => self.rolling_restart(*at_once, *count).await,
            Step::CreateTable { table, regions } => self.create_table(table, *regions).await,
            Step::DisableTable { table } => self.switch_table(table, false).await,
            Step::EnableTable { table } => self.switch_table(table, true).await,
            Step::Rest { seconds } => {
                let began = Instant::now();
                sleep(Duration::from_secs(*seconds)).await;
                Ok(Done { began, initialized: None })
            }
        }
    }

    async fn restart_master(&self) -> Result<Done, SwarmError> {
        let old = self.kill_master().await?;
        let (began, initialized) = self.start_master(old.as_ref()).await?;
        Ok(Done { began, initialized: Some(initialized) })
    }

    async fn failover(&self) -> Result<Done, SwarmError> {
        let Some(old) = self.client.active().await? else {
            return Err(SwarmError::Master { operation: "kill", reason: "none is active".into() });
        };
        self.run.masters.start(&wait_for(self.swarm.numbers().len())).await?;
        self.client.backup_is_there().await?;
        self.run.masters.kill().await?;
        let began = self.client.gone(&old).await?;
        self.client.initialized(Some(&old)).await?;
        Ok(Done { began, initialized: Some(Instant::now()) })
    }

    /// The server with rows runs on: without it no master could find out what there is.
    async fn cold_start(&self) -> Result<Done, SwarmError> {
        let old = self.kill_master().await?;
        let all = self.swarm.numbers();
        self.swarm.kill(&all).await;
        self.swarm.start_again(&all)?;
        let (began, initialized) = self.start_master(old.as_ref()).await?;
        self.swarm.online().await?;
        Ok(Done { began, initialized: Some(initialized) })
    }

    async fn kill_servers(&self, count: usize) -> Result<Done, SwarmError> {
        let mut numbers = self.swarm.numbers();
        self.chance.shuffle(&mut numbers);
        numbers.truncate(count);
        numbers.sort_unstable();
        let names: Vec<_> = self.swarm.names();
        self.swarm.kill(&numbers).await;
        let left = self.swarm.names();
        for dead in names.iter().filter(|name| !left.contains(name)) {
            self.client.server_gone(dead).await?;
        }
        Ok(Done { began: Instant::now(), initialized: None })
    }

    async fn rolling_restart(&self, at_once: usize, count: Option<usize>) -> Result<Done, SwarmError> {
        let began = Instant::now();
        let numbers = self.swarm.numbers();
        let numbers = &numbers[..count.unwrap_or(numbers.len()).min(numbers.len())];
        for some in numbers.chunks(at_once) {
            self.swarm.stop(some).await;
            self.swarm.start_again(some)?;
            self.swarm.online().await?;
            self.swarm.settled(self.expected(), self.run.scenario.patience()).await?;
        }
        Ok(Done { began, initialized: None })
    }

    async fn create_table(&mut self, table: &str, regions: usize) -> Result<Done, SwarmError> {
        let name: TableName = table.parse()?;
        let (schema, keys) = (schema(&name), split_keys(regions));
        let began = Instant::now();
        self.client.create_table(&schema, keys).await?;
        self.tables.push(OnStage { name, regions, is_enabled: true });
        Ok(Done { began, initialized: None })
    }

    async fn switch_table(&mut self, table: &str, enable: bool) -> Result<Done, SwarmError> {
        let name: TableName = table.parse()?;
        let began = Instant::now();
        match enable {
            true => self.client.enable_table(&name).await?,
            false => self.client.disable_table(&name).await?,
        }
        for table in self.tables.iter_mut().filter(|table| table.name == name) {
            table.is_enabled = enable;
        }
        Ok(Done { began, initialized: None })
    }
}
