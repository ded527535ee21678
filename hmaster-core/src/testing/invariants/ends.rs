//! Every procedure ends once nothing goes wrong any more: at rest there is none, and nobody holds a region.

use crate::testing::state::State;

pub(super) fn check(state: &State) -> Vec<String> {
    let env = state.active.as_ref().and_then(|master| master.env().ok());
    let Some(env) = env else { return vec!["no master is active".into()] };
    let mut found = Vec::new();
    for view in env.executor().into_iter().flat_map(|executor| executor.views()) {
        found.push(format!("{} {} hasn't ended: {:?}", view.place.id, view.details, view.record.state()));
    }
    env.regions.for_each(|node| {
        if let Some(owner) = node.owner() {
            found.push(format!("{} is held by {owner:?}", node.info()));
        }
    });
    found
}
