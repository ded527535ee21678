//! Old WALs and archived files are deleted when nobody needs them, and not before.

use hmaster_core::regions::split::SplitRegion;
use hmaster_core::step::ProcedureUser;
use hmaster_core::testing::World;
use hmaster_protocol::pb;
use hmaster_protocol::services::master_service::MasterService as _;

use crate::support::{call, check, create, delete, disable, enable, first_region, place, table, world};

async fn clean(world: &World) -> bool {
    let services = world.active_master().unwrap();
    let answer = services.services.run_cleaner_chore(&call(), pb::RunCleanerChoreRequest {}).await;
    answer.unwrap().cleaner_chore_ran
}

/// Everything that is old has been so for ever.
fn age(world: &World) {
    world.with(|state| state.root.old_since_ms = Some(0));
}

#[test]
fn a_deleted_tables_files_go_when_they_are_old() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        assert!(world.put(&table("t"), "a"));
        disable(&world, "t").await;
        delete(&world, "t").await;
        let archived = || world.with(|state| state.root.archive.len());
        assert_eq!(archived(), 1);
        assert!(!clean(&world).await, "they are young");
        assert_eq!(archived(), 1);
        let name = world
            .with(|state| state.root.archive.values().next().unwrap().keys().next().unwrap().name.clone());
        world.with(|state| state.root.snapshot_files.insert(name));
        age(&world);
        assert!(!clean(&world).await, "a snapshot has them");
        assert_eq!(archived(), 1);
        world.with(|state| state.root.snapshot_files.clear());
        assert!(clean(&world).await);
        assert_eq!(archived(), 0);
    });
}

#[test]
fn a_replicated_servers_wals_stay() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        assert!(world.put(&table("t"), "a"));
        let server = place(&world, &first_region(&world, "t")).unwrap();
        world.crash_server(&server);
        world.pass(30_000).await;
        world.until_idle().await;
        let wals = || world.with(|state| state.root.old_wals.keys().cloned().collect::<Vec<_>>());
        let named: Vec<_> = wals();
        assert!(!named.is_empty());
        world.with(|state| state.znodes.queued_wals.insert(named[0].clone()));
        age(&world);
        clean(&world).await;
        assert!(wals().contains(&named[0]));
        world.with(|state| state.znodes.queued_wals.clear());
        clean(&world).await;
        assert!(!wals().contains(&named[0]), "{:?}", wals());
        check(&world);
    });
}

/// Whenever cleaners and the catalog janitor run while a region is split, compacted in parts and collected, all rows stay.
#[test]
fn nothing_that_a_daughter_refers_to_goes() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        for row in ["a", "g", "m", "z"] {
            assert!(world.put(&table("t"), row));
        }
        disable(&world, "t").await;
        enable(&world, "t").await;
        age(&world);
        let region = first_region(&world, "t");
        let split =
            SplitRegion::procedure(&world.env(), ProcedureUser::master(), &region, Some("g".into())).await;
        let id = world.env().submit(split.unwrap()).await.unwrap();
        for _ in 0..50 {
            world.env().scan_catalog().await.unwrap();
            clean(&world).await;
            world.pass(50).await;
        }
        world.outcome(id).await.unwrap();
        for _ in 0..5 {
            world.env().scan_catalog().await.unwrap();
            clean(&world).await;
            world.until_idle().await;
            check(&world);
        }
    });
}
