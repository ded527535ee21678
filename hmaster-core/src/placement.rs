//! Finds servers for regions that are nowhere. Counterpart of `AssignmentManager.processAssignQueue`.
//!
//! Requests that come together are answered together, so that the balancer can spread them. Unlike Java's queue, nothing
//! waits for a fixed time: what is there is taken. The balancer's constraints hold here, too ([`allowed`]).

mod allowed;

use std::collections::HashMap;
use std::sync::Arc;

use hmaster_balancer::{LoadBalancer, Placement, Replicas};
use hmaster_types::{RegionInfo, ServerName};
use tokio::sync::{mpsc, oneshot};

use crate::environment::MasterEnv;
use allowed::Allowed;

/// Requests that wait to be answered; more wait for room.
const REQUESTS_WAITING_MAX: usize = 100_000;

/// Asks for servers.
#[derive(Debug)]
pub struct Placer {
    requests: mpsc::Sender<Request>,
}

/// Answers, see [`PlacerTask::run`].
#[derive(Debug)]
pub struct PlacerTask {
    requests: mpsc::Receiver<Request>,
}

#[derive(Debug)]
struct Request {
    region: RegionInfo,
    /// Where the region was or should be.
    wish: Option<ServerName>,
    answer: oneshot::Sender<Option<ServerName>>,
}

impl Placer {
    /// A placer, and the task that has to run for it to answer.
    pub fn new() -> (Self, PlacerTask) {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        (Self { requests }, PlacerTask { requests: waiting })
    }

    /// A server for `region`: the one wished for if it can have regions, one on its host if not, and else whichever the
    /// balancer says. None while there is no server, or the master stops.
    pub async fn choose(
        &self,
        env: &MasterEnv,
        region: &RegionInfo,
        wish: Option<&ServerName>,
    ) -> Option<ServerName> {
        if env.servers.assignable().is_empty() {
            return None;
        }
        let (answer, chosen) = oneshot::channel();
        let request = Request { region: region.clone(), wish: wish.cloned(), answer };
        self.requests.send(request).await.ok()?;
        chosen.await.ok().flatten()
    }
}

impl PlacerTask {
    /// Answers requests until the master stops.
    pub async fn run(mut self, env: Arc<MasterEnv>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = env.shutdown.cancelled() => return,
                count = self.requests.recv_many(&mut batch, REQUESTS_WAITING_MAX) => if count == 0 { return },
            }
            answer(&env, std::mem::take(&mut batch)).await;
        }
    }
}

async fn answer(env: &MasterEnv, batch: Vec<Request>) {
    let servers = env.servers.assignable();
    let (system, user): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|request| request.region.table().is_system());
    if !system.is_empty() {
        place(env, system, &newest(env, &servers)).await;
    }
    if !user.is_empty() {
        place(env, user, &servers).await;
    }
}

/// System tables go to the servers of the newest version, so that an old server never has to read what a new one wrote.
fn newest(env: &MasterEnv, servers: &[ServerName]) -> Vec<ServerName> {
    let versions: std::collections::BTreeMap<_, _> =
        env.servers.online().into_iter().map(|(server, online)| (server, online.version.number)).collect();
    let version_of = |server: &ServerName| versions.get(server).copied().unwrap_or(0);
    let newest = servers.iter().map(version_of).max().unwrap_or(0);
    servers.iter().filter(|server| version_of(server) == newest).cloned().collect()
}

/// Answers requests with servers among `servers`, as far as constraints allow these.
async fn place(env: &MasterEnv, requests: Vec<Request>, servers: &[ServerName]) {
    let allowed = Allowed::new(env, servers).await;
    for (servers, mut requests) in allowed.by_servers(requests, |request| request.region.table()) {
        // A server that was named and is up was chosen by somebody: an operator, a plan, or whoever had the region there.
        let chosen: Vec<_> =
            requests.extract_if(.., |request| allowed.is_beyond(request.wish.as_ref(), &servers)).collect();
        for Request { wish, answer, .. } in chosen {
            // Whoever asked may have gone.
            let _ = answer.send(wish);
        }
        place_freely(env, requests, &servers);
    }
}

