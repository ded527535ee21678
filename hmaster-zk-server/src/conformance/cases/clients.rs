//! The `zookeeper-client` crate as an application would use it.

use zookeeper_client as zk;

use super::super::{Case, CaseFailure, CaseResult, Context};

pub(super) fn list() -> Vec<Case> {
    cases!["clients":
        nodes_and_versions,
        sequences_and_ephemerals,
        one_shot_watchers,
        persistent_watchers,
        multis,
        chroots,
        sessions_are_taken_over,
        acls_by_digest,
        locks,
    ]
}

const OPEN: zk::CreateOptions<'static> = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());
const EPHEMERAL: zk::CreateOptions<'static> = zk::CreateMode::Ephemeral.with_acls(zk::Acls::anyone_all());
const SEQUENTIAL: zk::CreateOptions<'static> =
    zk::CreateMode::EphemeralSequential.with_acls(zk::Acls::anyone_all());

async fn connect(context: &Context) -> Result<zk::Client, CaseFailure> {
    Ok(zk::Client::connect(&context.addr.to_string()).await?)
}

async fn nodes_and_versions(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let path = context.path("a");
    let (stat, _) = client.create(&path, b"1", &OPEN).await?;
    expect_eq!(client.get_data(&path).await?, (b"1".to_vec(), stat));
    expect_eq!(client.create(&path, b"", &OPEN).await.err(), Some(zk::Error::NodeExists));
    let stat = client.set_data(&path, b"22", Some(0)).await?;
    expect_eq!((stat.version, stat.data_length), (1, 2));
    expect_eq!(client.set_data(&path, b"", Some(0)).await.err(), Some(zk::Error::BadVersion));
    client.mkdir(&context.path("a/b/c"), &OPEN).await?;
    expect_eq!(client.delete(&path, None).await.err(), Some(zk::Error::NotEmpty));
    expect_eq!(client.count_descendants_number(&path).await?, 2);
    expect_eq!(client.get_children(&path).await?.0, ["b"]);
    client.sync(&path).await?;
    expect_eq!(client.check_stat(&context.path("none")).await?, None);
    Ok(())
}

async fn sequences_and_ephemerals(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let (_, first) = client.create(&context.path("s-"), b"", &SEQUENTIAL).await?;
    let (_, second) = client.create(&context.path("s-"), b"", &SEQUENTIAL).await?;
    expect_eq!((first.into_i64(), second.into_i64()), (0, 1));
    let mut paths = client.list_ephemerals(&context.root).await?;
    paths.sort();
    expect_eq!(paths, [context.path("s-0000000000"), context.path("s-0000000001")]);
    Ok(())
}

async fn one_shot_watchers(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let path = context.path("a");
    let (none, created) = client.check_and_watch_stat(&path).await?;
    expect_eq!(none, None);
    let (_, _, children) = client.get_and_watch_children(&context.root).await?;
    client.create(&path, b"", &OPEN).await?;
    expect_eq!(created.changed().await.event_type, zk::EventType::NodeCreated);
    expect_eq!(children.changed().await.event_type, zk::EventType::NodeChildrenChanged);
    let (_, _, changed) = client.get_and_watch_data(&path).await?;
    client.set_data(&path, b"", None).await?;
    expect_eq!(changed.changed().await.event_type, zk::EventType::NodeDataChanged);
    let (_, _, removed) = client.get_and_watch_data(&path).await?;
    drop(removed);
    client.sync(&path).await?;
    Ok(())
}

async fn persistent_watchers(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let mut watcher = client.watch(&context.root, zk::AddWatchMode::PersistentRecursive).await?;
    client.create(&context.path("a"), b"", &OPEN).await?;
    client.delete(&context.path("a"), None).await?;
    for expected in [zk::EventType::NodeCreated, zk::EventType::NodeDeleted] {
        let event = watcher.changed().await;
        expect_eq!((event.event_type, event.path), (expected, context.path("a")));
    }
    drop(watcher);
    client.sync(&context.root).await?;
    Ok(())
}

async fn multis(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let (a, b) = (context.path("a"), context.path("b"));
    let mut writer = client.new_multi_writer();
    writer.add_create(&a, b"1", &OPEN)?;
    writer.add_create(&b, b"2", &EPHEMERAL)?;
    writer.add_set_data(&a, b"3", Some(0))?;
    expect_eq!(writer.commit().await?.len(), 3);
    let mut writer = client.new_multi_writer();
    writer.add_delete(&a, None)?;
    writer.add_check_version(&b, 7)?;
    match writer.commit().await {
        Err(zk::MultiWriteError::OperationFailed { index: 1, source: zk::Error::BadVersion }) => {}
        other => return Err(CaseFailure::new(format!("{other:?}"))),
    }
    let mut reader = client.new_multi_reader();
    reader.add_get_data(&a)?;
    reader.add_get_children(&context.root)?;
    expect_eq!(reader.commit().await?.len(), 2);
    Ok(())
}

async fn chroots(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    let rooted = zk::Client::connect(&format!("{}{}", context.addr, context.root)).await?;
    rooted.create("/a", b"x", &OPEN).await?;
    expect_eq!(client.get_data(&context.path("a")).await?.0, b"x");
    Ok(())
}

async fn sessions_are_taken_over(context: &Context) -> CaseResult {
    let client = zk::Client::connector().with_detached().connect(&context.addr.to_string()).await?;
    client.create(&context.path("e"), b"", &EPHEMERAL).await?;
    let id = client.session_id();
    let again = zk::Client::connector().with_session(client.into_session());
    let again = again.connect(&context.addr.to_string()).await?;
    expect_eq!(again.session_id(), id);
    expect!(again.check_stat(&context.path("e")).await?.is_some());
    Ok(())
}

async fn acls_by_digest(context: &Context) -> CaseResult {
    let client = connect(context).await?;
    client.auth("digest", b"user:password").await?;
    let mine = zk::CreateMode::Persistent.with_acls(zk::Acls::creator_all());
    client.create(&context.path("mine"), b"secret", &mine).await?;
    expect_eq!(client.get_data(&context.path("mine")).await?.0, b"secret");
    let stranger = connect(context).await?;
    expect_eq!(stranger.get_data(&context.path("mine")).await.err(), Some(zk::Error::NoAuth));
    let users = client.list_auth_users().await?;
    expect!(users.iter().any(|user| user.scheme() == "digest" && user.user() == "user"), "{users:?}");
    Ok(())
}

async fn locks(context: &Context) -> CaseResult {
    let (first, second) = (connect(context).await?, connect(context).await?);
    let options = zk::LockOptions::new(zk::Acls::anyone_all()).with_ancestor_options(OPEN)?;
    let directory = context.path("locks");
    let prefix = zk::LockPrefix::new_curator(&directory, "lock-")?;
    let held = first.lock(prefix, b"first", options).await?;
    let options = zk::LockOptions::new(zk::Acls::anyone_all()).with_ancestor_options(OPEN)?;
    let prefix = zk::LockPrefix::new_curator(&directory, "lock-")?;
    let waiting = second.lock(prefix, b"second", options);
    tokio::pin!(waiting);
    tokio::select! {
        biased;
        _ = &mut waiting => return Err(CaseFailure::new("two hold the lock")),
        result = first.sync("/") => result?,
    }
    drop(held);
    waiting.await?;
    Ok(())
}
