//! Short words for what most tests do.

use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::tables::delete::DeleteTable;
use hmaster_core::tables::disable::DisableTable;
use hmaster_core::tables::enable::EnableTable;
use hmaster_core::testing::{World, WorldConfig, run, table_schema};
use hmaster_protocol::CallContext;
use hmaster_types::{RegionInfo, ServerName, TableName};

/// Runs a test in a new world whose master serves clients.
pub(crate) fn world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    world_of(WorldConfig::default(), test);
}

/// Runs a test in a world made to measure. Log lines show with `RUST_LOG`.
pub(crate) fn world_of<F: Future<Output = ()>>(config: WorldConfig, test: impl FnOnce(World) -> F) {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    // Another test of this process may have set it.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().without_time().try_init();
    run(async {
        let world = World::start(config).await;
        test(world.clone()).await;
        world.with(|state| assert!(state.truth.violations.is_empty(), "{:#?}", state.truth.violations));
    });
}

/// A table's name.
pub(crate) fn table(name: &str) -> TableName {
    name.parse().unwrap()
}

/// Everything that must hold at rest does.
pub(crate) fn check(world: &World) {
    let violations = world.with(|state| {
        state.check_rest();
        std::mem::take(&mut state.truth.violations)
    });
    assert!(violations.is_empty(), "{violations:#?}\n{}", world.describe());
}

/// Creates a table with regions between these keys.
pub(crate) async fn create(world: &World, name: &str, split_keys: &[&str], replicas: u16) {
    let regions = world.regions(&table(name), split_keys);
    let schema = table_schema(&table(name), replicas);
    let create = CreateTable::procedure(ProcedureUser::master(), schema, regions, Prepared::default());
    world.run(create).await.unwrap();
}

/// Disables a table.
pub(crate) async fn disable(world: &World, name: &str) {
    let disable = DisableTable::procedure(ProcedureUser::master(), table(name), Prepared::default());
    world.run(disable).await.unwrap();
}

/// Enables a table.
pub(crate) async fn enable(world: &World, name: &str) {
    let enable = EnableTable::procedure(ProcedureUser::master(), table(name), Prepared::default());
    world.run(enable).await.unwrap();
}

/// Deletes a disabled table.
pub(crate) async fn delete(world: &World, name: &str) {
    let delete = DeleteTable::procedure(ProcedureUser::master(), table(name), Prepared::default());
    world.forget_rows(&table(name));
    world.run(delete).await.unwrap();
}

/// A table's first region.
pub(crate) fn first_region(world: &World, name: &str) -> RegionInfo {
    world.env().regions.table_regions(&table(name))[0].info().clone()
}

/// Where a region is served.
pub(crate) fn place(world: &World, region: &RegionInfo) -> Option<ServerName> {
    world.with(|state| state.carrier(region.encoded_name()).cloned())
}

/// A call of a method of MasterService, by nobody in particular.
pub(crate) fn call() -> CallContext {
    CallContext::new("MasterService", "Test")
}
