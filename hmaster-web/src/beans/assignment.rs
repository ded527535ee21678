//! `sub=AssignmentManager`. Counterpart of `MetricsAssignmentManagerSource`.

use hmaster_core::assignment::transit::Transition;
use hmaster_core::environment::MasterEnv;
use hmaster_procedure::ClassMetrics;

use super::{Bean, Content, Counted, spread};
use crate::status::regions::{self, RitStatistics};

/// The bean under both spellings: older releases dropped a letter, and dashboards look for either.
pub(super) fn beans(env: &MasterEnv, counted: &Counted) -> [Bean; 2] {
    let bean = assignment(env, counted);
    let misspelt = Bean {
        name: bean.name.replace("AssignmentManager", "AssignmentManger"),
        modeler_type: bean.modeler_type.replace("AssignmentManager", "AssignmentManger"),
        ..bean.clone()
    };
    [bean, misspelt]
}

/// True for the copy under the wrong spelling.
pub(crate) fn is_misspelt(bean: &Bean) -> bool {
    bean.name.ends_with("=AssignmentManger")
}

fn assignment(env: &MasterEnv, counted: &Counted) -> Bean {
    let mut bean = Bean::of_master("AssignmentManager", "Regions on their way");
    bean.counter("operationCount", env.metrics.operations.get(), "Opens and closes that were begun");
    let rits = RitStatistics::of(env);
    bean.gauge("ritCount", rits.count, "Regions in transition");
    bean.gauge(
        "ritCountOverThreshold",
        rits.over_threshold,
        "Regions in transition for longer than the threshold",
    );
    bean.gauge("ritOldestAge", rits.oldest_ms, "Milliseconds for which the oldest has been in transition");
    let lost = regions::on_lost_servers(env);
    bean.gauge("deadServerOpenRegions", lost.on_dead, "Regions open on servers that are dead");
    bean.gauge("unknownServerOpenRegions", lost.on_unknown, "Regions open on servers nobody has heard of");
    bean.spread(
        "RitDuration",
        spread(&transitions(counted)),
        "Milliseconds for which regions were in transition",
    );
    for (prefix, kind) in [
        ("Assign", Transition::Assign),
        ("Unassign", Transition::Unassign),
        ("Move", Transition::Move),
        ("Reopen", Transition::Reopen),
    ] {
        counted.put(&mut bean, prefix, kind.metrics_name());
    }
    for (prefix, class) in [
        ("Open", "OpenRegionProcedure"),
        ("Close", "CloseRegionProcedure"),
        ("Split", "SplitTableRegionProcedure"),
        ("Merge", "MergeTableRegionsProcedure"),
    ] {
        counted.put(&mut bean, prefix, class);
    }
    let checks = [
        "unknownServerRegions",
        "orphanRegionsOnRS",
        "orphanRegionsOnFS",
        "inconsistentRegions",
        "holes",
        "overlaps",
        "emptyRegionInfoRegions",
    ];
    bean.uncounted(&Content::Gauge(0), &checks);
    bean
}

/// All kinds of transitions together.
fn transitions(counted: &Counted) -> ClassMetrics {
    let kinds = [Transition::Assign, Transition::Unassign, Transition::Move, Transition::Reopen];
    let mut all = ClassMetrics::default();
    for kind in kinds.map(|kind| counted.get(kind.metrics_name())).iter().filter(|kind| kind.succeeded > 0) {
        all.elapsed_ms_min = if all.succeeded == 0 {
            kind.elapsed_ms_min
        } else {
            all.elapsed_ms_min.min(kind.elapsed_ms_min)
        };
        all.elapsed_ms_max = all.elapsed_ms_max.max(kind.elapsed_ms_max);
        all.succeeded += kind.succeeded;
        all.elapsed_ms += kind.elapsed_ms;
        all.elapsed.iter_mut().zip(kind.elapsed).for_each(|(sum, count)| *sum += count);
    }
    all
}
