//! Namespaces.

use hmaster_core::namespaces::create::CreateNamespace;
use hmaster_core::namespaces::delete::DeleteNamespace;
use hmaster_core::tables::Prepared;
use hmaster_types::{NamespaceDescriptor, class};

use crate::support::{check, create, delete, disable, world};

#[test]
fn a_namespace_lives_as_long_as_it_has_tables() {
    world(|world| async move {
        let make = || CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default());
        let drop = |name: &str| DeleteNamespace::procedure(name.into(), Prepared::default());
        world.run(make()).await.unwrap();
        assert!(world.run(make()).await.unwrap_err().is(class::NAMESPACE_EXIST));
        create(&world, "ns:t", &[], 1).await;
        assert!(world.run(drop("ns")).await.unwrap_err().is(class::CONSTRAINT));
        assert!(world.run(drop("hbase")).await.unwrap_err().is(class::CONSTRAINT));
        assert!(world.run(drop("none")).await.unwrap_err().is(class::NAMESPACE_NOT_FOUND));
        world.kill_master();
        world.start_master();
        world.until_initialized().await;
        assert!(world.env().namespaces.get("ns").is_some(), "the next master knows it");
        disable(&world, "ns:t").await;
        delete(&world, "ns:t").await;
        world.run(drop("ns")).await.unwrap();
        assert!(!world.snapshot().shown_namespaces.contains("ns"));
        check(&world);
    });
}
