//! One line for each procedure, see [`crate::enumerate`].

use hmaster_core::crash::ServerCrash;
use hmaster_core::namespaces::create::CreateNamespace;
use hmaster_core::namespaces::delete::DeleteNamespace;
use hmaster_core::namespaces::modify::ModifyNamespace;
use hmaster_core::regions::gc::GcRegion;
use hmaster_core::regions::merge::MergeRegions;
use hmaster_core::regions::split::SplitRegion;
use hmaster_core::regions::truncate::TruncateRegion;
use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::tables::delete::DeleteTable;
use hmaster_core::tables::disable::DisableTable;
use hmaster_core::tables::enable::EnableTable;
use hmaster_core::tables::flush::FlushTable;
use hmaster_core::tables::modify::ModifyTable;
use hmaster_core::tables::truncate::TruncateTable;
use hmaster_core::testing::{World, table_schema};
use hmaster_types::{EncodedName, NamespaceDescriptor};

use crate::enumerate::every_moment;
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

#[test]
fn create_table() {
    every_moment(nothing, async |world| {
        let regions = world.regions(&table("t"), &["m"]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 1), regions, Prepared::default()))
    });
}

#[test]
fn create_table_with_replicas() {
    every_moment(nothing, async |world| {
        let regions = world.regions(&table("t"), &[]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 2), regions, Prepared::default()))
    });
}

#[test]
fn disable_table() {
    every_moment(enabled, async |_| {
        Box::new(DisableTable::procedure(user(), table("t"), Prepared::default()))
    });
}

#[test]
fn enable_table() {
    every_moment(disabled, async |_| {
        Box::new(EnableTable::procedure(user(), table("t"), Prepared::default()))
    });
}

#[test]
fn delete_table() {
    every_moment(disabled, async |_| {
        Box::new(DeleteTable::procedure(user(), table("t"), Prepared::default()))
    });
}

#[test]
fn move_region() {
    every_moment(enabled, async |world| {
        Box::new(world.env().move_region(&first_region(&world, "t"), None).unwrap())
    });
}

#[test]
fn reopen_region() {
    every_moment(enabled, async |world| Box::new(world.env().reopen(&first_region(&world, "t")).unwrap()));
}

#[test]
fn unassign_region() {
    every_moment(disabled, async |world| Box::new(world.env().unassign(&first_region(&world, "t")).unwrap()));
}

#[test]
fn move_meta() {
    every_moment(enabled, async |world| {
        Box::new(world.env().move_region(&hmaster_types::RegionInfo::meta(), None).unwrap())
    });
}

#[test]
fn create_namespace() {
    every_moment(nothing, async |_| {
        Box::new(CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default()))
    });
}

#[test]
fn modify_namespace() {
    every_moment(with_namespace, async |_| {
        let mut namespace = NamespaceDescriptor::new("ns");
        namespace.configuration.insert("k".into(), "v".into());
        Box::new(ModifyNamespace::procedure(namespace, Prepared::default()))
    });
}

#[test]
fn delete_namespace() {
    every_moment(with_namespace, async |_| {
        Box::new(DeleteNamespace::procedure("ns".into(), Prepared::default()))
    });
}

async fn with_namespace(world: World) {
    let create = CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default());
    world.run(create).await.unwrap();
}

#[test]
fn server_crash() {
    every_moment(enabled, async |world| {
        let region = first_region(&world, "t").encoded_name();
        let meta = world.with(|state| state.carrier(EncodedName::META).cloned());
        let server = world.with(|state| state.carrier(region).cloned()).unwrap();
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "b"));
        kill(&world, &server, meta.as_ref() == Some(&server))
    });
}

#[test]
fn crash_of_the_server_with_meta() {
    every_moment(enabled, async |world| {
        let server = world.with(|state| state.carrier(EncodedName::META).cloned()).unwrap();
        kill(&world, &server, true)
    });
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

#[test]
fn split_region() {
    every_moment(with_rows, async |world| {
        let region = first_region(&world, "t");
        let split = SplitRegion::procedure(&world.env(), user(), &region, Some("g".into())).await;
        Box::new(split.unwrap())
    });
}

#[test]
fn merge_regions() {
    every_moment(with_rows, async |world| {
        let regions = world.env().regions.table_regions(&table("t"));
        let regions = regions.iter().map(|node| node.info().clone()).collect();
        Box::new(MergeRegions::procedure(&world.env(), user(), regions, false).unwrap())
    });
}

#[test]
fn collect_a_split_parent() {
    every_moment(
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
    );
}

#[test]
fn truncate_region() {
    every_moment(with_rows, async |world| {
        world.forget_rows(&table("t"));
        Box::new(TruncateRegion::procedure(user(), first_region(&world, "t"), Prepared::default()))
    });
}

#[test]
fn truncate_table() {
    every_moment(disabled, async |_| {
        Box::new(TruncateTable::procedure(user(), table("t"), true, Prepared::default()))
    });
}

#[test]
fn modify_table() {
    every_moment(enabled, async |world| {
        let schema = world.env().schemas.get(&table("t")).unwrap();
        let schema = schema.to_builder().attribute("note", "changed").build();
        Box::new(ModifyTable::procedure(user(), schema, Prepared::default()))
    });
}

#[test]
fn modify_table_to_have_replicas() {
    every_moment(enabled, async |world| {
        let schema = world.env().schemas.get(&table("t")).unwrap();
        let schema = schema.to_builder().attribute("REGION_REPLICATION", "2").build();
        Box::new(ModifyTable::procedure(user(), schema, Prepared::default()))
    });
}

#[test]
fn flush_table() {
    every_moment(with_rows, async |world| {
        assert!(world.put(&table("t"), "a"));
        Box::new(FlushTable::procedure(user(), table("t"), Vec::new(), Prepared::default()))
    });
}

/// The server's process ends, and its session with it; the master hears of it from its recovery.
fn kill(
    world: &World,
    server: &hmaster_types::ServerName,
    carrying_meta: bool,
) -> Box<hmaster_procedure::StateMachineProcedure<ServerCrash>> {
    world.crash_server(server);
    world.with(|state| state.znodes.region_servers.remove(server));
    world.env().servers.expire(server);
    if carrying_meta {
        world.env().catalog.set_place(None);
        world.env().set_condition(hmaster_core::message::Event::MetaAssigned, false);
    }
    Box::new(ServerCrash::procedure(server.clone(), carrying_meta))
}
