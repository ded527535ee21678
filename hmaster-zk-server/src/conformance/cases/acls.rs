//! Authentication and access control.

use super::super::raw::RawClient;
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::jute::JuteReader;
use crate::wire::op_code as op;
use crate::wire::types::{
    AclEntry, AuthId, PERM_ADMIN, PERM_ALL, PERM_CREATE, PERM_DELETE, PERM_READ, PERM_WRITE, open_acl,
    read_acl_entries,
};

pub(super) fn list() -> Vec<Case> {
    cases!["acls":
        every_permission_is_needed_for_its_operations,
        digest_opens_what_it_closed,
        auth_stands_for_my_identities,
        invalid_acls_are_refused,
        duplicate_entries_become_one,
        ip_networks_match,
        hashes_are_hidden_from_readers,
        failed_authentication_ends_the_connection,
        who_am_i_lists_identities,
        events_are_filtered,
        identities_belong_to_the_connection,
    ]
}

fn entry(perms: i32, scheme: &str, id: &str) -> AclEntry {
    AclEntry { perms, id: AuthId::new(scheme, id) }
}

async fn authenticate(client: &mut RawClient, credentials: &str) -> CaseResult {
    client.send_numbered(-4, op::AUTH, &requests::auth("digest", credentials.as_bytes())).await?;
    let frame = client.reply(-4).await?;
    expect_eq!((frame.error, frame.zxid, frame.body.len()), (0, 0, 0));
    Ok(())
}

async fn create(client: &mut RawClient, path: &str, acl: &[AclEntry]) -> Result<i32, CaseFailure> {
    client.error(op::CREATE, &requests::create_with_acl(path, Some(b""), 0, acl)).await
}

async fn acl_of(client: &mut RawClient, path: &str) -> Result<Vec<AclEntry>, CaseFailure> {
    let frame = client.call(op::GET_ACL, &requests::path(path)).await?;
    expect_eq!(frame.error, 0);
    Ok(read_acl_entries(&mut JuteReader::new(&frame.body))?)
}

async fn every_permission_is_needed_for_its_operations(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    for missing in [PERM_READ, PERM_WRITE, PERM_CREATE, PERM_DELETE, PERM_ADMIN] {
        let path = context.path(&format!("without-{missing}"));
        let child = format!("{path}/child");
        expect_eq!(create(&mut client, &path, &open_acl()).await?, 0);
        expect_eq!(create(&mut client, &child, &open_acl()).await?, 0);
        let acl = [entry(PERM_ALL & !missing, "world", "anyone")];
        expect_eq!(client.error(op::SET_ACL, &requests::set_acl(&path, &acl, -1)).await?, 0);
        let operations = [
            (PERM_READ, op::GET_DATA, requests::path_watch(&path, true)),
            (PERM_READ, op::EXISTS, requests::path_watch(&path, true)),
            (PERM_READ, op::GET_CHILDREN, requests::path_watch(&path, true)),
            (PERM_READ, op::GET_CHILDREN2, requests::path_watch(&path, true)),
            (PERM_READ, op::GET_ALL_CHILDREN_NUMBER, requests::path(&path)),
            (PERM_WRITE, op::SET_DATA, requests::set_data(&path, None, -1)),
            (PERM_CREATE, op::CREATE, requests::create(&format!("{path}/new"), None, 0)),
            (PERM_DELETE, op::DELETE, requests::path_int(&child, -1)),
            (PERM_ADMIN, op::SET_ACL, requests::set_acl(&path, &acl, -1)),
        ];
        for (needed, op, body) in operations {
            let expected = if needed == missing { -102 } else { 0 };
            expect_eq!(client.error(op, &body).await?, expected, "operation {op} without {missing}");
        }
    }
    Ok(())
}

/// The digest of `user:password`.
const DIGEST: &str = "user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=";

async fn digest_opens_what_it_closed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    expect_eq!(create(&mut client, &path, &[entry(PERM_ALL, "digest", DIGEST)]).await?, 0);
    let read = requests::path_watch(&path, false);
    expect_eq!(client.error(op::GET_DATA, &read).await?, -102);
    authenticate(&mut client, "user:wrong").await?;
    expect_eq!(client.error(op::GET_DATA, &read).await?, -102);
    authenticate(&mut client, "user:password").await?;
    expect_eq!(client.error(op::GET_DATA, &read).await?, 0);
    expect_eq!(client.error(op::SET_ACL, &requests::set_acl(&path, &open_acl(), -1)).await?, 0);
    Ok(())
}

async fn auth_stands_for_my_identities(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let auth = [entry(PERM_ALL, "auth", "")];
    expect_eq!(create(&mut client, &context.path("a"), &auth).await?, -114, "an address is no identity");
    authenticate(&mut client, "user:password").await?;
    expect_eq!(create(&mut client, &context.path("a"), &auth).await?, 0);
    expect_eq!(acl_of(&mut client, &context.path("a")).await?, [entry(PERM_ALL, "digest", DIGEST)]);
    Ok(())
}

