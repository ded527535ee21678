//! What procedures may have to wait for before they begin. Counterpart of the `ProcedureEvent`s of `AssignmentManager` and
//! `HMaster`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::MasterEnv;
use crate::changes::{ChangeWatch, Changes};
use crate::message::Event;

/// What is so by now. The executor has the same as events; these are for quick looks and for whoever isn't a procedure.
#[derive(Debug, Default)]
pub struct Conditions {
    changes: Changes,
    meta_loaded: AtomicBool,
    meta_assigned: AtomicBool,
    initialized: AtomicBool,
    services_started: AtomicBool,
}

impl Conditions {
    /// hbase:meta was read.
    pub fn is_meta_loaded(&self) -> bool {
        self.meta_loaded.load(Ordering::SeqCst)
    }

    /// hbase:meta is open somewhere.
    pub fn is_meta_assigned(&self) -> bool {
        self.meta_assigned.load(Ordering::SeqCst)
    }

    /// Clients are served.
    pub fn is_initialized(&self) -> bool {
        self.initialized.load(Ordering::SeqCst)
    }

    /// Region servers may register and report.
    pub fn is_services_started(&self) -> bool {
        self.services_started.load(Ordering::SeqCst)
    }

    /// Wakes whenever something becomes so, or not so.
    pub fn changes(&self) -> ChangeWatch {
        self.changes.subscribe()
    }

    /// From now on region servers may register and report.
    pub fn set_services_started(&self) {
        self.services_started.store(true, Ordering::SeqCst);
        self.changes.announce();
    }

    fn flag(&self, event: &Event) -> Option<&AtomicBool> {
        match event {
            Event::MetaLoaded => Some(&self.meta_loaded),
            Event::MetaAssigned => Some(&self.meta_assigned),
            Event::Initialized => Some(&self.initialized),
            Event::ServerAssignable | Event::SplitWorkerFree => None,
        }
    }
}

impl MasterEnv {
    /// Says that something is so, or isn't any more, and wakes those who waited for it.
    pub fn set_condition(&self, event: Event, is_so: bool) {
        if let Some(flag) = self.conditions.flag(&event) {
            flag.store(is_so, Ordering::SeqCst);
            self.conditions.changes.announce();
        }
        match self.executor.get() {
            Some(executor) if is_so => executor.set_event(event),
            Some(executor) => executor.clear_event(event),
            None => {}
        }
    }

    /// What must be so before anything can be recorded in hbase:meta, if it isn't yet.
    pub fn meta_wait(&self) -> Option<Event> {
        if !self.conditions.is_meta_loaded() {
            Some(Event::MetaLoaded)
        } else if !self.conditions.is_meta_assigned() {
            Some(Event::MetaAssigned)
        } else {
            None
        }
    }

    /// What must be so before clients' wishes are carried out, if it isn't yet.
    pub fn initialized_wait(&self) -> Option<Event> {
        if self.conditions.is_initialized() { None } else { Some(Event::Initialized) }
    }
}
