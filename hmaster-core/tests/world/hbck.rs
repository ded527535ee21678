//! Repairs at an operator's word.

use hmaster_core::testing::World;
use hmaster_protocol::pb;
use hmaster_protocol::services::hbck_service::HbckService as _;
use hmaster_types::{JavaException, RegionInfo, RegionState, ServerName, TableState, class};

use crate::support::{call, check, create, disable, enable, first_region, place, table, world};

fn encoded(region: &RegionInfo) -> pb::RegionSpecifier {
    pb::RegionSpecifier {
        r#type: pb::region_specifier::RegionSpecifierType::EncodedRegionName.into(),
        value: region.encoded_name().to_string().into(),
    }
}

const NO_PROC_ID: u64 = u64::MAX;

async fn assigns(world: &World, region: pb::RegionSpecifier, overrides: bool) -> Vec<u64> {
    let request = pb::AssignsRequest { region: vec![region], r#override: Some(overrides) };
    world.active_master().unwrap().hbck.assigns(&call(), request).await.unwrap().pid
}

async fn unassigns(world: &World, region: pb::RegionSpecifier, overrides: bool) -> Vec<u64> {
    let request = pb::UnassignsRequest { region: vec![region], r#override: Some(overrides) };
    world.active_master().unwrap().hbck.unassigns(&call(), request).await.unwrap().pid
}

async fn set_state(
    world: &World,
    region: &RegionInfo,
    state: RegionState,
) -> Result<Vec<i32>, JavaException> {
    let wish = pb::RegionSpecifierAndState {
        region_specifier: encoded(region),
        state: pb::region_state::State::from(state).into(),
    };
    let request = pb::SetRegionStateInMetaRequest { states: vec![wish] };
    let answer = world.active_master().unwrap().hbck.set_region_state_in_meta(&call(), request).await?;
    Ok(answer.states.iter().map(|state| state.state).collect())
}

async fn set_table(world: &World, name: &str, state: TableState) -> Result<i32, JavaException> {
    let request =
        pb::SetTableStateInMetaRequest { table_name: (&table(name)).into(), table_state: state.into() };
    let hbck = world.active_master().unwrap();
    Ok(hbck.hbck.set_table_state_in_meta(&call(), request).await?.table_state.state)
}

async fn ended(world: &World, ids: &[u64]) {
    for id in ids {
        world.outcome(hmaster_types::ProcId(*id)).await.unwrap();
    }
    world.until_idle().await;
}

#[test]
fn regions_are_opened_and_closed_by_their_encoded_names() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        let region = first_region(&world, "t");
        assert_eq!(assigns(&world, encoded(&region), false).await, [NO_PROC_ID], "it is open");
        let ids = unassigns(&world, encoded(&region), false).await;
        ended(&world, &ids).await;
        assert_eq!(place(&world, &region), None);
        assert_eq!(unassigns(&world, encoded(&region), false).await, [NO_PROC_ID], "it is closed");
        let ids = assigns(&world, encoded(&region), false).await;
        ended(&world, &ids).await;
        assert!(place(&world, &region).is_some());
        let nobody = RegionInfo::builder(table("u")).region_id(1).build();
        assert!(assigns(&world, encoded(&nobody), false).await.is_empty(), "unknown ones are left out");
        assert!(unassigns(&world, encoded(&nobody), true).await.is_empty());
        check(&world);
    });
}

/// Danger 2: an operator who overrides may be wrong about where the region is.
#[test]
fn an_open_region_isnt_opened_twice_by_override() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        assert!(world.put(&table("t"), "a"));
        let from = place(&world, &region);
        let ids = assigns(&world, encoded(&region), true).await;
        ended(&world, &ids).await;
        assert_eq!(place(&world, &region), from);
        check(&world);
    });
}

#[test]
fn an_override_takes_the_region_from_a_procedure_that_is_stuck() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 1000));
        let moved = world.env().move_region(&region, None).unwrap();
        let stuck = world.env().submit(moved).await.unwrap();
        world.pass(3000).await;
        assert_eq!(assigns(&world, encoded(&region), false).await, [NO_PROC_ID], "it is in transition");
        let ids = assigns(&world, encoded(&region), true).await;
        world.with(|state| state.faults.failing_opens.clear());
        ended(&world, &ids).await;
        world.outcome(stuck).await.unwrap();
        assert!(place(&world, &region).is_some());
        check(&world);
    });
}

#[test]
fn a_bypassed_procedure_ends_and_its_region_can_be_assigned() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 1000));
        let moved = world.env().move_region(&region, None).unwrap();
        let stuck = world.env().submit(moved).await.unwrap();
        world.pass(30_000).await;
        let request = pb::BypassProcedureRequest {
            proc_id: vec![stuck.0, 4_000_000],
            wait_time: Some(1000),
            r#override: Some(true),
            recursive: Some(true),
        };
        let master = world.active_master().unwrap();
        let answer = master.hbck.bypass_procedure(&call(), request).await.unwrap();
        assert_eq!(answer.bypassed, [true, false]);
        world.with(|state| state.faults.failing_opens.clear());
        world.until_idle().await;
        let ids = assigns(&world, encoded(&region), true).await;
        ended(&world, &ids).await;
        assert!(place(&world, &region).is_some());
        check(&world);
    });
}

