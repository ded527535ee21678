//! Who holds what, and who waits for it. Counterpart of `SchemaLocking` and `LockAndQueue`.
//!
//! Knows ids only: who descends from whom is asked of the caller, and whom to wake is told to the caller.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use hmaster_types::ProcId;
use smallvec::SmallVec;

use super::{LockMode, LockRequest, Resource};

/// A resource that somebody holds or waits for, while somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LockId(u32);

/// What a procedure got for a request. Access that it has through an ancestor isn't in it: there is nothing to give
/// back.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Held(SmallVec<[(LockId, LockMode); 3]>);

/// One resource.
#[derive(Debug)]
struct Lock {
    resource: Resource,
    owner: Option<ProcId>,
    shared: u32,
    waiters: BTreeSet<ProcId>,
}

/// All resources that somebody holds or waits for.
#[derive(Debug, Default)]
pub(crate) struct LockManager {
    ids: HashMap<Resource, LockId, FixedState>,
    locks: Vec<Option<Lock>>,
    free: Vec<LockId>,
}

/// A resource as it stands in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockRow {
    pub(crate) resource: Resource,
    pub(crate) owner: Option<ProcId>,
    pub(crate) shared: u32,
    pub(crate) waiters: Vec<ProcId>,
}

impl LockManager {
    /// Takes all of `request` for `who`, or nothing; then the resource that is in the way is told.
    pub(crate) fn acquire(
        &mut self,
        who: ProcId,
        request: &LockRequest,
        is_ancestor: impl Fn(ProcId) -> bool,
    ) -> Result<Held, LockId> {
        let mut held = Held::default();
        for (resource, mode) in request.parts() {
            let id = self.intern(resource);
            let lock = self.lock_mut(id);
            let access = lock.owner.is_some_and(|owner| owner == who || is_ancestor(owner));
            match mode {
                LockMode::Shared if access || lock.owner.is_none() => lock.shared += 1,
                LockMode::Exclusive if access => continue,
                LockMode::Exclusive if lock.owner.is_none() && lock.shared == 0 => lock.owner = Some(who),
                LockMode::Shared | LockMode::Exclusive => {
                    self.undo(&held);
                    return Err(id);
                }
            }
            held.0.push((id, *mode));
        }
        Ok(held)
    }

    /// Gives back what [`LockManager::acquire`] gave, and adds to `freed` each resource whose waiters may now try.
    pub(crate) fn release(&mut self, held: &Held, freed: &mut SmallVec<[LockId; 4]>) {
        for &(id, mode) in &held.0 {
            let lock = self.lock_mut(id);
            lock.give_back(mode);
            if lock.waiters.is_empty() {
                self.tidy(id);
            } else if lock.owner.is_none() && (lock.shared == 0 || mode == LockMode::Exclusive) {
                freed.push(id);
            }
        }
    }

    /// Registers `who` as waiting for a resource.
    pub(crate) fn wait(&mut self, id: LockId, who: ProcId) {
        self.lock_mut(id).waiters.insert(who);
    }

    /// Forgets that `who` waits. The id stays good until [`LockManager::tidy`].
    pub(crate) fn unregister(&mut self, id: LockId, who: ProcId) {
        if let Some(lock) = self.locks.get_mut(id.0 as usize).and_then(Option::as_mut) {
            lock.waiters.remove(&who);
        }
    }

    /// The first waiter after `last`, in order of ids.
    pub(crate) fn next_waiter(&self, id: LockId, last: Option<ProcId>) -> Option<ProcId> {
        let waiters = &self.locks.get(id.0 as usize)?.as_ref()?.waiters;
        match last {
            None => waiters.first().copied(),
            Some(last) => waiters.range(ProcId(last.0 + 1)..).next().copied(),
        }
    }

    /// True while somebody holds the resource exclusively.
    pub(crate) fn is_exclusive(&self, id: LockId) -> bool {
        self.locks.get(id.0 as usize).and_then(Option::as_ref).is_some_and(|lock| lock.owner.is_some())
    }

    /// Drops what is known of a resource that nobody holds or waits for.
    pub(crate) fn tidy(&mut self, id: LockId) {
        let slot = &mut self.locks[id.0 as usize];
        if slot.as_ref().is_some_and(Lock::is_idle)
            && let Some(lock) = slot.take()
        {
            self.ids.remove(&lock.resource);
            self.free.push(id);
        }
    }

    /// The resource behind an id.
    pub(crate) fn resource(&self, id: LockId) -> Option<&Resource> {
        Some(&self.locks.get(id.0 as usize)?.as_ref()?.resource)
    }

    /// The resources in `held`, with their modes.
    pub(crate) fn resources<'a>(
        &'a self,
        held: &'a Held,
    ) -> impl Iterator<Item = (&'a Resource, LockMode)> + 'a {
        held.0.iter().filter_map(|&(id, mode)| Some((self.resource(id)?, mode)))
    }

    /// Everything that is held or waited for, in order of the resources.
    pub(crate) fn rows(&self) -> Vec<LockRow> {
        let mut rows: Vec<_> = self.locks.iter().flatten().map(Lock::row).collect();
        rows.sort_unstable_by(|a, b| a.resource.cmp(&b.resource));
        rows
    }

    fn undo(&mut self, held: &Held) {
        for &(id, mode) in &held.0 {
            self.lock_mut(id).give_back(mode);
            self.tidy(id);
        }
    }

    fn intern(&mut self, resource: &Resource) -> LockId {
        if let Some(&id) = self.ids.get(resource) {
            return id;
        }
        let lock = Lock { resource: resource.clone(), owner: None, shared: 0, waiters: BTreeSet::new() };
        let id = self.free.pop().unwrap_or_else(|| {
            self.locks.push(None);
            LockId(u32::try_from(self.locks.len() - 1).expect("fewer than 2^32 resources fit in memory"))
        });
        self.locks[id.0 as usize] = Some(lock);
        self.ids.insert(resource.clone(), id);
        id
    }

    fn lock_mut(&mut self, id: LockId) -> &mut Lock {
        self.locks[id.0 as usize].as_mut().expect("a lock lives while it is held, waited for or being taken")
    }
}

impl Lock {
    fn give_back(&mut self, mode: LockMode) {
        match mode {
            LockMode::Shared => self.shared -= 1,
            LockMode::Exclusive => self.owner = None,
        }
    }

    fn is_idle(&self) -> bool {
        self.owner.is_none() && self.shared == 0 && self.waiters.is_empty()
    }

    fn row(&self) -> LockRow {
        LockRow {
            resource: self.resource.clone(),
            owner: self.owner,
            shared: self.shared,
            waiters: self.waiters.iter().copied().collect(),
        }
    }
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
