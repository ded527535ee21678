//! A cluster of hmaster-testkit, in this process, as a Java client sees it: what an embedder's own tests rely on.

use anyhow::{Context as _, Result, ensure};
use hmaster_testkit::TestCluster;
use hmaster_tests::client::hex_splits;
use hmaster_tests::{Client, RowSet, require_peers};

const TABLE: &str = "known";

/// A Java client with the hbase-site.xml that the cluster hands out.
async fn client(cluster: &TestCluster, folder: &tempfile::TempDir) -> Result<Client> {
    Client::of_conf_dir(&cluster.conf_dir(), folder.path().join("client.log")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_java_client_keeps_its_rows_through_changes_of_servers() -> Result<()> {
    require_peers!();
    let folder = tempfile::tempdir()?;
    let cluster = TestCluster::builder().masters(2).region_servers(2).start().await?;
    let client = client(&cluster, &folder).await?;
    client.create_table(TABLE, &["f"], &hex_splits(6)).await?;
    let rows = RowSet::new(1, 3_000);
    client.put_rows(TABLE, rows).await?;

    let active = cluster.active_master().await?;
    cluster.kill_master(active.server()).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("without the first master")?;
    client.create_table::<&str>("second", &["f"], &[]).await.context("by the second master")?;

    let victim = cluster.region_servers().first().cloned().context("a region server")?;
    cluster.kill_region_server(&victim).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("after a region server was killed")?;
    cluster.start_region_server().await?;
    client.await_region_servers(2).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check()?;
    Ok(cluster.stop().await?)
}

/// What the table helper of the kit says is so for Java, too; and clusters don't see each other.
#[tokio::test(flavor = "multi_thread")]
async fn tables_of_two_clusters_stay_apart() -> Result<()> {
    require_peers!();
    let folder = tempfile::tempdir()?;
    let (one, other) = tokio::try_join!(TestCluster::start(), TestCluster::start())?;
    one.create_table(TABLE, &["f"]).await?;
    let client = client(&one, &folder).await?;
    let rows = RowSet::new(2, 100);
    client.put_rows(TABLE, rows).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check()?;
    drop(client);
    let other_folder = tempfile::tempdir()?;
    let client = self::client(&other, &other_folder).await?;
    let exists = client.admin("tableExists", serde_json::json!([TABLE])).await?;
    ensure!(exists == serde_json::json!(false), "{exists}");
    other.stop().await?;
    Ok(one.stop().await?)
}
