//! Sessions whose clients fall silent. These cases wait for the shortest timeout the server grants.

use super::super::raw::{Greeting, Hello, RawClient};
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["expiry":
        silence_expires_a_session_and_its_nodes,
        pings_keep_a_session,
        a_session_without_connection_lives_until_its_timeout,
    ]
}

/// A session of the shortest timeout there is.
async fn short_lived(context: &Context) -> Result<RawClient, CaseFailure> {
    let hello = Hello { timeout_ms: 1, ..Hello::default() };
    match RawClient::greet(context.addr, &hello).await? {
        Greeting::Session(client, _) => Ok(client),
        other => Err(CaseFailure::new(format!("no session: {other:?}"))),
    }
}

async fn watched(context: &Context, client: &mut RawClient, name: &str) -> Result<RawClient, CaseFailure> {
    let mut watcher = context.client().await?;
    let path = context.path(name);
    client.create_mode(&path, 1).await?;
    watcher.call(op::EXISTS, &requests::path_watch(&path, true)).await?;
    Ok(watcher)
}

async fn silence_expires_a_session_and_its_nodes(context: &Context) -> CaseResult {
    let mut client = short_lived(context).await?;
    let mut watcher = watched(context, &mut client, "e").await?;
    expect_eq!(watcher.event().await?, (2, context.path("e")));
    expect_eq!(watcher.stat(&context.path("e")).await?, None);
    client.expect_end().await?;
    let greeting = RawClient::reattach(context.addr, &client).await?;
    expect!(matches!(greeting, Greeting::Expired), "{greeting:?}");
    Ok(())
}

async fn pings_keep_a_session(context: &Context) -> CaseResult {
    let mut pinging = short_lived(context).await?;
    pinging.create_mode(&context.path("kept"), 1).await?;
    let mut silent = short_lived(context).await?;
    let mut watcher = watched(context, &mut silent, "silent").await?;
    let waiting = tokio::spawn(async move { watcher.event().await.map(|event| (event, watcher)) });
    while !waiting.is_finished() {
        pinging.ping().await?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (event, mut watcher) = waiting.await??;
    expect_eq!(event, (2, context.path("silent")));
    expect!(watcher.stat(&context.path("kept")).await?.is_some());
    pinging.close().await
}

async fn a_session_without_connection_lives_until_its_timeout(context: &Context) -> CaseResult {
    let mut client = short_lived(context).await?;
    let mut watcher = watched(context, &mut client, "e").await?;
    let timeout_ms = client.timeout_ms();
    let start = tokio::time::Instant::now();
    client.ping().await?;
    drop(client);
    expect!(watcher.stat(&context.path("e")).await?.is_some(), "a lost connection is no lost session");
    expect_eq!(watcher.event().await?, (2, context.path("e")));
    let lived_ms = start.elapsed().as_millis();
    expect!(lived_ms >= timeout_ms as u128, "expired after {lived_ms} of {timeout_ms} ms");
    Ok(())
}
