//! One-shot watches: what fires them, in which order, and how they are restored after a reconnect.

use super::super::raw::{Greeting, RawClient};
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["watches":
        event_precedes_own_reply,
        event_precedes_any_reply_that_shows_the_change,
        one_shot_means_one,
        data_watch_hears_of_data_and_deletion,
        exists_watch_hears_of_creation,
        child_watch_hears_of_children_only,
        deletion_is_told_once,
        a_failed_read_leaves_a_watch_only_for_exists,
        same_watch_twice_is_one,
        watches_are_checked_and_removed,
        set_watches_tells_what_was_missed,
        set_watches_leaves_the_rest,
        ephemerals_of_a_closed_session_fire,
    ]
}

const CREATED: i32 = 1;
const DELETED: i32 = 2;
const DATA_CHANGED: i32 = 3;
const CHILDREN_CHANGED: i32 = 4;

async fn watch(client: &mut RawClient, op: i32, path: &str) -> Result<i32, CaseFailure> {
    client.error(op, &requests::path_watch(path, true)).await
}

async fn event_precedes_own_reply(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    watch(&mut client, op::EXISTS, &path).await?;
    let xid = client.send(op::CREATE, &requests::create(&path, None, 0)).await?;
    let first = client.receive().await?.ok_or_else(|| CaseFailure::new("the end"))?;
    expect_eq!(first.event()?, Some((CREATED, path)));
    expect_eq!(client.reply(xid).await?.error, 0);
    Ok(())
}

async fn event_precedes_any_reply_that_shows_the_change(context: &Context) -> CaseResult {
    let (mut writer, mut reader) = (context.client().await?, context.client().await?);
    let path = context.path("a");
    writer.create(&path).await?;
    for round in 1..=50 {
        let read = requests::path_watch(&path, true);
        let before = reader.call(op::GET_DATA, &read).await?.stat()?.version;
        let set = writer.send(op::SET_DATA, &requests::set_data(&path, None, -1)).await?;
        loop {
            let seen = reader.call(op::GET_DATA, &requests::path_watch(&path, false)).await?.stat()?.version;
            let events = reader.take_events();
            if seen > before {
                expect_eq!(events, [(DATA_CHANGED, path.clone())], "round {round}");
                break;
            }
            expect_eq!(events, [], "round {round}");
        }
        writer.reply(set).await?;
    }
    Ok(())
}

async fn one_shot_means_one(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    watch(&mut client, op::GET_DATA, &path).await?;
    client.set(&path, b"1").await?;
    client.set(&path, b"2").await?;
    expect_eq!(client.events().await?, [(DATA_CHANGED, path)]);
    Ok(())
}

async fn data_watch_hears_of_data_and_deletion(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    watch(&mut client, op::GET_DATA, &path).await?;
    client.create(&context.path("a/child")).await?;
    client.delete(&context.path("a/child")).await?;
    expect_eq!(client.events().await?, [], "children don't matter");
    client.set(&path, b"").await?;
    expect_eq!(client.events().await?, [(DATA_CHANGED, path.clone())]);
    watch(&mut client, op::EXISTS, &path).await?;
    client.delete(&path).await?;
    expect_eq!(client.events().await?, [(DELETED, path)]);
    Ok(())
}

async fn exists_watch_hears_of_creation(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    expect_eq!(watch(&mut client, op::EXISTS, &path).await?, -101);
    client.create(&path).await?;
    expect_eq!(client.events().await?, [(CREATED, path)]);
    Ok(())
}

async fn child_watch_hears_of_children_only(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (root, path) = (context.root.clone(), context.path("a"));
    for op in [op::GET_CHILDREN, op::GET_CHILDREN2] {
        watch(&mut client, op, &root).await?;
        client.set(&root, b"data").await?;
        expect_eq!(client.events().await?, []);
        client.create(&path).await?;
        expect_eq!(client.events().await?, [(CHILDREN_CHANGED, root.clone())]);
        watch(&mut client, op, &root).await?;
        client.set(&path, b"").await?;
        client.create(&context.path("a/below")).await?;
        client.delete(&context.path("a/below")).await?;
        expect_eq!(client.events().await?, []);
        client.delete(&path).await?;
        expect_eq!(client.events().await?, [(CHILDREN_CHANGED, root.clone())]);
    }
    Ok(())
}

async fn deletion_is_told_once(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    watch(&mut client, op::GET_DATA, &path).await?;
    watch(&mut client, op::GET_CHILDREN, &path).await?;
    watch(&mut client, op::GET_CHILDREN, &context.root).await?;
    client.delete(&path).await?;
    expect_eq!(client.events().await?, [(DELETED, path.clone()), (CHILDREN_CHANGED, context.root.clone())]);
    client.create(&path).await?;
    expect_eq!(client.events().await?, [], "both watches on the node are spent");
    Ok(())
}

