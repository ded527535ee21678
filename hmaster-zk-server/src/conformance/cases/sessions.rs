//! The handshake, re-attachment and the end of sessions.

use super::super::raw::{Greeting, Hello, RawClient, TIMEOUT_MS, four_letter_word};
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["sessions":
        new_session_gets_id_and_password,
        timeout_is_bounded,
        old_client_gets_no_read_only_flag,
        client_that_is_ahead_is_refused,
        reattached_session_keeps_its_ephemerals,
        reattaching_ends_the_old_connection,
        wrong_password_is_an_expired_session,
        closed_session_is_over,
        close_removes_ephemerals_before_it_is_answered,
    ]
}

async fn session(addr: std::net::SocketAddr, hello: &Hello) -> Result<RawClient, CaseFailure> {
    match RawClient::greet(addr, hello).await? {
        Greeting::Session(client, _) => Ok(client),
        other => Err(CaseFailure::new(format!("no session: {other:?}"))),
    }
}

async fn new_session_gets_id_and_password(context: &Context) -> CaseResult {
    let (first, second) = (context.client().await?, context.client().await?);
    expect!(first.session_id() != 0 && first.session_id() != second.session_id());
    expect!(first.password() != [0; 16] && first.password() != second.password());
    Ok(())
}

async fn timeout_is_bounded(context: &Context) -> CaseResult {
    let shortest = session(context.addr, &Hello { timeout_ms: -5, ..Hello::default() }).await?.timeout_ms();
    let longest =
        session(context.addr, &Hello { timeout_ms: i32::MAX, ..Hello::default() }).await?.timeout_ms();
    let conf = four_letter_word(context.addr, "conf").await?;
    for bound in [format!("\nminSessionTimeout={shortest}\n"), format!("\nmaxSessionTimeout={longest}\n")] {
        expect!(conf.contains(&bound), "{bound:?} in {conf}");
    }
    let middle = session(context.addr, &Hello { timeout_ms: shortest + 1, ..Hello::default() }).await?;
    expect_eq!(middle.timeout_ms(), shortest + 1);
    Ok(())
}

async fn old_client_gets_no_read_only_flag(context: &Context) -> CaseResult {
    for (has_read_only, expected) in [(true, 37), (false, 36)] {
        let hello = Hello { has_read_only, ..Hello::default() };
        match RawClient::greet(context.addr, &hello).await? {
            Greeting::Session(client, length) => {
                expect_eq!(length, expected);
                client.close().await?;
            }
            other => return Err(CaseFailure::new(format!("no session: {other:?}"))),
        }
    }
    Ok(())
}

async fn client_that_is_ahead_is_refused(context: &Context) -> CaseResult {
    let hello = Hello { last_zxid_seen: i64::MAX, ..Hello::default() };
    let greeting = RawClient::greet(context.addr, &hello).await?;
    expect!(matches!(greeting, Greeting::Refused), "{greeting:?}");
    Ok(())
}

async fn reattached_session_keeps_its_ephemerals(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("e");
    client.create_mode(&path, 1).await?;
    let hello = Hello {
        session_id: client.session_id(),
        password: client.password().to_vec(),
        timeout_ms: TIMEOUT_MS - 1000,
        last_zxid_seen: client.ping().await?,
        ..Hello::default()
    };
    let id = client.session_id();
    drop(client);
    let mut again = session(context.addr, &hello).await?;
    expect_eq!((again.session_id(), again.timeout_ms()), (id, TIMEOUT_MS - 1000));
    let stat = again.stat(&path).await?.ok_or_else(|| CaseFailure::new("the ephemeral node is gone"))?;
    expect_eq!(stat.ephemeral_owner, id);
    again.close().await
}

async fn reattaching_ends_the_old_connection(context: &Context) -> CaseResult {
    let mut old = context.client().await?;
    old.call(op::EXISTS, &requests::path_watch(&context.path("x"), true)).await?;
    let Greeting::Session(mut new, _) = RawClient::reattach(context.addr, &old).await? else {
        return Err(CaseFailure::new("the session can't be moved"));
    };
    old.expect_end().await?;
    new.create(&context.path("x")).await?;
    expect_eq!(new.events().await?, [], "watches belong to the connection");
    new.close().await
}

async fn wrong_password_is_an_expired_session(context: &Context) -> CaseResult {
    let client = context.client().await?;
    for password in [vec![0; 16], vec![1; 16], vec![]] {
        let hello = Hello { session_id: client.session_id(), password, ..Hello::default() };
        let greeting = RawClient::greet(context.addr, &hello).await?;
        expect!(matches!(greeting, Greeting::Expired), "{greeting:?}");
    }
    let greeting = RawClient::reattach(context.addr, &client).await?;
    expect!(matches!(greeting, Greeting::Session(..)), "the session lives on: {greeting:?}");
    Ok(())
}

async fn closed_session_is_over(context: &Context) -> CaseResult {
    let client = context.client().await?;
    let hello =
        Hello { session_id: client.session_id(), password: client.password().to_vec(), ..Hello::default() };
    client.close().await?;
    let greeting = RawClient::greet(context.addr, &hello).await?;
    expect!(matches!(greeting, Greeting::Expired), "{greeting:?}");
    Ok(())
}

async fn close_removes_ephemerals_before_it_is_answered(context: &Context) -> CaseResult {
    let mut watcher = context.client().await?;
    let mut owner = context.client().await?;
    let path = context.path("e");
    owner.create_mode(&path, 1).await?;
    watcher.call(op::EXISTS, &requests::path_watch(&path, true)).await?;
    owner.close().await?;
    expect_eq!(watcher.stat(&path).await?, None);
    expect_eq!(watcher.take_events(), [(2, path)], "the event precedes the reply that shows it");
    Ok(())
}
