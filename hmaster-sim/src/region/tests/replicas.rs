//! Replicas that only read.

use super::*;

async fn replica(cluster: &Cluster, server: &Server) -> Region {
    let options = cluster.region_options.clone();
    Region::open(&server.root, &server.log, info().with_replica(1), table(), options).await.unwrap()
}

async fn refreshed(replica: &Region) -> Vec<(String, String)> {
    tokio::time::advance(Duration::from_secs(2)).await;
    replica.refresh().await;
    rows(replica).await
}

#[tokio::test(start_paused = true)]
async fn a_replica_follows_the_store_files_of_the_first() {
    let cluster = Cluster::new(1);
    let (server, other) = (cluster.server(1).await, cluster.server(2).await);
    let first = cluster.open(&server).await;
    one(&first, put("a", "1")).await.unwrap();
    first.flush().await.unwrap();
    one(&first, put("b", "1")).await.unwrap();
    let replica = replica(&cluster, &other).await;
    let row = |row: &str, value: &str| (row.to_owned(), value.to_owned());
    assert_eq!(refreshed(&replica).await, [row("a", "1")], "what isn't flushed isn't seen");
    cluster.clock.advance(1);
    one(&first, put("a", "2")).await.unwrap();
    first.flush().await.unwrap();
    assert_eq!(refreshed(&replica).await, [row("a", "2"), row("b", "1")]);
    first.compact(true).await.unwrap();
    assert_eq!(rows(&replica).await, [row("a", "2"), row("b", "1")], "files that are gone are still open");
    assert_eq!(refreshed(&replica).await, [row("a", "2"), row("b", "1")]);
    assert_eq!(replica.load().store_files, first.load().store_files);
}

#[tokio::test(start_paused = true)]
async fn a_replica_changes_nothing() {
    let cluster = Cluster::new(1);
    let (server, other) = (cluster.server(1).await, cluster.server(2).await);
    let first = cluster.open(&server).await;
    for value in ["1", "2", "3"] {
        one(&first, put("a", value)).await.unwrap();
        first.flush().await.unwrap();
        cluster.clock.advance(1);
    }
    let replica = replica(&cluster, &other).await;
    let (files, all) = (cluster.files().await, cluster.names(&cluster.folder()).await);
    let error = one(&replica, put("a", "9")).await.unwrap_err();
    assert!(error.to_string().contains("read only"), "{error}");
    assert_eq!(replica.flush().await.unwrap().files, 0);
    assert!(!replica.compact(true).await.unwrap());
    replica.close(true).await.unwrap();
    assert_eq!((cluster.files().await, cluster.names(&cluster.folder()).await), (files, all));
    one(&first, put("b", "1")).await.unwrap();
    first.close(true).await.unwrap();
}