async fn a_failed_read_leaves_a_watch_only_for_exists(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    for (op, expected) in [(op::GET_DATA, 0), (op::GET_CHILDREN, 0), (op::GET_CHILDREN2, 0), (op::EXISTS, 1)]
    {
        expect_eq!(watch(&mut client, op, &path).await?, -101);
        client.create(&path).await?;
        expect_eq!(client.events().await?.len(), expected, "operation {op}");
        client.delete(&path).await?;
    }
    Ok(())
}

async fn same_watch_twice_is_one(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    for op in [op::GET_DATA, op::GET_DATA, op::EXISTS] {
        watch(&mut client, op, &path).await?;
    }
    client.set(&path, b"").await?;
    expect_eq!(client.events().await?, [(DATA_CHANGED, path)]);
    Ok(())
}

async fn watches_are_checked_and_removed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    watch(&mut client, op::GET_DATA, &path).await?;
    let (children, data, any) = (1, 2, 3);
    for (op, kind, expected) in [
        (op::CHECK_WATCHES, children, -121),
        (op::CHECK_WATCHES, data, 0),
        (op::CHECK_WATCHES, any, 0),
        (op::REMOVE_WATCHES, children, -121),
        (op::REMOVE_WATCHES, data, 0),
        (op::REMOVE_WATCHES, any, -121),
        (op::CHECK_WATCHES, any, -121),
    ] {
        expect_eq!(client.error(op, &requests::path_int(&path, kind)).await?, expected, "{op} {kind}");
    }
    client.set(&path, b"").await?;
    expect_eq!(client.events().await?, []);
    Ok(())
}

/// Ends a client's connection and attaches again, without its watches.
async fn reconnect(context: &Context, client: RawClient) -> Result<RawClient, CaseFailure> {
    match RawClient::reattach(context.addr, &client).await? {
        Greeting::Session(client, _) => Ok(client),
        other => Err(CaseFailure::new(format!("can't attach again: {other:?}"))),
    }
}

async fn set_watches_tells_what_was_missed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let paths = ["changed", "gone", "came", "parent", "gone-parent"].map(|name| context.path(name));
    let [changed, gone, came, parent, gone_parent] = paths.each_ref().map(String::as_str);
    for path in [changed, gone, parent, gone_parent] {
        client.create(path).await?;
    }
    let seen = client.ping().await?;
    let mut client = reconnect(context, client).await?;
    client.set(changed, b"1").await?;
    client.delete(gone).await?;
    client.create(came).await?;
    client.create(&format!("{parent}/x")).await?;
    client.delete(gone_parent).await?;
    let lists: [&[&str]; 3] = [&[changed, gone], &[came], &[parent, gone_parent]];
    client.send_numbered(-8, op::SET_WATCHES, &requests::set_watches(seen, &lists)).await?;
    let reply = client.reply(-8).await?;
    expect_eq!((reply.error, reply.body.len()), (0, 0));
    let owned = |event: i32, path: &str| (event, path.to_owned());
    let expected = [
        owned(DATA_CHANGED, changed),
        owned(DELETED, gone),
        owned(CREATED, came),
        owned(CHILDREN_CHANGED, parent),
        owned(DELETED, gone_parent),
    ];
    expect_eq!(client.take_events(), expected, "before the reply, in the order asked for");
    client.set(changed, b"2").await?;
    client.delete(came).await?;
    expect_eq!(client.events().await?, [], "what was told is spent");
    Ok(())
}

async fn set_watches_leaves_the_rest(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (data, absent, parent) = (context.path("data"), context.path("absent"), context.path("parent"));
    client.create(&data).await?;
    client.create(&parent).await?;
    let seen = client.ping().await?;
    let mut client = reconnect(context, client).await?;
    // A child's data and a node's children count for neither.
    client.create(&format!("{data}/child")).await?;
    client.set(&parent, b"").await?;
    let lists: [&[&str]; 3] = [&[&data], &[&absent], &[&parent]];
    client.call(op::SET_WATCHES, &requests::set_watches(seen, &lists)).await?;
    expect_eq!(client.take_events(), []);
    client.set(&data, b"").await?;
    client.create(&absent).await?;
    client.create(&format!("{parent}/x")).await?;
    expect_eq!(client.events().await?, [(DATA_CHANGED, data), (CREATED, absent), (CHILDREN_CHANGED, parent)]);
    Ok(())
}

async fn ephemerals_of_a_closed_session_fire(context: &Context) -> CaseResult {
    let (mut owner, mut watcher) = (context.client().await?, context.client().await?);
    let (a, b) = (context.path("a"), context.path("b"));
    owner.create_mode(&a, 1).await?;
    owner.create_mode(&b, 1).await?;
    for path in [&a, &b] {
        watch(&mut watcher, op::EXISTS, path).await?;
    }
    watch(&mut watcher, op::GET_CHILDREN, &context.root).await?;
    owner.close().await?;
    let mut events = watcher.events().await?;
    events.sort();
    expect_eq!(events, [(DELETED, a), (DELETED, b), (CHILDREN_CHANGED, context.root.clone())]);
    Ok(())
}
