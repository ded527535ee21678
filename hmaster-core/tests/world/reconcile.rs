//! States of hbase:meta that no procedure has in hand, one by one: what a server has done is found out, and every region
//! of an enabled table ends open once.

use hmaster_core::assignment::RegionRecord;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::testing::{Store, World, table_schema};
use hmaster_protocol::pb;
use hmaster_types::{EncodedName, RegionInfo, RegionState, ServerName, TableState};

use crate::lost_store::lose_store;
use crate::support::{check, create, disable, first_region, place, table, world};

/// What a region's server has done when the master's knowledge is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reality {
    /// It has the region open.
    Open,
    /// It has closed it.
    Closed,
    /// It is told to open it just then.
    Opening,
    /// It is told to close it just then.
    Closing,
}

/// What hbase:meta says, written by a master that dies of it.
async fn say(world: &World, region: &RegionInfo, state: RegionState, place: Option<&ServerName>) {
    let known = world.env().regions.get(region.encoded_name()).unwrap().record();
    let record = RegionRecord { state, location: place.cloned(), ..known };
    world.env().record_region(&record).await.unwrap();
}

/// A command of a master that is gone a moment later, under an id that the next master can't know.
async fn command(world: &World, server: &ServerName, region: &RegionInfo, opens: bool) {
    let mut request = pb::ExecuteProceduresRequest::default();
    let id = Some(1_000_000);
    if opens {
        let info = pb::open_region_request::RegionOpenInfo {
            region: region.into(),
            version_of_offline_node: None,
            favored_nodes: Vec::new(),
            open_proc_id: id,
        };
        request.open_region.push(pb::OpenRegionRequest { open_info: vec![info], ..Default::default() });
    } else {
        request.close_region.push(pb::CloseRegionRequest {
            region: (&region.name()).into(),
            close_proc_id: id,
            ..Default::default()
        });
    }
    world.env().region_servers.execute_procedures(server, request).await.unwrap();
}

async fn brought_about(world: &World, reality: Reality, region: &RegionInfo, server: &ServerName) {
    if matches!(reality, Reality::Closed | Reality::Opening) {
        world.run(world.env().unassign(region).unwrap()).await.unwrap();
    }
    // From now on everything takes its time, so that the next master meets what is under way.
    world.with(|state| state.faults.latency_ms_max = 400);
    match reality {
        Reality::Opening => command(world, server, region, true).await,
        Reality::Closing => command(world, server, region, false).await,
        Reality::Open | Reality::Closed => {}
    }
}

/// The next master starts, and everything comes to rest.
async fn comes_to_rest(world: &World) {
    world.start_master();
    world.until_initialized().await;
    world.until_idle().await;
    world.pass(15_000).await;
    world.until_idle().await;
    check(world);
}

#[test]
fn a_region_between_two_states_is_opened_whatever_its_server_has_done() {
    use Reality::{Closed, Closing, Open, Opening};
    use RegionState::{Closing as SaysClosing, Merging, Opening as SaysOpening, Splitting};
    for reality in [Open, Closed, Opening, Closing] {
        for state in [SaysOpening, SaysClosing, Splitting, Merging] {
            for (server_dies, store_is_lost) in [(false, false), (false, true), (true, false), (true, true)] {
                world(|world| async move {
                    create(&world, "t", &["m"], 1).await;
                    assert!(world.put(&table("t"), "a") && world.put(&table("t"), "z"));
                    let region = first_region(&world, "t");
                    let server = place(&world, &region).unwrap();
                    brought_about(&world, reality, &region, &server).await;
                    say(&world, &region, state, Some(&server)).await;
                    world.kill_master();
                    if store_is_lost {
                        lose_store(&world);
                    }
                    if server_dies {
                        world.crash_server(&server);
                    }
                    comes_to_rest(&world).await;
                    assert!(place(&world, &region).is_some(), "{reality:?} {state} {server_dies}");
                });
            }
        }
    }
}

#[test]
fn a_region_of_a_table_that_is_being_disabled_is_closed_whatever_its_server_has_done() {
    use Reality::{Closed, Closing, Open, Opening};
    for reality in [Open, Closed, Opening, Closing] {
        for state in [RegionState::Opening, RegionState::Closing] {
            for (server_dies, table_state) in
                [(false, TableState::Disabling), (true, TableState::Disabling), (false, TableState::Disabled)]
            {
                world(|world| async move {
                    create(&world, "t", &["m"], 1).await;
                    assert!(world.put(&table("t"), "a") && world.put(&table("t"), "z"));
                    let region = first_region(&world, "t");
                    let server = place(&world, &region).unwrap();
                    if table_state == TableState::Disabled {
                        // It comes last, when no other region is open.
                        let other = world.env().regions.table_regions(&table("t"))[1].info().clone();
                        world.run(world.env().unassign(&other).unwrap()).await.unwrap();
                    }
                    brought_about(&world, reality, &region, &server).await;
                    say(&world, &region, state, Some(&server)).await;
                    world.env().set_table_state(&table("t"), table_state).await.unwrap();
                    lose_store(&world);
                    if server_dies {
                        world.crash_server(&server);
                    }
                    comes_to_rest(&world).await;
                    assert_eq!(world.env().tables.get(&table("t")), Some(TableState::Disabled));
                    assert_eq!(place(&world, &region), None, "{reality:?} {state} {server_dies}");
                });
            }
        }
    }
}

