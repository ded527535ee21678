//! The lock manager against a model that keeps every holder by name and answers from the rules alone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Procedure `n` is the child of `n / 2`; 0 is nobody.
fn is_ancestor(of: ProcId, who: ProcId) -> bool {
    let mut parent = of.0 / 2;
    while parent > 0 && parent != who.0 {
        parent /= 2;
    }
    parent == who.0 && who.0 > 0
}

/// Who holds what, in what mode, taken (not through an ancestor).
#[derive(Default)]
struct Model(BTreeMap<ProcId, Vec<(Resource, LockMode)>>);

impl Model {
    fn holders(&self, resource: &Resource) -> impl Iterator<Item = (ProcId, LockMode)> {
        let resource = resource.clone();
        self.0.iter().flat_map(move |(who, parts)| {
            let found = parts.iter().find(|part| part.0 == resource).map(|part| part.1);
            found.map(|mode| (*who, mode))
        })
    }

    /// The first resource in the way, or what would be taken.
    fn judge(&self, who: ProcId, request: &LockRequest) -> Result<Vec<(Resource, LockMode)>, Resource> {
        let mut taken = Vec::new();
        for (resource, mode) in request.parts() {
            let owner = self.holders(resource).find(|holder| holder.1 == LockMode::Exclusive);
            let access = owner.is_some_and(|(owner, _)| owner == who || is_ancestor(who, owner));
            match mode {
                LockMode::Exclusive if access => {}
                LockMode::Shared if owner.is_none() || access => taken.push((resource.clone(), *mode)),
                LockMode::Exclusive if self.holders(resource).next().is_none() => {
                    taken.push((resource.clone(), *mode));
                }
                _ => return Err(resource.clone()),
            }
        }
        Ok(taken)
    }
}

fn request() -> impl Strategy<Value = LockRequest> {
    let mode = prop_oneof![Just(LockMode::Shared), Just(LockMode::Exclusive)];
    proptest::collection::vec((0u8..4, mode), 1..4).prop_map(|parts| {
        LockRequest::new(
            parts.into_iter().map(|(peer, mode)| (Resource::Peer(peer.to_string().into()), mode)),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(script in proptest::collection::vec((1u64..16, request()), 1..60)) {
        let (mut manager, mut model) = (LockManager::default(), Model::default());
        let mut held: BTreeMap<ProcId, Held> = BTreeMap::new();
        for (who, request) in script {
            let who = ProcId(who);
            let mut freed = SmallVec::new();
            if let Some(held) = held.remove(&who) {
                manager.release(&held, &mut freed);
                model.0.remove(&who);
                continue;
            }
            let got = manager.acquire(who, &request, |owner| is_ancestor(who, owner));
            let got = got.map_err(|id| manager.resource(id).cloned());
            match model.judge(who, &request) {
                Err(blocker) => prop_assert_eq!(got.err(), Some(Some(blocker))),
                Ok(taken) => {
                    let got = got.expect("the model would grant it");
                    let parts: Vec<_> = manager.resources(&got).map(|(r, m)| (r.clone(), m)).collect();
                    prop_assert_eq!(&parts, &taken);
                    held.insert(who, got);
                    model.0.insert(who, taken);
                }
            }
            // A blocker that nobody holds any more must not be remembered for ever.
            for row in manager.rows() {
                let holders = model.holders(&row.resource).count();
                prop_assert_eq!(usize::from(row.owner.is_some()) + row.shared as usize, holders);
            }
        }
        for held in held.values() {
            manager.release(held, &mut SmallVec::new());
        }
        prop_assert!(manager.rows().is_empty() && manager.ids.is_empty());
    }
}

#[test]
fn a_release_names_the_resources_whose_waiters_may_try() {
    let mut manager = LockManager::default();
    let peer = |mode| LockRequest::new([(Resource::Peer("p".into()), mode)]);
    let nobody = |_: ProcId| false;
    let mut taken = |who, mode| manager.acquire(ProcId(who), &peer(mode), nobody);
    let (first, second) = (taken(1, LockMode::Shared).unwrap(), taken(2, LockMode::Shared).unwrap());
    let id = taken(4, LockMode::Exclusive).unwrap_err();
    for who in [4, 3] {
        manager.wait(id, ProcId(who));
    }
    let mut freed = SmallVec::new();
    manager.release(&first, &mut freed);
    assert!(freed.is_empty(), "somebody else still holds it shared");
    manager.release(&second, &mut freed);
    assert_eq!(freed.as_slice(), [id]);
    assert_eq!(manager.next_waiter(id, None), Some(ProcId(3)));
    assert_eq!(manager.next_waiter(id, Some(ProcId(3))), Some(ProcId(4)));
    for who in [3, 4] {
        manager.unregister(id, ProcId(who));
    }
    manager.tidy(id);
    assert!(manager.rows().is_empty());
}

#[test]
fn an_exclusive_release_lets_shared_waiters_in_beside_shared_holders() {
    let mut manager = LockManager::default();
    let peer = |mode| LockRequest::new([(Resource::Peer("p".into()), mode)]);
    let parent = manager.acquire(ProcId(1), &peer(LockMode::Exclusive), |_| false).unwrap();
    let child = manager.acquire(ProcId(2), &peer(LockMode::Shared), |owner| owner == ProcId(1)).unwrap();
    let id = manager.acquire(ProcId(3), &peer(LockMode::Shared), |_| false).unwrap_err();
    manager.wait(id, ProcId(3));
    let mut freed = SmallVec::new();
    manager.release(&parent, &mut freed);
    assert_eq!(freed.as_slice(), [id], "Java would wake nobody here");
    assert!(manager.acquire(ProcId(3), &peer(LockMode::Shared), |_| false).is_ok());
    assert!(manager.acquire(ProcId(4), &peer(LockMode::Exclusive), |_| false).is_err());
    manager.release(&child, &mut freed);
}
