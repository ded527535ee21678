//! multi and multiRead: results, roll-back, and what a failure looks like.

use super::super::raw::{Frame, RawClient};
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::jute::{JuteReader, JuteWrite};
use crate::wire::op_code as op;
use crate::wire::types::{Stat, read_stat};

pub(super) fn list() -> Vec<Case> {
    cases!["multis":
        all_results_come_in_order,
        operations_see_one_another,
        failure_rolls_back_and_tells_which,
        versions_are_checked,
        one_transaction_for_all,
        no_event_of_a_failure,
        empty_multi_succeeds,
        modes_decide_what_a_create_is,
        reads_have_results_of_their_own,
        reads_do_not_mix_with_writes,
    ]
}

/// One element of the reply to a multi.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Create(String),
    Create2(String, Stat),
    Delete,
    SetData(Stat),
    Check,
    Children(Vec<String>),
    Data(Vec<u8>, Stat),
    Error(i32),
}

fn outcomes(frame: &Frame) -> Result<Vec<Outcome>, CaseFailure> {
    expect_eq!(frame.error, 0, "a multi's header tells of no failure");
    let mut reader = JuteReader::new(&frame.body);
    let mut outcomes = Vec::new();
    loop {
        let (op, done, error) = (reader.int("type")?, reader.bool("done")?, reader.int("err")?);
        if done {
            expect_eq!((op, error, reader.rest().len()), (-1, -1, 0), "the end of a multi");
            return Ok(outcomes);
        }
        expect!(op == op::ERROR || error == 0, "{op} {error}");
        outcomes.push(match op {
            op::CREATE => Outcome::Create(reader.string("path")?),
            op::CREATE2 => Outcome::Create2(reader.string("path")?, read_stat(&mut reader)?),
            op::DELETE => Outcome::Delete,
            op::SET_DATA => Outcome::SetData(read_stat(&mut reader)?),
            op::CHECK => Outcome::Check,
            op::GET_CHILDREN => {
                let mut names = reader.strings("children")?;
                names.sort();
                Outcome::Children(names)
            }
            op::GET_DATA => {
                let data = reader.buffer("data")?.unwrap_or_default().to_vec();
                Outcome::Data(data, read_stat(&mut reader)?)
            }
            op::ERROR => {
                expect_eq!(reader.int("err")?, error);
                Outcome::Error(error)
            }
            other => return Err(CaseFailure::new(format!("a result of type {other}"))),
        });
    }
}

async fn multi(client: &mut RawClient, ops: &[(i32, Vec<u8>)]) -> Result<Vec<Outcome>, CaseFailure> {
    outcomes(&client.call(op::MULTI, &requests::multi(ops)).await?)
}

fn create(path: &str) -> (i32, Vec<u8>) {
    (op::CREATE, requests::create(path, Some(b""), 0))
}

fn delete(path: &str) -> (i32, Vec<u8>) {
    (op::DELETE, requests::path_int(path, -1))
}

async fn all_results_come_in_order(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (a, b, c) = (context.path("a"), context.path("b"), context.path("c"));
    let ops = [
        create(&a),
        (op::CREATE2, requests::create(&b, Some(b"12"), 0)),
        (op::CREATE_CONTAINER, requests::create(&c, None, 4)),
        (op::CHECK, requests::path_int(&a, 0)),
        (op::SET_DATA, requests::set_data(&a, Some(b"1"), 0)),
        delete(&c),
    ];
    let outcomes = multi(&mut client, &ops).await?;
    let (a_stat, b_stat) = (client.stat(&a).await?, client.stat(&b).await?);
    let [create_a, create_b, create_c, check, set, delete] = &outcomes[..] else {
        return Err(CaseFailure::new(format!("{outcomes:?}")));
    };
    expect_eq!(*create_a, Outcome::Create(a));
    expect_eq!(*create_b, Outcome::Create2(b, b_stat.unwrap_or_default()));
    expect!(matches!(create_c, Outcome::Create2(path, _) if *path == c), "{create_c:?}");
    expect_eq!((check, set), (&Outcome::Check, &Outcome::SetData(a_stat.unwrap_or_default())));
    expect_eq!(*delete, Outcome::Delete);
    Ok(())
}

async fn operations_see_one_another(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (a, x) = (context.path("a"), context.path("a/x"));
    let outcomes = multi(&mut client, &[create(&a), create(&x), delete(&x), delete(&a)]).await?;
    let expected = [Outcome::Create(a.clone()), Outcome::Create(x), Outcome::Delete, Outcome::Delete];
    expect_eq!(outcomes, expected);
    expect_eq!(client.stat(&a).await?, None);
    Ok(())
}

