//! Snapshots: the whole state in one file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::error::StoreError;
use super::folder::{NumberedFile, snapshot_path, unfinished_path};
use super::frame::{self, HEADER_BYTES, Magic};
use crate::state::DurableState;
use crate::transaction::{put_session, read_session};
use crate::tree::DataTree;
use crate::tree::node::{Node, NodeStat, Owner};
use crate::tree::path;
use crate::wire::jute::{DecodeError, JuteReader, JuteWrite};
use crate::wire::types::{put_acl, read_acl_entries};

const SNAPSHOT_MAGIC: Magic = *b"HMZKSNP1";

/// A frame is closed when it has this many bytes: enough to make headers cheap, few enough to bound
/// what is copied.
const FRAME_BYTES: usize = 256 * 1024;

const NODE: u8 = 1;
const SESSION: u8 = 2;
const END: u8 = 3;

/// The state as payloads of frames: records of nodes (parents before children) and sessions, and one
/// that says how many there should be.
pub(crate) fn encode(state: &DurableState) -> Vec<Vec<u8>> {
    let mut payloads = vec![Vec::new()];
    for (path, node) in state.tree.iter() {
        put_node(room(&mut payloads), path, node);
    }
    for (id, session) in &state.sessions {
        let out = room(&mut payloads);
        out.push(SESSION);
        out.put_long(*id);
        put_session(out, session);
    }
    let out = room(&mut payloads);
    out.push(END);
    out.put_count(state.tree.len());
    out.put_count(state.sessions.len());
    out.put_long(state.next_session_id);
    payloads
}

/// The payload that takes the next record.
fn room(payloads: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
    if payloads.last().is_none_or(|last| last.len() >= FRAME_BYTES) {
        payloads.push(Vec::new());
    }
    payloads.last_mut().expect("one was pushed if there was none")
}

fn put_node(out: &mut Vec<u8>, path: &str, node: &Node) {
    out.push(NODE);
    out.put_string(path);
    out.put_buffer(node.data.as_deref());
    put_acl(out, &node.acl);
    let stat = &node.stat;
    for zxid in [stat.czxid, stat.mzxid, stat.pzxid, stat.ctime, stat.mtime] {
        out.put_long(zxid);
    }
    for version in [stat.version, stat.cversion, stat.aversion] {
        out.put_int(version);
    }
    out.put_long(stat.owner.to_raw());
}

/// Writes a snapshot: complete under its name, or not there.
pub(crate) fn write(disk: &Disk, dir: &Path, zxid: i64, payloads: &[Vec<u8>]) -> Result<(), StoreError> {
    let unfinished = unfinished_path(dir, zxid);
    let finished = snapshot_path(dir, zxid);
    let error = |operation| {
        let path = unfinished.clone();
        move |source| StoreError::Io { operation, path, source }
    };
    if unfinished.exists() {
        disk.remove(&unfinished).map_err(error("remove"))?;
    }
    let file = disk.create(&unfinished).map_err(error("create"))?;
    let salt = frame::new_salt();
    let mut bytes = frame::header(SNAPSHOT_MAGIC, salt, zxid);
    let mut offset = 0;
    for payload in payloads {
        let frame_offset = offset + bytes.len() as u64;
        frame::put_frame(&mut bytes, salt, frame_offset, payload);
        disk.write(&file, &bytes).map_err(error("write"))?;
        offset += bytes.len() as u64;
        bytes.clear();
    }
    disk.sync(&file).map_err(error("sync"))?;
    disk.rename(&unfinished, &finished).map_err(error("rename"))?;
    disk.sync_dir(dir).map_err(|source| StoreError::io("sync", dir, source))
}

/// Reads a snapshot. Any damage is an error.
pub(crate) fn read(file: &NumberedFile) -> Result<DurableState, StoreError> {
    let path = &file.path;
    let bytes = fs::read(path).map_err(|source| StoreError::io("read", path, source))?;
    let header = frame::read_header(&bytes, SNAPSHOT_MAGIC);
    let (salt, zxid) = header.map_err(|reason| StoreError::corrupt(path, 0, reason))?;
    if zxid != file.zxid {
        return Err(StoreError::corrupt(path, 0, "the header is that of another snapshot"));
    }
    let mut state =
        DurableState { zxid, next_session_id: 0, sessions: Default::default(), tree: DataTree::empty() };
    let mut offset = HEADER_BYTES;
    loop {
        let corrupt = |reason: String| StoreError::corrupt(path, offset, reason);
        let payload = frame::read_frame(&bytes, salt, offset).map_err(|reason| corrupt(reason.to_owned()))?;
        let is_end = read_records(payload, &mut state).map_err(corrupt)?;
        let next = offset + frame::FRAME_HEADER_BYTES + payload.len();
        if is_end {
            let at_end = next == bytes.len();
            return if at_end { Ok(state) } else { Err(corrupt("bytes follow the end".to_owned())) };
        }
        offset = next;
    }
}

/// Adds the records of one frame to the state; true if they include the end.
fn read_records(payload: &[u8], state: &mut DurableState) -> Result<bool, String> {
    let mut reader = JuteReader::new(payload);
    while !reader.rest().is_empty() {
        match reader.u8("record").map_err(|error| error.to_string())? {
            NODE => {
                let (path, node) = read_node(&mut reader).map_err(|error| error.to_string())?;
                if path != "/" && state.tree.get(path::parent(&path)).is_none() {
                    return Err(format!("{path} has no parent"));
                }
                state.tree.insert(path, node);
            }
            SESSION => {
                let id = reader.long("session").map_err(|error| error.to_string())?;
                let session = read_session(&mut reader).map_err(|error| error.to_string())?;
                state.sessions.insert(id, session);
            }
            END => return read_end(&mut reader, state).map(|()| true),
            other => return Err(format!("a record has the unknown kind {other}")),
        }
    }
    Ok(false)
}

fn read_end(reader: &mut JuteReader<'_>, state: &mut DurableState) -> Result<(), String> {
    let mut count = |field| reader.int(field).map_err(|error| error.to_string());
    let (nodes, sessions) = (count("nodes")?, count("sessions")?);
    state.next_session_id = reader.long("next session").map_err(|error| error.to_string())?;
    if nodes as usize != state.tree.len() || sessions as usize != state.sessions.len() {
        return Err("nodes or sessions are missing".to_owned());
    }
    if !reader.rest().is_empty() {
        return Err("records follow the end".to_owned());
    }
    Ok(())
}

fn read_node(reader: &mut JuteReader<'_>) -> Result<(String, Node), DecodeError> {
    let path = reader.string("path")?;
    let data = reader.bytes("data")?;
    let acl = Arc::from(read_acl_entries(reader)?);
    let stat = NodeStat {
        czxid: reader.long("czxid")?,
        mzxid: reader.long("mzxid")?,
        pzxid: reader.long("pzxid")?,
        ctime: reader.long("ctime")?,
        mtime: reader.long("mtime")?,
        version: reader.int("version")?,
        cversion: reader.int("cversion")?,
        aversion: reader.int("aversion")?,
        owner: Owner::from_raw(reader.long("owner")?),
    };
    Ok((path, Node::new(data, acl, stat)))
}
