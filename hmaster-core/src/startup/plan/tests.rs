//! Every state of a region in every state of its table, on servers that live, are dead or aren't named.

use hmaster_protocol::pb;
use hmaster_types::{ProcId, RegionInfo};

use super::*;
use crate::locking::{Lock, Target};
use crate::regions::gc::GcRegion;
use crate::tables::disable::DisableTable;

fn server(name: &str) -> ServerName {
    name.parse().unwrap()
}

fn table(name: &str) -> TableName {
    name.parse().unwrap()
}

fn info(table_name: &str) -> RegionInfo {
    RegionInfo::builder(table(table_name)).region_id(7).build()
}

fn record(table_name: &str, state: RegionState, place: &str) -> RegionRecord {
    let location = (!place.is_empty()).then(|| server(&format!("{place},1,1")));
    RegionRecord { location, ..RegionRecord::new(info(table_name), state) }
}

fn meta(regions: Vec<RegionRecord>) -> LoadedMeta {
    let states = [
        ("on", TableState::Enabled),
        ("off", TableState::Disabled),
        ("up", TableState::Enabling),
        ("down", TableState::Disabling),
        ("bare", TableState::Enabled),
    ];
    let tables = states.into_iter().map(|(name, state)| (table(name), state)).collect();
    LoadedMeta { regions, tables, ..LoadedMeta::default() }
}

fn plan(meta: &LoadedMeta, covered: &Covered) -> ReconcilePlan {
    let schemas = ["on", "off", "up", "down", "stateless"].map(table).into();
    let is_live = |at: &ServerName| at.host() == "live";
    ReconcilePlan::new(&Known { meta, schemas, covered, is_live: &is_live })
}

fn step(record: RegionRecord) -> Option<RegionStep> {
    let plan = plan(&meta(vec![record]), &Covered::default());
    plan.regions.into_iter().next().map(|(_, step)| step)
}

#[test]
fn every_region_has_its_step() {
    use RegionState::*;
    use RegionStep::{Open as OpenIt, Recover, SettleClosed, SettleOpen};
    let table = [
        ("on", Open, "live", None),
        ("on", Open, "dead", Some(Recover)),
        ("on", Opening, "live", Some(SettleOpen)),
        ("on", Opening, "dead", Some(Recover)),
        ("on", Opening, "", Some(OpenIt)),
        ("on", Closing, "live", Some(SettleOpen)),
        ("on", Closing, "dead", Some(Recover)),
        ("on", Closing, "", Some(OpenIt)),
        ("on", Splitting, "live", Some(SettleOpen)),
        ("on", Merging, "live", Some(SettleOpen)),
        ("on", Merging, "dead", Some(Recover)),
        // Where a closed region was is of no matter: it isn't there any more.
        ("on", Closed, "live", Some(OpenIt)),
        ("on", Closed, "dead", Some(OpenIt)),
        ("on", AbnormallyClosed, "", Some(OpenIt)),
        ("on", Offline, "", Some(OpenIt)),
        ("on", FailedOpen, "live", Some(OpenIt)),
        ("on", FailedOpen, "", Some(OpenIt)),
        ("on", Split, "", None),
        ("on", Merged, "", None),
        ("off", Open, "dead", None),
        ("off", Closing, "dead", None),
        ("off", Opening, "live", Some(SettleClosed)),
        ("off", Closing, "live", Some(SettleClosed)),
        ("off", Closing, "", None),
        ("off", Closed, "", None),
        ("off", Offline, "", None),
        ("off", AbnormallyClosed, "", None),
        ("up", Closed, "", None),
        ("up", Opening, "live", None),
        ("up", Opening, "dead", Some(Recover)),
        ("down", Closing, "live", None),
        ("down", Closing, "dead", Some(Recover)),
        ("stateless", Closed, "", Some(OpenIt)),
        ("stateless", Opening, "live", Some(SettleOpen)),
    ];
    for (table, state, place, expected) in table {
        assert_eq!(step(record(table, state, place)), expected, "{table} {state} {place}");
    }
}

#[test]
fn what_cannot_be_judged_is_left_alone() {
    use RegionState::{Closed, FailedClose, MergingNew, Open, Opening, SplittingNew};
    let table = [
        ("bare", Closed, ""),
        ("bare", Opening, "live"),
        ("nobody", Closed, ""),
        ("on", Open, ""),
        ("off", Open, "live"),
        ("on", FailedClose, "live"),
        ("on", SplittingNew, ""),
        ("on", MergingNew, ""),
    ];
    for (table, state, place) in table {
        let step = step(record(table, state, place));
        assert!(matches!(step, Some(RegionStep::Leave(_))), "{table} {state} {place}: {step:?}");
    }
}

#[test]
fn a_daughter_that_replaces_its_parent_is_opened() {
    let mut meta = meta(vec![record("on", RegionState::SplittingNew, "")]);
    meta.made.insert(info("on").encoded_name());
    assert_eq!(plan(&meta, &Covered::default()).regions[0].1, RegionStep::Open);
    let parent = info("on").to_builder().split(true).offline(true).build();
    assert_eq!(step(RegionRecord::new(parent, RegionState::Closed)), None, "nor is its parent touched");
}

#[test]
fn tables_go_to_the_end_they_were_on_the_way_to() {
    let regions = ["stateless", "nobody", "hbase:meta"].map(|name| record(name, RegionState::Closed, ""));
    let plan = plan(&meta(regions.into()), &Covered::default());
    let expected = [
        (table("bare"), TableStep::Leave("it has no schema")),
        (table("down"), TableStep::Disable),
        (table("nobody"), TableStep::Leave("it has no schema")),
        (table("stateless"), TableStep::CountAsEnabled),
        (table("up"), TableStep::Enable),
    ];
    assert_eq!(plan.tables, expected);
}

/// What a procedure has in hand, alone or with its table, isn't touched; what a client has locked is.
#[test]
fn what_procedures_have_in_hand_is_not_touched() {
    let (mut covered, mut meta) = (Covered::default(), meta(vec![record("on", RegionState::Closed, "")]));
    covered.note(ProcId(1), None, &DisableTable::resume(table("down")));
    covered.note(ProcId(2), None, &GcRegion::procedure(info("on")));
    let request = pb::LockRequest {
        lock_type: pb::LockType::Exclusive.into(),
        table_name: Some((&table("up")).into()),
        ..Default::default()
    };
    covered.note(ProcId(3), None, &Lock::new(Target::of(&request).unwrap(), "a client".into()));
    meta.regions.push(record("down", RegionState::Closing, "live"));
    let plan = plan(&meta, &covered);
    assert!(plan.regions.is_empty(), "{plan:?}");
    assert_eq!(plan.tables_of(TableStep::Disable).count(), 0);
    assert_eq!(plan.tables_of(TableStep::Enable).collect::<Vec<_>>(), [&table("up")]);
}
