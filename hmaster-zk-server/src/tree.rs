//! The tree of nodes, with everything that is written down about each. Counterpart of
//! `DataTree` and `DataNode`.
//!
//! A change is decided elsewhere ([`machine`](crate::machine)); here it is carried out, the same
//! way when a client asked for it and when it is read back from the log. Every step returns what it
//! takes to undo it, because a multi must vanish without trace if its last operation fails.
//! Deterministic: nodes, children and ephemerals are kept in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::wire::error_code::ErrorCode;
use crate::wire::types::{Acl, open_acl, read_acl};

pub(crate) mod change;
pub(crate) mod node;
pub(crate) mod path;

use change::{Notification, Step, TreeChange, Undo, WriteContext};
use node::{Node, NodeStat, Owner};

/// The node that holds an ensemble's configuration: here, as in any standalone server, empty.
const CONFIG_NODE: &str = "/zookeeper/config";

/// All nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataTree {
    /// By full path; in this order a parent precedes its children.
    nodes: BTreeMap<String, Node>,
    /// Which ephemeral nodes a session owns; no empty sets.
    ephemerals: BTreeMap<i64, BTreeSet<String>>,
    containers: BTreeSet<String>,
    /// Sum of the lengths of all paths and data, in bytes.
    data_bytes: u64,
}

impl Default for DataTree {
    fn default() -> Self {
        Self::new()
    }
}

