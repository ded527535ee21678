//! What a test sees in ZooKeeper, through a session of its own.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use zookeeper_client::{Client, Error};

use crate::wait;

/// A ZooKeeper session that only looks, except for [`delete`](Znodes::delete).
#[derive(Clone, Debug)]
pub struct Znodes {
    client: Client,
}

impl Znodes {
    /// Opens a session with the server at `address`, `host:port`.
    pub async fn connect(address: &str) -> Result<Self> {
        let client = Client::connect(address).await;
        Ok(Self { client: client.with_context(|| format!("connect to ZooKeeper at {address}"))? })
    }

    /// The data of a znode, or none if there is no such znode.
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        found(self.client.get_data(path).await.map(|(data, _stat)| data), "read", path)
    }

    /// Whether there is such a znode.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.client.check_stat(path).await.with_context(|| format!("look at {path}"))?.is_some())
    }

    /// The names of a znode's children in order; none if there is no such znode.
    pub async fn children(&self, path: &str) -> Result<Vec<String>> {
        let mut names = found(self.client.list_children(path).await, "list", path)?.unwrap_or_default();
        names.sort();
        Ok(names)
    }

    /// The paths of a znode and all below it, in order, parents first.
    pub async fn tree(&self, path: &str) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut todo = vec![path.to_owned()];
        while let Some(path) = todo.pop() {
            if !self.exists(&path).await? {
                continue;
            }
            let below = self.children(&path).await?;
            todo.extend(below.iter().rev().map(|name| format!("{}/{name}", path.trim_end_matches('/'))));
            paths.push(path);
        }
        Ok(paths)
    }

    /// Deletes a znode of any version; one that is gone is an error.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.client.delete(path, None).await.with_context(|| format!("delete {path}"))
    }

    /// Waits until a znode is there and returns its data.
    pub async fn wait_for(&self, path: &str, deadline: Duration) -> Result<Vec<u8>> {
        wait::until(&format!("znode {path}"), deadline, async || {
            self.get(path).await?.context("no such znode")
        })
        .await
    }

    /// Waits until a znode is gone.
    pub async fn wait_gone(&self, path: &str, deadline: Duration) -> Result<()> {
        wait::until(&format!("znode {path} to go"), deadline, async || {
            ensure!(!self.exists(path).await?, "it is there");
            Ok(())
        })
        .await
    }
}

fn found<T>(result: Result<T, Error>, operation: &str, path: &str) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoNode) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{operation} {path}")),
    }
}
