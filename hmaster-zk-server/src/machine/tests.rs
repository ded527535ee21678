//! The state machine by itself: inputs in, transactions and frames out, time by hand.

use std::net::Ipv4Addr;

use super::*;
use crate::wire::connect::ConnectResponse;
use crate::wire::jute::{JuteReader, JuteWrite};
use crate::wire::op_code as op;
use crate::wire::request::{Create, CreateKind, ReadOp, WriteOp};
use crate::wire::types::{EventType, open_acl};

const A: ConnId = ConnId(1);
const B: ConnId = ConnId(2);
const TICK_MS: u64 = 100;

struct Rig {
    machine: Machine,
    now_ms: u64,
}

impl Rig {
    fn new() -> Self {
        Self::over(DurableState::new())
    }

    fn over(state: DurableState) -> Self {
        let settings = MachineSettings {
            tick_ms: TICK_MS,
            min_session_timeout_ms: 200,
            max_session_timeout_ms: 2000,
            super_digest: None,
            watches_per_connection_max: 3,
            container_check_ms: 60_000,
        };
        let machine = Machine::new(settings, state, Now { monotonic_ms: 0, wall_ms: 1_000_000 });
        Self { machine, now_ms: 0 }
    }

    fn now(&self) -> Now {
        Now { monotonic_ms: self.now_ms, wall_ms: 1_000_000 + self.now_ms as i64 }
    }

    fn apply(&mut self, input: Input) -> Effects {
        let mut effects = Effects::default();
        let now = self.now();
        self.machine.apply(input, now, &mut effects);
        effects
    }

    fn tick(&mut self) -> Effects {
        let mut effects = Effects::default();
        let now = self.now();
        self.machine.tick(now, &mut effects);
        effects
    }

    fn connect(&mut self, conn: ConnId, session_id: i64, password: [u8; 16], zxid: i64) -> Effects {
        self.apply(Input::Accepted { conn, ip: IpAddr::V4(Ipv4Addr::LOCALHOST) });
        let password = Bytes::copy_from_slice(&password);
        let request = ConnectRequest {
            last_zxid_seen: zxid,
            timeout_ms: 1000,
            session_id,
            password,
            has_read_only: true,
        };
        self.apply(Input::Connect { conn, request, new_password: [conn.0 as u8; 16] })
    }

    /// A connection with a new session.
    fn client(&mut self, conn: ConnId) -> i64 {
        let effects = self.connect(conn, 0, [0; 16], 0);
        granted(&effects).session_id
    }

    fn request(&mut self, conn: ConnId, op: i32, request: Request) -> Effects {
        let frame = RequestFrame { xid: 1, op, body: Body::Request(request) };
        self.apply(Input::Request { conn, frame })
    }

    fn write(&mut self, conn: ConnId, write: WriteOp) -> Effects {
        self.request(conn, op::CREATE, Request::Write(write))
    }

    fn read(&mut self, conn: ConnId, read: ReadOp) -> Effects {
        self.request(conn, op::EXISTS, Request::Read(read))
    }

    fn watch(&mut self, conn: ConnId, path: &str) -> Effects {
        self.read(conn, ReadOp::Exists { path: path.to_owned(), watch: true })
    }
}

fn create(path: &str, flags: i32) -> WriteOp {
    let acl = open_acl().to_vec();
    WriteOp::Create(Create { kind: CreateKind::Plain, path: path.to_owned(), data: None, acl, flags })
}

fn delete(path: &str) -> WriteOp {
    WriteOp::Delete { path: path.to_owned(), version: -1 }
}

