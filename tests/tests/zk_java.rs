//! ZooKeeper between hmaster and Java: each reads what the other wrote, and waits for the other in the election.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "../../hmaster-zk/tests/tcp/masters.rs"]
mod masters;
#[path = "../../hmaster-zk/tests/tcp/proxy.rs"]
mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, Server, require_peers, wait};
use hmaster_types::{ManualClock, NamespaceDescriptor, RegionState, ServerName, TableName, TableState};
use hmaster_zk::mirror::{cluster_id, meta_location, namespace, table_state};
use hmaster_zk::tracker::{
    BackupMasterTracker, ClusterStatusTracker, DrainingServerTracker, MasterAddressTracker,
    RegionServerTracker,
};
use hmaster_zk::{
    ClusterId, ClusterUp, CreateMode, Elector, MasterInfo, MetaLocation, Payload, RegionServerInfo, Role,
    ZkWatcher,
};

const DEADLINE: Duration = Duration::from_secs(180);

/// See `masters.rs`.
#[tokio::test]
#[ignore = "the body of a child process"]
async fn child() {
    masters::be_a_child().await;
}

/// What `ReadZnodes.java` prints, by name.
async fn java_reads(cluster: &Cluster) -> Result<BTreeMap<String, String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/ReadZnodes.java");
    let output = cluster.run_java_file(&source, HBaseVersion::V2_6, &[] as &[&str]).await?;
    let lines = output.success()?.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[tokio::test]
async fn java_reads_what_hmaster_writes() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("zk-written-by-hmaster").start().await?;
    let (zk, one) = masters::elector(cluster.zookeeper(), "one.example,16000,1700000000001").await;
    one.active().await?;
    let (_backup_zk, two) = masters::elector(cluster.zookeeper(), "Two,16001,1700000000002").await;
    let mut role = two.role();
    role.wait_for(|role| matches!(role, Role::Waiting { active: Some(_) })).await?;
    write_everything(&zk).await?;
    let read = java_reads(&cluster).await?;
    for (name, value) in [
        ("master", "one.example,16000,1700000000001"),
        // No pages: -1, which Java reads back as an int.
        ("master.info", "-1"),
        ("backup", "two,16001,1700000000002 -1"),
        ("meta.0", "OPEN rs,16020,5"),
        ("meta.1", "OPENING rs,16021,6"),
        ("id", "b4b9e6b4-6c4e-4b52-9bd6-7a3e7b1d1c11"),
        ("up", "true"),
        ("up.since", "Thu Jan 01 00:00:07 UTC 1970"),
        ("table.ns:t", "DISABLING"),
        ("table.t", "ENABLED"),
        ("rs", "rs,16020,5 16030"),
        ("draining", "[rs,16020,5]"),
        ("namespace.ns", "{hbase.namespace.quota.maxtables=5}"),
        ("acl", "[31,s{'world,'anyone}\n]"),
    ] {
        let found = read.get(name).with_context(|| format!("{name} in {read:?}"))?;
        // An ACL prints over two lines, of which the second has no name.
        ensure!(value.starts_with(found.as_str()), "{name}: Java reads {found:?} for {value:?}");
    }
    let base = &read["base"];
    for name in ["backup-masters", "draining", "master-maintenance", "rs", "splitWAL", "table"] {
        ensure!(base.contains(name), "{name} is not in {base}");
    }
    cluster.finish().await
}

async fn write_everything(zk: &ZkWatcher) -> Result<()> {
    let at = |name: &str, state| MetaLocation { server: name.parse().unwrap(), state };
    meta_location::publish(zk, 0, &at("rs,16020,5", RegionState::Open)).await?;
    meta_location::publish(zk, 1, &at("rs,16021,6", RegionState::Opening)).await?;
    cluster_id::publish(zk, &ClusterId("b4b9e6b4-6c4e-4b52-9bd6-7a3e7b1d1c11".into())).await?;
    ClusterStatusTracker::set_up(zk, &ManualClock::at(7_000)).await?;
    table_state::publish(zk, &"ns:t".parse()?, TableState::Disabling).await?;
    table_state::publish(zk, &"t".parse()?, TableState::Enabled).await?;
    let server: ServerName = "rs,16020,5".parse()?;
    let info = RegionServerInfo { info_port: Some(16030), version: None };
    zk.create(&format!("{}/{server}", zk.paths.rs), &info.encode(), CreateMode::Ephemeral).await?;
    DrainingServerTracker::mark(zk, &server).await?;
    let mut ns = NamespaceDescriptor::new("ns");
    ns.configuration.insert("hbase.namespace.quota.maxtables".into(), "5".into());
    namespace::publish(zk, &ns).await?;
    Ok(())
}

