//! Snapshots of tables are taken, listed, brought back and deleted, whatever happens to masters and servers meanwhile.

use std::collections::BTreeMap;

use hmaster_core::regions::merge::MergeRegions;
use hmaster_core::regions::split::SplitRegion;
use hmaster_core::snapshots::{self, CloneSnapshot, RestoreSnapshot, TakeSnapshot};
use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::modify::ModifyTable;
use hmaster_core::tables::truncate::TruncateTable;
use hmaster_core::testing::{World, WorldConfig};
use hmaster_procedure::StateMachineProcedure;
use hmaster_protocol::pb;
use hmaster_protocol::pb::snapshot_description::Type;
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_types::{JavaException, RegionInfo, TableDescriptor, class};

use crate::support::{
    call, check, create, delete, disable, enable, first_region, place, table, world, world_of,
};

fn described(name: &str) -> pb::SnapshotDescription {
    pb::SnapshotDescription { name: name.into(), table: Some("t".into()), ..Default::default() }
}

fn taking(world: &World, name: &str) -> StateMachineProcedure<TakeSnapshot> {
    let snapshot = snapshots::validate(&world.env(), described(name)).unwrap();
    TakeSnapshot::procedure(snapshot).unwrap()
}

fn user() -> ProcedureUser {
    ProcedureUser::master()
}

/// What a complete snapshot says of itself, and its schema.
fn stored(world: &World, name: &str) -> (pb::SnapshotDescription, TableDescriptor) {
    world.with(|state| {
        let folder = &state.root.snapshots[name];
        let schema = TableDescriptor::try_from(folder.schema.as_ref().unwrap()).unwrap();
        (folder.info.clone().unwrap(), schema)
    })
}

fn restoring(world: &World, name: &str) -> StateMachineProcedure<RestoreSnapshot> {
    let (snapshot, schema) = stored(world, name);
    let old = (*world.env().schemas.get(&table("t")).unwrap()).clone();
    RestoreSnapshot::procedure(user(), snapshot, [old, schema], false, Prepared::default())
}

fn cloning(world: &World, name: &str, to: &str) -> StateMachineProcedure<CloneSnapshot> {
    let (snapshot, schema) = stored(world, name);
    let family = schema.families().next().unwrap().clone();
    let schema = TableDescriptor::builder(table(to)).family(family).build();
    CloneSnapshot::procedure(user(), snapshot, schema, false, None, Prepared::default())
}

async fn restore(world: &World, name: &str, rows: &BTreeMap<Vec<u8>, u64>) {
    disable(world, "t").await;
    world.run(restoring(world, name)).await.unwrap();
    world.expect_rows(&table("t"), rows);
    enable(world, "t").await;
}

async fn split(world: &World, at: &'static str) {
    let region = first_region(world, "t");
    let split = SplitRegion::procedure(&world.env(), user(), &region, Some(at.into())).await;
    world.run(split.unwrap()).await.unwrap();
}

async fn merge(world: &World) {
    let nodes = world.env().regions.table_regions(&table("t"));
    let regions = nodes.iter().filter(|node| !node.is_split() && node.info().is_default_replica());
    let regions = regions.map(|node| node.info().clone()).collect();
    world.run(MergeRegions::procedure(&world.env(), user(), regions, false).unwrap()).await.unwrap();
}

fn put(world: &World, rows: &[&str]) {
    for row in rows {
        assert!(world.put(&table("t"), row), "{row}");
    }
}

/// All regions of all tables are compacted: references go, files come.
fn compact_all(world: &World) {
    for _ in 0..200 {
        world.compact_some();
    }
}

async fn ask(world: &World, name: &str, to: &str) -> Result<(), JavaException> {
    let snapshot =
        pb::SnapshotDescription { name: name.into(), table: Some(to.into()), ..Default::default() };
    let request = pb::RestoreSnapshotRequest { snapshot, ..Default::default() };
    let master = world.active_master().unwrap();
    let id = master.services.restore_snapshot(&call(), request).await?.proc_id;
    world.outcome(hmaster_types::ProcId(id)).await
}

