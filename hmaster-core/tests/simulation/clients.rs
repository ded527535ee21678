//! Clients: each has a table or a namespace of its own, which it creates, changes and deletes, and remembers what it was
//! told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hmaster_core::testing::{MasterProcess, World};
use hmaster_procedure::Status;
use hmaster_types::{Chance, JavaException, ProcId, TableName, TableState, class};
use tokio::task::{JoinHandle, LocalSet};

use crate::wishes::{NamespaceWish, Request, Wish};

const TABLES: [&str; 3] = ["t0", "t1", "t2"];
const NAMESPACE: &str = "n";
const KEYS: [&str; 6] = ["c", "f", "k", "p", "s", "w"];
/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(60);

/// All clients.
pub(crate) struct Clients {
    world: World,
    chance: Chance,
    stopping: Cell<bool>,
    nonces: Cell<u64>,
    /// What they were told last of each table; none for one that doesn't exist.
    told: RefCell<BTreeMap<&'static str, Option<TableState>>>,
    has_namespace: Cell<bool>,
    /// Tables whose rows go now, or are gone.
    losing_rows: RefCell<BTreeMap<&'static str, bool>>,
    wrong: RefCell<Vec<String>>,
    local: LocalSet,
}

impl Clients {
    pub(crate) fn new(world: World, chance: Chance) -> Self {
        Self {
            world,
            chance,
            stopping: Cell::new(false),
            nonces: Cell::new(0),
            told: RefCell::default(),
            has_namespace: Cell::new(false),
            losing_rows: RefCell::default(),
            wrong: RefCell::default(),
            local: LocalSet::new(),
        }
    }

    pub(crate) fn start(self: &Rc<Self>) -> Vec<JoinHandle<()>> {
        let mut all: Vec<_> =
            TABLES.map(|table| self.local.spawn_local(self.clone().own_table(table))).into();
        all.push(self.local.spawn_local(self.clone().own_namespace()));
        all
    }

    pub(crate) fn stop(&self) {
        self.stopping.set(true);
    }

    /// Clients run only while somebody waits here.
    pub(crate) async fn run_until<T>(&self, work: impl Future<Output = T>) -> T {
        self.local.run_until(work).await
    }

    async fn own_table(self: Rc<Self>, table: &'static str) {
        while !self.stopping.get() {
            let state = self.told.borrow().get(table).copied().flatten();
            let wish = Wish::any(state, &self.chance);
            self.losing_rows.borrow_mut().insert(table, wish.takes_rows());
            if wish.takes_rows() {
                self.world.forget_rows(&name(table));
            }
            let split_keys: Vec<_> = KEYS.into_iter().filter(|_| self.chance.happens(0.5)).collect();
            let request = Request { table: name(table), nonce: self.next_nonce(), split_keys };
            let done = self.persist(async |master| wish.ask(master, request.clone()).await).await;
            tracing::debug!(table, ?wish, ?done, "a client was told");
            match done {
                Ok(()) => drop(self.told.borrow_mut().insert(table, wish.leaves(state))),
                Err(error) if wish.is_wrong(&error) => {
                    let wrong = format!("{wish:?} of {table}, which is {state:?}, is refused: {error}");
                    self.wrong.borrow_mut().push(wrong);
                }
                Err(_) => {}
            }
            self.losing_rows.borrow_mut().insert(table, false);
            self.world.pass(self.chance.bits() % 4000).await;
        }
    }

    async fn own_namespace(self: Rc<Self>) {
        while !self.stopping.get() {
            let wish = match (self.has_namespace.get(), self.chance.below(2)) {
                (false, _) => NamespaceWish::Create,
                (true, 0) => NamespaceWish::Modify,
                (true, _) => NamespaceWish::Delete,
            };
            let nonce = self.next_nonce();
            let done = self.persist(async |master| wish.ask(master, NAMESPACE, nonce).await).await;
            match done {
                Ok(()) => self.has_namespace.set(wish != NamespaceWish::Delete),
                Err(error) => {
                    if error.is(class::NAMESPACE_EXIST) || error.is(class::NAMESPACE_NOT_FOUND) {
                        self.wrong
                            .borrow_mut()
                            .push(format!("{wish:?} of the namespace is refused: {error}"));
                    }
                }
            }
            self.world.pass(self.chance.bits() % 8000).await;
        }
    }

    fn next_nonce(&self) -> u64 {
        self.nonces.set(self.nonces.get() + 1);
        self.nonces.get()
    }

    /// Asks again and again, as one request, until it is carried out or refused.
    async fn persist(
        &self,
        ask: impl AsyncFn(&MasterProcess) -> Result<u64, JavaException>,
    ) -> Result<(), JavaException> {
        loop {
            match self.ask_once(&ask).await {
                Ok(id) => return self.result(ProcId(id)).await,
                Err(error) if error.do_not_retry => return Err(error),
                Err(_) => self.world.pass(300).await,
            }
        }
    }

    async fn ask_once(
        &self,
        ask: impl AsyncFn(&MasterProcess) -> Result<u64, JavaException>,
    ) -> Result<u64, JavaException> {
        let io = |reason: &str| JavaException::new(class::IO, reason);
        let master: Arc<MasterProcess> =
            self.world.active_master().ok_or_else(|| io("there is no active master"))?;
        tokio::select! {
            biased;
            () = master.life().cancelled() => Err(io("the master is gone")),
            () = self.deposed(&master) => Err(io("another master is active")),
            asked = ask(&master) => asked,
            () = tokio::time::sleep(PATIENCE) => Err(io("no answer")),
        }
    }

    /// Ends when a master isn't the active one any more: what it says then doesn't count.
    async fn deposed(&self, master: &Arc<MasterProcess>) {
        while self.world.active_master().is_some_and(|active| Arc::ptr_eq(&active, master)) {
            self.world.pass(100).await;
        }
    }

    async fn result(&self, id: ProcId) -> Result<(), JavaException> {
        loop {
            self.world.pass(200).await;
            let env = self.world.active_master().and_then(|master| master.env().ok());
            let Some(executor) = env.and_then(|env| env.executor()) else { continue };
            match executor.status(id, false) {
                Status::Running { .. } => {}
                Status::Finished(outcome) => return outcome.to_result().map(drop),
                Status::NotFound => {
                    self.wrong.borrow_mut().push(format!("procedure {id} was acknowledged and isn't there"));
                    return Err(JavaException::new(class::IO, "lost"));
                }
            }
        }
    }

    /// Writes to some rows.
    pub(crate) fn write(&self) {
        for table in TABLES {
            let loses_rows = self.losing_rows.borrow().get(table).copied().unwrap_or(false);
            if !loses_rows {
                let row = (b'a' + self.chance.below(26) as u8) as char;
                self.world.put(&name(table), &row.to_string());
            }
        }
    }

    /// A table that some client has.
    pub(crate) fn some_table(&self) -> TableName {
        name(TABLES[self.chance.below(TABLES.len())])
    }

    /// What clients were told must be so.
    pub(crate) fn check(&self) -> Vec<String> {
        let env = self.world.env();
        let mut wrong = self.wrong.borrow().clone();
        for (table, told) in &*self.told.borrow() {
            let is = env.tables.get(&name(table));
            if is != *told {
                wrong.push(format!("{table} should be {told:?} and is {is:?}"));
            }
        }
        let (told, is) = (self.has_namespace.get(), env.namespaces.get(NAMESPACE).is_some());
        if told != is {
            wrong.push(format!("the namespace should be there: {told}, and is: {is}"));
        }
        wrong
    }
}

fn name(table: &str) -> TableName {
    table.parse().unwrap()
}
