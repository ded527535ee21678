//! What goes wrong with processes, and what operators do meanwhile.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hmaster_core::environment::MasterEnv;
use hmaster_core::regions::merge::MergeRegions;
use hmaster_core::regions::split::SplitRegion;
use hmaster_core::step::ProcedureUser;
use hmaster_core::testing::World;
use hmaster_types::{Chance, RegionInfo, RegionState, ServerName, TableState};
use tokio::task::JoinHandle;

use crate::clients::Clients;

/// One seed's troubles.
pub(crate) struct Chaos {
    world: World,
    clients: Rc<Clients>,
    chance: Chance,
    servers: usize,
    paused: Vec<ServerName>,
    /// What becomes of masters that were held up.
    hung: Vec<JoinHandle<()>>,
    /// Some operator has closed regions.
    has_closed: Cell<bool>,
}

impl Chaos {
    pub(crate) fn new(world: World, clients: Rc<Clients>, chance: Chance, servers: usize) -> Self {
        Self {
            world,
            clients,
            chance,
            servers,
            paused: Vec::new(),
            hung: Vec::new(),
            has_closed: Cell::new(false),
        }
    }

    /// Something happens.
    pub(crate) fn act(&mut self) {
        match self.chance.below(28) {
            0..=4 => (0..5).for_each(|_| self.clients.write()),
            5 | 6 => self.world.flush_some(),
            7 => self.crash_server(),
            8 => self.pause_server(),
            9 => self.resume_server(),
            10 => self.kill_master(),
            11 => self.world.crash_after(1 + self.chance.below(30)),
            12 | 13 => self.operate(Operation::Move),
            14 => self.operate(Operation::Split),
            15 => self.operate(Operation::Merge),
            16 => self.operate(Operation::Tidy),
            17 => self.drain(),
            18 => self.start_servers(),
            19 | 20 => self.world.compact_some(),
            21 | 22 => self.hang_master(),
            23 => self.step_clock(),
            24 => self.operate(Operation::Unassign),
            25 => self.operate(Operation::Assign),
            26 if self.chance.happens(0.3) => self.operate(Operation::Recover),
            _ => {}
        }
        self.start_master();
    }

    fn some_server(&self) -> Option<ServerName> {
        let up = self.world.with(|state| state.servers_up());
        up.get(self.chance.below(up.len())).cloned()
    }

    fn crash_server(&self) {
        let Some(server) = self.some_server() else { return };
        self.world.crash_server(&server);
        if self.chance.happens(0.5) {
            self.restart(&server);
        }
    }

    /// The next life at the same address.
    fn restart(&self, server: &ServerName) {
        let number = server.host().trim_start_matches("server").parse().unwrap();
        self.world.start_server(number);
    }

    fn pause_server(&mut self) {
        let Some(server) = self.some_server() else { return };
        self.world.pause_server(&server, true);
        if self.chance.happens(0.7) {
            self.world.end_session(&server, Duration::from_millis(self.chance.bits() % 5000));
        }
        self.paused.push(server);
    }

    fn resume_server(&mut self) {
        if let Some(server) = self.paused.pop() {
            self.world.pause_server(&server, false);
        }
    }

    /// Some master is there, sooner or later; its clock may be off.
    fn start_master(&self) {
        if let Some(master) = self.world.active_master() {
            // One that has died of a change it made is noticed by the loss of its session.
            if master.life().is_cancelled() {
                self.world.kill_master();
            }
        }
        if self.world.active_master().is_none() && self.chance.happens(0.6) {
            let master = self.world.start_master();
            if self.chance.happens(0.3) {
                master.clock.set_offset_ms((self.chance.bits() % 20_000).cast_signed() - 10_000);
            }
        }
    }

    fn kill_master(&self) {
        self.world.kill_master();
    }

    /// The master is held up, as by a virtual machine that moves. Often for so long that another takes over, and when it
    /// goes on it doesn't know that yet.
    fn hang_master(&mut self) {
        let Some(master) = self.world.active_master() else { return };
        let (before, after) = (self.chance.bits() % 6000, self.chance.bits() % 6000);
        let is_deposed = self.chance.happens(0.7);
        let world = self.world.clone();
        world.pause_master(&master, true);
        self.hung.push(tokio::spawn(async move {
            world.pass(before).await;
            if is_deposed {
                world.depose(&master);
                world.pass(after).await;
                world.wake_deposed(&master).await;
            } else {
                world.pause_master(&master, false);
            }
        }));
    }

    /// The master's clock jumps.
    fn step_clock(&self) {
        if let Some(master) = self.world.active_master() {
            master.clock.set_offset_ms((self.chance.bits() % 20_000).cast_signed() - 10_000);
        }
    }

    fn drain(&self) {
        let Some(server) = self.some_server() else { return };
        self.world.with(|state| {
            if !state.znodes.draining.remove(&server) && state.znodes.draining.is_empty() {
                state.znodes.draining.insert(server);
            }
        });
        self.world.show_znodes();
    }

