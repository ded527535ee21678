//! Persistent watches, recursive or not.

use super::super::raw::{Greeting, RawClient};
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::jute::JuteReader;
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["persistent_watches":
        persistent_watch_stays,
        recursive_watch_covers_what_is_below,
        no_node_is_needed,
        removal_ends_it,
        one_shot_watch_replaces_it,
        set_watches2_restores_them_silently,
    ]
}

const PERSISTENT: i32 = 0;
const RECURSIVE: i32 = 1;

async fn add(client: &mut RawClient, path: &str, mode: i32) -> CaseResult {
    let frame = client.call(op::ADD_WATCH, &requests::path_int(path, mode)).await?;
    expect_eq!((frame.error, JuteReader::new(&frame.body).int("err")?), (0, 0));
    Ok(())
}

async fn persistent_watch_stays(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    add(&mut client, &path, PERSISTENT).await?;
    for _ in 0..2 {
        client.set(&path, b"").await?;
        client.create(&context.path("a/x")).await?;
        client.set(&context.path("a/x"), b"not its own data").await?;
        client.delete(&context.path("a/x")).await?;
        expect_eq!(client.events().await?, [(3, path.clone()), (4, path.clone()), (4, path.clone())]);
    }
    client.delete(&path).await?;
    expect_eq!(client.events().await?, [(2, path)]);
    Ok(())
}

async fn recursive_watch_covers_what_is_below(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (root, a, x) = (context.root.clone(), context.path("a"), context.path("a/x"));
    add(&mut client, &root, RECURSIVE).await?;
    client.create(&a).await?;
    client.create(&x).await?;
    client.set(&x, b"").await?;
    client.delete(&x).await?;
    client.set(&root, b"").await?;
    let expected = [(1, a), (1, x.clone()), (3, x.clone()), (2, x), (3, root)];
    expect_eq!(client.events().await?, expected, "nodes, not lists of children");
    Ok(())
}

async fn no_node_is_needed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    add(&mut client, &path, PERSISTENT).await?;
    client.create(&path).await?;
    client.delete(&path).await?;
    client.create(&path).await?;
    expect_eq!(client.events().await?, [(1, path.clone()), (2, path.clone()), (1, path)]);
    Ok(())
}

async fn removal_ends_it(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    for (mode, other_kind_stays) in [(PERSISTENT, true), (RECURSIVE, true)] {
        client.create(&path).await?;
        add(&mut client, &path, mode).await?;
        client.take_events();
        expect_eq!(client.error(op::REMOVE_WATCHES, &requests::path_int(&path, 2)).await?, 0);
        client.set(&path, b"").await?;
        expect_eq!(client.events().await?, [], "data events ended");
        let left = client.error(op::CHECK_WATCHES, &requests::path_int(&path, 1)).await?;
        expect_eq!(left == 0, other_kind_stays);
        expect_eq!(client.error(op::REMOVE_WATCHES, &requests::path_int(&path, 3)).await?, 0);
        client.delete(&path).await?;
        expect_eq!(client.events().await?, []);
    }
    Ok(())
}

/// ZOOKEEPER-4466: up to 3.8 a connection has one watch on a path, of the mode it last asked for.
async fn one_shot_watch_replaces_it(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    add(&mut client, &path, PERSISTENT).await?;
    client.call(op::GET_DATA, &requests::path_watch(&path, true)).await?;
    client.set(&path, b"1").await?;
    client.set(&path, b"2").await?;
    expect_eq!(client.events().await?, [(3, path)]);
    Ok(())
}

async fn set_watches2_restores_them_silently(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (one_shot, persistent, recursive) = (context.path("o"), context.path("p"), context.path("r"));
    for path in [&one_shot, &persistent, &recursive] {
        client.create(path).await?;
    }
    let seen = client.ping().await?;
    client.set(&one_shot, b"missed").await?;
    client.set(&persistent, b"missed").await?;
    let Greeting::Session(mut client, _) = RawClient::reattach(context.addr, &client).await? else {
        return Err(CaseFailure::new("can't attach again"));
    };
    let lists: [&[&str]; 5] = [&[&one_shot], &[], &[], &[&persistent], &[&recursive]];
    client.call(op::SET_WATCHES2, &requests::set_watches(seen, &lists)).await?;
    expect_eq!(client.take_events(), [(3, one_shot)], "only one-shot watches tell what was missed");
    client.set(&persistent, b"").await?;
    client.create(&format!("{recursive}/x")).await?;
    expect_eq!(client.events().await?, [(3, persistent), (1, format!("{recursive}/x"))]);
    Ok(())
}
