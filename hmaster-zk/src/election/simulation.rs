//! Masters that come and go at random while ZooKeeper's connections fail at random. At every moment at most one lease is
//! valid, and once the faults end someone is active.
//!
//! Sessions expire only by their timeout here: against servers that drop a session early no lease helps.

use std::time::Duration;

use hmaster_types::Chance;
use tokio::time::{Instant, timeout};

use super::tests::{Bench, Candidate};
use super::*;
use crate::lease::SessionLease;
use crate::memory::Faults;
use crate::session::ZkSession as _;

const MASTERS: usize = 3;

struct Run {
    seed: u64,
    chance: Chance,
    bench: Bench,
    masters: Vec<Option<Candidate>>,
    start_codes: usize,
    /// Every lease there was, with the epoch it came with.
    leases: Vec<(SessionLease, Zxid)>,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let chance = Chance::seeded(seed);
        let bench = Bench::new(chance.bits()).await;
        let masters = (0..MASTERS).map(|_| None).collect();
        Self { seed, chance, bench, masters, start_codes: 0, leases: Vec::new() }
    }

    fn start(&mut self, at: usize, faults: Faults) {
        self.start_codes += 1;
        let name = format!("host-{at},16000,{}", self.start_codes);
        let backup = self.chance.happens(0.2);
        self.masters[at] = Some(self.bench.start(&name, backup, faults));
    }

    /// Looks at every master: notes new leases, drops who has ended.
    fn look(&mut self) {
        for master in &mut self.masters {
            let Some(candidate) = master else { continue };
            let role = candidate.elector.role().borrow().clone();
            match role {
                Role::Active(active) if !self.leases.iter().any(|(_, epoch)| *epoch == active.epoch) => {
                    let newest = self.leases.iter().map(|(_, epoch)| *epoch).max();
                    assert!(newest < Some(active.epoch), "seed {}: an epoch came back", self.seed);
                    self.leases.push((active.lease, active.epoch));
                }
                Role::Ended(_) => *master = None,
                _ => {}
            }
        }
        let valid = self.leases.iter().filter(|(lease, _)| lease.valid()).count();
        assert!(valid <= 1, "seed {}: {valid} masters are active", self.seed);
    }

    async fn stir(&mut self) {
        let at = self.chance.below(MASTERS);
        let Some(candidate) = &self.masters[at] else {
            let faults =
                Faults { delay_max: Duration::from_millis(100), reset_probability: 0.02, ..Faults::NONE };
            return self.start(at, faults);
        };
        let session = candidate.session.id();
        match self.chance.below(10) {
            0 => drop(candidate.elector.stop().await),
            1 | 2 => self.masters[at] = None,
            3 => self.bench.ensemble.reset(session),
            4..=6 => self.bench.ensemble.partition(session),
            _ => self.bench.ensemble.heal(session),
        }
    }

    /// Ends all faults; someone must become active.
    async fn settle(&mut self) {
        for at in 0..MASTERS {
            match &self.masters[at] {
                Some(candidate) => {
                    self.bench.ensemble.set_faults(candidate.session.id(), Faults::NONE);
                    self.bench.ensemble.heal(candidate.session.id());
                }
                None => self.start(at, Faults::NONE),
            }
        }
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            self.look();
            if self.leases.iter().any(|(lease, _)| lease.valid()) {
                return;
            }
            for at in 0..MASTERS {
                if self.masters[at].is_none() {
                    self.start(at, Faults::NONE);
                }
            }
            assert!(Instant::now() < deadline, "seed {}: nobody is active", self.seed);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn never_two_and_at_last_one() {
    let mut takeovers = 0;
    for seed in 0..40 {
        let mut run = Run::new(seed).await;
        for _ in 0..60 {
            timeout(Duration::from_secs(60), run.stir()).await.expect("nothing hangs");
            let pause = run.chance.below(8_000) as u64;
            let end = Instant::now() + Duration::from_millis(pause);
            while Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(250)).await;
                run.look();
            }
        }
        run.settle().await;
        takeovers += run.leases.len() - 1;
    }
    assert!(takeovers > 200, "only {takeovers}: the runs prove little");
}
