//! States that are set in hbase:meta by hand. Nothing else follows from it: no region is opened or closed.

use hmaster_protocol::meta::{CATALOG_FAMILY, MetaReader};
use hmaster_protocol::{CallContext, meta, pb};
use hmaster_types::{
    EncodedName, JavaException, RegionInfo, RegionState, TableName, TableState, class, to_string_binary,
};

use super::find;
use crate::catalog::records;
use crate::environment::MasterEnv;
use crate::error::StepError;

/// Sets a table's state, and answers what it was.
pub(super) async fn of_table(
    env: &MasterEnv,
    call: &CallContext,
    request: &pb::SetTableStateInMetaRequest,
) -> Result<pb::GetTableStateResponse, JavaException> {
    let table = TableName::try_from(&request.table_name)?;
    let unknown = || JavaException::new(class::TABLE_NOT_FOUND, format!("No state found for {table}"));
    let before = env.tables.get(&table).ok_or_else(unknown)?;
    let state = TableState::from(&request.table_state);
    if table.is_meta() && state.is_one_of(&[TableState::Disabled, TableState::Disabling]) {
        let message = format!("Cannot disable meta table; {state}");
        return Err(JavaException::new(class::ILLEGAL_ARGUMENT_IO, message));
    }
    tracing::info!(user = call.user_name(), %table, %before, %state, "the table's state is set by hand");
    env.set_table_state(&table, state).await?;
    Ok(pb::GetTableStateResponse { table_state: before.into() })
}

/// Sets regions' states, and answers what those were that it changed.
pub(super) async fn of_regions(
    env: &MasterEnv,
    call: &CallContext,
    wishes: Vec<pb::RegionSpecifierAndState>,
) -> Result<pb::SetRegionStateInMetaResponse, JavaException> {
    let mut states = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let state = RegionState::from(wish.state());
        let region = find(env, &wish.region_specifier).await?;
        let node = region.and_then(|region| env.regions.get(region.encoded_name()));
        let Some(node) = node else {
            let name = to_string_binary(&wish.region_specifier.value);
            let message = format!("No existing state known for region '{name}'.");
            return Err(JavaException::new(class::IO, message));
        };
        let (region, before) = (node.info(), node.state());
        if before == state {
            continue;
        }
        if region.is_meta() {
            let message = format!("the state of {region} isn't kept in hbase:meta");
            return Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        }
        tracing::info!(user = call.user_name(), %region, %before, %state, "the region's state is set by hand");
        set(env, region, state).await?;
        let before = pb::region_state::State::from(before).into();
        states.push(pb::RegionSpecifierAndState { region_specifier: wish.region_specifier, state: before });
    }
    Ok(pb::SetRegionStateInMetaResponse { states })
}

/// Only the state's cell changes; what the row says then is what the master believes.
async fn set(env: &MasterEnv, region: &RegionInfo, state: RegionState) -> Result<(), StepError> {
    let row = region.meta_row();
    let timestamp = env.catalog.clock.put_ms(row.as_bytes());
    env.catalog.write(vec![meta::put_region(region, state, None, -1, false, timestamp)]).await?;
    let cells = env.catalog.get(row.as_bytes()).await?;
    load(env, &cells, |other| other == region.encoded_name());
    Ok(())
}

/// Takes in what a row says of the regions that are `wanted`. One that can't be read is left alone.
fn load(env: &MasterEnv, cells: &[hmaster_types::Cell], wanted: impl Fn(EncodedName) -> bool) {
    match MetaReader::new().region_row(cells) {
        Ok(row) => {
            let records = row.iter().flat_map(records);
            records
                .filter(|record| wanted(record.info.encoded_name()))
                .for_each(|record| env.regions.load(record));
        }
        Err(error) => tracing::error!(%error, "the row can't be read"),
    }
}

impl MasterEnv {
    /// Looks in hbase:meta for a region that the master doesn't know. Counterpart of `populateRegionStatesFromMeta`.
    pub(super) async fn load_region_from_meta(&self, region: EncodedName) -> Result<(), StepError> {
        let scan = self.catalog.scan(b"", b"", &[CATALOG_FAMILY], |cells| {
            load(self, &cells, |other| other == region && !self.regions.has(other));
            Ok(())
        });
        Ok(scan.await?)
    }
}
