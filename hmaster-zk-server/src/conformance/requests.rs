//! Bodies of requests, as a client writes them.

use crate::wire::jute::JuteWrite;
use crate::wire::reply::put_multi_header;
use crate::wire::types::{AclEntry, open_acl, put_acl};

/// create and create2; flags as in `CreateMode`.
pub(crate) fn create(path: &str, data: Option<&[u8]>, flags: i32) -> Vec<u8> {
    create_with_acl(path, data, flags, &open_acl())
}

/// The same, with an ACL.
pub(crate) fn create_with_acl(path: &str, data: Option<&[u8]>, flags: i32, acl: &[AclEntry]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body.put_buffer(data);
    put_acl(&mut body, acl);
    body.put_int(flags);
    body
}

/// delete, check, checkWatches, removeWatches and addWatch: a path and a number.
pub(crate) fn path_int(path: &str, number: i32) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body.put_int(number);
    body
}

/// setData.
pub(crate) fn set_data(path: &str, data: Option<&[u8]>, version: i32) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body.put_buffer(data);
    body.put_int(version);
    body
}

/// setACL.
pub(crate) fn set_acl(path: &str, acl: &[AclEntry], version: i32) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    put_acl(&mut body, acl);
    body.put_int(version);
    body
}

/// exists, getData, getChildren and getChildren2.
pub(crate) fn path_watch(path: &str, watch: bool) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body.put_bool(watch);
    body
}

/// getACL, sync, getAllChildrenNumber and getEphemerals.
pub(crate) fn path(path: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body
}

/// auth.
pub(crate) fn auth(scheme: &str, credentials: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_int(0);
    body.put_string(scheme);
    body.put_buffer(Some(credentials));
    body
}

/// multi and multiRead.
pub(crate) fn multi(ops: &[(i32, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (op, request) in ops {
        put_multi_header(&mut body, *op, false, -1);
        body.extend_from_slice(request);
    }
    put_multi_header(&mut body, -1, true, -1);
    body
}

/// setWatches (three lists: data, exist, child) and setWatches2 (and persistent, recursive).
pub(crate) fn set_watches(relative_zxid: i64, lists: &[&[&str]]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_long(relative_zxid);
    for list in lists {
        body.put_count(list.len());
        for path in *list {
            body.put_string(path);
        }
    }
    body
}
