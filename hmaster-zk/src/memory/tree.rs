//! The tree of znodes and the operations on it: plain data, no sessions, no time but what is passed in.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::error::ZkErrorKind;
use crate::session::MultiOp;
use crate::znode::{self, Acl, CreateMode, SessionId, Stat, Zxid};

/// Znodes by path.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
    zxid: Zxid,
}

#[derive(Debug, Clone, Default)]
struct Node {
    data: Bytes,
    acl: Vec<Acl>,
    stat: Stat,
    children: BTreeSet<String>,
}

/// Something that watches may wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Created(String),
    Deleted(String),
    Written(String),
}

/// Who changes the tree, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Author {
    pub(super) session: SessionId,
    pub(super) now_ms: i64,
}

type Changed<T> = Result<(T, Vec<Change>), ZkErrorKind>;

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: BTreeMap::from([("/".to_owned(), Node::default())]), zxid: Zxid(0) }
    }

    /// The newest transaction.
    pub(super) fn zxid(&self) -> Zxid {
        self.zxid
    }

    pub(super) fn stat(&self, path: &str) -> Option<Stat> {
        let node = self.nodes.get(path)?;
        let (data_length, num_children) = (node.data.len() as i32, node.children.len() as i32);
        Some(Stat { data_length, num_children, ..node.stat })
    }

    pub(super) fn get(&self, path: &str) -> Result<(Bytes, Stat), ZkErrorKind> {
        let stat = self.stat(path).ok_or(ZkErrorKind::NoNode)?;
        Ok((self.nodes[path].data.clone(), stat))
    }

    pub(super) fn acl(&self, path: &str) -> Option<&[Acl]> {
        self.nodes.get(path).map(|node| &node.acl[..])
    }

    pub(super) fn children(&self, path: &str) -> Result<Vec<String>, ZkErrorKind> {
        let node = self.nodes.get(path).ok_or(ZkErrorKind::NoNode)?;
        Ok(node.children.iter().cloned().collect())
    }

    /// Every ephemeral znode of `session`.
    pub(super) fn ephemerals(&self, session: SessionId) -> Vec<String> {
        let owned = self.nodes.iter().filter(|(_, node)| node.stat.ephemeral_owner == Some(session));
        owned.map(|(path, _)| path.clone()).collect()
    }

    pub(super) fn create(
        &mut self,
        path: &str,
        data: Bytes,
        mode: CreateMode,
        acl: &[Acl],
        author: Author,
    ) -> Changed<(String, Stat)> {
        check_path(path, mode.is_sequential())?;
        let above = znode::parent(path).ok_or(ZkErrorKind::NodeExists)?.to_owned();
        if acl.is_empty() {
            return Err(ZkErrorKind::InvalidAcl);
        }
        let parent = self.nodes.get(&above).ok_or(ZkErrorKind::NoNode)?;
        if parent.stat.ephemeral_owner.is_some() {
            return Err(ZkErrorKind::NoChildrenForEphemerals);
        }
        let number = parent.stat.cversion;
        let path = if mode.is_sequential() { format!("{path}{number:010}") } else { path.to_owned() };
        if self.nodes.contains_key(&path) {
            return Err(ZkErrorKind::NodeExists);
        }
        let zxid = self.next_zxid();
        let owner = mode.is_ephemeral().then_some(author.session);
        let (ctime_ms, mtime_ms) = (author.now_ms, author.now_ms);
        let stat =
            Stat { czxid: zxid, mzxid: zxid, ctime_ms, mtime_ms, ephemeral_owner: owner, ..Stat::default() };
        let node = Node { data, acl: acl.to_vec(), stat, children: BTreeSet::new() };
        self.nodes.insert(path.clone(), node);
        self.touch_parent(&path, zxid, BTreeSet::insert);
        let stat = self.stat(&path).ok_or(ZkErrorKind::NoNode)?;
        Ok(((path.clone(), stat), vec![Change::Created(path)]))
    }

    pub(super) fn delete(&mut self, path: &str, version: Option<i32>) -> Changed<()> {
        check_path(path, false)?;
        let stat = self.stat(path).ok_or(ZkErrorKind::NoNode)?;
        check_version(stat, version)?;
        if stat.num_children > 0 || path == "/" {
            return Err(ZkErrorKind::NotEmpty);
        }
        let zxid = self.next_zxid();
        self.nodes.remove(path);
        self.touch_parent(path, zxid, |siblings, name| siblings.remove(&name));
        Ok(((), vec![Change::Deleted(path.to_owned())]))
    }

    pub(super) fn set(
        &mut self,
        path: &str,
        data: Bytes,
        version: Option<i32>,
        author: Author,
    ) -> Changed<Stat> {
        check_version(self.stat(path).ok_or(ZkErrorKind::NoNode)?, version)?;
        let zxid = self.next_zxid();
        let node = self.nodes.get_mut(path).ok_or(ZkErrorKind::NoNode)?;
        node.data = data;
        node.stat.mzxid = zxid;
        node.stat.mtime_ms = author.now_ms;
        node.stat.version += 1;
        let stat = self.stat(path).ok_or(ZkErrorKind::NoNode)?;
        Ok((stat, vec![Change::Written(path.to_owned())]))
    }

    /// All of `ops` or none. The error names the operation that failed.
    pub(super) fn multi(
        &mut self,
        ops: &[MultiOp],
        author: Author,
    ) -> Result<Vec<Change>, (usize, ZkErrorKind)> {
        let mut copy = self.clone();
        let mut changes = Vec::new();
        for (at, op) in ops.iter().enumerate() {
            changes.extend(copy.apply(op, author).map_err(|kind| (at, kind))?);
        }
        *self = copy;
        Ok(changes)
    }

    fn apply(&mut self, op: &MultiOp, author: Author) -> Result<Vec<Change>, ZkErrorKind> {
        match op {
            MultiOp::Check { path, version } => {
                check_version(self.stat(path).ok_or(ZkErrorKind::NoNode)?, *version)?;
                Ok(Vec::new())
            }
            MultiOp::Create { path, data, mode, acl } => {
                self.create(path, data.clone(), *mode, acl, author).map(|(_, changes)| changes)
            }
            MultiOp::Set { path, data, version } => {
                self.set(path, data.clone(), *version, author).map(|(_, changes)| changes)
            }
            MultiOp::Delete { path, version } => self.delete(path, *version).map(|(_, changes)| changes),
        }
    }

    fn next_zxid(&mut self) -> Zxid {
        self.zxid.0 += 1;
        self.zxid
    }

    fn touch_parent(
        &mut self,
        path: &str,
        zxid: Zxid,
        change: impl FnOnce(&mut BTreeSet<String>, String) -> bool,
    ) {
        let above = znode::parent(path).and_then(|above| self.nodes.get_mut(above));
        if let Some(above) = above {
            change(&mut above.children, znode::name(path).to_owned());
            above.stat.cversion += 1;
            above.stat.pzxid = zxid;
        }
    }
}

