//! One line for each procedure, see [`crate::enumerate`].

use hmaster_core::crash::ServerCrash;
use hmaster_core::namespaces::create::CreateNamespace;
use hmaster_core::namespaces::delete::DeleteNamespace;
use hmaster_core::namespaces::modify::ModifyNamespace;
use hmaster_core::step::ProcedureUser;
use hmaster_core::tables::Prepared;
use hmaster_core::tables::create::CreateTable;
use hmaster_core::tables::delete::DeleteTable;
use hmaster_core::tables::disable::DisableTable;
use hmaster_core::tables::enable::EnableTable;
use hmaster_core::testing::{World, table_schema};
use hmaster_types::{EncodedName, NamespaceDescriptor};

use crate::enumerate::every_moment;
use crate::support::{create, disable, first_region, table};

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
    every_moment(nothing, |world| {
        let regions = world.regions(&table("t"), &["m"]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 1), regions, Prepared::default()))
    });
}

#[test]
fn create_table_with_replicas() {
    every_moment(nothing, |world| {
        let regions = world.regions(&table("t"), &[]);
        Box::new(CreateTable::procedure(user(), table_schema(&table("t"), 2), regions, Prepared::default()))
    });
}

#[test]
fn disable_table() {
    every_moment(enabled, |_| Box::new(DisableTable::procedure(user(), table("t"), Prepared::default())));
}

#[test]
fn enable_table() {
    every_moment(disabled, |_| Box::new(EnableTable::procedure(user(), table("t"), Prepared::default())));
}

#[test]
fn delete_table() {
    every_moment(disabled, |_| Box::new(DeleteTable::procedure(user(), table("t"), Prepared::default())));
}

#[test]
fn move_region() {
    every_moment(enabled, |world| {
        Box::new(world.env().move_region(&first_region(world, "t"), None).unwrap())
    });
}

#[test]
fn reopen_region() {
    every_moment(enabled, |world| Box::new(world.env().reopen(&first_region(world, "t")).unwrap()));
}

#[test]
fn unassign_region() {
    every_moment(disabled, |world| Box::new(world.env().unassign(&first_region(world, "t")).unwrap()));
}

#[test]
fn move_meta() {
    every_moment(enabled, |world| {
        Box::new(world.env().move_region(&hmaster_types::RegionInfo::meta(), None).unwrap())
    });
}

#[test]
fn create_namespace() {
    every_moment(nothing, |_| {
        Box::new(CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default()))
    });
}

#[test]
fn modify_namespace() {
    every_moment(with_namespace, |_| {
        let mut namespace = NamespaceDescriptor::new("ns");
        namespace.configuration.insert("k".into(), "v".into());
        Box::new(ModifyNamespace::procedure(namespace, Prepared::default()))
    });
}

#[test]
fn delete_namespace() {
    every_moment(with_namespace, |_| Box::new(DeleteNamespace::procedure("ns".into(), Prepared::default())));
}

async fn with_namespace(world: World) {
    let create = CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default());
    world.run(create).await.unwrap();
}

#[test]
fn server_crash() {
    every_moment(enabled, |world| {
        let region = first_region(world, "t").encoded_name();
        let meta = world.with(|state| state.carrier(EncodedName::META).cloned());
        let server = world.with(|state| state.carrier(region).cloned()).unwrap();
        assert!(world.put(&table("t"), "a") && world.put(&table("t"), "b"));
        kill(world, &server, meta.as_ref() == Some(&server))
    });
}

#[test]
fn crash_of_the_server_with_meta() {
    every_moment(enabled, |world| {
        let server = world.with(|state| state.carrier(EncodedName::META).cloned()).unwrap();
        kill(world, &server, true)
    });
}

/// The server's process ends, and its session with it; the master hears of it from its recovery.
fn kill(
    world: &World,
    server: &hmaster_types::ServerName,
    carrying_meta: bool,
) -> Box<dyn hmaster_procedure::Procedure<hmaster_core::environment::MasterEnv>> {
    world.crash_server(server);
    world.with(|state| state.znodes.region_servers.remove(server));
    world.env().servers.expire(server);
    if carrying_meta {
        world.env().catalog.set_place(None);
        world.env().set_condition(hmaster_core::message::Event::MetaAssigned, false);
    }
    Box::new(ServerCrash::procedure(server.clone(), carrying_meta))
}
