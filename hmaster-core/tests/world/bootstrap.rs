//! From an empty root folder to a master that serves, and again.

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
