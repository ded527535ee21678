//! Files go from Rust region servers to Java's and back, each time after kill -9: logs are split by the other side, store
//! files of all kinds are read by it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, ZooKeeper, require_peers};

use crate::cluster::Standalone;

/// What Java's side changes: a row that it flushes, one that stays in its log, one that it deletes.
const BY_JAVA: &str = "\
puts \"count #{count 't'}\"
put 't', 'java-flushed', 'f:q', '1'
deleteall 't', 'row-0001'
a = org.apache.hadoop.hbase.client.ConnectionFactory.createConnection.getAdmin
a.getRegions(org.apache.hadoop.hbase.TableName.valueOf('t')).each { |r| flush r.getEncodedName }
put 't', 'java-logged', 'f:q', '2'
puts \"count #{count 't'}\"
";

#[tokio::test]
async fn java_region_servers_take_over_and_give_back() -> Result<()> {
    require_peers!();
    let standalone = Standalone::start(&[]).await?;
    standalone.create_table("t", &["row-0250"]).await?;
    let regions = standalone.regions("t", 2).await?;
    let mut expected = BTreeMap::new();
    for number in 0..500 {
        let (row, value) = (format!("row-{number:04}"), format!("value {number}"));
        regions.put(&row, &value).await?;
        expected.insert(row, value);
        if number % 200 == 150 {
            regions.flush(&standalone).await?;
        }
    }
    standalone.process.kill9().await?;

    let root = standalone.folder().join("data/hbase");
    let java = Cluster::builder("handover")
        .zookeeper(ZooKeeper::Java { tick_ms: 300 })
        .conf("hbase.rootdir", format!("file://{}", root.display()))
        .conf("zookeeper.session.timeout", 6000)
        .heap_mb(256)
        .start()
        .await?;
    let master = java.start_master(&MasterKind::hmaster().await?).await?;
    let region_server = java.start_region_server(HBaseVersion::V2_6).await?;
    let output = java.shell(BY_JAVA).await?;
    let text = output.success()?;
    ensure!(text.contains("count 500") && text.contains("count 501"), "{text}\n{}", output.stderr);
    region_server.kill9().await?;
    master.kill9().await?;

    expected.remove("row-0001");
    expected.insert("java-flushed".into(), "1".into());
    expected.insert("java-logged".into(), "2".into());
    standalone.process.restart().await?;
    let regions = standalone.regions("t", 2).await?;
    ensure!(regions.scan().await? == expected, "not every row is as it was");
    standalone.interrupt().await?;
    java.finish().await
}