fn place_freely(env: &MasterEnv, requests: Vec<Request>, servers: &[ServerName]) {
    let replicas = replicas(env, requests.iter().map(|request| &request.region));
    let cluster = Placement { servers, replicas, chance: &env.chance };
    let (wished, mut free): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.wish.is_some());
    free.sort_by(|a, b| a.region.cmp(&b.region));
    let wished: Vec<_> = wished
        .into_iter()
        .filter_map(|request| Some((request.region.clone(), request.wish.clone()?)))
        .collect();
    let free: Vec<_> = free.into_iter().map(|request| request.region.clone()).collect();
    let mut plan = env.balancer.retain(&wished, &cluster);
    plan.extend(env.balancer.round_robin(&free, &cluster));
    let mut plan: HashMap<_, _> = plan.into_iter().collect();
    for request in requests {
        // Whoever asked may have gone.
        let _ = request.answer.send(plan.remove(&request.region));
    }
}

/// Where copies of the regions are, for tables that have copies.
fn replicas<'a>(env: &MasterEnv, regions: impl Iterator<Item = &'a RegionInfo>) -> Replicas {
    let mut replicas = Replicas::default();
    for region in regions {
        let copies = env.schemas.get(region.table()).map_or(1, |schema| schema.region_replication());
        for id in (0..copies).filter(|id| copies > 1 && *id != region.replica_id()) {
            let copy = region.with_replica(id);
            let place = env.regions.with(copy.encoded_name(), |node| node.location().cloned()).flatten();
            if let Some(server) = place {
                replicas.add(&copy, &server);
            }
        }
    }
    replicas
}

impl MasterEnv {
    /// Whether a region may be on a server: system tables stay on servers of the newest version.
    pub(crate) fn may_carry(&self, server: &ServerName, region: &RegionInfo) -> bool {
        let online: Vec<_> = self.servers.online().into_iter().map(|(server, _)| server).collect();
        !region.table().is_system() || newest(self, &online).contains(server)
    }

    /// A server that a region can go to, other than the one it is on. Counterpart of `randomAssignment`.
    pub(crate) async fn other_server(
        &self,
        region: &RegionInfo,
        than: Option<&ServerName>,
    ) -> Option<ServerName> {
        let mut servers = self.servers.assignable();
        if region.table().is_system() {
            servers = newest(self, &servers);
        }
        servers.retain(|server| Some(server) != than);
        let replicas = replicas(self, std::iter::once(region));
        let plan = self.spread(std::slice::from_ref(region), &servers, &replicas).await;
        plan.into_values().next()
    }

    /// Servers for new regions, spread over all that may have them.
    pub(crate) async fn places_of_new(&self, regions: &[RegionInfo]) -> HashMap<RegionInfo, ServerName> {
        self.spread(regions, &self.servers.assignable(), &Replicas::default()).await
    }

    async fn spread(
        &self,
        regions: &[RegionInfo],
        servers: &[ServerName],
        replicas: &Replicas,
    ) -> HashMap<RegionInfo, ServerName> {
        let allowed = Allowed::new(self, servers).await;
        let mut plan = HashMap::with_capacity(regions.len());
        for (servers, regions) in allowed.by_servers(regions.to_vec(), RegionInfo::table) {
            let cluster = Placement { servers: &servers, replicas: replicas.clone(), chance: &self.chance };
            plan.extend(self.balancer.round_robin(&regions, &cluster));
        }
        plan
    }
}

/// The plain balancer, until another is set.
pub fn default_balancer() -> Arc<dyn LoadBalancer> {
    Arc::new(hmaster_balancer::RoundRobin)
}
