//! Tables come, shut, open and go.

use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::tables::delete::DeleteTable;
use hmaster_core::tables::disable::DisableTable;
use hmaster_core::tables::enable::EnableTable;
use hmaster_core::testing::table_schema;
use hmaster_protocol::pb;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::{RegionState, TableState, class};

use crate::support::{call, check, create, delete, disable, enable, first_region, place, table, world};

#[test]
fn a_table_with_regions_and_replicas_lives_and_dies() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 2).await;
        check(&world);
        let snapshot = world.snapshot();
        assert_eq!(snapshot.tables["t"], TableState::Enabled);
        assert_eq!(snapshot.regions.len(), 1 + 3);
        assert_eq!(snapshot.open.values().sum::<usize>(), 2 + 6);
        let primary = first_region(&world, "t");
        assert_ne!(place(&world, &primary), place(&world, &primary.with_replica(1)), "copies are apart");
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "z"));
        disable(&world, "t").await;
        check(&world);
        assert!(
            world
                .snapshot()
                .regions
                .iter()
                .filter(|(name, _)| name.starts_with("t ["))
                .all(|(_, replicas)| replicas.iter().all(|(_, state)| *state == Some(RegionState::Closed)))
        );
        enable(&world, "t").await;
        check(&world);
        disable(&world, "t").await;
        delete(&world, "t").await;
        check(&world);
        let snapshot = world.snapshot();
        assert!(!snapshot.tables.contains_key("t") && !snapshot.folders.contains_key("t"));
        assert_eq!(snapshot.archive["t"], 2, "what was deleted is in the archive");
        create(&world, "t", &[], 1).await;
        check(&world);
    });
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let user = ProcedureUser::master;
        let before = world.snapshot();
        let regions = world.regions(&table("t"), &[]);
        let again =
            CreateTable::procedure(user(), table_schema(&table("t"), 1), regions, Prepared::default());
        assert!(world.run(again).await.unwrap_err().is(class::TABLE_EXISTS));
        let delete = |name| DeleteTable::procedure(user(), table(name), Prepared::default());
        let disable = |name| DisableTable::procedure(user(), table(name), Prepared::default());
        let enable = |name| EnableTable::procedure(user(), table(name), Prepared::default());
        assert!(world.run(delete("t")).await.unwrap_err().is(class::TABLE_NOT_DISABLED));
        assert!(world.run(delete("none")).await.unwrap_err().is(class::TABLE_NOT_FOUND));
        assert!(world.run(enable("t")).await.unwrap_err().is(class::TABLE_NOT_DISABLED));
        assert!(world.run(disable("none")).await.unwrap_err().is(class::TABLE_NOT_FOUND));
        assert_eq!(before.differences(&world.snapshot()), [""; 0]);
    });
}

#[test]
fn a_repeated_request_gets_the_first_ones_procedure_also_of_the_next_master() {
    world(|world| async move {
        let request = pb::CreateTableRequest {
            table_schema: (&table_schema(&table("t"), 1)).into(),
            split_keys: vec!["m".into()],
            nonce_group: Some(7),
            nonce: Some(8),
        };
        let ask = || {
            let master = world.active_master().unwrap();
            let request = request.clone();
            async move { master.services.create_table(&call(), request).await.unwrap().proc_id.unwrap() }
        };
        let first = ask().await;
        assert_eq!(ask().await, first);
        world.outcome(hmaster_types::ProcId(first)).await.unwrap();
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        assert_eq!(ask().await, first, "nonces outlive a master");
        let other = pb::CreateTableRequest { nonce: Some(9), ..request.clone() };
        let master = world.active_master().unwrap();
        let refused = master.services.create_table(&call(), other).await.unwrap_err();
        assert!(refused.is(class::TABLE_EXISTS), "{refused}");
        check(&world);
    });
}