#[test]
fn states_are_set_in_meta_and_nothing_else_follows() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        let on = place(&world, &region);
        assert!(set_state(&world, &region, RegionState::Open).await.unwrap().is_empty(), "it is so already");
        let before = set_state(&world, &region, RegionState::FailedOpen).await.unwrap();
        assert_eq!(before, [i32::from(pb::region_state::State::Open)]);
        let node = world.env().regions.get(region.encoded_name()).unwrap();
        assert_eq!((node.state(), place(&world, &region)), (RegionState::FailedOpen, on));
        set_state(&world, &region, RegionState::Open).await.unwrap();
        let nobody = RegionInfo::builder(table("u")).region_id(1).build();
        assert!(set_state(&world, &nobody, RegionState::Open).await.is_err());
        let refused = set_state(&world, &RegionInfo::meta(), RegionState::Closed).await.unwrap_err();
        assert!(refused.is(class::DO_NOT_RETRY_IO), "{refused}");

        let before = set_table(&world, "t", TableState::Disabled).await.unwrap();
        assert_eq!(before, i32::from(pb::table_state::State::Enabled));
        assert_eq!(world.env().tables.get(&table("t")), Some(TableState::Disabled));
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        assert_eq!(world.env().tables.get(&table("t")), Some(TableState::Disabled), "it is durable");
        set_table(&world, "t", TableState::Enabled).await.unwrap();
        let refused = set_table(&world, "u", TableState::Enabled).await.unwrap_err();
        assert!(refused.is(class::TABLE_NOT_FOUND), "{refused}");
        let refused = set_table(&world, "hbase:meta", TableState::Disabled).await.unwrap_err();
        assert!(refused.is(class::ILLEGAL_ARGUMENT_IO), "{refused}");
        check(&world);
    });
}

#[test]
fn a_server_is_recovered_by_order_once() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        for row in ["a", "h", "z"] {
            assert!(world.put(&table("t"), row));
        }
        let server = place(&world, &first_region(&world, "t")).unwrap();
        let request =
            pb::ScheduleServerCrashProcedureRequest { server_name: vec![(&server).into(), (&server).into()] };
        let master = world.active_master().unwrap();
        let pids = master.hbck.schedule_server_crash_procedure(&call(), request).await.unwrap().pid;
        assert!(pids[0] != NO_PROC_ID && pids[1] == NO_PROC_ID, "{pids:?}");
        ended(&world, &pids[..1]).await;
        world.pass(10_000).await;
        world.until_idle().await;
        check(&world);
    });
}

#[test]
fn regions_on_servers_that_nobody_knows_are_assigned() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        let ids = unassigns(&world, encoded(&region), false).await;
        ended(&world, &ids).await;
        let unknown: ServerName = "gone.example.org,16020,7".parse().unwrap();
        let record = world.env().regions.opening(region.encoded_name(), &unknown).unwrap();
        world.env().record_region(&record).await.unwrap();
        let master = world.active_master().unwrap();
        let request = pb::ScheduleScPsForUnknownServersRequest {};
        let pids = master.hbck.schedule_sc_ps_for_unknown_servers(&call(), request).await.unwrap().pid;
        assert_eq!(pids.len(), 1);
        ended(&world, &pids).await;
        assert!(place(&world, &region).is_some());
        let request = pb::ScheduleScPsForUnknownServersRequest {};
        let pids = master.hbck.schedule_sc_ps_for_unknown_servers(&call(), request).await.unwrap().pid;
        assert!(pids.is_empty(), "nobody is unknown any more");
        check(&world);
    });
}

#[test]
fn the_report_names_what_differs() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        create(&world, "u", &[], 1).await;
        disable(&world, "u").await;
        let run = async || {
            let master = world.active_master().unwrap();
            assert!(master.hbck.run_hbck_chore(&call(), pb::RunHbckChoreRequest {}).await.unwrap().ran);
            world.env().janitor.last_consistency_report().unwrap()
        };
        world.pass(5000).await;
        let clean = run().await;
        assert!(clean.is_clean(), "{clean:#?}");
        assert_eq!(clean.disabled, 1);
        let region = first_region(&world, "t");
        let row = hmaster_protocol::meta::delete_region(&region, world.env().catalog.clock.delete_ms());
        world.env().catalog.write(vec![row]).await.unwrap();
        world.env().regions.remove(region.encoded_name());
        let report = run().await;
        assert_eq!(report.orphans_on_files.keys().copied().collect::<Vec<_>>(), [region.encoded_name()]);
    });
}

#[test]
fn a_hole_is_filled() {
    world(|world| async move {
        create(&world, "t", &["g", "m"], 1).await;
        let region = world.env().regions.table_regions(&table("t"))[1].info().clone();
        let ids = unassigns(&world, encoded(&region), false).await;
        ended(&world, &ids).await;
        let row = hmaster_protocol::meta::delete_region(&region, world.env().catalog.clock.delete_ms());
        world.env().catalog.write(vec![row]).await.unwrap();
        world.env().regions.remove(region.encoded_name());
        world.with(|state| {
            state.root.tables.get_mut(&table("t")).unwrap().regions.remove(&region.encoded_name())
        });
        world.env().scan_catalog().await.unwrap();
        assert_eq!(world.env().janitor.last_report().unwrap().holes.len(), 1);
        let master = world.active_master().unwrap();
        master.hbck.fix_meta(&call(), pb::FixMetaRequest {}).await.unwrap();
        world.until_idle().await;
        let regions = world.env().regions.table_regions(&table("t"));
        assert_eq!(regions.len(), 3);
        assert_eq!((regions[1].info().start_key(), regions[1].info().end_key()), (&b"g"[..], &b"m"[..]));
        assert!(regions.iter().all(|node| node.state() == RegionState::Open));
        world.env().scan_catalog().await.unwrap();
        assert!(world.env().janitor.last_report().unwrap().holes.is_empty());
        disable(&world, "t").await;
        enable(&world, "t").await;
        check(&world);
    });
}
