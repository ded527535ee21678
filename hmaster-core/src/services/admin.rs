//! AdminService on the master, as far as clients use it there: a region's full name by its encoded one, and settings that
//! are to be read again. Everything else is a region server's.

use async_trait::async_trait;
use hmaster_protocol::pb::get_region_info_response::CompactionState;
use hmaster_protocol::services::admin_service::AdminService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, RegionInfo, parse_region_name};

use super::{AdminServices, regions};

/// Start key of the made-up region that stands for a table's MOB files. Counterpart of `MobConstants.MOB_REGION_NAME`.
const MOB_START_KEY: &[u8] = b".mob";

#[async_trait]
impl AdminService<CallContext> for AdminServices {
    async fn get_region_info(
        &self,
        _: &CallContext,
        request: pb::GetRegionInfoRequest,
    ) -> Result<pb::GetRegionInfoResponse, JavaException> {
        let env = self.role.active()?;
        if let Ok(node) = regions::find(&env, &request.region) {
            return Ok(pb::GetRegionInfoResponse { region_info: node.info().into(), ..Default::default() });
        }
        let name = &request.region.value;
        let mob = mob_region(name).ok_or_else(|| regions::unknown(name))?;
        // The master compacts no MOB files itself.
        let compaction_state = request.compaction_state().then_some(CompactionState::None.into());
        Ok(pb::GetRegionInfoResponse { region_info: (&mob).into(), compaction_state, ..Default::default() })
    }

    /// Any master does that, active or not.
    async fn update_configuration(
        &self,
        _: &CallContext,
        _: pb::UpdateConfigurationRequest,
    ) -> Result<pb::UpdateConfigurationResponse, JavaException> {
        self.settings.reread().await?;
        Ok(pb::UpdateConfigurationResponse {})
    }
}

/// The region that stands for a table's MOB files, if it has this name.
fn mob_region(name: &[u8]) -> Option<RegionInfo> {
    let (table, ..) = parse_region_name(name).ok()?;
    let mob = RegionInfo::builder(table).start_key(MOB_START_KEY).build();
    (mob.name().as_bytes() == name).then_some(mob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mob_region_is_made_up() {
        let mob = RegionInfo::builder("ns:t".parse().unwrap()).start_key(MOB_START_KEY).build();
        assert_eq!(mob_region(mob.name().as_bytes()), Some(mob.clone()));
        for other in [mob.to_builder().region_id(1).build().name().as_bytes(), &b"t,.mob,0.x."[..], b"t", b""]
        {
            assert_eq!(mob_region(other), None);
        }
    }
}
