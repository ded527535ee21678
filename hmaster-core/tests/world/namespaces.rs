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

/// Danger 11: what is deleted by a fast clock isn't deleted for ever.
#[test]
fn a_namespace_may_come_back_under_a_master_whose_clock_is_behind() {
    world(|world| async move {
        let make = || CreateNamespace::procedure(NamespaceDescriptor::new("ns"), Prepared::default());
        let drop = || DeleteNamespace::procedure("ns".into(), Prepared::default());
        let next_master = async |behind_ms: i64| {
            world.kill_master();
            world.start_master().clock.set_offset_ms(-behind_ms);
            world.until_initialized().await;
        };
        for behind_ms in [2_000, 5_000, 9_000] {
            world.run(make()).await.unwrap();
            world.pass(10_000).await; // later than whatever hbase:meta holds
            world.run(drop()).await.unwrap();
            next_master(behind_ms).await;
            world.run(make()).await.unwrap();
            next_master(behind_ms).await;
            assert!(world.env().namespaces.get("ns").is_some(), "lost with a clock {behind_ms} ms behind");
            world.run(drop()).await.unwrap();
        }
        check(&world);
    });
}
