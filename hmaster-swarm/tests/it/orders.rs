//! Single light servers: what they do with orders, and how they end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_protocol::pb::remote_procedure_result::Status;
use hmaster_rpc::client::{AdminStub, CallOptions};
use hmaster_sim::End;
use hmaster_sim::carrier::Running;
use hmaster_swarm::{Common, Faults, Light};
use hmaster_types::{Address, Chance, RegionInfo, SystemClock, class};
use hmaster_zk::{RegionServerInfo, Znode, znode};

use crate::cluster::{Cluster, Master, Told, close_at, get_request, open_at};

/// A light server that a master knows. Dropped in the order in which it is taken apart.
struct One {
    cluster: Cluster,
    master: Master,
    light: Running<Light>,
    admin: AdminStub,
    start_code: u64,
    region: RegionInfo,
}

async fn launch(cluster: &Cluster, sessions_expire: bool) -> Running<Light> {
    let root = cluster.root.uri().to_string();
    let config = cluster.configuration(&[("hbase.rootdir", &root)]);
    let common =
        Common::new(&config, Arc::new(SystemClock), Chance::seeded(1), sessions_expire).await.unwrap();
    Light::launch(&Arc::new(common), 0, Faults::default()).unwrap()
}

impl One {
    async fn new(sessions_expire: bool) -> Self {
        let cluster = Cluster::new().await;
        let master = cluster.master().await;
        cluster.up().await;
        let light = launch(&cluster, sessions_expire).await;
        let online = tokio::time::timeout(std::time::Duration::from_secs(120), light.online()).await;
        let name = online.expect("in time").unwrap();
        let address: Address = light.address().to_string().parse().unwrap();
        let admin = cluster.rpc.admin(address, CallOptions::default());
        let region = RegionInfo::builder("t".parse().unwrap()).region_id(1).build();
        Self { start_code: name.start_code().0, cluster, master, light, admin, region }
    }

    async fn order_to_open(&self, procedure: i64) {
        let order = open_at(self.start_code, &self.region, procedure);
        self.admin.execute_procedures(&order).await.unwrap();
    }

    async fn order_to_close(&self, procedure: i64) {
        let order = close_at(self.start_code, &self.region, procedure, None);
        self.admin.execute_procedures(&order).await.unwrap();
    }

    async fn hears(&mut self, code: TransitionCode, procedure: i64) -> pb::RegionStateTransition {
        let (heard, transition) = self.master.hears_transition().await;
        assert_eq!((heard, &*transition.proc_id), (code, &[procedure][..]));
        transition
    }

    async fn znode(&self) -> Option<Znode> {
        let name = self.light.server().name().unwrap();
        let zk = &self.cluster.zk;
        zk.get(&znode::join(&zk.paths.rs, name.as_str())).await.unwrap()
    }
}

#[tokio::test]
async fn a_master_sees_a_region_server() {
    let mut one = One::new(false).await;
    let info: RegionServerInfo = one.znode().await.unwrap().decode().unwrap();
    assert_eq!(info.version.unwrap().version, hmaster_swarm::LIGHT_VERSION);
    let startup = one.master.hears(|told| match told {
        Told::Startup(startup) => Some(startup),
        _ => None,
    });
    assert_eq!(startup.await.server_start_code, one.start_code);
    one.order_to_open(1).await;
    let opened = one.hears(TransitionCode::Opened, 1).await;
    let load = loop {
        let load = one.master.hears_report().await.load.unwrap();
        if !load.region_loads.is_empty() {
            break load;
        }
    };
    assert_eq!(load.region_loads[0].region_specifier.value, one.region.name().as_bytes());
    let online = one.admin.get_online_region(&pb::GetOnlineRegionRequest {}).await.unwrap();
    assert_eq!(online.region_info.len(), 1);
    one.order_to_close(2).await;
    one.hears(TransitionCode::Closed, 2).await;
    one.order_to_open(3).await;
    let again = one.hears(TransitionCode::Opened, 3).await;
    assert!(again.open_seq_num > opened.open_seq_num && opened.open_seq_num.is_some());
}

#[tokio::test]
async fn an_order_that_comes_twice_is_carried_out_once() {
    let mut one = One::new(false).await;
    one.order_to_open(1).await;
    one.order_to_open(1).await;
    one.hears(TransitionCode::Opened, 1).await;
    one.order_to_open(1).await;
    // It is open already: nothing to report.
    one.order_to_open(2).await;
    one.order_to_close(3).await;
    one.hears(TransitionCode::Closed, 3).await;
    // An order after the closing that was given before it.
    one.order_to_close(3).await;
    one.order_to_open(1).await;
    one.order_to_open(4).await;
    one.hears(TransitionCode::Opened, 4).await;
}

#[tokio::test]
async fn an_order_for_another_life_is_refused() {
    let one = One::new(false).await;
    let other = open_at(one.start_code - 1, &one.region, 1);
    let refused = one.admin.execute_procedures(&other).await.unwrap_err();
    assert!(refused.exception().unwrap().message.contains("different server"), "{refused}");
    assert_eq!((one.light.server().region_count(), one.light.server().transition_count()), (0, 0));
}

