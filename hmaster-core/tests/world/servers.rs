//! Servers are drained; the cluster, or its master, is stopped.

use hmaster_protocol::pb;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::TableName;

use crate::support::{call, check, create, first_region, place, table, world};

#[test]
fn a_drained_server_loses_its_regions_and_gets_none() {
    world(|world| async move {
        create(&world, "t", &["g", "p"], 1).await;
        let server = place(&world, &first_region(&world, "t")).unwrap();
        let master = world.active_master().unwrap();
        let request =
            pb::DecommissionRegionServersRequest { server_name: vec![(&server).into()], offload: true };
        master.services.decommission_region_servers(&call(), request).await.unwrap();
        world.until_idle().await;
        check(&world);
        assert!(world.with(|state| state.regions_on(&server)).is_empty());
        create(&world, "u", &["c", "g", "p"], 1).await;
        assert!(world.with(|state| state.regions_on(&server)).is_empty());
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        assert_eq!(world.env().servers.draining(), std::slice::from_ref(&server), "the next master knows it");
        let master = world.active_master().unwrap();
        let request =
            pb::RecommissionRegionServerRequest { server_name: (&server).into(), region: Vec::new() };
        master.services.recommission_region_server(&call(), request).await.unwrap();
        assert!(world.env().servers.assignable().contains(&server));
    });
}

#[test]
fn a_stopped_master_leaves_the_cluster_to_the_next() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let master = world.active_master().unwrap();
        master.services.stop_master(&call(), pb::StopMasterRequest {}).await.unwrap();
        world.until("it has ended", |world| world.active_master().is_none()).await;
        assert_eq!(master.end().as_deref(), Some("stopped by a client"));
        world.start_master();
        world.until_initialized().await;
        world.until_idle().await;
        check(&world);
    });
}

#[test]
fn a_cluster_that_was_shut_down_starts_again() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "z"));
        let master = world.active_master().unwrap();
        master.services.shutdown(&call(), pb::ShutdownRequest {}).await.unwrap();
        world.until("everybody has left", |world| world.active_master().is_none()).await;
        assert_eq!(master.end().as_deref(), Some("the last region server has left"));
        assert!(world.with(|state| state.servers_up()).is_empty());
        for number in 0..3 {
            world.start_server(number);
        }
        world.start_master();
        world.until_initialized().await;
        world.until_idle().await;
        assert!(world.env().tables.exists(&TableName::namespace_table()));
        check(&world);
    });
}
