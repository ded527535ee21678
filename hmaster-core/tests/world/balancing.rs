//! The balancer of a running master: what it moves, when it doesn't, and what it says of that.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_config::Options;
use hmaster_core::balancing::sources::BalancerSources;
use hmaster_core::testing::{World, WorldConfig};
use hmaster_protocol::services::admin_service::AdminService as _;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_protocol::{decode, pb};
use hmaster_types::{RegionInfo, ServerName};
use parking_lot::Mutex;
use prost::Message as _;

use crate::support::{call, check, create, first_region, place, world, world_of};

const SPLIT_KEYS: [&str; 11] = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// A world that remembers what its balancer decides.
fn recording() -> WorldConfig {
    let mut options = Options::default();
    options.balancer.remember_decisions = true;
    options.balancer.remember_rejections = true;
    WorldConfig { options, ..WorldConfig::default() }
}

async fn balance(world: &World, dry_run: bool, ignore_rit: bool) -> pb::BalanceResponse {
    let request = pb::BalanceRequest { ignore_rit: Some(ignore_rit), dry_run: Some(dry_run) };
    world.active_master().unwrap().services.balance(&call(), request).await.unwrap()
}

async fn switch(world: &World, on: bool) -> bool {
    let request = pb::SetBalancerRunningRequest { on, synchronous: Some(true) };
    let services = &world.active_master().unwrap().services;
    services.set_balancer_running(&call(), request).await.unwrap().prev_balance_value()
}

/// A fourth server, which has nothing yet.
async fn join(world: &World) -> ServerName {
    let server = world.start_server(3);
    world.until("four servers", |world| world.env().servers.assignable().len() == 4).await;
    server
}

fn regions_on(world: &World, server: &ServerName) -> usize {
    world.env().regions.server_regions(server).len()
}

#[test]
fn a_new_server_gets_its_share() {
    world(|world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        let server = join(&world).await;
        let done = balance(&world, false, false).await;
        assert!(done.balancer_ran);
        assert!(done.moves_executed() > 0);
        assert_eq!(done.moves_calculated(), done.moves_executed());
        world.until_idle().await;
        assert!((3..=4).contains(&regions_on(&world, &server)), "{}", world.describe());
        check(&world);
        let again = balance(&world, false, false).await;
        assert_eq!((again.balancer_ran, again.moves_calculated()), (true, 0), "it has converged");
    });
}

#[test]
fn what_is_written_holds_from_the_next_run_on_once_it_is_read_again() {
    world(|world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        // A server without any region is reason enough to balance, whatever that costs.
        let server = join(&world).await;
        let moved = world.env().move_region(&first_region(&world, "t"), Some(server)).unwrap();
        world.env().submit(moved).await.unwrap();
        world.until_idle().await;
        let before = balance(&world, true, false).await.moves_calculated();
        assert!(before > 0);
        let admin = &world.active_master().unwrap().admin;
        let mut options = Options::default();
        options.balancer_settings.set("hbase.master.balancer.stochastic.minCostNeedBalance", "1000");
        options.balancer_settings.set("hbase.regions.slop", "1000");
        world.write_options(options.clone());
        assert_eq!(balance(&world, true, false).await.moves_calculated(), before, "nobody has asked");
        admin.update_configuration(&call(), pb::UpdateConfigurationRequest {}).await.unwrap();
        assert_eq!(balance(&world, true, false).await.moves_calculated(), 0);
        options.balancer_settings.set("hbase.master.balancer.stochastic.minCostNeedBalance", "few");
        world.write_options(options);
        let refused =
            admin.update_configuration(&call(), pb::UpdateConfigurationRequest {}).await.unwrap_err();
        assert!(refused.message.contains("the balancer's settings"), "{refused:?}");
        assert_eq!(balance(&world, true, false).await.moves_calculated(), 0, "as before");
    });
}

#[test]
fn the_chore_balances_by_itself() {
    world(|world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        let server = join(&world).await;
        world.until("balanced", |world| regions_on(world, &server) >= 3).await;
        world.until_idle().await;
        check(&world);
    });
}