#[test]
fn regions_that_are_nowhere_are_opened() {
    use RegionState::{AbnormallyClosed, Closed, FailedOpen, Offline, Opening};
    for state in [Offline, Closed, AbnormallyClosed, FailedOpen, Opening] {
        world(|world| async move {
            create(&world, "t", &["m"], 1).await;
            assert!(world.put(&table("t"), "a"));
            let region = first_region(&world, "t");
            world.run(world.env().unassign(&region).unwrap()).await.unwrap();
            say(&world, &region, state, None).await;
            lose_store(&world);
            comes_to_rest(&world).await;
            assert!(place(&world, &region).is_some(), "{state}");
        });
    }
}

/// Two masters in a row lose their stores, with open and close under way.
#[test]
fn a_store_that_is_lost_again_and_again_loses_no_region() {
    world(|world| async move {
        create(&world, "t", &["g", "m", "t"], 1).await;
        for row in ["a", "h", "n", "z"] {
            assert!(world.put(&table("t"), row));
        }
        world.with(|state| state.faults.latency_ms_max = 200);
        for round in 0..12 {
            let nodes = world.env().regions.table_regions(&table("t"));
            let moved = nodes.iter().filter_map(|node| world.env().move_region(node.info(), None).ok());
            for moved in moved.collect::<Vec<_>>() {
                world.env().submit(moved).await.unwrap();
            }
            world.pass(150 * round).await;
            lose_store(&world);
            world.start_master();
            world.until_initialized().await;
        }
        world.until_idle().await;
        world.pass(15_000).await;
        world.until_idle().await;
        check(&world);
    });
}

#[test]
fn a_table_that_was_being_created_is_enabled_to_the_end() {
    world(|world| async move {
        world.with(|state| state.faults.latency_ms_max = 400);
        let regions = world.regions(&table("t"), &["m"]);
        let create = CreateTable::procedure(
            hmaster_core::step::ProcedureUser::master(),
            table_schema(&table("t"), 2),
            regions,
            hmaster_core::tables::Prepared::default(),
        );
        let id = world.env().submit(create).await.unwrap();
        let is_enabling = |world: &World| world.env().tables.get(&table("t")) == Some(TableState::Enabling);
        world.until(&format!("{id} enables"), is_enabling).await;
        lose_store(&world);
        comes_to_rest(&world).await;
        assert_eq!(world.env().tables.get(&table("t")), Some(TableState::Enabled));
    });
}

#[test]
fn hbase_meta_is_found_whatever_is_said_of_it() {
    use RegionState::{Closed, Closing, Offline, Open, Opening};
    for is_open in [true, false] {
        for state in [Open, Opening, Closing, Closed, Offline] {
            // A master that has closed it knows better than to call it open or closed where it isn't.
            if is_open && [Closed, Offline].contains(&state) {
                continue;
            }
            for server_dies in [false, true] {
                world(|world| async move {
                    create(&world, "t", &["m"], 1).await;
                    assert!(world.put(&table("t"), "a"));
                    let server = place(&world, &RegionInfo::meta()).unwrap();
                    if !is_open {
                        world.run(world.env().unassign(&RegionInfo::meta()).unwrap()).await.unwrap();
                    }
                    lose_store(&world);
                    world.with(|world| drop(world.znodes.meta.insert(0, (Some(server.clone()), state))));
                    if server_dies {
                        world.crash_server(&server);
                    }
                    comes_to_rest(&world).await;
                    assert!(world.with(|state| state.carrier(EncodedName::META).is_some()));
                });
            }
        }
    }
}

/// Its folder of WALs is long gone, and so is all that says that it was there, but for hbase:meta.
#[test]
fn hbase_meta_on_a_server_that_nobody_knows_is_opened_elsewhere() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        world.run(world.env().unassign(&RegionInfo::meta()).unwrap()).await.unwrap();
        lose_store(&world);
        let nobody: ServerName = "nobody,16020,7".parse().unwrap();
        world.with(|state| drop(state.znodes.meta.insert(0, (Some(nobody), RegionState::Open))));
        comes_to_rest(&world).await;
    });
}

/// A region server has closed a region by a command of long ago, after the master has found it open.
#[test]
fn an_open_region_that_its_server_does_not_have_is_opened_there_again() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        assert!(world.put(&table("t"), "a"));
        let region = first_region(&world, "t");
        let server = place(&world, &region).unwrap();
        world.pass(5000).await;
        command(&world, &server, &region, false).await;
        world.pass(1000).await;
        assert_eq!(place(&world, &region), None);
        world.pass(15_000).await;
        world.until_idle().await;
        assert_eq!(place(&world, &region), Some(server));
        check(&world);
    });
}

/// Danger 5.
#[test]
fn ids_of_a_lost_store_are_not_given_out_again() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        disable(&world, "t").await;
        let last = world.env().executor().unwrap().last_id();
        world.kill_master();
        world.with(|state| state.store = Store::default());
        world.start_master();
        world.until_initialized().await;
        assert!(world.env().executor().unwrap().last_id() > last);
        check(&world);
    });
}

/// A lock that a client holds, or a table in a procedure's hand, is no reason to touch, or not to touch, more than that.
#[test]
fn what_a_procedure_has_in_hand_goes_on_as_before() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 3));
        let moved = world.env().move_region(&region, None).unwrap();
        let id = world.env().submit(moved).await.unwrap();
        world.pass(300).await;
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        world.outcome(id).await.unwrap();
        world.until_idle().await;
        let later = world.with(|state| state.classes_since(hmaster_types::ProcId(id.0)));
        assert!(
            !later.contains("org.apache.hadoop.hbase.master.procedure.EnableTableProcedure"),
            "{later:?}"
        );
        check(&world);
    });
}