#[tokio::test]
async fn a_report_finds_the_master_that_comes_next() {
    let One { cluster, master, light, admin, start_code, region } = One::new(false).await;
    drop(master);
    cluster.zk.delete_if_present(&cluster.zk.paths.master).await.unwrap();
    admin.execute_procedures(&open_at(start_code, &region, 1)).await.unwrap();
    let next = cluster.master().await;
    next.script.refusals.lock().extend([class::SERVER_NOT_RUNNING_YET, class::PLEASE_HOLD, class::IO]);
    let mut one = One { cluster, master: next, light, admin, start_code, region };
    one.hears(TransitionCode::Opened, 1).await;
}

#[tokio::test]
async fn a_server_that_the_master_calls_dead_ends() {
    let one = One::new(false).await;
    one.master.script.says_dead.store(true, Ordering::SeqCst);
    let end = one.light.stopped().await;
    assert!(matches!(&end, End::Aborted(why) if why.contains("YouAreDead")), "{end}");
    assert!(one.admin.get_online_region(&pb::GetOnlineRegionRequest {}).await.is_err());
}

#[tokio::test]
async fn a_server_without_session_ends() {
    let one = One::new(false).await;
    let owner = one.znode().await.unwrap().stat.ephemeral_owner.unwrap();
    assert!(one.cluster.zk_server.expire_session(owner.0).await);
    let end = one.light.stopped().await;
    assert!(matches!(&end, End::Aborted(why) if why.contains("ZooKeeper")), "{end}");
}

#[tokio::test]
async fn a_server_that_stops_leaves_nothing() {
    let mut one = One::new(false).await;
    let wals = one.cluster.root.layout().wals_of(one.light.server().name().unwrap());
    let exists = async |one: &One| one.cluster.root.wal_file_system().exists(&wals).await.unwrap();
    assert!(exists(&one).await);
    one.order_to_open(1).await;
    one.hears(TransitionCode::Opened, 1).await;
    one.light.server().stop("it is enough");
    one.hears(TransitionCode::Closed, -1).await;
    assert!(matches!(one.light.stopped().await, End::Stopped(_)));
    assert!(!exists(&one).await && one.znode().await.is_none());
}

#[tokio::test]
async fn the_session_of_one_that_is_killed_ends_or_runs_out() {
    for sessions_expire in [false, true] {
        let One { cluster, master, light, .. } = One::new(sessions_expire).await;
        let path = znode::join(&cluster.zk.paths.rs, light.server().name().unwrap().as_str());
        light.abort().await;
        let mut tracker = hmaster_zk::tracker::NodeTracker::new(cluster.zk.clone(), &path);
        if sessions_expire {
            let owner = tracker.next().await.unwrap().expect("left to run out").stat.ephemeral_owner.unwrap();
            assert!(cluster.zk_server.expire_session(owner.0).await);
        }
        while tracker.next().await.unwrap().is_some() {}
        drop(master);
    }
}

#[tokio::test]
async fn what_would_need_rows_is_refused() {
    let mut one = One::new(false).await;
    one.order_to_open(1).await;
    one.hears(TransitionCode::Opened, 1).await;
    let address: Address = one.light.address().to_string().parse().unwrap();
    let rows = one.cluster.rpc.rows(address, CallOptions::default());
    let refused = rows.get(&get_request(&one.region, "r"), Vec::new()).await.unwrap_err();
    assert!(refused.exception().unwrap().message.contains("no rows"), "{refused}");

    let meta = open_at(one.start_code, &RegionInfo::meta(), 2);
    one.admin.execute_procedures(&meta).await.unwrap();
    one.hears(TransitionCode::FailedOpen, 2).await;

    for (id, class) in ["SplitWALCallable", "RefreshPeerCallable"].iter().enumerate() {
        let order = pb::RemoteProcedureRequest {
            proc_id: 10 + id as u64,
            proc_class: format!("org.apache.hadoop.hbase.regionserver.{class}"),
            proc_data: None,
            initiating_master_active_time: Some(77),
        };
        let request = pb::ExecuteProceduresRequest { proc: vec![order], ..Default::default() };
        one.admin.execute_procedures(&request).await.unwrap();
        let result = one.master.hears(|told| match told {
            Told::Done(result) => Some(result),
            _ => None,
        });
        let result = result.await;
        assert_eq!((result.proc_id, result.status()), (10 + id as u64, Status::Error), "{class}");
    }
}

#[tokio::test]
async fn one_that_hangs_says_nothing_until_it_goes_on() {
    let mut one = One::new(false).await;
    one.light.server().hang(true);
    let order = open_at(one.start_code, &one.region, 1);
    let admin = one.admin.clone();
    let calling = tokio::spawn(async move { admin.execute_procedures(&order).await });
    // Another server is heard meanwhile, again and again.
    let other = launch(&one.cluster, false).await;
    let other_code = other.online().await.unwrap().start_code().0;
    for _ in 0..3 {
        while one.master.hears_report().await.server.start_code() != other_code {}
    }
    assert!(!calling.is_finished());
    one.light.server().hang(false);
    calling.await.unwrap().unwrap();
    one.hears(TransitionCode::Opened, 1).await;
}
