//! The master's own store, apart from procedures.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::ServerName;

use super::MasterLink;
use crate::assignment::RegionRecord;
use crate::ports::store::{MasterStore, StoreError};
use crate::testing::state::{State, Store};

impl MasterLink {
    async fn store(
        &self,
        what: impl FnOnce() -> String,
        change: impl FnOnce(&mut Store),
    ) -> Result<(), StoreError> {
        let fails = self.world.with(|state| self.world.chance().happens(state.faults.store));
        if fails {
            self.alive().await;
            return Err(StoreError("it fails".into()));
        }
        let write = |state: &mut State| {
            let owns = state.store.owner == self.number;
            if owns {
                change(&mut state.store);
            }
            owns
        };
        match self.write(what, write).await {
            true => Ok(()),
            false => Err(StoreError("another master has the store".into())),
        }
    }
}

#[async_trait]
impl MasterStore for MasterLink {
    async fn meta_regions(&self) -> Result<Vec<RegionRecord>, StoreError> {
        Ok(self.read(|state| state.store.meta.clone()).await)
    }

    async fn put_meta_region(&self, record: &RegionRecord, _: i64) -> Result<(), StoreError> {
        let put = |store: &mut Store| {
            let known =
                store.meta.iter_mut().find(|known| known.info.replica_id() == record.info.replica_id());
            let Some(known) = known else { return store.meta.push(record.clone()) };
            // As in a row: what isn't written stays.
            let location = record.location.clone().or_else(|| known.location.clone());
            *known = RegionRecord { location, ..record.clone() };
        };
        self.store(|| format!("hbase:meta is {} at {:?}", record.state, record.location), put).await
    }

    async fn servers(&self) -> Result<Vec<ServerName>, StoreError> {
        Ok(self.read(|state| state.store.servers.iter().cloned().collect()).await)
    }

    async fn add_server(&self, server: &ServerName) -> Result<(), StoreError> {
        self.store(
            || format!("server {server} started"),
            |store| {
                store.servers.insert(server.clone());
            },
        )
        .await
    }

    async fn remove_server(&self, server: &ServerName) -> Result<(), StoreError> {
        self.store(
            || format!("server {server} expired"),
            |store| {
                store.servers.remove(server);
            },
        )
        .await
    }

    async fn state(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read(|state| state.store.states.get(name).cloned()).await)
    }

    async fn put_state(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        let put = |store: &mut Store| drop(store.states.insert(name.to_owned(), value));
        self.store(|| format!("state {name}"), put).await
    }

    async fn compact(&self) -> Result<(), StoreError> {
        self.store(|| "the store is compacted".into(), |_| {}).await
    }
}
