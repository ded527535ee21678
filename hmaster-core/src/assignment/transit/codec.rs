//! State data of a region's way: a `RegionInfo`, then a `RegionStateTransitionStateData`.

use hmaster_procedure::{StateError, StateReader};
use hmaster_protocol::pb;
use hmaster_types::RegionInfo;

use super::{TransitRegionState, Transition};
use crate::codec;

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<TransitRegionState, StateError> {
    let region = codec::region(&reader.read()?)?;
    let data: pb::RegionStateTransitionStateData = reader.read()?;
    Ok(TransitRegionState {
        region,
        transition: match data.r#type() {
            pb::RegionTransitionType::Assign => Transition::Assign,
            pb::RegionTransitionType::Unassign => Transition::Unassign,
            pb::RegionTransitionType::Move => Transition::Move,
            pb::RegionTransitionType::Reopen => Transition::Reopen,
        },
        candidate: data.assign_candidate.as_ref().map(codec::server).transpose()?,
        force_new_plan: data.force_new_plan,
        is_split: data.is_split(),
        evict_cache: data.evict_cache(),
        claim: None,
        target: None,
    })
}

pub(super) fn region_data(region: &RegionInfo) -> pb::RegionInfo {
    region.into()
}

impl TransitRegionState {
    pub(super) fn state_data(&self) -> pb::RegionStateTransitionStateData {
        let kind = match self.transition {
            Transition::Assign => pb::RegionTransitionType::Assign,
            Transition::Unassign => pb::RegionTransitionType::Unassign,
            Transition::Move => pb::RegionTransitionType::Move,
            Transition::Reopen => pb::RegionTransitionType::Reopen,
        };
        pb::RegionStateTransitionStateData {
            r#type: kind.into(),
            assign_candidate: self.candidate.as_ref().map(Into::into),
            force_new_plan: self.force_new_plan,
            is_split: Some(self.is_split),
            evict_cache: Some(self.evict_cache),
        }
    }
}
