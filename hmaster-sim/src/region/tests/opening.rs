//! Opening and closing.

use hmaster_types::SeqNum;

use super::*;

#[tokio::test]
async fn a_new_region_is_laid_out_as_java_does() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    assert_eq!(region.open_sequence_id(), SeqNum(1));
    assert_eq!(cluster.names(&cluster.folder()).await, [".regioninfo", "f", "g", "recovered.edits"]);
    assert_eq!(cluster.names(&cluster.folder().join("recovered.edits")).await, ["0.seqid"]);
    assert_eq!(server.root.region_info(info().table(), info().encoded_name()).await.unwrap(), Some(info()));
    let logs = server.root.layout().wals_of(&server.name);
    assert_eq!(cluster.names(&logs).await, ["server%2C16020%2C1.1000000"]);
}

#[tokio::test]
async fn what_was_written_is_there_after_closing_or_dying() {
    for kills in [false, true] {
        let cluster = Cluster::new(1);
        let server = cluster.server(1).await;
        let region = cluster.open(&server).await;
        one(&region, put("a", "1")).await.unwrap();
        one(&region, put("b", "2")).await.unwrap();
        region.flush().await.unwrap();
        one(&region, put("b", "3")).await.unwrap();
        one(&region, delete("a")).await.unwrap();
        let last = region.max_sequence_id();
        if kills {
            cluster.kill(&server);
            cluster.recover(&server.name).await;
        } else {
            region.close(true).await.unwrap();
            server.log.close().await.unwrap();
        }
        let again = cluster.open(&cluster.server(2).await).await;
        assert!(again.open_sequence_id() > SeqNum(last as i64));
        assert_eq!(rows(&again).await, [("b".to_owned(), "3".to_owned())]);
        let edits = cluster.names(&cluster.folder().join("recovered.edits")).await;
        assert_eq!(edits, [format!("{}.seqid", again.open_sequence_id().0 - 1)]);
    }
}

#[tokio::test]
async fn a_server_that_closed_everything_leaves_nothing_to_split() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    one(&region, put("a", "1")).await.unwrap();
    region.close(true).await.unwrap();
    server.log.close().await.unwrap();
    assert_eq!(cluster.names(&server.root.layout().wals()).await, Vec::<String>::new());
    assert_eq!(cluster.names(&server.root.layout().old_wals()).await.len(), 1);
}

#[tokio::test]
async fn a_region_closed_without_flushing_keeps_the_log() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    one(&region, put("a", "1")).await.unwrap();
    region.close(false).await.unwrap();
    server.log.close().await.unwrap();
    cluster.recover(&server.name).await;
    let again = cluster.open(&cluster.server(2).await).await;
    assert_eq!(value(&again, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_closed_region_refuses_everything() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let region = cluster.open(&server).await;
    region.close(true).await.unwrap();
    region.close(true).await.unwrap();
    assert!(region.is_closing());
    let closing = |error: RegionError| matches!(error, RegionError::Closing { .. });
    assert!(closing(one(&region, put("a", "1")).await.unwrap_err()));
    assert!(closing(region.get(ScanSpec::row("a".into())).await.unwrap_err()));
    assert!(closing(region.flush().await.unwrap_err()));
    assert!(closing(region.compact(true).await.unwrap_err()));
}

#[tokio::test]
async fn meta_has_a_log_of_its_own() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let meta = hmaster_fs::rootdir::meta_descriptor(&hmaster_fs::rootdir::MetaOptions::default());
    let open = |n: &Server| {
        let (root, log, meta) = (n.root.clone(), n.log.clone(), meta.clone());
        async move { Region::open(&root, &log, RegionInfo::meta(), meta, RegionOptions::default()).await.unwrap() }
    };
    let region = open(&server).await;
    let row = cell("t,,1.x.", "info", "state", 5, CellType::Put, "OPEN");
    one(&region, Mutation::put("t,,1.x.".into(), vec![row])).await.unwrap();
    let logs = cluster.names(&server.root.layout().wals_of(&server.name)).await;
    assert_eq!(logs.iter().filter(|name| name.ends_with(".meta")).count(), 1, "{logs:?}");
    cluster.kill(&server);
    cluster.recover(&server.name).await;
    let again = open(&cluster.server(2).await).await;
    assert_eq!(scan(&again, ScanSpec::row("t,,1.x.".into())).await[0].value(), b"OPEN");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let open = |info: RegionInfo, table: TableDescriptor| {
        Region::open(&server.root, &server.log, info, table, RegionOptions::default())
    };
    let tracker = table().to_builder().attribute(attribute::STORE_FILE_TRACKER, "FILE").build();
    let error = open(info(), tracker).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("store file tracker FILE of"), "{source}");
}

#[tokio::test]
async fn a_folder_without_description_gets_one() {
    let cluster = Cluster::new(1);
    let server = cluster.server(1).await;
    let path = cluster.folder().join(".regioninfo");
    server.fs.mkdirs(&cluster.folder(), None).await.unwrap();
    let garbage = hmaster_fs::CreateOptions::new();
    server.fs.write_whole(&path, "garbage".into(), garbage).await.unwrap();
    cluster.open(&server).await;
    assert_eq!(server.root.region_info(info().table(), info().encoded_name()).await.unwrap(), Some(info()));
}