/// How many regions and files a complete snapshot has, and its type.
fn content(world: &World, name: &str) -> (usize, usize, Type) {
    world.with(|state| {
        let folder = &state.root.snapshots[name];
        assert!(folder.schema.is_some() && state.root.unfinished_snapshots.is_empty());
        let families = folder.regions.values().flat_map(|region| &region.family_files);
        let files = families.map(|family| family.store_files.len()).sum();
        (folder.regions.len(), files, folder.info.as_ref().unwrap().r#type())
    })
}

fn barrier(name: &str, table: &str) -> pb::ProcedureDescription {
    let setting = pb::NameStringPair { name: "table".into(), value: table.into() };
    pb::ProcedureDescription {
        signature: "online-snapshot".into(),
        instance: Some(name.into()),
        creation_time: None,
        configuration: vec![setting],
    }
}

#[test]
fn what_is_in_memory_is_in_the_snapshot_of_an_enabled_table() {
    world(|world| async move {
        create(&world, "t", &["m"], 2).await;
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "z"));
        world.run(taking(&world, "s")).await.unwrap();
        assert_eq!(content(&world, "s"), (2, 2, Type::Flush));
        check(&world);
    });
}

#[test]
fn the_master_lists_the_files_of_a_disabled_table() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        assert!(world.put(&table("t"), "a"));
        disable(&world, "t").await;
        world.run(taking(&world, "s")).await.unwrap();
        assert_eq!(content(&world, "s"), (2, 1, Type::Disabled));
        check(&world);
    });
}

#[test]
fn clients_take_list_and_delete_them_by_barrier() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        let master = world.active_master().unwrap();
        let exec = async |name: &str, table: &str| {
            let request = pb::ExecProcedureRequest { procedure: barrier(name, table) };
            master.services.exec_procedure(&call(), request).await
        };
        let is_done = async |name: &str| {
            let request = pb::IsProcedureDoneRequest { procedure: Some(barrier(name, "t")) };
            master.services.is_procedure_done(&call(), request).await.map(|answer| answer.done())
        };
        let delete = async |name: &str| {
            let snapshot = pb::SnapshotDescription { name: name.into(), ..Default::default() };
            master.services.delete_snapshot(&call(), pb::DeleteSnapshotRequest { snapshot }).await
        };
        let list = async || {
            let request = pb::GetCompletedSnapshotsRequest {};
            let answer = master.services.get_completed_snapshots(&call(), request).await.unwrap();
            answer.snapshots.into_iter().map(|snapshot| snapshot.name).collect::<Vec<_>>()
        };
        assert!(is_done("s").await.unwrap_err().is(class::UNKNOWN_SNAPSHOT));
        assert!(exec("s", "nothing").await.unwrap_err().is(class::SNAPSHOT_CREATION), "no such table");
        assert!(exec("../s", "t").await.unwrap_err().is(class::ILLEGAL_ARGUMENT), "the name is a folder's");
        assert!(delete("s").await.unwrap_err().is(class::SNAPSHOT_DOES_NOT_EXIST));
        exec("s", "t").await.unwrap();
        assert!(exec("s2", "t").await.unwrap_err().is(class::SNAPSHOT_CREATION), "one is being taken");
        world.until_idle().await;
        assert!(is_done("s").await.unwrap());
        assert_eq!(list().await, ["s"]);
        assert!(exec("s", "t").await.unwrap_err().is(class::SNAPSHOT_EXISTS));
        delete("s").await.unwrap();
        assert_eq!(list().await, Vec::<String>::new());
        assert!(delete("s").await.unwrap_err().is(class::SNAPSHOT_DOES_NOT_EXIST));
        check(&world);
    });
}