async fn failure_rolls_back_and_tells_which(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let (a, b) = (context.path("a"), context.path("b"));
    client.create(&a).await?;
    let before = (client.stat(&context.root).await?, client.stat(&a).await?);
    let ops = [
        (op::SET_DATA, requests::set_data(&a, Some(b"changed"), -1)),
        create(&b),
        create(&context.path("none/x")),
        delete(&a),
    ];
    let expected = [Outcome::Error(0), Outcome::Error(0), Outcome::Error(-101), Outcome::Error(-2)];
    expect_eq!(multi(&mut client, &ops).await?, expected);
    expect_eq!((client.stat(&context.root).await?, client.stat(&a).await?), before);
    expect_eq!(client.stat(&b).await?, None);
    Ok(())
}

async fn versions_are_checked(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let a = context.path("a");
    client.create(&a).await?;
    for (version, expected) in [(0, Outcome::Check), (-1, Outcome::Check), (1, Outcome::Error(-103))] {
        expect_eq!(multi(&mut client, &[(op::CHECK, requests::path_int(&a, version))]).await?, [expected]);
    }
    let none = (op::CHECK, requests::path_int(&context.path("none"), -1));
    expect_eq!(multi(&mut client, &[none]).await?, [Outcome::Error(-101)]);
    Ok(())
}

async fn one_transaction_for_all(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let ops = [create(&context.path("a")), create(&context.path("b"))];
    let frame = client.call(op::MULTI, &requests::multi(&ops)).await?;
    for name in ["a", "b"] {
        let stat = client.stat(&context.path(name)).await?;
        expect_eq!(stat.map(|stat| stat.czxid), Some(frame.zxid));
    }
    let root = client.stat(&context.root).await?.unwrap_or_default();
    expect_eq!((root.pzxid, root.cversion), (frame.zxid, 2));
    Ok(())
}

async fn no_event_of_a_failure(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let a = context.path("a");
    client.call(op::EXISTS, &requests::path_watch(&a, true)).await?;
    client.call(op::GET_CHILDREN, &requests::path_watch(&context.root, true)).await?;
    multi(&mut client, &[create(&a), delete(&context.path("none"))]).await?;
    expect_eq!(client.events().await?, []);
    multi(&mut client, &[create(&a)]).await?;
    expect_eq!(client.take_events(), [(1, a), (4, context.root.clone())]);
    Ok(())
}

async fn empty_multi_succeeds(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    expect_eq!(multi(&mut client, &[]).await?, []);
    let frame = client.call(op::MULTI_READ, &requests::multi(&[])).await?;
    expect_eq!(outcomes(&frame)?, []);
    Ok(())
}

async fn modes_decide_what_a_create_is(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("c");
    let (container, ttl) = (4, 5);
    let outcomes = multi(&mut client, &[(op::CREATE, requests::create(&path, None, container))]).await?;
    expect!(matches!(&outcomes[..], [Outcome::Create2(created, _)] if *created == path), "{outcomes:?}");
    for op in [op::CREATE, op::CREATE2, op::CREATE_CONTAINER] {
        let with_ttl = requests::multi(&[(op, requests::create(&context.path("t"), None, ttl))]);
        expect_eq!(client.error(op::MULTI, &with_ttl).await?, -5, "operation {op}");
    }
    let with_ttl = |name: &str, flags: i32| {
        let mut body = requests::create(&context.path(name), None, flags);
        body.put_long(1000);
        (op::CREATE_TTL, body)
    };
    expect_eq!(multi(&mut client, &[with_ttl("t", ttl)]).await?, [Outcome::Error(-6)]);
    let path = context.path("p");
    expect_eq!(multi(&mut client, &[with_ttl("p", 0)]).await?, [Outcome::Create(path)]);
    expect_eq!(multi(&mut client, &[with_ttl("q", 9)]).await?, [Outcome::Error(-8)]);
    Ok(())
}

async fn reads_have_results_of_their_own(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let a = context.path("a");
    client.create(&a).await?;
    client.set(&a, b"data").await?;
    let ops = [
        (op::GET_CHILDREN, requests::path_watch(&context.root, true)),
        (op::GET_DATA, requests::path_watch(&context.path("none"), false)),
        (op::GET_DATA, requests::path_watch(&a, true)),
    ];
    let frame = client.call(op::MULTI_READ, &requests::multi(&ops)).await?;
    let stat = client.stat(&a).await?.unwrap_or_default();
    let expected = [
        Outcome::Children(vec!["a".to_owned()]),
        Outcome::Error(-101),
        Outcome::Data(b"data".to_vec(), stat),
    ];
    expect_eq!(outcomes(&frame)?, expected);
    client.set(&a, b"").await?;
    expect_eq!(client.events().await?, [], "watch flags don't count in there");
    Ok(())
}

async fn reads_do_not_mix_with_writes(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let read = (op::GET_DATA, requests::path_watch("/", false));
    let mixed = requests::multi(&[read, delete(&context.path("x"))]);
    for op in [op::MULTI, op::MULTI_READ] {
        expect_eq!(client.error(op, &mixed).await?, -5);
    }
    Ok(())
}
