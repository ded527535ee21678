//! Masters that follow one another: what must go on rising, and what one that was deposed can't do any more.

use std::time::Duration;

use hmaster_core::testing::table_schema;
use hmaster_protocol::pb;
use hmaster_protocol::services::master_service::MasterService as _;

use crate::support::{call, check, create, delete, disable, first_region, table, world};

/// Danger 5: a region server ignores a command whose id it has seen.
#[test]
fn ids_and_active_times_only_rise_whatever_the_clocks_say() {
    world(|world| async move {
        let mut active_time = world.env().active_time;
        for behind_ms in [0, 5_000, 9_000, 1_000] {
            create(&world, "t", &["m"], 1).await;
            disable(&world, "t").await;
            delete(&world, "t").await;
            world.until_idle().await;
            let last = world.env().executor().unwrap().last_id();
            world.kill_master();
            world.start_master().clock.set_offset_ms(-behind_ms);
            world.until_initialized().await;
            let env = world.env();
            assert!(env.active_time > active_time, "{} after {active_time}", env.active_time);
            active_time = env.active_time;
            assert!(env.executor().unwrap().last_id() >= last, "ids of deleted procedures don't come back");
        }
        // That no id was given to two procedures is watched all the time.
        check(&world);
    });
}

/// Danger 3.
#[test]
fn a_deposed_master_that_goes_on_changes_nothing_and_promises_nothing() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        let deposed = world.active_master().unwrap();
        let moved = world.env().move_region(&first_region(&world, "t"), None).unwrap();
        let id = world.env().submit(moved).await.unwrap();
        world.pause_master(&deposed, true);
        world.depose(&deposed);
        world.start_master();
        world.until_initialized().await;
        world.outcome(id).await.unwrap();
        world.until_idle().await;
        let before = world.snapshot();
        let request = pb::CreateTableRequest {
            table_schema: (&table_schema(&table("u"), 1)).into(),
            split_keys: Vec::new(),
            nonce_group: None,
            nonce: None,
        };
        let call = call();
        let asked = deposed.services.create_table(&call, request);
        let (asked, ()) =
            tokio::join!(tokio::time::timeout(Duration::from_secs(5), asked), world.wake_deposed(&deposed));
        assert!(!matches!(asked, Ok(Ok(_))), "it promises a table: {asked:?}");
        world.pass(20_000).await;
        world.until_idle().await;
        assert_eq!(before.differences(&world.snapshot()), [""; 0]);
        check(&world);
    });
}
