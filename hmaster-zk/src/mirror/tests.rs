//! What is published is read back; what was spoilt is an error that names its znode; what isn't there is nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Chance, NamespaceDescriptor, RegionState, TableName, TableState};

use super::*;
use crate::codec::{ClusterId, MetaLocation, SwitchKind};
use crate::config::ZkConfig;
use crate::memory::{Faults, MemoryZooKeeper};
use crate::tracker::ZnodeError;
use crate::watcher::ZkWatcher;

async fn cluster() -> (MemoryZooKeeper, ZkWatcher) {
    let ensemble = MemoryZooKeeper::new(Chance::seeded(1));
    let session = ensemble.connect(Duration::from_secs(10), Faults::NONE);
    let config = ZkConfig::from_lookup(|_| None).unwrap();
    let zk = ZkWatcher::new(session, "master:16000", Chance::seeded(2), &config);
    zk.create_base_znodes().await.unwrap();
    (ensemble, zk)
}

/// Puts garbage where something is published.
async fn spoil(zk: &ZkWatcher, path: &str) {
    zk.put(path, b"PBUF\xff").await.unwrap();
}

fn named<T>(read: Result<T, ZnodeError>, path: &str) -> bool {
    matches!(read, Err(ZnodeError::Codec(error)) if error.path == path)
}

#[tokio::test(start_paused = true)]
async fn cluster_ids() {
    let (_ensemble, zk) = cluster().await;
    assert_eq!(cluster_id::read(&zk).await, Ok(None));
    for id in ["one", "two"] {
        let id = ClusterId(id.into());
        cluster_id::publish(&zk, &id).await.unwrap();
        assert_eq!(cluster_id::read(&zk).await, Ok(Some(id)));
    }
    spoil(&zk, "/hbase/hbaseid").await;
    assert!(named(cluster_id::read(&zk).await, "/hbase/hbaseid"));
}

#[tokio::test(start_paused = true)]
async fn meta_locations() {
    let (_ensemble, zk) = cluster().await;
    assert_eq!(meta_location::read(&zk, 0).await, Ok(None));
    let at = |port, state| MetaLocation { server: format!("h,{port},1").parse().unwrap(), state };
    let all = BTreeMap::from([
        (0, at(1, RegionState::Open)),
        (1, at(2, RegionState::Opening)),
        (12, at(3, RegionState::Closed)),
    ]);
    for (replica_id, location) in &all {
        meta_location::publish(&zk, *replica_id, &at(9, RegionState::Offline)).await.unwrap();
        meta_location::publish(&zk, *replica_id, location).await.unwrap();
    }
    assert_eq!(meta_location::read_all(&zk).await, Ok(all));
    meta_location::remove(&zk, 12).await.unwrap();
    meta_location::remove(&zk, 12).await.unwrap();
    spoil(&zk, "/hbase/meta-region-server-1").await;
    assert_eq!(meta_location::read(&zk, 12).await, Ok(None));
    assert!(meta_location::read(&zk, 0).await.is_ok());
    assert!(named(meta_location::read_all(&zk).await, "/hbase/meta-region-server-1"));
}

#[tokio::test(start_paused = true)]
async fn table_states() {
    let (ensemble, zk) = cluster().await;
    let table: TableName = "ns:t".parse().unwrap();
    table_state::publish(&zk, &table, TableState::Enabling).await.unwrap();
    table_state::publish(&zk, &table, TableState::Enabled).await.unwrap();
    zk.put("/hbase/table/fresh", b"").await.unwrap();
    zk.put("/hbase/table/no table", b"x").await.unwrap();
    assert_eq!(table_state::read_all(&zk).await, Ok(BTreeMap::from([(table.clone(), TableState::Enabled)])));
    spoil(&zk, "/hbase/table/ns:t").await;
    assert!(named(table_state::read_all(&zk).await, "/hbase/table/ns:t"));
    table_state::remove(&zk, &table).await.unwrap();
    table_state::remove(&zk, &table).await.unwrap();
    assert_eq!(ensemble.children("/hbase/table").unwrap(), ["fresh", "no table"]);
}

#[tokio::test(start_paused = true)]
async fn namespaces() {
    let (_ensemble, zk) = cluster().await;
    assert_eq!(namespace::read_all(&zk).await, Ok(Vec::new()));
    let ns = NamespaceDescriptor::new("ns");
    namespace::publish(&zk, &ns).await.unwrap();
    namespace::publish(&zk, &NamespaceDescriptor::new("gone")).await.unwrap();
    namespace::remove(&zk, "gone").await.unwrap();
    namespace::remove(&zk, "gone").await.unwrap();
    zk.put("/hbase/namespace/fresh", b"").await.unwrap();
    assert_eq!(namespace::read_all(&zk).await, Ok(vec![ns]));
    zk.put("/hbase/namespace/ns", b"\x0a\xff").await.unwrap();
    assert!(named(namespace::read_all(&zk).await, "/hbase/namespace/ns"));
}

#[tokio::test(start_paused = true)]
async fn old_switches() {
    let (_ensemble, zk) = cluster().await;
    for kind in SwitchKind::ALL {
        let path = kind.path(&zk.paths).to_owned();
        assert_eq!(old_switch::read(&zk, kind).await, Ok(None));
        zk.put(&path, b"").await.unwrap();
        assert_eq!(old_switch::read(&zk, kind).await, Ok(None), "{kind:?}");
        zk.put(&path, b"PBUF\x08\x01").await.unwrap();
        let found = old_switch::read(&zk, kind).await.unwrap().unwrap();
        assert_eq!(
            (found.payload, found.on),
            (Bytes::from_static(b"PBUF\x08\x01"), true),
            "no envelope in a row"
        );
        spoil(&zk, &path).await;
        assert!(named(old_switch::read(&zk, kind).await, &path));
        old_switch::remove(&zk, kind).await.unwrap();
        old_switch::remove(&zk, kind).await.unwrap();
        assert_eq!(zk.get(&path).await, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_cleared() {
    let (ensemble, zk) = cluster().await;
    zk.put("/hbase/splitWAL/WALs%2Fa", b"task").await.unwrap();
    zk.put("/hbase/splitWAL/RESCAN0000000001", b"task").await.unwrap();
    assert_eq!(split_wal::leftovers(&zk).await.unwrap(), ["RESCAN0000000001", "WALs%2Fa"]);
    split_wal::clear(&zk).await.unwrap();
    assert_eq!(split_wal::leftovers(&zk).await.unwrap(), Vec::<String>::new());

    zk.put("/hbase/flush-table-proc/acquired/t/server", b"x").await.unwrap();
    let paths = barrier::prepare(&zk, "flush-table-proc").await.unwrap();
    assert_eq!(ensemble.children(&paths.acquired), Some(Vec::new()));
    assert_eq!(ensemble.children("/hbase/flush-table-proc").unwrap(), ["abort", "acquired", "reached"]);
}