#[test]
fn switched_off_it_only_says_what_it_would_do() {
    world(|world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        assert!(switch(&world, false).await);
        let server = join(&world).await;
        assert_eq!(
            balance(&world, false, false).await,
            pb::BalanceResponse { balancer_ran: false, moves_calculated: Some(0), moves_executed: Some(0) }
        );
        let dry = balance(&world, true, false).await;
        assert!(dry.balancer_ran && dry.moves_calculated() > 0);
        assert_eq!((dry.moves_executed(), regions_on(&world, &server)), (0, 0));
        assert!(!switch(&world, true).await);
    });
}

#[test]
fn regions_in_transition_hold_it_up_unless_they_are_to_be_ignored() {
    world(|world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        let region = first_region(&world, "t");
        world.with(|state| state.faults.failing_opens.insert(region.encoded_name(), 5));
        let moved = world.env().move_region(&region, None).unwrap();
        world.env().submit(moved).await.unwrap();
        join(&world).await;
        assert!(!balance(&world, true, false).await.balancer_ran);
        assert!(balance(&world, true, true).await.balancer_ran);
        world.until_idle().await;
    });
}

#[test]
fn decisions_and_rejections_are_kept() {
    world_of(recording(), |world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        join(&world).await;
        let calculated = balance(&world, true, false).await.moves_calculated();
        let asked = pb::BalancerDecisionsRequest { limit: None }.encode_to_vec();
        let entry = log_entry(&world, "BalancerDecisionsRequest", asked).await.unwrap();
        assert!(entry.log_class_name.ends_with("MasterProtos$BalancerDecisionsResponse"));
        let said: pb::BalancerDecisionsResponse = decode(entry.log_message).unwrap();
        let plans: usize = said.balancer_decision.iter().map(|decision| decision.region_plans.len()).sum();
        assert_eq!(plans, calculated as usize);
        let first = &said.balancer_decision[0];
        assert!(first.computed_total_cost < first.init_total_cost);
        balance(&world, false, false).await;
        world.until_idle().await;
        balance(&world, false, false).await;
        let asked = pb::BalancerRejectionsRequest { limit: Some(1) }.encode_to_vec();
        let entry = log_entry(&world, "BalancerRejectionsRequest", asked).await.unwrap();
        let said: pb::BalancerRejectionsResponse = decode(entry.log_message).unwrap();
        assert_eq!(said.balancer_rejection.len(), 1);
        assert!(!said.balancer_rejection[0].cost_func_info.is_empty());
        assert!(log_entry(&world, "SlowLogResponseRequest", Vec::new()).await.is_err());
    });
}

async fn log_entry(
    world: &World,
    class: &str,
    message: Vec<u8>,
) -> Result<pb::LogEntry, hmaster_types::JavaException> {
    let log_class_name = format!("org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos${class}");
    let request = pb::LogRequest { log_class_name, log_message: message.into() };
    world.active_master().unwrap().services.get_log_entries(&call(), request).await
}

/// Files and racks by heart.
struct Known {
    text: Mutex<String>,
    racks: usize,
}

impl Known {
    fn new(text: &str, racks: usize) -> Arc<Self> {
        Arc::new(Self { text: Mutex::new(text.to_owned()), racks })
    }
}

#[async_trait]
impl BalancerSources for Known {
    async fn racks(&self, hosts: &[String]) -> Vec<String> {
        (0..hosts.len()).map(|at| format!("/r{}", at % self.racks)).collect()
    }

    async fn text(&self, path: &str) -> Result<String, String> {
        if path == "rules" { Ok(self.text.lock().clone()) } else { Err("no such file".to_owned()) }
    }
}

/// A world whose balancer has constraints in a file.
fn constrained(path: &str) -> WorldConfig {
    let mut options = Options::default();
    options.balancer.period = None;
    options.own.balancer_constraints = Some(path.to_owned());
    WorldConfig { options, ..WorldConfig::default() }
}

