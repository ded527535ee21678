//! From an empty root folder to a master that serves, and again.

use hmaster_core::testing::{Snapshot, World, WorldConfig, run};
use hmaster_types::{EncodedName, TableName, TableState};

use crate::support::{check, world};

#[test]
fn an_empty_root_folder_becomes_a_cluster() {
    world(|world| async move {
        world.until_idle().await;
        check(&world);
        let snapshot = world.snapshot();
        assert_eq!(snapshot.tables.get("hbase:namespace"), Some(&TableState::Enabled));
        assert_eq!(snapshot.namespace_folders, ["default", "hbase"].map(String::from).into());
        assert_eq!(snapshot.shown_namespaces, ["default", "hbase"].map(String::from).into());
        let shown = world.with(|state| state.znodes.meta[&0].0.clone());
        assert_eq!(shown, world.with(|state| state.carrier(EncodedName::META).cloned()));
        assert_eq!(world.with(|state| state.store.servers.len()), 3, "servers are remembered");
        assert!(world.env().schemas.get(&TableName::namespace_table()).is_some());
    });
}

#[test]
fn a_restart_changes_nothing() {
    world(|world| async move {
        world.until_idle().await;
        let before = world.snapshot();
        for _ in 0..2 {
            world.kill_master();
            world.start_master();
            world.until_initialized().await;
            world.until_idle().await;
            assert_eq!(before.differences(&world.snapshot()), [""; 0]);
        }
        check(&world);
    });
}

/// A new cluster, whose first master dies after so many changes.
fn begin(crash_after: usize) -> (Snapshot, Vec<String>, bool) {
    run(async {
        let world = World::new(WorldConfig::default());
        world.crash_after(crash_after);
        let first = world.start_master();
        for number in 0..3 {
            world.start_server(number);
        }
        let is_over = |world: &World| {
            world.has_crashed() || first.env().is_ok_and(|env| env.conditions.is_initialized())
        };
        world.until("crashed or initialized", is_over).await;
        let has_crashed = world.has_crashed();
        if has_crashed {
            world.kill_master();
            world.start_master();
        } else if crash_after != usize::MAX {
            // What comes after the start isn't looked at here.
            drop(world.changes());
        }
        world.until_initialized().await;
        world.until_idle().await;
        world.pass(5000).await;
        world.until_idle().await;
        let changes = world.changes();
        check(&world);
        (world.snapshot(), changes, has_crashed)
    })
}

#[test]
fn a_master_that_dies_while_it_makes_a_cluster_is_followed_by_one_that_finishes_it() {
    let (expected, changes, _) = begin(usize::MAX);
    assert!(!changes.is_empty());
    for n in 1..=changes.len() {
        let (is, _, has_crashed) = begin(n);
        let differences = expected.differences(&is);
        assert!(!has_crashed || differences.is_empty(), "after {n}, {}: {differences:#?}", changes[n - 1]);
    }
}
