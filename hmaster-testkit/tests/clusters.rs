//! Clusters start, live side by side, and stop.

use hmaster_testkit::TestCluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_live_side_by_side() {
    let (one, other) = tokio::join!(TestCluster::start(), TestCluster::builder().region_servers(2).start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.zookeeper(), other.zookeeper());
    assert_eq!(other.region_servers().len(), 2);
    for cluster in [&one, &other] {
        let env = cluster.master().initialized().await;
        assert_eq!(env.servers.online_count(), cluster.region_servers().len());
        let port = format!("<value>{}</value>", cluster.zookeeper().port());
        assert!(cluster.site_xml().contains(&port), "{}", cluster.site_xml());
        assert!(cluster.conf_dir().join("hbase-site.xml").is_file());
    }
    one.stop().await.unwrap();
    other.stop().await.unwrap();
}