#[test]
fn constraints_of_a_file_hold() {
    world_of(constrained("rules"), |world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        let server = join(&world).await;
        let text = format!("forbid t servers {}\n", server.host());
        world.env().set_balancer_sources(Known::new(&text, 2));
        assert!(balance(&world, false, false).await.balancer_ran);
        world.until_idle().await;
        let there = world.env().regions.server_regions(&server);
        assert!(!there.iter().any(|region| !region.table().is_system()), "{}", world.describe());
        check(&world);
    });
}

#[test]
fn new_regions_go_where_constraints_let_them() {
    world_of(constrained("rules"), |world| async move {
        let servers = world.env().servers.assignable();
        let [own, ..] = &servers[..] else { panic!("{servers:?}") };
        let known = Known::new(&format!("group g servers {} tables t v\n", own.host()), 2);
        world.env().set_balancer_sources(Arc::clone(&known) as _);
        create(&world, "t", &SPLIT_KEYS, 1).await;
        create(&world, "u", &SPLIT_KEYS, 1).await;
        let are_on = |world: &World, table: &str, server: &ServerName| {
            let there = world.env().regions.server_regions(server);
            there.iter().filter(|region| region.table().to_string() == table).count()
        };
        assert_eq!((are_on(&world, "t", own), are_on(&world, "u", own)), (12, 0), "{}", world.describe());
        // A file that can't be read leaves what it said before.
        *known.text.lock() = "moves".to_owned();
        create(&world, "v", &SPLIT_KEYS, 1).await;
        assert_eq!(are_on(&world, "v", own), 12, "{}", world.describe());
        // Somebody's wish counts, and a plan doesn't send it elsewhere on the way.
        let region = first_region(&world, "t");
        let procedure = world.env().move_region(&region, Some(servers[1].clone())).unwrap();
        world.run(procedure).await.unwrap();
        assert_eq!(place(&world, &region).as_ref(), Some(&servers[1]), "{}", world.describe());
        // Without the only server that may have them, they are elsewhere: a region is somewhere.
        world.crash_server(own);
        world.until("it is gone", |world| world.env().servers.assignable().len() == 2).await;
        world.until_idle().await;
        let elsewhere: usize = servers[1..].iter().map(|server| are_on(&world, "t", server)).sum();
        assert_eq!(elsewhere, 12, "{}", world.describe());
        check(&world);
    });
}

#[test]
fn constraints_that_cannot_be_read_hold_the_balancer_up() {
    for (path, said) in [("gone", "gone: no such file"), ("rules", "line 2: how many?")] {
        world_of(constrained(path), move |world| async move {
            let error = refused(&world).await;
            assert!(error.contains("reads no files"), "{error}");
            world.env().set_balancer_sources(Known::new("apart replicas\nmoves", 1));
            let error = refused(&world).await;
            assert!(error.contains(said), "{error}");
        });
    }
}

/// What the master says when it doesn't balance.
async fn refused(world: &World) -> String {
    let request = pb::BalanceRequest { ignore_rit: None, dry_run: Some(true) };
    let services = &world.active_master().unwrap().services;
    services.balance(&call(), request).await.unwrap_err().to_string()
}

#[test]
fn hbase_meta_is_alone_when_that_is_wished() {
    let mut config = recording();
    config.options.balancer.period = None;
    let key = "hbase.master.balancer.stochastic.conditionals.isolateMetaTable";
    config.options.balancer_settings.set(key, "true");
    world_of(config, |world| async move {
        create(&world, "t", &SPLIT_KEYS, 1).await;
        let home = |world: &World| {
            let meta = RegionInfo::meta().encoded_name();
            world.env().regions.with(meta, |node| node.location().cloned()).flatten().unwrap()
        };
        let before = home(&world);
        balance(&world, false, false).await;
        world.until_idle().await;
        assert_eq!((regions_on(&world, &before), home(&world)), (1, before), "{}", world.describe());
        check(&world);
    });
}
