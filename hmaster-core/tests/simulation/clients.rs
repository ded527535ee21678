//! Clients: each has a table of its own, which it creates, changes and deletes, and remembers what it was told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hmaster_core::testing::{MasterProcess, World, table_schema};
use hmaster_procedure::Status;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Chance, JavaException, ProcId, TableName, TableState, class};
use tokio::task::{JoinHandle, LocalSet};

const TABLES: [&str; 3] = ["t0", "t1", "t2"];
const KEYS: [&str; 6] = ["c", "f", "k", "p", "s", "w"];

/// All clients.
pub(crate) struct Clients {
    world: World,
    chance: Chance,
    stopping: Cell<bool>,
    nonces: Cell<u64>,
    /// What they were told last of each table; none for one that doesn't exist.
    told: RefCell<BTreeMap<&'static str, Option<TableState>>>,
    /// Tables whose rows go now, or are gone.
    losing_rows: RefCell<BTreeMap<&'static str, bool>>,
    wrong: RefCell<Vec<String>>,
    local: LocalSet,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Create,
    Disable,
    Enable,
    Truncate,
    Modify,
    Delete,
}

impl Clients {
    pub(crate) fn new(world: World, chance: Chance) -> Self {
        Self {
            world,
            chance,
            stopping: Cell::new(false),
            nonces: Cell::new(0),
            told: RefCell::default(),
            losing_rows: RefCell::default(),
            wrong: RefCell::default(),
            local: LocalSet::new(),
        }
    }

    pub(crate) fn start(self: &Rc<Self>) -> Vec<JoinHandle<()>> {
        TABLES.map(|table| self.local.spawn_local(self.clone().own(table))).into()
    }

    pub(crate) fn stop(&self) {
        self.stopping.set(true);
    }

    /// Clients run only while somebody waits here.
    pub(crate) async fn run_until<T>(&self, work: impl Future<Output = T>) -> T {
        self.local.run_until(work).await
    }

    async fn own(self: Rc<Self>, table: &'static str) {
        while !self.stopping.get() {
            let state = self.told.borrow().get(table).copied().flatten();
            let wish = match (state, self.chance.below(4)) {
                (None, _) => Wish::Create,
                (Some(TableState::Enabled), 0) => Wish::Modify,
                (Some(TableState::Enabled), _) => Wish::Disable,
                (Some(_), 0) => Wish::Delete,
                (Some(_), 1) => Wish::Truncate,
                (Some(_), _) => Wish::Enable,
            };
            let takes_rows = matches!(wish, Wish::Delete | Wish::Truncate);
            self.losing_rows.borrow_mut().insert(table, takes_rows);
            if takes_rows {
                self.world.forget_rows(&name(table));
            }
            let done = self.ask(table, wish).await;
            tracing::debug!(table, ?wish, ?done, "a client was told");
            if done.is_ok() {
                let is = match wish {
                    Wish::Create | Wish::Enable | Wish::Truncate | Wish::Modify => Some(TableState::Enabled),
                    Wish::Disable => Some(TableState::Disabled),
                    Wish::Delete => None,
                };
                self.told.borrow_mut().insert(table, is);
            }
            self.losing_rows.borrow_mut().insert(table, false);
            self.world.pass(self.chance.bits() % 4000).await;
        }
    }

    /// Asks again and again, as one request, until it is carried out or refused.
    async fn ask(&self, table: &'static str, wish: Wish) -> Result<(), JavaException> {
        self.nonces.set(self.nonces.get() + 1);
        let nonce = self.nonces.get();
        let split_keys: Vec<_> = KEYS.into_iter().filter(|_| self.chance.happens(0.5)).collect();
        loop {
            let Some(master) = self.world.active_master() else {
                self.world.pass(200).await;
                continue;
            };
            let asked = tokio::select! {
                biased;
                () = master.life().cancelled() => Err(JavaException::new(class::IO, "the master is gone")),
                asked = request(&master, table, wish, nonce, &split_keys) => asked,
                () = tokio::time::sleep(std::time::Duration::from_secs(60)) => {
                    Err(JavaException::new(class::IO, "no answer"))
                }
            };
            match asked {
                Ok(id) => return self.result(ProcId(id)).await,
                Err(error) if error.do_not_retry => return Err(error),
                Err(_) => self.world.pass(300).await,
            }
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
        wrong
    }
}

fn name(table: &str) -> TableName {
    table.parse().unwrap()
}

async fn request(
    master: &MasterProcess,
    table: &str,
    wish: Wish,
    nonce: u64,
    split_keys: &[&'static str],
) -> Result<u64, JavaException> {
    let call = CallContext::new("MasterService", "Test");
    let (table_name, schema) = ((&name(table)).into(), table_schema(&name(table), 1));
    let (nonce_group, nonce) = (Some(1), Some(nonce));
    let services = &master.services;
    let id = match wish {
        Wish::Create => {
            let split_keys = split_keys.iter().map(|key| (*key).into()).collect();
            let request =
                pb::CreateTableRequest { table_schema: (&schema).into(), split_keys, nonce_group, nonce };
            services.create_table(&call, request).await?.proc_id
        }
        Wish::Disable => {
            services
                .disable_table(&call, pb::DisableTableRequest { table_name, nonce_group, nonce })
                .await?
                .proc_id
        }
        Wish::Enable => {
            services
                .enable_table(&call, pb::EnableTableRequest { table_name, nonce_group, nonce })
                .await?
                .proc_id
        }
        Wish::Delete => {
            services
                .delete_table(&call, pb::DeleteTableRequest { table_name, nonce_group, nonce })
                .await?
                .proc_id
        }
        Wish::Truncate => {
            let request = pb::TruncateTableRequest {
                table_name,
                preserve_splits: Some(nonce.is_some_and(|nonce| nonce % 2 == 0)),
                nonce_group,
                nonce,
            };
            services.truncate_table(&call, request).await?.proc_id
        }
        Wish::Modify => {
            let schema = schema.to_builder().attribute("note", nonce.unwrap_or(0).to_string()).build();
            let request = pb::ModifyTableRequest {
                table_name,
                table_schema: (&schema).into(),
                nonce_group,
                nonce,
                ..Default::default()
            };
            services.modify_table(&call, request).await?.proc_id
        }
    };
    Ok(id.unwrap_or(0))
}