fn granted(effects: &Effects) -> ConnectResponse {
    match &effects.outputs[..] {
        [.., Output::Reply(_, frame)] | [Output::Reply(_, frame), Output::Close(..)] => {
            ConnectResponse::decode(&frame[4..]).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// The error code of the only reply.
fn error_of(effects: &Effects) -> i32 {
    let mut replies = effects.outputs.iter().filter_map(|output| match output {
        Output::Reply(_, frame) => Some(i32::from_be_bytes(frame[16..20].try_into().unwrap())),
        _ => None,
    });
    let error = replies.next().unwrap();
    assert_eq!(replies.next(), None);
    error
}

fn event(conn: ConnId, event: EventType, path: &str) -> Output {
    Output::Event(conn, reply::event(event, path))
}

#[test]
fn an_event_precedes_the_reply_of_the_write_it_is_about() {
    let mut rig = Rig::new();
    rig.client(A);
    rig.client(B);
    assert_eq!(error_of(&rig.watch(A, "/a")), ErrorCode::NoNode.wire());
    rig.watch(B, "/a");
    let effects = rig.write(A, create("/a", 0));
    let events = [event(A, EventType::NodeCreated, "/a"), event(B, EventType::NodeCreated, "/a")];
    assert_eq!(effects.outputs[..2], events);
    assert!(matches!(&effects.outputs[2..], [Output::Reply(A, _)]));
    let again = rig.write(B, delete("/a"));
    assert!(matches!(&again.outputs[..], [Output::Reply(B, _)]), "spent: {again:?}");
}

#[test]
fn every_write_is_one_transaction_and_what_it_logs_rebuilds_the_state() {
    let mut rig = Rig::new();
    let mut log = rig.connect(A, 0, [0; 16], 0).transactions;
    let writes = [
        create("/a", 0),
        create("/a", 0),
        create("/a/s-", 3),
        create("/a/s-", 2),
        WriteOp::SetData { path: "/a".to_owned(), data: Some(Bytes::from_static(b"x")), version: 0 },
        WriteOp::SetAcl { path: "/a".to_owned(), acl: open_acl().to_vec(), version: -1 },
        WriteOp::Check { path: "/a".to_owned(), version: 1 },
        delete("/a"),
        delete("/a/s-0000000001"),
        WriteOp::Reconfig,
    ];
    let count = writes.len();
    for write in writes {
        log.extend(rig.write(A, write).transactions);
    }
    assert_eq!(log.len(), 1 + count);
    let multi = vec![create("/m", 0), create("/m/x", 1), delete("/nothing")];
    log.extend(rig.request(A, op::MULTI, Request::Multi(multi)).transactions);
    let multi = vec![create("/m", 0), create("/m/x", 1), delete("/m/x"), delete("/m")];
    log.extend(rig.request(A, op::MULTI, Request::Multi(multi)).transactions);
    log.extend(rig.connect(B, 0, [0; 16], 0).transactions);
    log.extend(rig.request(A, op::CLOSE_SESSION, Request::CloseSession).transactions);
    let mut state = DurableState::new();
    for transaction in &log {
        state.replay(transaction).unwrap();
    }
    assert_eq!(&state, rig.machine.state());
    assert_eq!(state.zxid, log.len() as i64);
    assert!(state.tree.get("/a/s-0000000000").is_none(), "ephemeral");
}

#[test]
fn a_failed_multi_leaves_no_trace_but_its_number() {
    let mut rig = Rig::new();
    rig.client(A);
    rig.write(A, create("/a", 0));
    rig.watch(A, "/a/b");
    let before = rig.machine.state().tree.clone();
    let multi = vec![create("/a/b", 0), create("/a/b/c", 1), delete("/a/b/c"), delete("/nothing")];
    let effects = rig.request(A, op::MULTI, Request::Multi(multi));
    assert_eq!(rig.machine.state().tree, before);
    assert!(matches!(&effects.outputs[..], [Output::Reply(A, _)]), "no event: {effects:?}");
    let failed = Change::Failed { error: ErrorCode::NoNode.wire() };
    assert_eq!(effects.transactions[0].change, failed);
}

#[test]
fn the_operations_of_a_multi_see_one_another() {
    let mut rig = Rig::new();
    rig.client(A);
    let check = |version| WriteOp::Check { path: "/a".to_owned(), version };
    let set = WriteOp::SetData { path: "/a".to_owned(), data: None, version: 0 };
    let multi = vec![create("/a", 0), check(0), set, check(1), create("/a/s", 2), create("/a/s", 2)];
    rig.request(A, op::MULTI, Request::Multi(multi));
    let tree = &rig.machine.state().tree;
    assert!(tree.get("/a/s0000000000").is_some() && tree.get("/a/s0000000001").is_some());
}

#[test]
fn a_session_expires_once_and_takes_its_nodes_along() {
    let mut rig = Rig::new();
    let session = rig.client(A);
    rig.client(B);
    rig.write(A, create("/e", 1));
    rig.watch(B, "/e");
    rig.now_ms = 900;
    rig.request(B, op::PING, Request::Ping);
    rig.now_ms = rig.machine.next_tick_ms();
    assert_eq!(rig.now_ms, 1000 + TICK_MS);
    let effects = rig.tick();
    let expected = [event(B, EventType::NodeDeleted, "/e"), Output::Close(A, CloseReason::SessionExpired)];
    assert_eq!(effects.outputs, expected);
    assert_eq!(effects.transactions.len(), 1);
    assert_eq!(
        (effects.transactions[0].session, &effects.transactions[0].change),
        (session, &Change::CloseSession)
    );
    rig.now_ms += 1;
    assert!(rig.tick().transactions.is_empty());
    let late = rig.write(A, create("/late", 0));
    assert!(late.outputs.is_empty() && late.transactions.is_empty(), "a request that was on its way");
}

#[test]
fn sessions_survive_a_restart_with_their_full_timeout() {
    let mut rig = Rig::new();
    let session = rig.client(A);
    rig.write(A, create("/e", 1));
    let mut rig = Rig::over(rig.machine.state().clone());
    assert_eq!(rig.machine.next_tick_ms(), 1000 + TICK_MS);
    let response = granted(&rig.connect(B, session, [A.0 as u8; 16], 2));
    assert_eq!((response.session_id, response.timeout_ms), (session, 1000));
    rig.now_ms = 1000;
    rig.write(B, create("/f", 1));
    rig.now_ms = 2000;
    assert!(rig.tick().transactions.is_empty());
    rig.now_ms = 2000 + TICK_MS;
    rig.tick();
    assert!(rig.machine.state().tree.ephemerals().is_empty() && rig.machine.state().sessions.is_empty());
}

#[test]
fn a_client_that_attaches_elsewhere_loses_its_old_connection_and_watches() {
    let mut rig = Rig::new();
    let session = rig.client(A);
    rig.watch(A, "/a");
    let effects = rig.connect(B, session, [A.0 as u8; 16], 0);
    assert_eq!(effects.outputs[0], Output::Close(A, CloseReason::SessionMoved));
    assert_eq!(granted(&effects).session_id, session);
    assert_eq!(rig.machine.watches().count(), 0);
    assert_eq!(rig.machine.session_of(B), Some((session, 1000)));
    rig.apply(Input::Gone { conn: A });
    assert!(rig.machine.is_attached(session), "the old connection's end changes nothing");
    rig.apply(Input::Gone { conn: B });
    assert!(!rig.machine.is_attached(session) && rig.machine.state().sessions.contains_key(&session));
}

#[test]
fn wrong_passwords_unknown_sessions_and_clients_ahead_are_turned_away() {
    let mut rig = Rig::new();
    let session = rig.client(A);
    for (session, password) in [(session, [9; 16]), (session + 1, [1; 16]), (77, [0; 16])] {
        let effects = rig.connect(B, session, password, 0);
        assert_eq!(granted(&effects), ConnectResponse::EXPIRED);
        assert_eq!(effects.outputs[1], Output::Close(B, CloseReason::SessionExpired));
        assert!(rig.machine.is_attached(rig.machine.session_of(A).unwrap().0), "the owner isn't disturbed");
    }
    let effects = rig.connect(B, 0, [0; 16], 99);
    assert_eq!(effects.outputs, [Output::Close(B, CloseReason::ClientAhead)]);
    assert!(effects.transactions.is_empty());
}

#[test]
fn session_ids_are_never_used_twice() {
    let mut rig = Rig::new();
    let first = rig.client(A);
    let second = rig.client(B);
    rig.request(B, op::CLOSE_SESSION, Request::CloseSession);
    let mut rig = Rig::over(rig.machine.state().clone());
    let third = rig.client(A);
    assert!(first < second && second < third, "{first:x} {second:x} {third:x}");
    assert_eq!(first >> 56, 1);
}

#[test]
fn watches_and_identities_of_a_connection_are_bounded() {
    let mut rig = Rig::new();
    rig.client(A);
    for path in ["/a", "/b", "/c"] {
        assert_eq!(error_of(&rig.watch(A, path)), ErrorCode::NoNode.wire());
    }
    assert_eq!(error_of(&rig.watch(A, "/d")), ErrorCode::ThrottledOp.wire());
    let add = Request::AddWatch { path: "/a".to_owned(), recursive: true };
    assert_eq!(error_of(&rig.request(A, op::ADD_WATCH, add)), ErrorCode::ThrottledOp.wire());
    assert_eq!(rig.machine.watches().count(), 3);
    let auth = |user: usize| Request::Auth {
        scheme: "digest".to_owned(),
        credentials: Bytes::from(format!("user{user}:password")),
    };
    for user in 1..access::IDENTITIES_MAX {
        assert_eq!(error_of(&rig.request(A, op::AUTH, auth(user))), 0);
    }
    let effects = rig.request(A, op::AUTH, auth(99));
    assert_eq!(error_of(&effects), ErrorCode::AuthFailed.wire());
    assert_eq!(effects.outputs[1], Output::Close(A, CloseReason::AuthFailed));
}

#[test]
fn events_go_only_to_those_who_may_read_the_node() {
    let mut rig = Rig::new();
    rig.client(A);
    rig.client(B);
    let credentials = Bytes::from_static(b"user:password");
    rig.request(A, op::AUTH, Request::Auth { scheme: "digest".to_owned(), credentials });
    let acl = vec![crate::wire::types::AclEntry { perms: 31, id: AuthId::new("auth", "") }];
    rig.watch(A, "/secret");
    rig.watch(B, "/secret");
    let secret = Create { kind: CreateKind::Plain, path: "/secret".to_owned(), data: None, acl, flags: 0 };
    let effects = rig.write(A, WriteOp::Create(secret));
    assert_eq!(effects.outputs[0], event(A, EventType::NodeCreated, "/secret"));
    assert_eq!(effects.outputs.len(), 2, "B hears nothing");
}

#[test]
fn a_container_goes_when_its_children_went() {
    let mut rig = Rig::new();
    rig.client(A);
    let container = Create {
        kind: CreateKind::Container,
        path: "/c".to_owned(),
        data: None,
        acl: open_acl().to_vec(),
        flags: 4,
    };
    rig.write(A, WriteOp::Create(container));
    rig.write(A, create("/c/x", 0));
    rig.write(A, delete("/c/x"));
    rig.watch(A, "/c");
    let mut gone = Vec::new();
    while gone.is_empty() && rig.now_ms < 100_000 {
        rig.request(A, op::PING, Request::Ping);
        rig.now_ms += TICK_MS;
        gone = rig.tick().outputs;
    }
    assert_eq!(gone, [event(A, EventType::NodeDeleted, "/c")]);
    assert_eq!(rig.now_ms, 60_000);
}

#[test]
fn a_malformed_write_takes_a_transaction_as_in_java() {
    let mut rig = Rig::new();
    rig.client(A);
    let zxid = rig.machine.state().zxid;
    for (op, expected) in [(op::CREATE, zxid + 1), (op::GET_DATA, zxid + 1)] {
        let mut body = Vec::new();
        body.put_int(7);
        body.put_int(op);
        let frame = RequestFrame::decode(&body).unwrap();
        let effects = rig.apply(Input::Request { conn: A, frame });
        assert_eq!(error_of(&effects), ErrorCode::MarshallingError.wire());
        assert_eq!(rig.machine.state().zxid, expected);
    }
}

#[test]
fn an_unknown_operation_ends_the_connection() {
    let mut rig = Rig::new();
    rig.client(A);
    let effects = rig.request(A, 77, Request::Unknown(77));
    assert_eq!(error_of(&effects), ErrorCode::Unimplemented.wire());
    assert_eq!(effects.outputs[1], Output::Close(A, CloseReason::Unimplemented));
    let Output::Reply(_, frame) = &effects.outputs[0] else { panic!() };
    let mut reader = JuteReader::new(&frame[4..]);
    assert_eq!((reader.int("xid"), reader.long("zxid")), (Ok(1), Ok(-1)));
}
