//! Decides what a write would change, or why it can't. Counterpart of
//! `PrepRequestProcessor.pRequest2Txn`; checks are made in the same order, because the first that
//! fails gives the error.

use std::sync::Arc;

use crate::access;
use crate::tree::DataTree;
use crate::tree::change::TreeChange;
use crate::tree::node::Owner;
use crate::tree::path;
use crate::wire::error_code::ErrorCode;
use crate::wire::request::{Create, CreateKind, WriteOp};
use crate::wire::types::{AuthId, PERM_ADMIN, PERM_CREATE, PERM_DELETE, PERM_READ, PERM_WRITE};

/// What a write does once it is carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It changes a node.
    Change(TreeChange),
    /// It has checked a node and changes nothing.
    Checked,
}

/// Decides about one write.
pub(crate) fn decide(
    tree: &DataTree,
    op: &WriteOp,
    session: i64,
    identities: &[AuthId],
) -> Result<Decision, ErrorCode> {
    match op {
        WriteOp::Create(request) => create(tree, request, session, identities).map(Decision::Change),
        WriteOp::Delete { path, version } => delete(tree, path, *version, identities).map(Decision::Change),
        WriteOp::SetData { path, data, version } => {
            path::validate(path)?;
            let node = tree.find(path)?;
            access::check(&node.acl, PERM_WRITE, identities)?;
            let version = next_version(node.stat.version, *version)?;
            Ok(Decision::Change(TreeChange::SetData { path: path.clone(), data: data.clone(), version }))
        }
        WriteOp::SetAcl { path, acl, version } => {
            path::validate(path)?;
            let acl = access::resolve_acl(acl, identities)?;
            let node = tree.find(path)?;
            access::check(&node.acl, PERM_ADMIN, identities)?;
            let version = next_version(node.stat.aversion, *version)?;
            Ok(Decision::Change(TreeChange::SetAcl { path: path.clone(), acl: Arc::from(acl), version }))
        }
        WriteOp::Check { path, version } => {
            path::validate(path)?;
            let node = tree.find(path)?;
            access::check(&node.acl, PERM_READ, identities)?;
            next_version(node.stat.version, *version)?;
            Ok(Decision::Checked)
        }
        WriteOp::DeleteContainer => Err(ErrorCode::BadArguments),
        WriteOp::Reconfig => Err(ErrorCode::ReconfigDisabled),
    }
}

/// The version after a change, if the expected one (-1: any) is the present one.
fn next_version(present: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected == -1 || expected == present {
        Ok(present.wrapping_add(1))
    } else {
        Err(ErrorCode::BadVersion)
    }
}

/// `CreateMode`, by its number.
struct CreateMode {
    ephemeral: bool,
    sequential: bool,
}

impl CreateMode {
    fn from_flags(flags: i32) -> Result<Self, ErrorCode> {
        let (ephemeral, sequential) = match flags {
            // 4 is CONTAINER: what makes a container is the operation code, as in Java.
            0 | 4 => (false, false),
            1 => (true, false),
            2 => (false, true),
            3 => (true, true),
            // 5 and 6 are PERSISTENT_WITH_TTL and PERSISTENT_SEQUENTIAL_WITH_TTL.
            5 | 6 => return Err(ErrorCode::Unimplemented),
            _ => return Err(ErrorCode::BadArguments),
        };
        Ok(Self { ephemeral, sequential })
    }
}

fn create(
    tree: &DataTree,
    request: &Create,
    session: i64,
    identities: &[AuthId],
) -> Result<TreeChange, ErrorCode> {
    let mode = CreateMode::from_flags(request.flags)?;
    if matches!(request.kind, CreateKind::Ttl(_)) {
        // A time to live without the mode for it.
        return Err(ErrorCode::BadArguments);
    }
    let parent_path = path::requested_parent(&request.path)?;
    let acl = access::resolve_acl(&request.acl, identities)?;
    let parent = tree.find(parent_path)?;
    access::check(&parent.acl, PERM_CREATE, identities)?;
    let mut path = request.path.clone();
    if mode.sequential {
        path.push_str(&format!("{:010}", parent.stat.cversion));
    }
    path::validate(&path)?;
    if tree.get(&path).is_some() {
        return Err(ErrorCode::NodeExists);
    }
    if matches!(parent.stat.owner, Owner::Session(_)) {
        return Err(ErrorCode::NoChildrenForEphemerals);
    }
    let owner = match request.kind {
        CreateKind::Container => Owner::Container,
        _ if mode.ephemeral => Owner::Session(session),
        _ => Owner::Nobody,
    };
    Ok(TreeChange::Create { path, data: request.data.clone(), acl: Arc::from(acl), owner })
}

fn delete(tree: &DataTree, path: &str, version: i32, identities: &[AuthId]) -> Result<TreeChange, ErrorCode> {
    let parent_path = path::requested_parent(path)?;
    if path::is_special(path) {
        return Err(ErrorCode::BadArguments);
    }
    let parent = tree.find(parent_path)?;
    access::check(&parent.acl, PERM_DELETE, identities)?;
    let node = tree.find(path)?;
    next_version(node.stat.version, version)?;
    if !node.children.is_empty() {
        return Err(ErrorCode::NotEmpty);
    }
    Ok(TreeChange::Delete { path: path.to_owned() })
}
