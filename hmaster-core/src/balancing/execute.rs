//! Carries a plan out. Counterpart of `HMaster.executeRegionPlansWithThrottling`.

use std::time::Duration;

use hmaster_balancer::{Plan, State};
use hmaster_types::{RegionInfo, ServerName};
use tokio::time::Instant;

use super::snapshot::Snapshot;
use crate::environment::MasterEnv;

/// How often it is looked whether the next region may move.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How fast regions are moved.
#[derive(Debug, Clone, Copy)]
struct Pace {
    begin: Instant,
    /// Between two moves, unless nothing is in transition.
    interval: Duration,
    /// No move is begun later. None is Java's 0: no bound, no pauses.
    time_max: Option<Duration>,
    in_transition_max: usize,
}

impl MasterEnv {
    /// Begins the moves of a plan one after another; gives how many.
    pub(super) async fn carry_out(&self, snapshot: &Snapshot, plan: &Plan) -> u32 {
        if plan.moves.is_empty() {
            return 0;
        }
        let state = State::new(&snapshot.cluster, &snapshot.config);
        let pace = self.pace(plan.moves.len());
        tracing::info!(
            moves = plan.moves.len(),
            ?pace,
            before = plan.before.imbalance,
            after = plan.after.imbalance,
            "balancing"
        );
        let mut end =
            tracing::enabled!(tracing::Level::DEBUG).then(|| plan.apply(&snapshot.cluster, &snapshot.config));
        let mut servers = self.servers.assignable();
        servers.sort();
        let (mut begun, mut number) = (0, 0);
        for planned in plan.ordered(&state) {
            number += 1;
            let region = &snapshot.regions[planned.region.0 as usize];
            let name = |server| &snapshot.cluster.server(server).name;
            if let Some(reason) = end.as_mut().and_then(|end| plan.why_moved(end, planned.region)) {
                tracing::debug!(%region, reason = reason.text(&snapshot.cluster), "why it moves");
            }
            begun += u32::from(self.begin_move(region, name(planned.from), name(planned.to)).await);
            if !self.keep_pace(pace, number).await {
                break;
            }
            let mut now = self.servers.assignable();
            now.sort();
            if now != servers {
                tracing::info!(begun, "the plan is dropped: servers have come or gone");
                break;
            }
        }
        begun
    }

    fn pace(&self, moves: usize) -> Pace {
        let options = &self.options.balancer;
        let time_max = options.time_max.or(options.period).filter(|time| !time.is_zero());
        let regions = self.regions.len() as f64;
        Pace {
            begin: Instant::now(),
            interval: time_max.unwrap_or_default() / u32::try_from(moves).unwrap_or(u32::MAX),
            time_max,
            in_transition_max: ((regions * options.rit_part_max).floor() as usize).max(1),
        }
    }

    /// True when the move was begun: the region is still where the plan had it, and nobody else has it in hand.
    async fn begin_move(&self, region: &RegionInfo, from: &ServerName, to: &ServerName) -> bool {
        let is_there =
            self.regions.with(region.encoded_name(), |node| node.location() == Some(from)).unwrap_or(false);
        if !is_there {
            tracing::info!(%region, "not moved: it isn't where it was");
            return false;
        }
        let procedure = match self.move_region(region, Some(to.clone())) {
            Ok(procedure) => procedure,
            Err(error) => {
                tracing::info!(%region, %error, "not moved");
                return false;
            }
        };
        tracing::debug!(%region, %from, %to, "balance");
        match self.submit(procedure).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%region, %error, "not moved");
                false
            }
        }
    }

    /// Waits until the next move may begin; false when there is to be none.
    async fn keep_pace(&self, pace: Pace, begun: u32) -> bool {
        let Some(time_max) = pace.time_max else { return !self.shutdown.is_cancelled() };
        let next = pace.interval * begun;
        while pace.begin.elapsed() < next && self.regions.in_transition_count() > 0 {
            if !self.pause(LOOK_INTERVAL).await {
                return false;
            }
        }
        while self.regions.in_transition_count() >= pace.in_transition_max && pace.begin.elapsed() <= time_max
        {
            if !self.pause(LOOK_INTERVAL).await {
                return false;
            }
        }
        pace.begin.elapsed() <= time_max && !self.shutdown.is_cancelled()
    }
}