async fn invalid_acls_are_refused(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let invalid = [
        vec![],
        vec![entry(PERM_ALL, "world", "somebody")],
        vec![entry(PERM_ALL, "sasl", "user")],
        vec![entry(PERM_ALL, "digest", "user")],
        vec![entry(PERM_ALL, "ip", "1.2.3")],
        vec![entry(PERM_ALL, "ip", "1.2.3.4/33")],
        vec![entry(PERM_ALL, "", "")],
        vec![entry(PERM_ALL, "world", "anyone"), entry(PERM_READ, "nobody", "")],
    ];
    for acl in invalid {
        expect_eq!(create(&mut client, &path, &acl).await?, -114, "{acl:?}");
        let set = requests::set_acl(&context.root, &acl, -1);
        expect_eq!(client.error(op::SET_ACL, &set).await?, -114, "{acl:?}");
    }
    Ok(())
}

async fn duplicate_entries_become_one(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let acl = [entry(PERM_ALL, "world", "anyone"), entry(1, "ip", "1.2.3.4")];
    expect_eq!(create(&mut client, &path, &[acl.clone(), acl.clone()].concat()).await?, 0);
    expect_eq!(acl_of(&mut client, &path).await?, acl);
    Ok(())
}

async fn ip_networks_match(context: &Context) -> CaseResult {
    let std::net::IpAddr::V4(_) = context.addr.ip() else { return Ok(()) };
    let mut client = context.client().await?;
    for (id, expected) in [("0.0.0.0/0", 0), ("240.0.0.1", -102), ("240.0.0.0/4", -102)] {
        let path = context.path(&id.replace('/', "-"));
        expect_eq!(create(&mut client, &path, &[entry(PERM_READ, "ip", id)]).await?, 0);
        expect_eq!(client.error(op::GET_DATA, &requests::path_watch(&path, false)).await?, expected, "{id}");
        expect_eq!(client.error(op::SET_DATA, &requests::set_data(&path, None, -1)).await?, -102, "{id}");
    }
    Ok(())
}

async fn hashes_are_hidden_from_readers(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let acl = [entry(PERM_READ, "world", "anyone"), entry(PERM_ALL, "digest", DIGEST)];
    expect_eq!(create(&mut client, &path, &acl).await?, 0);
    let shown = [entry(PERM_READ, "world", "anyone"), entry(PERM_ALL, "digest", "user:x")];
    expect_eq!(acl_of(&mut client, &path).await?, shown);
    authenticate(&mut client, "user:password").await?;
    expect_eq!(acl_of(&mut client, &path).await?, acl);
    expect_eq!(client.error(op::GET_ACL, &requests::path(&context.path("none"))).await?, -101);
    Ok(())
}

async fn failed_authentication_ends_the_connection(context: &Context) -> CaseResult {
    for scheme in ["nonsense", "world", "sasl", ""] {
        let mut client = context.client().await?;
        client.send_numbered(-4, op::AUTH, &requests::auth(scheme, b"user:password")).await?;
        let frame = client.reply(-4).await?;
        expect_eq!((frame.error, frame.zxid), (-115, 0), "{scheme}");
        client.expect_end().await?;
    }
    Ok(())
}

async fn who_am_i_lists_identities(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    authenticate(&mut client, "user:password").await?;
    let frame = client.call(op::WHO_AM_I, &[]).await?;
    let mut identities = JuteReader::new(&frame.body)
        .vector("identities", |reader| Ok((reader.string("scheme")?, reader.string("user")?)))?;
    identities.sort();
    expect_eq!(identities.len(), 2);
    expect_eq!(identities[0], ("digest".to_owned(), "user".to_owned()));
    expect_eq!(identities[1].0, "ip");
    Ok(())
}

async fn events_are_filtered(context: &Context) -> CaseResult {
    let (mut owner, mut stranger) = (context.client().await?, context.client().await?);
    authenticate(&mut owner, "user:password").await?;
    let path = context.path("a");
    for client in [&mut owner, &mut stranger] {
        client.call(op::EXISTS, &requests::path_watch(&path, true)).await?;
    }
    expect_eq!(create(&mut owner, &path, &[entry(PERM_ALL, "auth", "")]).await?, 0);
    expect_eq!(owner.events().await?, [(1, path)]);
    expect_eq!(stranger.events().await?, []);
    Ok(())
}

async fn identities_belong_to_the_connection(context: &Context) -> CaseResult {
    use super::super::raw::Greeting;
    let mut client = context.client().await?;
    authenticate(&mut client, "user:password").await?;
    let path = context.path("a");
    expect_eq!(create(&mut client, &path, &[entry(PERM_ALL, "auth", "")]).await?, 0);
    let Greeting::Session(mut client, _) = RawClient::reattach(context.addr, &client).await? else {
        return Err(CaseFailure::new("can't attach again"));
    };
    let read = requests::path_watch(&path, false);
    expect_eq!(client.error(op::GET_DATA, &read).await?, -102, "a client must authenticate again");
    Ok(())
}
