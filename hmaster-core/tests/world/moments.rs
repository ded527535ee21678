//! One line for each procedure, see [`crate::enumerate`].

use hmaster_core::crash::ServerCrash;
use hmaster_core::locking::{Lock, Target};
use hmaster_core::namespaces::create::CreateNamespace;
use hmaster_core::namespaces::delete::DeleteNamespace;
use hmaster_core::namespaces::modify::ModifyNamespace;
use hmaster_core::regions::gc::GcRegion;
use hmaster_core::regions::gc_merged::GcMergedRegions;
use hmaster_core::regions::merge::MergeRegions;
use hmaster_core::regions::split::SplitRegion;
use hmaster_core::regions::truncate::TruncateRegion;
use hmaster_core::registry::registry;
use hmaster_core::snapshots::{CloneSnapshot, RestoreSnapshot, TakeSnapshot};
use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::tables::delete::DeleteTable;
use hmaster_core::tables::disable::DisableTable;
use hmaster_core::tables::enable::EnableTable;
use hmaster_core::tables::flush::FlushTable;
use hmaster_core::tables::init_meta;
use hmaster_core::tables::modify::ModifyTable;
use hmaster_core::tables::store_file_tracker::ModifyTracker;
use hmaster_core::tables::store_file_tracker::initialize::InitializeTracker;
use hmaster_core::tables::truncate::TruncateTable;
use hmaster_core::testing::{World, table_schema};
use hmaster_procedure::StateMachineProcedure;
use hmaster_protocol::pb;
use hmaster_types::{EncodedName, NamespaceDescriptor, TableDescriptor};

use crate::enumerate::{Case, case, classes};
use crate::support::{create, disable, enable, first_region, table};

fn user() -> ProcedureUser {
    ProcedureUser::master()
}

async fn nothing(_: World) {}

async fn enabled(world: World) {
    create(&world, "t", &["m"], 1).await;
}

async fn disabled(world: World) {
    create(&world, "t", &["m"], 1).await;
    disable(&world, "t").await;
}

fn create_table() -> Case {
    case(nothing, async |world| {
        let regions = world.regions(&table("t"), &["m"]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 1), regions, Prepared::default()))
    })
}

fn create_table_with_replicas() -> Case {
    case(nothing, async |world| {
        let regions = world.regions(&table("t"), &[]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 2), regions, Prepared::default()))
    })
}

pub(crate) fn disable_table() -> Case {
    case(enabled, async |_| Box::new(DisableTable::procedure(user(), table("t"), Prepared::default())))
}

pub(crate) fn enable_table() -> Case {
    case(disabled, async |_| Box::new(EnableTable::procedure(user(), table("t"), Prepared::default())))
}

fn delete_table() -> Case {
    case(disabled, async |_| Box::new(DeleteTable::procedure(user(), table("t"), Prepared::default())))
}

pub(crate) fn move_region() -> Case {
    case(enabled, async |world| Box::new(world.env().move_region(&first_region(&world, "t"), None).unwrap()))
}

pub(crate) fn reopen_region() -> Case {
    case(enabled, async |world| Box::new(world.env().reopen(&first_region(&world, "t")).unwrap()))
}

fn unassign_region() -> Case {
    case(disabled, async |world| Box::new(world.env().unassign(&first_region(&world, "t")).unwrap()))
}

pub(crate) fn move_meta() -> Case {
    case(enabled, async |world| {
        Box::new(world.env().move_region(&hmaster_types::RegionInfo::meta(), None).unwrap())
    })
}

fn create_namespace() -> Case {
    case(nothing, async |_| {
        Box::new(CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default()))
    })
}

fn modify_namespace() -> Case {
    case(with_namespace, async |_| {
        let mut namespace = NamespaceDescriptor::new("ns");
        namespace.configuration.insert("k".into(), "v".into());
        Box::new(ModifyNamespace::procedure(namespace, Prepared::default()))
    })
}

fn delete_namespace() -> Case {
    case(with_namespace, async |_| Box::new(DeleteNamespace::procedure("ns".into(), Prepared::default())))
}

async fn with_namespace(world: World) {
    let create = CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default());
    world.run(create).await.unwrap();
}

pub(crate) fn server_crash() -> Case {
    case(enabled, async |world| {
        let region = first_region(&world, "t").encoded_name();
        let meta = world.with(|state| state.carrier(EncodedName::META).cloned());
        let server = world.with(|state| state.carrier(region).cloned()).unwrap();
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "b"));
        kill(&world, &server, meta.as_ref() == Some(&server))
    })
}

pub(crate) fn crash_of_the_server_with_meta() -> Case {
    case(enabled, async |world| {
        let server = world.with(|state| state.carrier(EncodedName::META).cloned()).unwrap();
        kill(&world, &server, true)
    })
}

async fn with_rows(world: World) {
    create(&world, "t", &["m"], 1).await;
    for row in ["a", "c", "g", "k", "n", "z"] {
        assert!(world.put(&table("t"), row));
    }
    // Whatever is to be split or merged has files.
    disable(&world, "t").await;
    enable(&world, "t").await;
}

