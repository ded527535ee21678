//! Short words for what most tests do.

use hmaster_core::testing::{World, WorldConfig, run};
use hmaster_types::TableName;

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