impl DataTree {
    /// The tree of a new server: `/`, `/zookeeper`, and below that `quota` and `config`.
    pub(crate) fn new() -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            containers: BTreeSet::new(),
            data_bytes: 0,
        };
        let open = open_acl();
        for path in ["/", "/zookeeper", "/zookeeper/quota"] {
            tree.insert(path.to_owned(), Node::builtin(Arc::clone(&open)));
        }
        let mut config = Node::builtin(read_acl());
        config.stat.aversion = -1; // as the Java server leaves it
        tree.insert(CONFIG_NODE.to_owned(), config);
        tree
    }

    /// A tree without any node, to be filled by [`insert`](Self::insert) from a snapshot.
    pub(crate) fn empty() -> Self {
        Self {
            nodes: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            containers: BTreeSet::new(),
            data_bytes: 0,
        }
    }

    /// The node at a path. The empty path is another name of the root, as in Java.
    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(if path.is_empty() { "/" } else { path })
    }

    /// The node at a path, or NoNode.
    pub(crate) fn find(&self, path: &str) -> Result<&Node, ErrorCode> {
        self.get(path).ok_or(ErrorCode::NoNode)
    }

    /// All nodes in the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Number of nodes below a path. Below the empty path there is the root too, as in Java.
    pub(crate) fn count_below(&self, path: &str) -> usize {
        if path == "/" {
            return self.nodes.len() - 1;
        }
        let prefix = format!("{path}/");
        self.nodes.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix)).count()
    }

    /// Sum of the lengths of all paths and data, in bytes.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// The ephemeral nodes of a session, in order.
    pub(crate) fn ephemerals_of(&self, session: i64) -> impl Iterator<Item = &str> {
        self.ephemerals.get(&session).into_iter().flatten().map(String::as_str)
    }

    /// All sessions that own ephemeral nodes, with these.
    pub(crate) fn ephemerals(&self) -> &BTreeMap<i64, BTreeSet<String>> {
        &self.ephemerals
    }

    /// Containers that had children and have none any more.
    pub(crate) fn idle_containers(&self) -> Vec<String> {
        let idle = |path: &&String| {
            self.get(path).is_some_and(|node| node.children.is_empty() && node.stat.cversion > 0)
        };
        self.containers.iter().filter(idle).cloned().collect()
    }

    /// Puts a node in its place and tells its parent, whatever was there before. The parent's own
    /// stat stays as it is.
    pub(crate) fn insert(&mut self, path: String, node: Node) {
        if let Some(parent) = self.nodes.get_mut(path::parent(&path))
            && path != "/"
        {
            parent.children.insert(path::name(&path).into());
        }
        match node.stat.owner {
            Owner::Nobody => {}
            Owner::Container => {
                self.containers.insert(path.clone());
            }
            Owner::Session(session) => {
                self.ephemerals.entry(session).or_default().insert(path.clone());
            }
        }
        self.data_bytes += size(&path, node.data.as_ref());
        self.nodes.insert(path, node);
    }

    fn remove(&mut self, path: &str) -> Option<Node> {
        let node = self.nodes.remove(path)?;
        if let Some(parent) = self.nodes.get_mut(path::parent(path)) {
            parent.children.remove(path::name(path));
        }
        match node.stat.owner {
            Owner::Nobody => {}
            Owner::Container => {
                self.containers.remove(path);
            }
            Owner::Session(session) => {
                if let Some(paths) = self.ephemerals.get_mut(&session) {
                    paths.remove(path);
                    if paths.is_empty() {
                        self.ephemerals.remove(&session);
                    }
                }
            }
        }
        self.data_bytes -= size(path, node.data.as_ref());
        Some(node)
    }

    fn find_mut(&mut self, path: &str) -> Result<&mut Node, ErrorCode> {
        self.nodes.get_mut(path).ok_or(ErrorCode::NoNode)
    }

    /// Carries out one change. An error means that it doesn't fit the tree, which is then unchanged.
    pub(crate) fn apply(&mut self, change: &TreeChange, at: WriteContext) -> Result<Step, ErrorCode> {
        match change {
            TreeChange::Create { path, data, acl, owner } => {
                self.create(path, data.clone(), Arc::clone(acl), *owner, at)
            }
            TreeChange::Delete { path } => self.delete(path, at),
            TreeChange::SetData { path, data, version } => self.set_data(path, data.clone(), *version, at),
            TreeChange::SetAcl { path, acl, version } => self.set_acl(path, acl, *version),
        }
    }

    fn create(
        &mut self,
        path: &str,
        data: Option<Bytes>,
        acl: Acl,
        owner: Owner,
        at: WriteContext,
    ) -> Result<Step, ErrorCode> {
        if self.nodes.contains_key(path) {
            return Err(ErrorCode::NodeExists);
        }
        let parent = self.find_mut(path::parent(path))?;
        let undo = Undo::Create { path: path.to_owned(), parent_stat: parent.stat };
        parent.stat.cversion = parent.stat.cversion.wrapping_add(1);
        parent.stat.pzxid = at.zxid;
        let parent_acl = Arc::clone(&parent.acl);
        let acl = if acl == parent_acl { Arc::clone(&parent_acl) } else { acl };
        let node = Node::new(data, Arc::clone(&acl), NodeStat::created(at, owner));
        let stat = node.client_stat();
        self.insert(path.to_owned(), node);
        let notification = Notification::Created { path: path.to_owned(), acl, parent_acl };
        Ok(Step { undo, notification: Some(notification), stat })
    }

    fn delete(&mut self, path: &str, at: WriteContext) -> Result<Step, ErrorCode> {
        let node = self.find(path)?;
        if !node.children.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        let parent = self.find_mut(path::parent(path))?;
        let (parent_stat, parent_acl) = (parent.stat, Arc::clone(&parent.acl));
        parent.stat.pzxid = parent.stat.pzxid.max(at.zxid);
        let node = self.remove(path).ok_or(ErrorCode::NoNode)?;
        let acl = Arc::clone(&node.acl);
        let stat = node.client_stat();
        let notification = Notification::Deleted { path: path.to_owned(), acl, parent_acl };
        let undo = Undo::Delete { path: path.to_owned(), node, parent_stat };
        Ok(Step { undo, notification: Some(notification), stat })
    }

    fn set_data(
        &mut self,
        path: &str,
        data: Option<Bytes>,
        version: i32,
        at: WriteContext,
    ) -> Result<Step, ErrorCode> {
        let node = self.find_mut(path)?;
        let (before, after) = (size("", node.data.as_ref()), size("", data.as_ref()));
        let old_data = std::mem::replace(&mut node.data, data);
        let undo = Undo::SetData { path: path.to_owned(), data: old_data, stat: node.stat };
        node.stat.version = version;
        node.stat.mzxid = at.zxid;
        node.stat.mtime = at.wall_ms;
        let notification = Notification::DataChanged { path: path.to_owned(), acl: Arc::clone(&node.acl) };
        let stat = node.client_stat();
        self.data_bytes = self.data_bytes - before + after;
        Ok(Step { undo, notification: Some(notification), stat })
    }

    fn set_acl(&mut self, path: &str, acl: &Acl, version: i32) -> Result<Step, ErrorCode> {
        let node = self.find_mut(path)?;
        let old_acl = std::mem::replace(&mut node.acl, Arc::clone(acl));
        let undo = Undo::SetAcl { path: path.to_owned(), acl: old_acl, stat: node.stat };
        node.stat.aversion = version;
        Ok(Step { undo, notification: None, stat: node.client_stat() })
    }

    /// Takes back a step. Steps must be taken back in reverse order.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Create { path, parent_stat } => {
                self.remove(&path);
                self.restore_stat(path::parent(&path), parent_stat);
            }
            Undo::Delete { path, node, parent_stat } => {
                self.restore_stat(path::parent(&path), parent_stat);
                self.insert(path, node);
            }
            Undo::SetData { path, data, stat } => {
                if let Some(node) = self.nodes.get_mut(&path) {
                    let (before, after) = (size("", node.data.as_ref()), size("", data.as_ref()));
                    node.data = data;
                    node.stat = stat;
                    self.data_bytes = self.data_bytes - before + after;
                }
            }
            Undo::SetAcl { path, acl, stat } => {
                if let Some(node) = self.nodes.get_mut(&path) {
                    node.acl = acl;
                    node.stat = stat;
                }
            }
        }
    }

    fn restore_stat(&mut self, path: &str, stat: NodeStat) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.stat = stat;
        }
    }
}

fn size(path: &str, data: Option<&Bytes>) -> u64 {
    (path.len() + data.map_or(0, Bytes::len)) as u64
}

#[cfg(test)]
mod tests;