pub(crate) fn split_region() -> Case {
    case(with_rows, async |world| {
        let region = first_region(&world, "t");
        let split = SplitRegion::procedure(&world.env(), user(), &region, Some("g".into())).await;
        Box::new(split.unwrap())
    })
}

pub(crate) fn merge_regions() -> Case {
    case(with_rows, async |world| {
        let regions = world.env().regions.table_regions(&table("t"));
        let regions = regions.iter().map(|node| node.info().clone()).collect();
        Box::new(MergeRegions::procedure(&world.env(), user(), regions, false).unwrap())
    })
}

pub(crate) fn collect_a_split_parent() -> Case {
    case(
        async |world: World| {
            create(&world, "t", &["m"], 1).await;
            let region = first_region(&world, "t");
            let split = SplitRegion::procedure(&world.env(), user(), &region, Some("g".into())).await;
            world.run(split.unwrap()).await.unwrap();
        },
        async |world| {
            // The first region by its key is the lower daughter, which is open and isn't collected.
            let nodes = world.env().regions.table_regions(&table("t"));
            let parent = nodes.iter().find(|node| node.is_split()).unwrap();
            Box::new(GcRegion::procedure(parent.info().clone()))
        },
    )
}

fn truncate_region() -> Case {
    case(with_rows, async |world| {
        world.forget_rows(&table("t"));
        Box::new(TruncateRegion::procedure(user(), first_region(&world, "t"), Prepared::default()))
    })
}

fn truncate_table() -> Case {
    case(disabled, async |_| {
        Box::new(TruncateTable::procedure(user(), table("t"), true, Prepared::default()))
    })
}

pub(crate) fn modify_table() -> Case {
    case(enabled, async |world| {
        let schema = world.env().schemas.get(&table("t")).unwrap();
        let schema = schema.to_builder().attribute("note", "changed").build();
        Box::new(ModifyTable::procedure(user(), schema, Prepared::default()))
    })
}

fn modify_table_to_have_replicas() -> Case {
    case(enabled, async |world| {
        let schema = world.env().schemas.get(&table("t")).unwrap();
        let schema = schema.to_builder().attribute("REGION_REPLICATION", "2").build();
        Box::new(ModifyTable::procedure(user(), schema, Prepared::default()))
    })
}

fn flush_table() -> Case {
    case(with_rows, async |world| {
        assert!(world.put(&table("t"), "a"));
        Box::new(FlushTable::procedure(user(), table("t"), Vec::new(), Prepared::default()))
    })
}

/// The server's process ends, and its session with it; the master hears of it from its recovery.
fn kill(
    world: &World,
    server: &hmaster_types::ServerName,
    carrying_meta: bool,
) -> Box<StateMachineProcedure<ServerCrash>> {
    world.crash_server(server);
    world.with(|state| state.znodes.region_servers.remove(server));
    world.env().servers.expire(server);
    if carrying_meta {
        world.env().catalog.set_place(None);
        world.env().set_condition(hmaster_core::message::Event::MetaAssigned, false);
    }
    Box::new(ServerCrash::procedure(server.clone(), carrying_meta))
}

pub(crate) fn assign_region() -> Case {
    case(
        async |world: World| {
            create(&world, "t", &["m"], 1).await;
            let unassign = world.env().unassign(&first_region(&world, "t")).unwrap();
            world.run(unassign).await.unwrap();
        },
        async |world| Box::new(world.env().assign(&first_region(&world, "t"), None, false).unwrap()),
    )
}

fn modify_table_to_have_fewer_replicas() -> Case {
    case(
        async |world: World| create(&world, "t", &["m"], 2).await,
        async |world| {
            let schema = world.env().schemas.get(&table("t")).unwrap();
            let schema = schema.to_builder().attribute("REGION_REPLICATION", "1").build();
            Box::new(ModifyTable::procedure(user(), schema, Prepared::default()))
        },
    )
}

fn modify_tables_store_file_tracker() -> Case {
    case(enabled, async |_| {
        Box::new(ModifyTracker::of_table(user(), table("t"), "FILE", Prepared::default()).unwrap())
    })
}

fn modify_familys_store_file_tracker() -> Case {
    case(enabled, async |_| {
        let tracker = ModifyTracker::of_family(user(), table("t"), "f".into(), "FILE", Prepared::default());
        Box::new(tracker.unwrap())
    })
}

fn collect_merged_regions() -> Case {
    case(
        async |world: World| {
            create(&world, "t", &["m"], 1).await;
            let regions = world.env().regions.table_regions(&table("t"));
            let regions = regions.iter().map(|node| node.info().clone()).collect();
            world.run(MergeRegions::procedure(&world.env(), user(), regions, false).unwrap()).await.unwrap();
        },
        async |world| {
            let merged = first_region(&world, "t");
            let parents = world.with(|state| {
                let folder = &state.root.tables[&table("t")];
                let regions = folder.regions.values().map(|region| region.info.clone());
                regions.filter(|region| *region != merged).collect()
            });
            Box::new(GcMergedRegions::procedure(merged, parents))
        },
    )
}

