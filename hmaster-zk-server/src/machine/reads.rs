//! Reads. Counterpart of the reading half of `FinalRequestProcessor`.

use super::{Caller, Machine};
use crate::access;
use crate::tree::node::Node;
use crate::wire::error_code::ErrorCode;
use crate::wire::jute::JuteWrite;
use crate::wire::reply::{OpResult, multi_body, put_strings};
use crate::wire::request::ReadOp;
use crate::wire::types::{AclEntry, AuthId, PERM_ADMIN, PERM_READ, put_acl, put_stat};

impl Machine {
    /// One read; the body of the reply.
    pub(super) fn read(&mut self, op: &ReadOp, caller: &Caller) -> Result<Vec<u8>, ErrorCode> {
        let mut body = Vec::new();
        match op {
            ReadOp::Exists { path, watch } => self.exists(path, *watch, caller, &mut body)?,
            ReadOp::GetData { path, watch } => {
                let node = self.readable(path, caller)?;
                OpResult::Data(node.data.clone(), node.client_stat()).put_body(&mut body);
                if *watch {
                    self.watch_data(path, caller.conn)?;
                }
            }
            ReadOp::GetAcl { path } => self.get_acl(path, caller, &mut body)?,
            ReadOp::GetChildren { path, watch, with_stat } => {
                let node = self.readable(path, caller)?;
                put_strings(&mut body, node.children.iter().map(|name| &**name));
                if *with_stat {
                    put_stat(&mut body, &node.client_stat());
                }
                if *watch {
                    self.watch_children(path, caller.conn)?;
                }
            }
            ReadOp::GetAllChildrenNumber { path } => {
                self.readable(path, caller)?;
                body.put_count(self.state.tree.count_below(path));
            }
            ReadOp::GetEphemerals { prefix } => self.get_ephemerals(prefix, caller, &mut body),
        }
        Ok(body)
    }

    /// Several reads, each with its own result; the body of the reply.
    pub(super) fn multi_read(&self, ops: &[ReadOp], caller: &Caller) -> Vec<u8> {
        let result = |op: &ReadOp| match op {
            ReadOp::GetData { path, .. } => {
                self.readable(path, caller).map(|node| OpResult::Data(node.data.clone(), node.client_stat()))
            }
            ReadOp::GetChildren { path, .. } => self.readable(path, caller).map(|node| {
                OpResult::Children(node.children.iter().map(|name| name.clone().into_string()).collect())
            }),
            _ => Err(ErrorCode::BadArguments),
        };
        let results: Vec<OpResult> =
            ops.iter().map(|op| result(op).unwrap_or_else(|error| OpResult::Error(error.wire()))).collect();
        multi_body(&results)
    }

    fn readable(&self, path: &str, caller: &Caller) -> Result<&Node, ErrorCode> {
        let node = self.state.tree.find(path)?;
        access::check(&node.acl, PERM_READ, &caller.identities)?;
        Ok(node)
    }

    fn exists(
        &mut self,
        path: &str,
        watch: bool,
        caller: &Caller,
        body: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let node = self.readable(path, caller).map(Node::client_stat);
        if watch && node != Err(ErrorCode::NoAuth) {
            self.watch_data(path, caller.conn)?;
        }
        put_stat(body, &node?);
        Ok(())
    }

    /// Readers see the ACL with the hashes of digests blanked out, only administrators see it all.
    fn get_acl(&self, path: &str, caller: &Caller, body: &mut Vec<u8>) -> Result<(), ErrorCode> {
        let node = self.state.tree.find(path)?;
        access::check(&node.acl, PERM_READ | PERM_ADMIN, &caller.identities)?;
        if access::check(&node.acl, PERM_ADMIN, &caller.identities).is_ok() {
            put_acl(body, &node.acl);
        } else {
            put_acl(body, &node.acl.iter().map(without_hash).collect::<Vec<_>>());
        }
        put_stat(body, &node.client_stat());
        Ok(())
    }

    fn get_ephemerals(&self, prefix: &str, caller: &Caller, body: &mut Vec<u8>) {
        let prefix = if prefix.trim().is_empty() || prefix.trim() == "/" { "" } else { prefix };
        let mine = self.state.tree.ephemerals_of(caller.session);
        let paths: Vec<&str> = mine.filter(|path| path.starts_with(prefix)).collect();
        put_strings(body, paths.into_iter());
    }
}

fn without_hash(entry: &AclEntry) -> AclEntry {
    let mut entry = entry.clone();
    if entry.id.scheme == "digest"
        && let Some(colon) = entry.id.id.find(':')
    {
        entry.id.id.replace_range(colon.., ":x");
    }
    entry
}

/// The body of a reply to sync.
pub(super) fn path_body(path: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_string(path);
    body
}

/// The body of a reply to whoAmI.
pub(super) fn who_am_i(identities: &[AuthId]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_count(identities.len());
    for identity in identities {
        body.put_string(&identity.scheme);
        body.put_string(access::user_name(identity));
    }
    body
}
