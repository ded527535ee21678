//! Region servers die, alone, together, at bad moments, and come back.

use std::time::Duration;

use hmaster_core::testing::{World, WorldConfig};
use hmaster_types::{EncodedName, ServerName};

use crate::support::{check, create, first_region, place, table, world, world_of};

async fn until_recovered(world: &World) {
    world
        .until("servers are recovered", |world| {
            let Some(env) = world.active_master().and_then(|master| master.env().ok()) else { return false };
            let up = world.with(|state| state.servers_up());
            let online: Vec<_> = env.servers.online().into_iter().map(|(server, _)| server).collect();
            let all_up = online.iter().all(|server| up.contains(server));
            !online.is_empty() && all_up && !env.servers.is_recovering_any()
        })
        .await;
    world.until_idle().await;
}

fn write(world: &World) -> usize {
    ["a", "h", "q", "z"].iter().filter(|row| world.put(&table("t"), row)).count()
}

fn number(server: &ServerName) -> usize {
    server.host().trim_start_matches("server").parse().unwrap()
}

#[test]
fn a_dead_servers_regions_open_elsewhere_with_their_edits() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        assert_eq!(write(&world), 4);
        let server = place(&world, &first_region(&world, "t")).unwrap();
        world.crash_server(&server);
        until_recovered(&world).await;
        check(&world);
        assert_eq!(write(&world), 4);
        check(&world);
        assert!(world.with(|state| !state.root.wals.keys().any(|name| name.contains("splitting"))));
    });
}

#[test]
fn the_server_with_meta_dies() {
    world(|world| async move {
        create(&world, "t", &["g"], 1).await;
        assert_eq!(write(&world), 4);
        for _ in 0..2 {
            let server = world.with(|state| state.carrier(EncodedName::META).cloned()).unwrap();
            world.start_server(number(&server) + 10);
            world.crash_server(&server);
            until_recovered(&world).await;
            check(&world);
        }
    });
}

#[test]
fn all_servers_die_and_others_come() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        assert_eq!(write(&world), 4);
        for server in world.with(|state| state.servers_up()) {
            world.crash_server(&server);
        }
        world.pass(20_000).await;
        world.start_server(0);
        world.start_server(1);
        until_recovered(&world).await;
        check(&world);
    });
}

#[test]
fn a_server_comes_back_before_its_end_is_noticed() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        assert_eq!(write(&world), 4);
        let server = place(&world, &first_region(&world, "t")).unwrap();
        world.crash_server(&server);
        world.start_server(number(&server));
        until_recovered(&world).await;
        check(&world);
    });
}

#[test]
fn servers_die_one_after_the_other_while_the_first_is_recovered() {
    world_of(WorldConfig { servers: 4, ..WorldConfig::default() }, |world| async move {
        create(&world, "t", &["d", "g", "m", "p"], 1).await;
        assert_eq!(write(&world), 4);
        for pause in [0, 40, 300] {
            let server = world.with(|state| state.servers_up()).remove(0);
            world.crash_server(&server);
            world.end_session(&server, Duration::ZERO);
            world.start_server(number(&server));
            world.pass(pause).await;
        }
        until_recovered(&world).await;
        check(&world);
    });
}

#[test]
fn a_server_that_was_held_up_can_do_no_harm() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        let server = place(&world, &first_region(&world, "t")).unwrap();
        world.pause_server(&server, true);
        world.end_session(&server, Duration::from_secs(1));
        until_recovered(&world).await;
        world.pass(3000).await;
        until_recovered(&world).await;
        world.pause_server(&server, false);
        for _ in 0..10 {
            write(&world);
            world.pass(100).await;
        }
        world.pass(5000).await;
        until_recovered(&world).await;
        check(&world);
        assert!(!world.with(|state| state.servers_up()).contains(&server), "it was told that it is dead");
    });
}

#[test]
fn master_and_servers_die_together() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        assert_eq!(write(&world), 4);
        let server = world.with(|state| state.carrier(EncodedName::META).cloned()).unwrap();
        world.kill_master();
        world.crash_server(&server);
        world.pass(10_000).await;
        world.start_master();
        world.until_initialized().await;
        until_recovered(&world).await;
        check(&world);
        world.kill_master();
        for server in world.with(|state| state.servers_up()) {
            world.crash_server(&server);
            world.start_server(number(&server));
        }
        world.start_master();
        world.until_initialized().await;
        until_recovered(&world).await;
        check(&world);
    });
}