    /// As many servers as there were.
    fn start_servers(&self) {
        let up: Vec<_> = self.world.with(|state| state.servers_up());
        for number in 0..self.servers {
            if !up.iter().any(|server| server.host() == format!("server{number}")) {
                self.world.start_server(number);
            }
        }
    }

    /// An operator does something and doesn't look what becomes of it.
    fn operate(&self, operation: Operation) {
        let env = self.world.active_master().and_then(|master| master.env().ok());
        let Some(env) = env.filter(|env| env.conditions.is_initialized()) else { return };
        let mut regions = env.regions.table_regions(&self.clients.some_table());
        if self.chance.happens(0.2) {
            regions.extend(env.regions.get(RegionInfo::meta().encoded_name()));
        }
        let at = self.chance.below(regions.len());
        let regions: Vec<_> =
            regions[at.min(regions.len())..].iter().map(|node| node.info().clone()).collect();
        let row = (b'a' + self.chance.below(26) as u8) as char;
        self.has_closed.set(self.has_closed.get() || matches!(operation, Operation::Unassign));
        let server = self.some_server();
        tokio::spawn(async move {
            let shutdown = env.shutdown.clone();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                () = operation.carry_out(&env, &regions, row, server) => {}
            }
        });
    }

    /// Nothing goes wrong from now on, and everybody is there.
    pub(crate) async fn heal(&mut self) {
        self.world.with(|state| {
            state.faults.heal();
            state.znodes.draining.clear();
        });
        self.world.changes();
        self.world.show_znodes();
        while !self.paused.is_empty() {
            self.resume_server();
        }
        for hung in std::mem::take(&mut self.hung) {
            // It ends by itself.
            let _ = hung.await;
        }
        // Those that were held up for too long find out.
        self.world.pass(15_000).await;
        self.ensure_everybody();
    }

    fn ensure_everybody(&self) {
        self.start_servers();
        let is_dead = self.world.active_master().is_none_or(|master| master.life().is_cancelled());
        if is_dead {
            self.world.kill_master();
            self.world.start_master();
        }
    }

    /// Everything comes to rest.
    pub(crate) async fn settle(&self) {
        for _ in 0..3 {
            self.ensure_everybody();
            self.world.until_initialized().await;
            let recovered = |world: &World| {
                let Some(env) = world.active_master().and_then(|master| master.env().ok()) else {
                    return false;
                };
                let up = world.with(|state| state.servers_up());
                let mut online = env.servers.online().into_iter();
                online.all(|(server, _)| up.contains(&server)) && !env.servers.is_recovering_any()
            };
            self.world.until("all dead servers are recovered", recovered).await;
            self.world.until_idle().await;
            // What operators have closed they open again.
            if self.has_closed.get() {
                assign_closed(&self.world.env()).await;
            }
            self.world.pass(10_000).await;
        }
        self.world.until_idle().await;
    }
}

/// What operators do.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Move,
    Split,
    Merge,
    Tidy,
    Unassign,
    Assign,
    Recover,
}

/// Opens what somebody has closed.
async fn assign_closed(env: &MasterEnv) {
    let mut closed = Vec::new();
    env.regions.for_each(|node| {
        if node.state() == RegionState::Closed && !node.is_split() {
            closed.push(node.info().clone());
        }
    });
    closed.retain(|region| env.tables.is_in(region.table(), &[TableState::Enabled]));
    closed.sort();
    for region in closed {
        if let Ok(assigned) = env.assign(&region, None, false) {
            let _ = env.submit(assigned).await;
        }
    }
}

impl Operation {
    /// What is refused is refused.
    async fn carry_out(self, env: &MasterEnv, regions: &[RegionInfo], row: char, server: Option<ServerName>) {
        let Some(first) = regions.first() else { return };
        match self {
            Self::Move => {
                if let Ok(moved) = env.move_region(first, None) {
                    let _ = env.submit(moved).await;
                }
            }
            Self::Split => {
                let row = row.to_string().into_bytes().into();
                if let Ok(split) =
                    SplitRegion::procedure(env, ProcedureUser::master(), first, Some(row)).await
                {
                    let _ = env.submit(split).await;
                }
            }
            Self::Merge => {
                let pair: Vec<_> = regions.iter().take(2).cloned().collect();
                if let Ok(merge) = MergeRegions::procedure(env, ProcedureUser::master(), pair, false) {
                    let _ = env.submit(merge).await;
                }
            }
            Self::Tidy => drop(env.scan_catalog().await),
            Self::Unassign if first.is_meta() => {}
            Self::Unassign => {
                if let Ok(unassigned) = env.unassign(first) {
                    let _ = env.submit(unassigned).await;
                }
            }
            Self::Assign => assign_closed(env).await,
            Self::Recover => {
                if let Some(server) = server {
                    env.expire_by_order(&server).await;
                }
            }
        }
    }
}
