//! Locks that clients hold from outside.

use std::time::Duration;

use hmaster_config::Options;
use hmaster_core::testing::{World, WorldConfig};
use hmaster_protocol::pb;
use hmaster_protocol::pb::lock_heartbeat_response::LockStatus;
use hmaster_protocol::services::lock_service::LockService as _;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::{JavaException, class};

use crate::support::{call, check, create, table, world};

fn of_table(name: &str, nonce: u64) -> pb::LockRequest {
    pb::LockRequest {
        lock_type: pb::LockType::Exclusive.into(),
        table_name: Some((&table(name)).into()),
        description: Some("a test".into()),
        nonce_group: Some(1),
        nonce: Some(nonce),
        ..Default::default()
    }
}

async fn request(world: &World, request: pb::LockRequest) -> Result<u64, JavaException> {
    let locks = world.active_master().unwrap();
    Ok(locks.locks.request_lock(&call(), request).await?.proc_id)
}

async fn beat(world: &World, proc_id: u64, keep: bool) -> Result<LockStatus, JavaException> {
    let request = pb::LockHeartbeatRequest { proc_id, keep_alive: Some(keep) };
    let answer = world.active_master().unwrap().locks.lock_heartbeat(&call(), request).await?;
    assert_eq!(answer.timeout_ms.is_some(), answer.lock_status() == LockStatus::Locked);
    Ok(answer.lock_status())
}

async fn until_locked(world: &World, id: u64) {
    for _ in 0..100 {
        if beat(world, id, true).await.unwrap() == LockStatus::Locked {
            return;
        }
        world.pass(20).await;
    }
    panic!("{id} isn't locked");
}

#[test]
fn a_lock_keeps_others_away_until_its_client_lets_go() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let first = request(&world, of_table("t", 7)).await.unwrap();
        assert_eq!(request(&world, of_table("t", 7)).await.unwrap(), first, "the same request again");
        until_locked(&world, first).await;
        let second = request(&world, of_table("t", 8)).await.unwrap();
        world.pass(500).await;
        assert_eq!(beat(&world, second, true).await.unwrap(), LockStatus::Unlocked, "it waits");
        let locks = world.active_master().unwrap().services.get_locks(&call(), pb::GetLocksRequest {}).await;
        let locks = locks.unwrap().lock;
        let lock = locks.iter().find(|lock| lock.resource_name.as_deref() == Some("t")).unwrap();
        assert_eq!(lock.exclusive_lock_owner_procedure.as_ref().unwrap().proc_id, first);
        assert_eq!(beat(&world, first, false).await.unwrap(), LockStatus::Unlocked);
        until_locked(&world, second).await;
        beat(&world, second, false).await.unwrap();
        world.until_idle().await;
        assert_eq!(beat(&world, second, true).await.unwrap(), LockStatus::Unlocked, "it is gone");
        check(&world);
    });
}

#[test]
fn a_silent_client_loses_its_lock_and_one_that_is_heard_of_keeps_it() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let id = request(&world, of_table("t", 0)).await.unwrap();
        until_locked(&world, id).await;
        let timeout = Options::default().procedures.remote_lock_timeout;
        for _ in 0..5 {
            world.pass(duration_ms(timeout) * 2 / 3).await;
            assert_eq!(beat(&world, id, true).await.unwrap(), LockStatus::Locked);
        }
        world.pass(duration_ms(timeout) + 1000).await;
        assert_eq!(beat(&world, id, true).await.unwrap(), LockStatus::Unlocked);
        world.until_idle().await;
    });
}

#[test]
fn a_lock_outlives_the_master() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let id = request(&world, of_table("t", 3)).await.unwrap();
        until_locked(&world, id).await;
        let waiting = request(&world, of_table("t", 4)).await.unwrap();
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        until_locked(&world, id).await;
        assert_eq!(request(&world, of_table("t", 3)).await.unwrap(), id, "the nonce is remembered");
        assert_eq!(beat(&world, waiting, true).await.unwrap(), LockStatus::Unlocked);
        beat(&world, id, false).await.unwrap();
        until_locked(&world, waiting).await;
        beat(&world, waiting, false).await.unwrap();
        world.until_idle().await;
        check(&world);
    });
}

#[test]
fn what_is_no_lock_is_refused() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let nameless = pb::LockRequest { description: None, ..of_table("t", 0) };
        let nothing = pb::LockRequest { table_name: None, ..of_table("t", 0) };
        for bad in [nameless, nothing] {
            let refused = request(&world, bad).await.unwrap_err();
            assert!(refused.is(class::DO_NOT_RETRY_IO), "{refused}");
        }
        assert_eq!(beat(&world, 123_456, true).await.unwrap(), LockStatus::Unlocked);
        let id = request(&world, of_table("t", 0)).await.unwrap();
        let disable = pb::DisableTableRequest { table_name: (&table("t")).into(), ..Default::default() };
        let master = world.active_master().unwrap();
        until_locked(&world, id).await;
        let disabling = tokio::spawn(async move { master.services.disable_table(&call(), disable).await });
        world.pass(300).await;
        let views = world.env().executor().unwrap().views();
        let other = views.iter().map(|view| view.place.id.0).find(|other| *other != id).unwrap();
        let refused = beat(&world, other, true).await.unwrap_err();
        assert!(refused.is(class::ILLEGAL_ARGUMENT), "{refused}");
        beat(&world, id, false).await.unwrap();
        disabling.await.unwrap().unwrap();
        world.until_idle().await;
    });
}

#[test]
fn the_bound_is_configured() {
    let mut options = Options::default();
    options.procedures.remote_lock_timeout = Duration::from_secs(2);
    crate::support::world_of(WorldConfig { options, ..WorldConfig::default() }, |world| async move {
        create(&world, "t", &[], 1).await;
        let id = request(&world, of_table("t", 0)).await.unwrap();
        until_locked(&world, id).await;
        world.pass(2500).await;
        assert_eq!(beat(&world, id, true).await.unwrap(), LockStatus::Unlocked);
    });
}

fn duration_ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