fn initialize_store_file_tracker() -> Case {
    case(
        async |world: World| {
            create(&world, "t", &["m"], 1).await;
            // As releases before 2.6 left it.
            world.with(|state| {
                let folder = state.root.tables.get_mut(&table("t")).unwrap();
                folder.schema = table_schema(&table("t"), 1);
            });
            world.kill_master();
            world.start_master();
            world.until_initialized().await;
        },
        async |_| Box::new(InitializeTracker::procedure(table("t"))),
    )
}

fn server_crash_by_order() -> Case {
    case(enabled, async |world| {
        let region = first_region(&world, "t").encoded_name();
        let server = world.with(|state| state.carrier(region).cloned()).unwrap();
        let meta = world.with(|state| state.carrier(EncodedName::META).cloned());
        let carrying_meta = meta.as_ref() == Some(&server);
        drop(kill(&world, &server, carrying_meta));
        Box::new(ServerCrash::by_order(server, carrying_meta))
    })
}

/// A client takes a lock and isn't heard of again.
fn lock() -> Case {
    case(enabled, async |_| {
        let request = pb::LockRequest {
            lock_type: pb::LockType::Exclusive.into(),
            table_name: Some((&table("t")).into()),
            ..Default::default()
        };
        Box::new(Lock::new(Target::of(&request).unwrap(), "a test".into()))
    })
}

fn snapshot(world: &World) -> StateMachineProcedure<TakeSnapshot> {
    let snapshot =
        pb::SnapshotDescription { name: "s".into(), table: Some("t".into()), ..Default::default() };
    let snapshot = hmaster_core::snapshots::validate(&world.env(), snapshot).unwrap();
    TakeSnapshot::procedure(snapshot).unwrap()
}

fn take_snapshot() -> Case {
    case(enabled, async |world| Box::new(snapshot(&world)))
}

fn take_snapshot_of_disabled_table() -> Case {
    case(disabled, async |world| Box::new(snapshot(&world)))
}

/// A snapshot of a region of which two daughters are left: one region is added, two are removed, one stays.
async fn in_a_snapshot(world: World) {
    with_rows(world.clone()).await;
    world.run(snapshot(&world)).await.unwrap();
    assert!(world.put(&table("t"), "b"));
    let region = first_region(&world, "t");
    let split = SplitRegion::procedure(&world.env(), user(), &region, Some("g".into())).await;
    world.run(split.unwrap()).await.unwrap();
    disable(&world, "t").await;
    world.forget_rows(&table("t"));
}

fn stored(world: &World) -> (pb::SnapshotDescription, TableDescriptor) {
    world.with(|state| {
        let folder = &state.root.snapshots["s"];
        let schema = TableDescriptor::try_from(folder.schema.as_ref().unwrap()).unwrap();
        (folder.info.clone().unwrap(), schema)
    })
}

fn restore_snapshot() -> Case {
    case(in_a_snapshot, async |world| {
        let (snapshot, schema) = stored(&world);
        let old = (*world.env().schemas.get(&table("t")).unwrap()).clone();
        Box::new(RestoreSnapshot::procedure(user(), snapshot, [old, schema], false, Prepared::default()))
    })
}

fn clone_snapshot() -> Case {
    case(in_a_snapshot, async |world| {
        let (snapshot, _) = stored(&world);
        let schema = table_schema(&table("u"), 2);
        Box::new(CloneSnapshot::procedure(user(), snapshot, schema, false, None, Prepared::default()))
    })
}

/// One test for each, and one that all registered classes are among them.
macro_rules! moments {
    ($($case:ident),* $(,)?) => {
        mod each {
            $(#[test] fn $case() { crate::enumerate::every_moment(&super::$case()); })*
        }

        #[test]
        fn every_registered_procedure_is_among_them() {
            // The first procedure of every cluster, see `crate::bootstrap`.
            let mut seen = std::collections::BTreeSet::from([init_meta::CLASS.to_owned()]);
            $(seen.extend(classes(&$case()));)*
            let missing: Vec<_> = registry().classes().filter(|class| !seen.contains(*class)).collect();
            assert!(missing.is_empty(), "add a case for {missing:?}");
        }
    };
}

moments!(
    create_table,
    create_table_with_replicas,
    disable_table,
    enable_table,
    delete_table,
    take_snapshot,
    take_snapshot_of_disabled_table,
    restore_snapshot,
    clone_snapshot,
    move_region,
    reopen_region,
    unassign_region,
    move_meta,
    create_namespace,
    modify_namespace,
    delete_namespace,
    server_crash,
    crash_of_the_server_with_meta,
    split_region,
    merge_regions,
    collect_a_split_parent,
    truncate_region,
    truncate_table,
    modify_table,
    modify_table_to_have_replicas,
    flush_table,
    assign_region,
    modify_table_to_have_fewer_replicas,
    modify_tables_store_file_tracker,
    modify_familys_store_file_tracker,
    collect_merged_regions,
    initialize_store_file_tracker,
    server_crash_by_order,
    lock,
);