#[test]
fn it_ends_whenever_the_master_or_a_server_dies() {
    for pause_ms in [0, 1, 5, 20, 50, 100, 300, 1000] {
        for kills_server in [false, true] {
            world(|world| async move {
                create(&world, "t", &["m"], 1).await;
                assert!(world.put(&table("t"), "a"));
                let server = place(&world, &first_region(&world, "t")).unwrap();
                let id = world.env().submit(taking(&world, "s")).await.unwrap();
                world.pass(pause_ms).await;
                if kills_server {
                    world.crash_server(&server);
                }
                world.kill_master();
                world.start_master();
                world.until_initialized().await;
                world.outcome(id).await.unwrap();
                world.pass(60_000).await;
                world.until_idle().await;
                assert_eq!(content(&world, "s").0, 2, "after {pause_ms} ms");
                assert_eq!(content(&world, "s").1, 1, "after {pause_ms} ms");
                check(&world);
            });
        }
    }
}

#[test]
fn a_table_becomes_what_it_was_however_its_regions_have_changed_since() {
    type Change = (&'static str, fn(&World) -> futures_util::future::LocalBoxFuture<'_, ()>);
    let changes: [Change; 5] = [
        ("nothing", |_| Box::pin(async {})),
        ("compacted", |world| Box::pin(async { compact_all(world) })),
        ("split", |world| Box::pin(split(world, "c"))),
        ("merged", |world| Box::pin(merge(world))),
        ("split, compacted, collected", |world| {
            Box::pin(async {
                split(world, "c").await;
                compact_all(world);
                world.env().scan_catalog().await.unwrap();
                world.until_idle().await;
            })
        }),
    ];
    for (what, change) in changes {
        world(|world| async move {
            create(&world, "t", &["m"], 2).await;
            put(&world, &["a", "d", "z"]);
            world.run(taking(&world, "s")).await.unwrap();
            let rows = world.rows(&table("t"));
            assert_eq!(rows.len(), 3);
            put(&world, &["a", "b", "n"]);
            change(&world).await;
            put(&world, &["a", "e"]);
            restore(&world, "s", &rows).await;
            assert_eq!(world.rows(&table("t")), rows, "{what}");
            check(&world);
            // What is written from now on stays, and what was before doesn't come back.
            put(&world, &["a", "y"]);
            for (n, server) in world.with(|state| state.servers_up()).into_iter().enumerate() {
                let rows = world.rows(&table("t"));
                world.start_server(10 + n);
                world.crash_server(&server);
                world.pass(60_000).await;
                world.until_idle().await;
                assert_eq!(world.rows(&table("t")), rows, "{what}");
            }
            check(&world);
            // Once more, of links.
            restore(&world, "s", &rows).await;
            assert_eq!(world.rows(&table("t")), rows, "{what}");
            check(&world);
        });
    }
}

#[test]
fn a_snapshot_of_a_region_that_was_just_split_or_merged_comes_back_and_is_cloned() {
    for is_merged in [false, true] {
        world(|world| async move {
            create(&world, "t", &["m"], 1).await;
            put(&world, &["a", "d", "z"]);
            // What is to be split or merged has files.
            disable(&world, "t").await;
            enable(&world, "t").await;
            match is_merged {
                true => merge(&world).await,
                false => split(&world, "c").await,
            }
            world.run(taking(&world, "s")).await.unwrap();
            let rows = world.rows(&table("t"));
            put(&world, &["a", "b"]);
            compact_all(&world);
            world.env().scan_catalog().await.unwrap();
            world.until_idle().await;
            world.run(cloning(&world, "s", "u")).await.unwrap();
            world.expect_rows(&table("u"), &rows);
            check(&world);
            restore(&world, "s", &rows).await;
            assert_eq!(world.rows(&table("t")), rows);
            check(&world);
            // Nobody but the clone needs the files any more.
            disable(&world, "t").await;
            delete(&world, "t").await;
            world.with(|state| {
                state.root.snapshots.clear();
                state.root.old_since_ms = Some(0);
            });
            world.env().clean().await;
            world.env().scan_catalog().await.unwrap();
            world.until_idle().await;
            world.env().clean().await;
            assert_eq!(world.rows(&table("u")), rows);
            check(&world);
            compact_all(&world);
            for _ in 0..3 {
                world.env().scan_catalog().await.unwrap();
                world.until_idle().await;
                world.env().clean().await;
            }
            assert_eq!(world.rows(&table("u")), rows);
            check(&world);
        });
    }
}

