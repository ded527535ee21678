//! The usual looks at a cluster and changes of its tables.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Client;
use crate::wait;

/// How long a master may take to initialize, or servers to report.
const CLUSTER_DEADLINE: Duration = Duration::from_secs(240);

/// One look at the cluster while waiting for it: less than the client's own patience, so that the wait ends
/// with a reason.
const LOOK_DEADLINE: Duration = Duration::from_secs(20);

/// The cluster as the active master reports it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The master's HBase version.
    pub version: String,
    /// The cluster's id.
    pub cluster_id: String,
    /// The active master, `host,port,startcode`.
    pub master: Option<String>,
    /// The backup masters.
    pub backups: Vec<String>,
    /// The live region servers, each with the number of its regions as it last reported.
    pub servers: BTreeMap<String, u32>,
    /// Those of them that have sent a report: before it a server gets no regions.
    pub reported: Vec<String>,
    /// The dead region servers.
    pub dead: Vec<String>,
    /// How many regions are in transition.
    pub in_transition: u32,
    /// Whether the balancer is on.
    pub balancer_on: Option<bool>,
    /// Regions per live server.
    pub average_load: f64,
}

/// A region and where hbase:meta says it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionAt {
    /// The encoded name, 32 hexadecimal digits.
    pub encoded: String,
    /// The whole region name.
    pub name: String,
    /// The table.
    pub table: String,
    /// The first row key, empty for the first region.
    pub start: String,
    /// The row key that ends the region, empty for the last region.
    pub end: String,
    /// 0, or the number of the read replica.
    pub replica: u32,
    /// Whether it's the parent of a split.
    pub split: bool,
    /// Whether it's offline.
    pub offline: bool,
    /// Its server, `host,port,startcode`.
    pub server: Option<String>,
    /// The sequence number at its last opening.
    pub open_seq_num: i64,
}

impl Client {
    /// The cluster as the active master reports it.
    pub async fn status(&self) -> Result<Status> {
        from(self.call("status", json!({})).await?)
    }

    /// Waits until a master is active and initialized.
    pub async fn await_master(&self) -> Result<Status> {
        wait::until("an initialized master", CLUSTER_DEADLINE, async || {
            // Java's master answers this one only when it's initialized.
            let namespaces = json!({ "method": "listNamespaces", "args": [] });
            self.call_within(LOOK_DEADLINE, "admin", namespaces).await?;
            from(self.call_within(LOOK_DEADLINE, "status", json!({})).await?)
        })
        .await
    }

    /// Waits until a master is initialized and has heard from just `count` live region servers.
    pub async fn await_region_servers(&self, count: usize) -> Result<Status> {
        self.await_master().await?;
        wait::until(&format!("{count} region servers"), CLUSTER_DEADLINE, async || {
            let status: Status = from(self.call_within(LOOK_DEADLINE, "status", json!({})).await?)?;
            ensure!(status.servers.len() == count, "there are {:?}", status.servers);
            ensure!(status.reported.len() == count, "reports came from {:?}", status.reported);
            Ok(status)
        })
        .await
    }

    /// Creates a table and waits until it's enabled. `splits` are the keys at which regions begin.
    pub async fn create_table<S: AsRef<str>>(
        &self,
        name: &str,
        families: &[&str],
        splits: &[S],
    ) -> Result<()> {
        let table = json!({ "name": name, "families": families });
        let splits: Vec<&str> = splits.iter().map(AsRef::as_ref).collect();
        // Java refuses an empty list of split keys.
        let args = if splits.is_empty() { json!([table]) } else { json!([table, splits]) };
        self.admin("createTable", args).await.map(drop)
    }

    /// Disables a table.
    pub async fn disable_table(&self, name: &str) -> Result<()> {
        self.admin("disableTable", json!([name])).await.map(drop)
    }

    /// Enables a table.
    pub async fn enable_table(&self, name: &str) -> Result<()> {
        self.admin("enableTable", json!([name])).await.map(drop)
    }

    /// Deletes a disabled table.
    pub async fn delete_table(&self, name: &str) -> Result<()> {
        self.admin("deleteTable", json!([name])).await.map(drop)
    }

    /// The names of all tables of users.
    pub async fn tables(&self) -> Result<Vec<String>> {
        from(self.admin("listTableNames", json!([])).await?)
    }

    /// Every region of a table, in the order of their keys.
    pub async fn regions(&self, table: &str) -> Result<Vec<RegionAt>> {
        from(self.call("regions", json!({ "table": table })).await?)
    }

    /// Moves a region to a server (`host,port,startcode`), or to one that the master chooses.
    pub async fn move_region(&self, encoded_name: &str, server: Option<&str>) -> Result<()> {
        let args = server.map_or(json!([encoded_name]), |server| json!([encoded_name, server]));
        self.admin("move", args).await.map(drop)
    }
}

/// A value of the Java program as what it stands for.
pub(super) fn from<T: DeserializeOwned>(value: Value) -> Result<T> {
    let text = value.to_string();
    serde_json::from_value(value).with_context(|| format!("an unexpected reply: {text}"))
}
