//! Random requests over few enough paths that they get in each other's way.

use super::super::requests;
use super::dice::Dice;
use crate::wire::jute::JuteWrite;
use crate::wire::op_code as op;
use crate::wire::types::{AclEntry, AuthId, PERM_ALL, PERM_READ, open_acl};

/// What a client does.
pub(crate) enum Step {
    /// Sends a request.
    Request { op: i32, body: Vec<u8> },
    /// Attaches to its session through a new connection, without its watches.
    Reconnect,
    /// Closes its session and begins another.
    NewSession,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request { op, body } => write!(f, "operation {op} \"{}\"", body.escape_ascii()),
            Self::Reconnect => f.write_str("reconnect"),
            Self::NewSession => f.write_str("new session"),
        }
    }
}

impl Step {
    /// Rolls the dice.
    pub(crate) fn roll(dice: &mut Dice, root: &str) -> Self {
        if dice.once_in(60) {
            return Self::Reconnect;
        }
        if dice.once_in(120) {
            return Self::NewSession;
        }
        let (op, body) = match dice.below(10) {
            0..=4 => write(dice, root),
            5 => (op::MULTI, multi(dice, root)),
            6 | 7 => read(dice, root),
            8 => watch(dice, root),
            _ => other(dice, root),
        };
        // Credentials that are cut off would end the connection.
        let cut = op != op::AUTH && dice.once_in(80);
        let length = if cut { dice.below(body.len() + 1) } else { body.len() };
        Self::Request { op, body: body[..length].to_vec() }
    }
}

fn path(dice: &mut Dice, root: &str) -> String {
    if dice.once_in(50) {
        return dice
            .pick(&["/", "/zookeeper", "/zookeeper/config", "relative", "", "//", "/a\0b"])
            .to_owned();
    }
    own_path(dice, root)
}

fn own_path(dice: &mut Dice, root: &str) -> String {
    let names = ["", "/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/deep", "/s0000000001", "/a/s-0000000000"];
    format!("{root}{}", dice.pick(&names))
}

fn data(dice: &mut Dice) -> Option<Vec<u8>> {
    dice.pick(&[None, Some(b"".to_vec()), Some(b"x".to_vec()), Some(b"longer data".to_vec())])
}

fn version(dice: &mut Dice) -> i32 {
    dice.pick(&[-1, -1, -1, 0, 0, 1, 2, 3, -2])
}

fn acl(dice: &mut Dice) -> Vec<AclEntry> {
    let entry = |perms, scheme: &str, id: &str| AclEntry { perms, id: AuthId::new(scheme, id) };
    if dice.below(4) > 0 {
        return open_acl().to_vec();
    }
    dice.pick(&[
        vec![],
        vec![entry(PERM_READ, "world", "anyone")],
        vec![entry(PERM_ALL & !PERM_READ, "world", "anyone")],
        vec![entry(PERM_READ, "world", "anyone"), entry(PERM_ALL, "auth", "")],
        vec![entry(PERM_ALL, "auth", ""), entry(PERM_ALL, "auth", "")],
        vec![entry(PERM_ALL, "digest", "one:hash"), entry(PERM_READ, "ip", "127.0.0.0/8")],
        vec![entry(PERM_ALL, "nobody", "x")],
    ])
}

fn create(dice: &mut Dice, root: &str) -> (i32, Vec<u8>) {
    // No containers (nor their mode, 4): servers remove them when they like, which takes a transaction.
    let op = dice.pick(&[op::CREATE, op::CREATE, op::CREATE2]);
    let flags = dice.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 5]);
    let mut path = path(dice, root);
    if matches!(flags, 2 | 3) {
        path.push_str(dice.pick(&["/s", "/s-", "/"]));
    }
    let data = data(dice);
    (op, requests::create_with_acl(&path, data.as_deref(), flags, &acl(dice)))
}

fn write(dice: &mut Dice, root: &str) -> (i32, Vec<u8>) {
    match dice.below(8) {
        0..=2 => create(dice, root),
        3 | 4 => {
            let path = path(dice, root);
            (op::DELETE, requests::path_int(&path, version(dice)))
        }
        5 | 6 => {
            let path = path(dice, root);
            let data = data(dice);
            (op::SET_DATA, requests::set_data(&path, data.as_deref(), version(dice)))
        }
        _ => {
            // Not on the nodes of others: the next run shall find them open.
            let path = own_path(dice, root);
            let acl = acl(dice);
            (op::SET_ACL, requests::set_acl(&path, &acl, version(dice)))
        }
    }
}

fn multi(dice: &mut Dice, root: &str) -> Vec<u8> {
    let mut ops = Vec::new();
    for _ in 0..dice.below(5) {
        let element = match dice.below(5) {
            0 => (op::CHECK, requests::path_int(&path(dice, root), version(dice))),
            _ => write(dice, root),
        };
        ops.push(element);
    }
    requests::multi(&ops)
}

fn read(dice: &mut Dice, root: &str) -> (i32, Vec<u8>) {
    let path = path(dice, root);
    match dice.below(8) {
        0 => (op::GET_ACL, requests::path(&path)),
        1 => (op::GET_ALL_CHILDREN_NUMBER, requests::path(&path)),
        2 => (op::GET_EPHEMERALS, requests::path(&path)),
        3 => {
            let children = (op::GET_CHILDREN, requests::path_watch(&path, false));
            let data = (op::GET_DATA, requests::path_watch(&path, false));
            (op::MULTI_READ, requests::multi(&[children, data]))
        }
        _ => {
            let op = dice.pick(&[op::EXISTS, op::GET_DATA, op::GET_CHILDREN, op::GET_CHILDREN2]);
            (op, requests::path_watch(&path, false))
        }
    }
}

fn watch(dice: &mut Dice, root: &str) -> (i32, Vec<u8>) {
    let watched = path(dice, root);
    match dice.below(8) {
        0 | 1 => (op::ADD_WATCH, requests::path_int(&watched, dice.pick(&[0, 1, 2]))),
        2 => (op::REMOVE_WATCHES, requests::path_int(&watched, dice.pick(&[1, 2, 3, 4]))),
        3 => {
            let other = path(dice, root);
            let lists: [&[&str]; 5] = [&[&watched], &[&other], &[&watched, &other], &[], &[]];
            let count = dice.pick(&[3, 5]);
            let op = if count == 3 { op::SET_WATCHES } else { op::SET_WATCHES2 };
            // Everything was missed, or nothing: transaction numbers of the servers differ.
            (op, requests::set_watches(dice.pick(&[0, i64::MAX]), &lists[..count]))
        }
        _ => {
            let op = dice.pick(&[op::EXISTS, op::GET_DATA, op::GET_CHILDREN, op::GET_CHILDREN2]);
            (op, requests::path_watch(&watched, true))
        }
    }
}

fn other(dice: &mut Dice, root: &str) -> (i32, Vec<u8>) {
    match dice.below(5) {
        0 => (op::SYNC, requests::path(&path(dice, root))),
        1 => (op::WHO_AM_I, Vec::new()),
        2 => {
            let mut body = requests::create(&path(dice, root), None, dice.pick(&[5, 6]));
            body.put_long(1000);
            (op::CREATE_TTL, body)
        }
        3 => {
            let credentials = dice.pick(&["one:password", "two:password"]);
            (op::AUTH, requests::auth("digest", credentials.as_bytes()))
        }
        // Always a conflict: ZooKeeper 3.8 has a bug that keeps it from answering a check that holds.
        _ => (op::CHECK, requests::path_int(&path(dice, root), 1_000_000)),
    }
}
