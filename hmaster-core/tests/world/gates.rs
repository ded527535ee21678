//! What a master answers before it can answer.

use std::time::Duration;

use hmaster_core::environment::Conditions;
use hmaster_core::role::{INACTIVE_PATIENCE, Role};
use hmaster_core::testing::{World, WorldConfig, run};
use hmaster_protocol::pb;
use hmaster_protocol::services::client_meta_service::ClientMetaService as _;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::class;

use crate::support::{call, create, world};

#[test]
fn a_master_without_region_servers_asks_clients_to_hold_on() {
    run(async {
        let world = World::new(WorldConfig::default());
        let master = world.start_master();
        let names =
            async || master.services.get_table_names(&call(), pb::GetTableNamesRequest::default()).await;
        let refused = names().await.unwrap_err();
        assert!(refused.is(class::SERVER_NOT_RUNNING_YET), "{refused}");
        world.until("it has opened its store", |_| master.role.started().is_ok()).await;
        let refused = names().await.unwrap_err();
        assert!(refused.is(class::PLEASE_HOLD), "hbase:meta isn't loaded: {refused}");
        let running = master.services.is_master_running(&call(), pb::IsMasterRunningRequest {}).await;
        assert!(running.unwrap().is_master_running);
        let request =
            pb::EnableTableRequest { table_name: (&crate::support::table("t")).into(), ..Default::default() };
        let refused = master.services.enable_table(&call(), request).await.unwrap_err();
        assert!(refused.is(class::PLEASE_HOLD), "{refused}");
        let balancer = master.services.is_balancer_enabled(&call(), pb::IsBalancerEnabledRequest {}).await;
        assert!(balancer.unwrap().enabled, "switches are known");
        world.start_server(0);
        world.until_initialized().await;
        assert!(names().await.is_ok());
    });
}

#[test]
fn a_master_that_isnt_active_sends_everybody_on() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let master = world.active_master().unwrap();
        master.role.set(Role::Waiting);
        let status =
            master.services.get_cluster_status(&call(), pb::GetClusterStatusRequest::default()).await;
        assert!(status.unwrap_err().is(class::SERVER_NOT_RUNNING_YET));
        let names = master.services.get_table_names(&call(), pb::GetTableNamesRequest::default()).await;
        assert!(names.unwrap_err().is(class::SERVER_NOT_RUNNING_YET));
        let id = master.registry.get_cluster_id(&call(), pb::GetClusterIdRequest {}).await.unwrap();
        assert_eq!(id.cluster_id.as_deref(), Some("world"), "the registry answers in any role");
        let request = pb::GetMetaRegionLocationsRequest {};
        let meta = master.registry.get_meta_region_locations(&call(), request).await.unwrap();
        assert_eq!(meta.meta_locations.len(), 1);
    });
}

#[test]
fn reports_wait_for_a_master_that_starts_and_not_for_one_that_waits() {
    run(async {
        let world = World::new(WorldConfig::default());
        let master = world.start_master();
        let patience = Duration::from_secs(600);
        world.start_server(0);
        let env = master.role.until_ready(patience, Conditions::is_meta_loaded).await;
        assert!(
            env.is_some_and(|env| env.conditions.is_services_started()),
            "it waits through all of the start"
        );
        let never = master.role.until_ready(Duration::from_secs(1), |_| false).await;
        assert!(never.is_none(), "not for ever");
        master.role.set(Role::Waiting);
        let began = tokio::time::Instant::now();
        assert!(master.role.until_ready(patience, |_| true).await.is_none());
        assert!(began.elapsed() < INACTIVE_PATIENCE * 2, "the region server must look for another master");
    });
}
