//! Calls that are lost, late or come twice. Whatever happens, a region ends up open once.

use hmaster_core::testing::{Call, CallFault};

use crate::support::{check, create, first_region, place, table, world};

#[test]
fn no_single_fault_of_a_call_leaves_a_region_in_between() {
    let calls = [Call::Execute, Call::Mutate, Call::Transition, Call::Scan, Call::Report];
    let faults = [CallFault::LoseRequest, CallFault::LoseReply, CallFault::Duplicate, CallFault::Delay(7000)];
    for call in calls {
        for fault in faults {
            world(|world| async move {
                create(&world, "t", &[], 1).await;
                let region = first_region(&world, "t");
                assert!(world.put(&table("t"), "a"));
                let from = place(&world, &region);
                // Of the close, and of the open.
                world.with(|state| state.faults.script.extend([(call, fault), (call, fault)]));
                let mut others = world.env().servers.assignable();
                others.retain(|server| Some(server) != from.as_ref());
                let moved = world.env().move_region(&region, others.pop()).unwrap();
                world.run(moved).await.unwrap();
                // Late twins arrive.
                world.pass(20_000).await;
                world.until_idle().await;
                check(&world);
                assert_ne!(place(&world, &region), from, "{call:?} {fault:?}");
                assert!(
                    world.with(|state| state.truth.aborts.is_empty()),
                    "{call:?} {fault:?}: nobody aborts"
                );
            });
        }
    }
}

#[test]
fn the_master_dies_between_a_command_and_its_report() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        // The server takes the open, and reports it to the next master.
        world.with(|state| state.faults.script.extend([(Call::Transition, CallFault::Delay(3000))]));
        let moved = world.env().move_region(&region, None).unwrap();
        let id = world.env().submit(moved).await.unwrap();
        world.pass(1000).await;
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        world.outcome(id).await.unwrap();
        world.until_idle().await;
        check(&world);
    });
}

/// Danger 1: the next master finds the command neither sent nor refused. It may have been carried out.
#[test]
fn a_server_that_was_told_to_open_and_died_is_recovered_before_the_region_opens_elsewhere() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        let to = world.env().servers.assignable();
        let to = to.into_iter().find(|server| Some(server) != place(&world, &region).as_ref()).unwrap();
        // The report is under way when the master dies.
        world.with(|state| {
            state.faults.script.extend([
                (Call::Transition, CallFault::Delay(0)),
                (Call::Transition, CallFault::LoseRequest),
            ]);
        });
        let moved = world.env().move_region(&region, Some(to.clone())).unwrap();
        let id = world.env().submit(moved).await.unwrap();
        world
            .until("the region is open there", |world| {
                world.with(|state| state.regions_on(&to).iter().any(|(open, _)| *open == region))
            })
            .await;
        world.kill_master();
        // It takes an edit, as it does once the report is acknowledged by a master that then dies.
        world.with(|state| state.force_online(&to, region.encoded_name()));
        assert!(world.put(&table("t"), "a"));
        world.crash_server(&to);
        world.pass(6000).await;
        world.start_master();
        world.until_initialized().await;
        world.outcome(id).await.unwrap();
        world.until_idle().await;
        check(&world);
    });
}