#[tokio::test]
async fn hmaster_reads_what_java_writes_and_they_follow_one_another() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("zk-written-by-java").start().await?;
    let active = cluster.start_master(&MasterKind::java()).await?;
    let region_server = cluster.start_region_server(HBaseVersion::V2_6).await?;
    active.wait_for_log("Registered as active master", DEADLINE).await?; // before ours asks for it
    let (zk, ours) = masters::elector(cluster.zookeeper(), "ours,16000,1").await;
    let mut role = ours.role();
    let waits_for_java =
        |role: &Role| matches!(role, Role::Waiting { active: Some(name) } if active.is_named(name.as_str()));
    tokio::time::timeout(DEADLINE, role.wait_for(waits_for_java)).await??;
    let backup = cluster.start_master(&MasterKind::java()).await?;

    masters_are_read(&zk, &active, &backup).await?;
    servers_are_read(&zk, &region_server).await?;
    mirrors_are_read(&zk, &region_server).await?;
    takes_over_from_java_and_hands_back(&cluster, &zk, &ours, &active, &backup).await?;
    cluster.finish().await
}

async fn masters_are_read(zk: &ZkWatcher, active: &Server, backup: &Server) -> Result<()> {
    let master = MasterAddressTracker::get(zk).await?.context("an active master")??;
    ensure!(
        active.is_named(master.server.as_str()) && master.info_port == Some(active.info_port),
        "{master:?}"
    );
    same_payload::<MasterInfo>(zk, &zk.paths.master).await?;
    let mut tracker = BackupMasterTracker::new(zk.clone());
    let both = async {
        loop {
            let waiting = tracker.next().await?;
            let java = waiting.iter().find(|master| backup.is_named(master.server.as_str()));
            let ours = waiting.iter().any(|master| master.server.as_str() == "ours,16000,1");
            if let (Some(java), true) = (java, ours) {
                ensure!(java.info_port == Some(backup.info_port), "{java:?}");
                return same_payload::<MasterInfo>(
                    zk,
                    &format!("{}/{}", zk.paths.backup_masters, java.server),
                )
                .await;
            }
        }
    };
    tokio::time::timeout(DEADLINE, both).await.context("both backups are listed")?
}

async fn servers_are_read(zk: &ZkWatcher, region_server: &Server) -> Result<()> {
    let mut tracker = RegionServerTracker::new(zk.clone());
    let appears = async {
        loop {
            let changes = tracker.next().await?;
            if let Some((server, info)) = changes.added.into_iter().next() {
                return anyhow::Ok((server, info.context("it says something of itself")?));
            }
        }
    };
    let (server, info) = tokio::time::timeout(DEADLINE, appears).await.context("a region server")??;
    ensure!(region_server.is_named(server.as_str()), "{server}");
    ensure!(info.info_port == Some(region_server.info_port), "{info:?}");
    ensure!(info.version.is_some_and(|version| version.version.starts_with("2.6.4")));
    same_payload::<RegionServerInfo>(zk, &format!("{}/{server}", zk.paths.rs)).await
}

async fn mirrors_are_read(zk: &ZkWatcher, region_server: &Server) -> Result<()> {
    let open = wait::until("hbase:meta to be open", DEADLINE, async || {
        let location = meta_location::read(zk, 0).await?.context("no location")?;
        ensure!(location.state == RegionState::Open, "{location:?}");
        Ok(location)
    });
    let location = open.await?;
    ensure!(region_server.is_named(location.server.as_str()), "{location:?}");
    ensure!(meta_location::read_all(zk).await?.into_keys().eq([0]));
    same_payload::<MetaLocation>(zk, &zk.paths.meta(0)).await?;

    let id = cluster_id::read(zk).await?.context("a cluster id")?;
    ensure!(id.0.len() == 36, "{id:?}");
    same_payload::<ClusterId>(zk, &zk.paths.cluster_id).await?;
    ensure!(ClusterStatusTracker::new(zk.clone()).next().await?);
    same_payload::<ClusterUp>(zk, &zk.paths.running).await?;

    let tables: BTreeSet<TableName> = ["hbase:meta".parse()?, "hbase:namespace".parse()?].into();
    let states = wait::until("states of tables", DEADLINE, async || {
        let states = table_state::read_all(zk).await?;
        let enabled = states.iter().filter(|(_, state)| **state == TableState::Enabled);
        let enabled: BTreeSet<_> = enabled.map(|(table, _)| table.clone()).collect();
        ensure!(tables.is_subset(&enabled), "{states:?}");
        Ok(states)
    });
    for table in states.await?.into_keys() {
        same_payload::<TableState>(zk, &format!("{}/{table}", zk.paths.table)).await?;
    }
    wait::until("namespaces", DEADLINE, async || {
        let found = namespace::read_all(zk).await?;
        ensure!(found.iter().map(|ns| ns.name.as_str()).eq(["default", "hbase"]), "{found:?}");
        Ok(())
    })
    .await?;
    same_payload::<NamespaceDescriptor>(zk, &format!("{}/default", zk.paths.namespace)).await
}

