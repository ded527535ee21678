//! Single regions move, close, open, and fail to.

use hmaster_config::Options;
use hmaster_core::testing::{World, WorldConfig};
use hmaster_protocol::pb;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::{RegionInfo, RegionState, class};

use crate::support::{call, check, create, first_region, place, table, world, world_of};

fn specifier(region: &RegionInfo) -> pb::RegionSpecifier {
    (&region.name()).into()
}

async fn unassign(world: &World, region: &RegionInfo) -> Result<(), hmaster_types::JavaException> {
    let request = pb::UnassignRegionRequest { region: specifier(region), ..Default::default() };
    world.active_master().unwrap().services.unassign_region(&call(), request).await.map(drop)
}

async fn assign(world: &World, region: &RegionInfo) -> Result<(), hmaster_types::JavaException> {
    let request = pb::AssignRegionRequest { region: specifier(region), ..Default::default() };
    world.active_master().unwrap().services.assign_region(&call(), request).await.map(drop)
}

#[test]
fn a_region_moves_closes_and_opens() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        let region = first_region(&world, "t");
        assert!(world.put(&table("t"), "a"));
        let from = place(&world, &region).unwrap();
        let request = pb::MoveRegionRequest { region: specifier(&region), dest_server_name: None };
        world.active_master().unwrap().services.move_region(&call(), request).await.unwrap();
        let to = place(&world, &region).unwrap();
        assert_ne!(from, to);
        check(&world);
        let request =
            pb::MoveRegionRequest { region: specifier(&region), dest_server_name: Some((&from).into()) };
        world.active_master().unwrap().services.move_region(&call(), request).await.unwrap();
        assert_eq!(place(&world, &region), Some(from.clone()));
        unassign(&world, &region).await.unwrap();
        assert_eq!(place(&world, &region), None);
        assert!(unassign(&world, &region).await.unwrap_err().is(class::DO_NOT_RETRY_REGION));
        assign(&world, &region).await.unwrap();
        assert_eq!(place(&world, &region), Some(from), "it goes back to where it was");
        assert!(assign(&world, &region).await.unwrap_err().is(class::DO_NOT_RETRY_REGION));
        check(&world);
    });
}

#[test]
fn an_open_that_fails_is_tried_again() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 7));
        let moved = world.env().move_region(&region, None).unwrap();
        world.run(moved).await.unwrap();
        check(&world);
        assert_eq!(world.with(|state| state.faults.failing_opens[&region.encoded_name()]), 0);
    });
}

#[test]
fn an_open_that_always_fails_is_given_up() {
    let mut options = Options::default();
    options.assignment.attempts_max = 4;
    world_of(WorldConfig { options, ..WorldConfig::default() }, |world| async move {
        create(&world, "t", &[], 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 100));
        let moved = world.env().move_region(&region, None).unwrap();
        assert!(world.run(moved).await.is_err());
        let node = world.env().regions.get(region.encoded_name()).unwrap();
        assert_eq!((node.state(), node.owner()), (RegionState::FailedOpen, None));
        assert_eq!(world.with(|state| state.faults.failing_opens[&region.encoded_name()]), 96);
        world.with(|state| state.faults.failing_opens.clear());
        let assigned = world.env().assign(&region, None, false).unwrap();
        world.run(assigned).await.unwrap();
        check(&world);
    });
}