fn check_version(stat: Stat, version: Option<i32>) -> Result<(), ZkErrorKind> {
    if version.is_none_or(|version| version == stat.version) { Ok(()) } else { Err(ZkErrorKind::BadVersion) }
}

fn check_path(path: &str, sequential: bool) -> Result<(), ZkErrorKind> {
    let bad = |reason: &str| Err(ZkErrorKind::BadArguments(format!("{reason} in path")));
    let Some(rest) = path.strip_prefix('/') else { return bad("no leading slash") };
    if path == "/" {
        return Ok(());
    }
    let mut parts: Vec<&str> = rest.split('/').collect();
    if sequential && parts.last() == Some(&"") {
        parts.pop();
    }
    match parts.iter().find(|part| part.is_empty() || matches!(**part, "." | "..")) {
        Some(_) => bad("an empty or relative part"),
        None if path.chars().any(char::is_control) => bad("a control character"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Author = Author { session: SessionId(7), now_ms: 5 };

    fn create(tree: &mut Tree, path: &str, mode: CreateMode) -> Result<String, ZkErrorKind> {
        tree.create(path, Bytes::from_static(b"x"), mode, &Acl::open(), ME).map(|((path, _), _)| path)
    }

    #[test]
    fn znodes_come_and_go() {
        let mut tree = Tree::new();
        let mode = CreateMode::Persistent;
        assert_eq!(create(&mut tree, "/a/b", mode), Err(ZkErrorKind::NoNode));
        create(&mut tree, "/a", mode).unwrap();
        create(&mut tree, "/a/b", CreateMode::Ephemeral).unwrap();
        assert_eq!(create(&mut tree, "/a/b", mode), Err(ZkErrorKind::NodeExists));
        assert_eq!(create(&mut tree, "/a/b/c", mode), Err(ZkErrorKind::NoChildrenForEphemerals));
        assert_eq!(tree.delete("/a", None), Err(ZkErrorKind::NotEmpty));
        assert_eq!(tree.delete("/a/b", Some(1)), Err(ZkErrorKind::BadVersion));
        assert_eq!(tree.ephemerals(SessionId(7)), ["/a/b"]);
        tree.delete("/a/b", Some(0)).unwrap();
        assert_eq!(tree.children("/a").unwrap(), Vec::<String>::new());
        assert_eq!(tree.stat("/a").unwrap().cversion, 2);
    }

    #[test]
    fn sequential_names_rise() {
        let mut tree = Tree::new();
        let names: Vec<_> =
            (0..3).map(|_| create(&mut tree, "/n-", CreateMode::PersistentSequential).unwrap()).collect();
        assert_eq!(names, ["/n-0000000000", "/n-0000000001", "/n-0000000002"]);
    }

    #[test]
    fn a_transaction_that_fails_changes_nothing() {
        let mut tree = Tree::new();
        let make = |path: &str| MultiOp::Create {
            path: path.to_owned(),
            data: Bytes::new(),
            mode: CreateMode::Persistent,
            acl: Acl::open(),
        };
        let ops = [make("/a"), MultiOp::Check { path: "/missing".into(), version: None }];
        assert_eq!(tree.multi(&ops, ME), Err((1, ZkErrorKind::NoNode)));
        assert_eq!(tree.stat("/a"), None);
        assert_eq!(tree.multi(&ops[..1], ME), Ok(vec![Change::Created("/a".into())]));
    }

    #[test]
    fn bad_paths_are_refused() {
        let mut tree = Tree::new();
        for path in ["", "a", "/a/", "//a", "/./a", "/a/..", "/a\u{1}"] {
            let refused = create(&mut tree, path, CreateMode::Persistent);
            assert!(matches!(refused, Err(ZkErrorKind::BadArguments(_))), "{path:?}: {refused:?}");
        }
    }
}