/// What Java wrote is, read and written again, the same bytes.
async fn same_payload<P: Payload>(zk: &ZkWatcher, path: &str) -> Result<()> {
    let znode = zk.get(path).await?.with_context(|| format!("{path} is there"))?;
    let (java, ours) = (znode.payload()?, znode.decode::<P>()?.encode());
    ensure!(znode.data.len() > java.len(), "{path} has an envelope");
    ensure!(java == ours, "{path}:\n{java:02x?} is Java's,\n{ours:02x?} ours");
    Ok(())
}

async fn takes_over_from_java_and_hands_back(
    cluster: &Cluster,
    zk: &ZkWatcher,
    ours: &Elector,
    active: &Server,
    backup: &Server,
) -> Result<()> {
    backup.kill9().await?;
    // So that it isn't Java's turn: the backup's session must not outlive the active one's.
    let backups = BackupMasterTracker::new(zk.clone());
    only_ours_waits(backups).await?;
    active.kill9().await?;
    let role = tokio::time::timeout(DEADLINE, ours.active()).await.context("hmaster takes over")??;
    ensure!(role.lease.valid());

    let successor = cluster.start_master(&MasterKind::java()).await?;
    successor.wait_for_log("Another master is the active master, ours,16000,1", DEADLINE).await?;
    ensure!(role.lease.valid());
    ours.stop().await;
    successor.wait_for_log("Registered as active master", DEADLINE).await?;
    let master = MasterAddressTracker::get(zk).await?.context("an active master")??;
    ensure!(successor.is_named(master.server.as_str()), "{master:?}");
    Ok(())
}

async fn only_ours_waits(mut backups: BackupMasterTracker) -> Result<()> {
    let alone = async {
        while backups.next().await?.len() > 1 {}
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, alone).await.context("the killed backup goes")?
}

async fn java_zookeeper(name: &str) -> Result<Cluster> {
    Cluster::builder(name).start().await
}

#[tokio::test]
async fn a_killed_master_is_replaced() -> Result<()> {
    require_peers!();
    let cluster = java_zookeeper("zk-killed-master").await?;
    masters::a_killed_master_is_replaced(cluster.zookeeper().parse()?).await;
    cluster.finish().await
}

#[tokio::test]
async fn a_suspended_master_acts_no_more_when_it_comes_back() -> Result<()> {
    require_peers!();
    let cluster = java_zookeeper("zk-suspended-master").await?;
    masters::a_suspended_master_acts_no_more_when_it_comes_back(cluster.zookeeper().parse()?).await;
    cluster.finish().await
}

#[tokio::test]
async fn a_cut_off_master_stops_before_it_is_replaced() -> Result<()> {
    require_peers!();
    let cluster = java_zookeeper("zk-cut-off-master").await?;
    masters::a_cut_off_master_stops_before_it_is_replaced(cluster.zookeeper().parse()?).await;
    cluster.finish().await
}

#[tokio::test]
async fn a_master_survives_a_short_pause() -> Result<()> {
    require_peers!();
    let cluster = java_zookeeper("zk-paused-master").await?;
    masters::a_master_survives_a_short_pause(cluster.zookeeper().parse()?).await;
    cluster.finish().await
}

/// Two sessions with the real ZooKeeper: one ends the other's, whose owner hears of it at once.
#[tokio::test]
async fn a_session_is_ended_by_whoever_knows_its_password() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("zk-end-session").start().await?;
    let owner = masters::watcher(cluster.zookeeper(), "owner").await;
    let other = masters::watcher(cluster.zookeeper(), "other").await;
    owner.create("/hbase/e", b"x", CreateMode::Ephemeral).await?;
    let left = owner.zk.session().credentials().context("a session with a known password")?;
    other.zk.session().end_other(&left).await?;
    ensure!(other.get("/hbase/e").await?.is_none(), "the ephemeral znode is still there");
    let mut state = owner.zk.session().state();
    let expired = state.wait_for(|state| *state == hmaster_zk::SessionState::Expired);
    tokio::time::timeout(DEADLINE, expired).await??;
    other.zk.session().end_other(&left).await?;
    cluster.finish().await
}
