//! State data of a split: a `RegionInfo`, then a `SplitTableRegionStateData`.

use hmaster_procedure::{StateError, StateReader};
use hmaster_protocol::pb;

use super::SplitRegion;
use crate::codec;

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<SplitRegion, StateError> {
    let _: pb::RegionInfo = reader.read()?;
    let data: pb::SplitTableRegionStateData = reader.read()?;
    let daughters = codec::regions(&data.child_region_info)?;
    let daughters = daughters.try_into();
    let daughters =
        daughters.map_err(|found: Vec<_>| StateError::Invalid(format!("{} daughters", found.len())))?;
    Ok(SplitRegion {
        user: (&data.user_info).into(),
        parent: codec::region(&data.parent_region_info)?,
        daughters,
    })
}

pub(super) fn messages(split: &SplitRegion) -> Vec<pb::Any> {
    let data = pb::SplitTableRegionStateData {
        user_info: (&split.user).into(),
        parent_region_info: (&split.parent).into(),
        child_region_info: split.daughters.iter().map(Into::into).collect(),
    };
    vec![pb::Any::pack(&pb::RegionInfo::from(&split.parent)), pb::Any::pack(&data)]
}
