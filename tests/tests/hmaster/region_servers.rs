//! Region servers die by SIGKILL: every acknowledged row is read back.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::scenario::{self, TABLE};
use hmaster_tests::{HBaseVersion, RowSet, Server, Storage, require_peers};
use serde_json::json;

use crate::{SOON, alone, cluster, hmaster, report};

async fn crashes(storage: Storage, name: &str) -> Result<()> {
    let master = hmaster().await?;
    let versions = [HBaseVersion::V2_6; 3];
    report("crashes of region servers", name, &versions, &[&master]);
    let cluster = cluster("crashes").storage(storage).start().await?;
    let running = scenario::start(&cluster, &master, &versions).await?;
    let client = &running.client;
    let rows = RowSet::new(1, 5_000);
    scenario::write_and_read_back(client, 12, rows).await?;
    client.create_table("written", &["f"], &hmaster_tests::hex_splits(6)).await?;
    // With a connection of its own: the other one is opened anew below.
    let writing = cluster.client().await?;
    let writers =
        [writing.start_writer("written", 11, 5).await?, writing.start_writer("written", 12, 5).await?];

    // The one with most regions, while rows are written.
    let victim = scenario::kill_a_region_server_and_read_again(&running, &[rows]).await?;
    victim.restart().await?;
    client.await_region_servers(3).await?;

    // The one that carries hbase:meta.
    let carrier = meta_carrier(&running).await?;
    carrier.kill9().await?;
    client.reconnect().await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("read after hbase:meta's server died")?;
    ensure!(meta_carrier(&running).await?.name() != carrier.name());
    carrier.restart().await?;
    client.await_region_servers(3).await?;

    // One that comes back at the same address before its session ends.
    let quick = meta_carrier(&running).await?;
    quick.restart().await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("read after a quick restart")?;
    client.await_region_servers(3).await?;
    client.await_consistent().await?;

    // All at once.
    for server in &running.region_servers {
        server.kill9().await?;
    }
    for server in &running.region_servers {
        server.restart().await?;
    }
    client.await_region_servers(3).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("read after all region servers died")?;

    // All and the master.
    for server in &running.region_servers {
        server.kill9().await?;
    }
    running.master.restart().await?;
    for server in &running.region_servers {
        server.restart().await?;
    }
    client.await_region_servers(3).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("read after everybody died")?;

    for writer in &writers {
        let wrote = writer.stop().await?;
        ensure!(wrote.acknowledged > 0, "{wrote:?}");
    }
    writing.verify_rows("written", &[], &writers.each_ref()).await?.check().context("acknowledged rows")?;
    client.await_consistent().await?;
    ensure!(running.master.is_running());
    cluster.finish().await
}

async fn meta_carrier(running: &scenario::Running) -> Result<&Server> {
    let look = async || {
        let places = running.client.call("regions", json!({ "table": "hbase:meta" })).await?;
        let name = places[0]["server"].as_str().context("hbase:meta has a server")?.to_owned();
        let alive = running.region_servers.iter().filter(|server| server.is_running());
        alive
            .into_iter()
            .find(|server| server.is_named(&name))
            .with_context(|| format!("{name} is not alive"))
    };
    hmaster_tests::wait::until("hbase:meta's server", SOON, look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_on_local_disk() -> Result<()> {
    require_peers!();
    let _alone = alone("crashes_on_local_disk").await;
    crashes(Storage::Local, "local disk").await
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_on_hdfs() -> Result<()> {
    require_peers!();
    let _alone = alone("crashes_on_hdfs").await;
    crashes(Storage::Hdfs { datanodes: 1 }, "HDFS").await
}
