//! What the balancer asks outside of the master: racks, and files that settings name. Counterpart of `RackManager` and of
//! what `HeterogeneousRegionCountCostFunction` reads.
//!
//! Both are asked anew for each run, so that an operator's edit counts from the next run on.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_balancer::{CapacityRules, Config, Constraints, ConstraintsText, Function};
use hmaster_types::{JavaException, ServerName, class};

use super::settings;
use crate::environment::MasterEnv;

/// The rack of servers whose rack nobody knows, as in Java.
pub const DEFAULT_RACK: &str = "/default-rack";
/// A file of rules is no longer than this.
pub const RULES_BYTES_MAX: usize = 1 << 20;
/// How long regions that are nowhere wait for the file of constraints.
const CONSTRAINTS_WAIT: Duration = Duration::from_secs(5);
/// The file of rules of servers' capacities.
const CAPACITY_FILE: &str = "hbase.master.balancer.heterogeneousRegionCountRulesFile";

/// Where the answers come from.
#[async_trait]
pub trait BalancerSources: Send + Sync {
    /// The rack of each of these hosts, in their order.
    async fn racks(&self, hosts: &[String]) -> Vec<String>;

    /// The text of a file of at most [`RULES_BYTES_MAX`] bytes; an error says what is wrong with which file.
    async fn text(&self, path: &str) -> Result<String, String>;
}

/// Answers for one run.
#[derive(Debug, Default)]
pub(super) struct Outside {
    racks: HashMap<ServerName, String>,
    pub(super) capacity: Option<CapacityRules>,
    pub(super) constraints: Option<ConstraintsText>,
}

impl Outside {
    pub(super) fn rack(&self, server: &ServerName) -> String {
        self.racks.get(server).cloned().unwrap_or_else(|| DEFAULT_RACK.to_owned())
    }
}

impl MasterEnv {
    /// Lets the balancer ask there. Without it, all servers are on one rack and no file is read.
    pub fn set_balancer_sources(&self, sources: std::sync::Arc<dyn BalancerSources>) {
        // Set once, when the reign is put together.
        let _ = self.balancing.sources.set(sources);
    }

    /// What constrains the places of regions that are nowhere: the settings and the file of constraints, as it is now. If
    /// it can't be read, what it said before: regions have to be somewhere.
    pub(crate) async fn placement_constraints(&self, servers: &[ServerName]) -> Constraints {
        let mut constraints = settings::constraints(&self.online.get());
        let read = tokio::time::timeout(CONSTRAINTS_WAIT, self.read_constraints()).await;
        let mut last = self.balancing.last_constraints.lock();
        match read {
            Ok(Ok(text)) => *last = text,
            Ok(Err(error)) => tracing::warn!(%error, "regions are placed by what was read before"),
            Err(late) => tracing::warn!(%late, "constraints: regions are placed by what was read before"),
        }
        if let Some(text) = &*last {
            text.add_to_servers(&mut constraints, servers);
        }
        constraints
    }

    async fn read_constraints(&self) -> Result<Option<ConstraintsText>, JavaException> {
        let options = self.online.get();
        let Some(path) = options.own.balancer_constraints.as_deref() else { return Ok(None) };
        let Some(sources) = self.balancing.sources.get() else {
            return Err(unreadable(path, &"this master reads no files"));
        };
        let text = sources.text(path).await.map_err(|reason| unreadable(path, &reason))?;
        text.parse().map(Some).map_err(|error| unreadable(path, &error))
    }

    /// Asks what a run needs.
    ///
    /// # Errors
    /// When the constraints can't be read: without them, regions could go where they must not be.
    pub(super) async fn ask_outside(&self, config: &Config) -> Result<Outside, JavaException> {
        let mut outside = Outside { constraints: self.read_constraints().await?, ..Outside::default() };
        let options = self.online.get();
        let Some(sources) = self.balancing.sources.get() else { return Ok(outside) };
        if let Some(path) = options.balancer_settings.get(CAPACITY_FILE)
            && config.weight(Function::Heterogeneous) > 0.0
        {
            match sources.text(&path).await {
                Ok(text) => outside.capacity = Some(capacity(&path, &text)),
                // As in Java, the function costs nothing then.
                Err(reason) => tracing::warn!(path, reason, "what servers can hold isn't known"),
            }
        }
        let servers = self.servers.assignable();
        let hosts: Vec<String> = servers.iter().map(|server| server.host().to_owned()).collect();
        let racks = sources.racks(&hosts).await;
        outside.racks = servers.into_iter().zip(racks).collect();
        Ok(outside)
    }
}

fn capacity(path: &str, text: &str) -> CapacityRules {
    let rules = CapacityRules::new(text);
    rules.skipped.iter().for_each(|line| tracing::warn!(path, line, "not a rule"));
    rules
}

fn unreadable(path: &str, reason: &dyn std::fmt::Display) -> JavaException {
    JavaException::new(class::HBASE_IO, format!("the balancer's constraints in {path}: {reason}"))
}