#[test]
fn clients_restore_and_clone_and_hear_why_not() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        create(&world, "other", &[], 1).await;
        put(&world, &["a"]);
        world.run(taking(&world, "s")).await.unwrap();
        let rows = world.rows(&table("t"));
        put(&world, &["b"]);
        assert!(ask(&world, "no", "t").await.unwrap_err().is(class::SNAPSHOT_DOES_NOT_EXIST));
        assert!(ask(&world, "../s", "t").await.unwrap_err().is(class::SNAPSHOT_DOES_NOT_EXIST));
        assert!(ask(&world, "s", "no:t").await.unwrap_err().is(class::NAMESPACE_NOT_FOUND));
        assert!(ask(&world, "s", "t").await.unwrap_err().is(class::UNSUPPORTED_OPERATION), "it is enabled");
        assert!(ask(&world, "s", "other").await.unwrap_err().is(class::TABLE_EXISTS), "of another table");
        ask(&world, "s", "u").await.unwrap();
        world.expect_rows(&table("u"), &rows);
        check(&world);
        disable(&world, "t").await;
        ask(&world, "s", "t").await.unwrap();
        world.expect_rows(&table("t"), &rows);
        check(&world);
        // A file of it is gone for good.
        world.with(|state| {
            let folders = state.root.tables.get_mut(&table("t")).unwrap();
            folders.regions.values_mut().for_each(|region| region.files.clear());
            state.root.tables.remove(&table("u"));
            state.root.archive.clear();
        });
        assert!(ask(&world, "s", "t").await.unwrap_err().is(class::CORRUPTED_SNAPSHOT));
        assert!(ask(&world, "s", "v").await.unwrap_err().is(class::CORRUPTED_SNAPSHOT));
        world.with(|state| {
            state.truth.violations.clear();
            let info = state.root.snapshots.get_mut("s").unwrap().info.as_mut().unwrap();
            (info.ttl, info.creation_time) = (Some(1), Some(1));
            state.root.snapshots.get_mut("s").unwrap().regions.values_mut().for_each(|region| {
                region.family_files.clear();
            });
        });
        assert!(ask(&world, "s", "v").await.unwrap_err().is(class::SNAPSHOT_TTL_EXPIRED));
        assert!(ask(&world, "s", "t").await.unwrap_err().is(class::SNAPSHOT_TTL_EXPIRED));
    });
}

#[test]
fn a_snapshot_that_is_brought_back_is_not_deleted() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        put(&world, &["a"]);
        world.run(taking(&world, "s")).await.unwrap();
        let id = world.env().submit(cloning(&world, "s", "u")).await.unwrap();
        let delete = async || {
            let snapshot = pb::SnapshotDescription { name: "s".into(), ..Default::default() };
            let master = world.active_master().unwrap();
            master.services.delete_snapshot(&call(), pb::DeleteSnapshotRequest { snapshot }).await
        };
        assert!(delete().await.unwrap_err().is(class::HBASE_SNAPSHOT));
        world.outcome(id).await.unwrap();
        delete().await.unwrap();
        check(&world);
    });
}

#[test]
fn regions_are_not_split_while_their_table_is_in_a_snapshot() {
    world(|world| async move {
        create(&world, "t", &["m"], 1).await;
        put(&world, &["a", "d"]);
        let region = first_region(&world, "t");
        let splitting =
            SplitRegion::procedure(&world.env(), user(), &region, Some("c".into())).await.unwrap();
        let id = world.env().submit(taking(&world, "s")).await.unwrap();
        let error = world.run(splitting).await.unwrap_err();
        assert!(error.to_string().contains("active procedure"), "{error}");
        world.outcome(id).await.unwrap();
        assert_eq!(content(&world, "s").0, 2);
        check(&world);
    });
}

