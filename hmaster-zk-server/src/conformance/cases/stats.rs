//! The numbers in a node's stat, after every kind of change.

use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::op_code as op;
use crate::wire::types::{Stat, open_acl};

pub(super) fn list() -> Vec<Case> {
    cases!["stats":
        new_node,
        setting_data,
        setting_the_acl,
        children_come_and_go,
        ephemeral_owner,
        deletion_and_new_creation,
    ]
}

async fn stat(client: &mut super::super::raw::RawClient, path: &str) -> Result<Stat, CaseFailure> {
    client.stat(path).await?.ok_or_else(|| CaseFailure::new(format!("{path} is gone")))
}

async fn new_node(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let zxid = client.call(op::CREATE, &requests::create(&path, Some(b"12345"), 0)).await?.zxid;
    let stat = stat(&mut client, &path).await?;
    let Stat { ctime, mtime, .. } = stat;
    expect!(ctime > 1_600_000_000_000 && ctime == mtime, "{ctime} {mtime}");
    let expected =
        Stat { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime, mtime, data_length: 5, ..Stat::default() };
    expect_eq!(stat, expected);
    Ok(())
}

async fn setting_data(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    let before = stat(&mut client, &path).await?;
    let frame = client.set(&path, b"123").await?;
    let after = frame.stat()?;
    let expected = Stat { mzxid: frame.zxid, mtime: after.mtime, version: 1, data_length: 3, ..before };
    expect_eq!(after, expected);
    expect_eq!(stat(&mut client, &path).await?, after);
    Ok(())
}

async fn setting_the_acl(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    let before = stat(&mut client, &path).await?;
    let frame = client.call(op::SET_ACL, &requests::set_acl(&path, &open_acl(), 0)).await?;
    expect_eq!(frame.stat()?, Stat { aversion: 1, ..before });
    expect_eq!(client.error(op::SET_ACL, &requests::set_acl(&path, &open_acl(), 0)).await?, -103);
    expect_eq!(stat(&mut client, &path).await?, Stat { aversion: 1, ..before });
    Ok(())
}

async fn children_come_and_go(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    let before = stat(&mut client, &path).await?;
    let first = client.create(&context.path("a/x")).await?.zxid;
    let expected = Stat { cversion: 1, num_children: 1, pzxid: first, ..before };
    expect_eq!(stat(&mut client, &path).await?, expected);
    client.set(&context.path("a/x"), b"no matter").await?;
    expect_eq!(stat(&mut client, &path).await?, expected);
    let second = client.create(&context.path("a/y")).await?.zxid;
    let expected = Stat { cversion: 2, num_children: 2, pzxid: second, ..before };
    expect_eq!(stat(&mut client, &path).await?, expected);
    let third = client.delete(&context.path("a/x")).await?.zxid;
    let expected = Stat { cversion: 3, num_children: 1, pzxid: third, ..before };
    expect_eq!(stat(&mut client, &path).await?, expected);
    client.call(op::DELETE, &requests::path_int(&context.path("a/none"), -1)).await?;
    expect_eq!(stat(&mut client, &path).await?, expected, "failures leave it alone");
    Ok(())
}

async fn ephemeral_owner(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("e");
    client.create_mode(&path, 1).await?;
    expect_eq!(stat(&mut client, &path).await?.ephemeral_owner, client.session_id());
    let numbered = client.create_mode(&path, 3).await?.string()?;
    expect_eq!(stat(&mut client, &numbered).await?.ephemeral_owner, client.session_id());
    Ok(())
}

async fn deletion_and_new_creation(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    client.set(&path, b"x").await?;
    client.delete(&path).await?;
    let zxid = client.create(&path).await?.zxid;
    let stat = stat(&mut client, &path).await?;
    expect_eq!((stat.version, stat.czxid, stat.mzxid), (0, zxid, zxid));
    Ok(())
}