#[test]
fn snapshots_whose_time_is_over_go_and_so_do_unfinished_ones() {
    world(|world| async move {
        create(&world, "t", &[], 1).await;
        for (name, ttl) in [("short", 60), ("long", 0)] {
            let snapshot = pb::SnapshotDescription { ttl: Some(ttl), ..described(name) };
            let snapshot = snapshots::validate(&world.env(), snapshot).unwrap();
            world.run(TakeSnapshot::procedure(snapshot).unwrap()).await.unwrap();
        }
        world.with(|state| state.root.unfinished_snapshots.insert("left".into(), Default::default()));
        let names =
            |world: &World| world.with(|state| state.root.snapshots.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(&world), ["long", "short"]);
        world.pass(3_600_000).await;
        assert_eq!(names(&world), ["long"]);
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        world.pass(1000).await;
        world.with(|state| assert!(state.root.unfinished_snapshots.is_empty()));
        check(&world);
    });
}

fn regions_of(world: &World) -> Vec<RegionInfo> {
    world.env().regions.table_regions(&table("t")).iter().map(|node| node.info().clone()).collect()
}

#[test]
fn a_restore_ends_whenever_the_master_or_a_server_dies() {
    for pause_ms in [0, 1, 5, 20, 50, 100, 300] {
        world(|world| async move {
            create(&world, "t", &["m"], 1).await;
            put(&world, &["a", "d", "z"]);
            world.run(taking(&world, "s")).await.unwrap();
            let (rows, regions) = (world.rows(&table("t")), regions_of(&world));
            put(&world, &["a", "b"]);
            split(&world, "c").await;
            disable(&world, "t").await;
            world.forget_rows(&table("t"));
            let id = world.env().submit(restoring(&world, "s")).await.unwrap();
            world.pass(pause_ms).await;
            // What is flushed is known to the master that has restored, not to the next one.
            let executor = world.env().executor().unwrap();
            if matches!(executor.status(id, false), hmaster_procedure::Status::Running { .. }) {
                let server = world.with(|state| state.servers_up()[0].clone());
                world.start_server(10);
                world.crash_server(&server);
            }
            drop(executor);
            world.kill_master();
            world.start_master();
            world.until_initialized().await;
            world.outcome(id).await.unwrap();
            world.pass(60_000).await;
            world.until_idle().await;
            assert_eq!(regions_of(&world), regions, "after {pause_ms} ms");
            world.expect_rows(&table("t"), &rows);
            enable(&world, "t").await;
            assert_eq!(world.rows(&table("t")), rows, "after {pause_ms} ms");
            check(&world);
        });
    }
}

#[test]
fn data_is_destroyed_only_after_a_snapshot_if_that_is_wanted() {
    let mut config = WorldConfig::default();
    config.options.snapshots.before_destruction = true;
    world_of(config, |world| async move {
        create(&world, "t", &["m"], 1).await;
        put(&world, &["a", "z"]);
        let rows = world.rows(&table("t"));
        let taken = || world.with(|state| state.root.snapshots.keys().cloned().collect::<Vec<_>>());
        // A family that goes, while the table is enabled.
        let schema = world.env().schemas.get(&table("t")).unwrap();
        let other = hmaster_types::ColumnFamilyDescriptor::builder("g").build();
        let changed = schema.to_builder().family(other).without_family(b"f").build();
        world.forget_rows(&table("t"));
        world.run(ModifyTable::procedure(user(), changed, Prepared::default())).await.unwrap();
        assert_eq!(taken().len(), 1, "{:?}", taken());
        world.run(cloning(&world, &taken()[0], "u")).await.unwrap();
        world.expect_rows(&table("u"), &rows);
        check(&world);
        disable(&world, "u").await;
        world.forget_rows(&table("u"));
        world.run(TruncateTable::procedure(user(), table("u"), true, Prepared::default())).await.unwrap();
        assert_eq!(taken().len(), 2, "{:?}", taken());
        let name = taken().into_iter().find(|name| name.starts_with("auto_u_")).unwrap();
        world.run(cloning(&world, &name, "v")).await.unwrap();
        world.expect_rows(&table("v"), &rows);
        check(&world);
        disable(&world, "v").await;
        delete(&world, "v").await;
        let name = taken().into_iter().find(|name| name.starts_with("auto_v_")).unwrap();
        world.run(cloning(&world, &name, "w")).await.unwrap();
        world.expect_rows(&table("w"), &rows);
        check(&world);
    });
}
