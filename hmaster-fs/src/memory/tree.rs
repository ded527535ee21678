//! The tree of files and folders: plain data, no clients, no time of its own. Errors are the path at fault
//! and the kind.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_types::Chance;

use super::Content;
use crate::{CreateMode, FileKind, FileStatus, FsErrorKind, FsPath, Permission};

/// Number of a file or folder; never used again.
pub(super) type NodeId = u64;
type Failure = (FsPath, FsErrorKind);
type Done<T> = Result<T, Failure>;

const ROOT: NodeId = 0;
const FILE_PERMISSION: Permission = Permission::new(0o644);
const FOLDER_PERMISSION: Permission = Permission::new(0o755);

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<NodeId, Node>,
    nodes_made: NodeId,
}

#[derive(Debug)]
struct Node {
    body: Body,
    modified_ms: u64,
    permission: Permission,
}

#[derive(Debug)]
enum Body {
    Folder(BTreeMap<Box<str>, NodeId>),
    File(File),
}

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    synced: usize,
    name_synced: bool,
    /// The client that is writing it.
    holder: Option<u64>,
}

impl Default for Tree {
    fn default() -> Self {
        let body = Body::Folder(BTreeMap::new());
        let root = Node { body, modified_ms: 0, permission: FOLDER_PERMISSION };
        Self { nodes: BTreeMap::from([(ROOT, root)]), nodes_made: 0 }
    }
}

impl Tree {
    pub(super) fn status(&self, path: &FsPath) -> Done<FileStatus> {
        let node = self.node(self.find(path)?);
        Ok(status_of(path.name().unwrap_or_default(), node))
    }

    pub(super) fn list(&self, folder: &FsPath) -> Done<Vec<FileStatus>> {
        let entries = self.entries(folder, self.find(folder)?)?;
        Ok(entries.iter().map(|(name, id)| status_of(name, self.node(*id))).collect())
    }

    /// What a reader gets to see of a file.
    pub(super) fn read(&self, path: &FsPath, open_files_read_empty: bool) -> Done<Bytes> {
        let file = self.file(path, self.find(path)?)?;
        Ok(match file.holder {
            None => Bytes::copy_from_slice(&file.bytes),
            Some(_) if open_files_read_empty => Bytes::new(),
            Some(_) => Bytes::copy_from_slice(&file.bytes[..file.synced]),
        })
    }

    pub(super) fn create(
        &mut self,
        path: &FsPath,
        (mode, permission): (CreateMode, Option<Permission>),
        holder: u64,
        now_ms: u64,
    ) -> Done<NodeId> {
        let (folder, name) = self.find_parent(path)?;
        check_length(path, name)?;
        if let Some(old) = self.entries(path, folder)?.get(name).copied() {
            match (&self.node(old).body, mode) {
                (Body::Folder(_), _) => return Err((path.clone(), FsErrorKind::IsADirectory)),
                (Body::File(_), CreateMode::New) => return Err((path.clone(), FsErrorKind::AlreadyExists)),
                (Body::File(_), CreateMode::Overwrite) => drop(self.nodes.remove(&old)),
            }
        }
        let body = Body::File(File { holder: Some(holder), ..File::default() });
        Ok(self.add(folder, name, body, permission.unwrap_or(FILE_PERMISSION), now_ms))
    }

    pub(super) fn mkdirs(&mut self, path: &FsPath, permission: Option<Permission>, now_ms: u64) -> Done<()> {
        let (mut at, mut at_path, mut made) = (ROOT, FsPath::root(), false);
        for name in path.components() {
            at_path = at_path.join(name);
            check_length(path, name)?;
            let entries = self.entries(&at_path, at)?;
            at = match entries.get(name) {
                Some(id) => *id,
                None => {
                    made = true;
                    self.add(at, name, Body::Folder(BTreeMap::new()), FOLDER_PERMISSION, now_ms)
                }
            };
        }
        self.entries(path, at)?;
        if let (true, Some(permission)) = (made, permission) {
            self.node_mut(at).permission = permission;
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &FsPath, to: &FsPath, replace: bool, now_ms: u64) -> Done<()> {
        let moved = self.find(from)?;
        let (old_folder, old_name) = self.find_parent(from)?;
        let (new_folder, new_name) = self.find_parent(to)?;
        check_length(to, new_name)?;
        let is_folder = matches!(self.node(moved).body, Body::Folder(_));
        if replace && is_folder {
            return Err((from.clone(), FsErrorKind::IsADirectory));
        }
        if from != to && from.contains(to) {
            let reason = "a folder can't be moved into itself".to_owned();
            return Err((from.clone(), FsErrorKind::Invalid(reason)));
        }
        if let Some(target) = self.entries(to, new_folder)?.get(new_name).copied() {
            match self.node(target).body {
                _ if !replace => return Err((to.clone(), FsErrorKind::AlreadyExists)),
                Body::Folder(_) => return Err((to.clone(), FsErrorKind::IsADirectory)),
                Body::File(_) if target == moved => return Ok(()),
                Body::File(_) => drop(self.nodes.remove(&target)),
            }
        }
        self.folder_mut(old_folder, now_ms).remove(old_name);
        self.folder_mut(new_folder, now_ms).insert(new_name.into(), moved);
        if let Body::File(file) = &mut self.node_mut(moved).body {
            file.name_synced = true;
        }
        Ok(())
    }

    /// Removes a file or an empty folder.
    pub(super) fn delete(&mut self, path: &FsPath, now_ms: u64) -> Done<bool> {
        let Ok(id) = self.find(path) else { return Ok(false) };
        let (folder, name) = self.find_parent(path)?;
        if matches!(&self.node(id).body, Body::Folder(entries) if !entries.is_empty()) {
            return Err((path.clone(), FsErrorKind::NotEmpty));
        }
        self.folder_mut(folder, now_ms).remove(name);
        self.nodes.remove(&id);
        Ok(true)
    }

    /// Everything at and below a path, what is inside before what it is in.
    pub(super) fn inside_out(&self, path: &FsPath) -> Vec<FsPath> {
        let mut paths = Vec::new();
        if let Ok(id) = self.find(path) {
            self.walk(path, id, &mut |path, _| paths.push(path.clone()));
        }
        paths.reverse();
        paths
    }

    pub(super) fn set_modified(&mut self, path: &FsPath, modified_ms: u64) -> Done<()> {
        let id = self.find(path)?;
        self.node_mut(id).modified_ms = modified_ms;
        Ok(())
    }

    pub(super) fn set_permission(&mut self, path: &FsPath, permission: Permission) -> Done<()> {
        let id = self.find(path)?;
        self.node_mut(id).permission = permission;
        Ok(())
    }

    pub(super) fn snapshot(&self) -> BTreeMap<FsPath, Content> {
        let mut all = BTreeMap::new();
        self.walk(&FsPath::root(), ROOT, &mut |path, node| {
            let content = match &node.body {
                Body::Folder(_) => Content::Folder,
                Body::File(file) => Content::File(Bytes::copy_from_slice(&file.bytes)),
            };
            all.insert(path.clone(), content);
        });
        all
    }

    // What writers do.

    /// Whether the client still holds the file that it created, which may have been renamed.
    pub(super) fn is_held(&self, id: NodeId, holder: u64) -> bool {
        let node = self.nodes.get(&id);
        node.is_some_and(|node| matches!(&node.body, Body::File(file) if file.holder == Some(holder)))
    }

    pub(super) fn is_at(&self, id: NodeId, path: &FsPath) -> bool {
        self.find(path).is_ok_and(|found| found == id)
    }

    pub(super) fn is_being_written(&self, path: &FsPath) -> Done<bool> {
        Ok(self.file(path, self.find(path)?)?.holder.is_some())
    }

    /// Appends to a file that is held.
    pub(super) fn append(&mut self, id: NodeId, bytes: &[u8], now_ms: u64) {
        let node = self.node_mut(id);
        node.modified_ms = now_ms;
        if let Body::File(file) = &mut node.body {
            file.bytes.extend_from_slice(bytes);
        }
    }

    /// Syncs a file that is held, and lets go of it if it is complete.
    pub(super) fn sync(&mut self, id: NodeId, complete: bool) {
        if let Body::File(file) = &mut self.node_mut(id).body {
            file.synced = file.bytes.len();
            file.name_synced = true;
            file.holder = file.holder.filter(|_| !complete);
        }
    }

    /// Takes a file from its holder. What wasn't synced is kept in part.
    pub(super) fn recover(&mut self, path: &FsPath, chance: &Chance) -> Done<()> {
        let id = self.find(path)?;
        self.file(path, id)?;
        if let Body::File(file) = &mut self.node_mut(id).body
            && file.holder.take().is_some()
        {
            file.tear(chance);
            file.name_synced = true;
        }
        Ok(())
    }

    /// A client is gone: what it didn't sync is torn, and names that it didn't sync may be lost.
    pub(super) fn lose_unsynced(&mut self, holder: u64, chance: &Chance, names: bool) {
        let mut nameless = Vec::new();
        for (id, node) in &mut self.nodes {
            if let Body::File(file) = &mut node.body
                && file.holder == Some(holder)
            {
                file.tear(chance);
                if names && !file.name_synced && chance.happens(0.5) {
                    nameless.push(*id);
                }
            }
        }
        for lost in nameless {
            self.nodes.remove(&lost);
            for node in self.nodes.values_mut() {
                if let Body::Folder(entries) = &mut node.body {
                    entries.retain(|_, id| *id != lost);
                }
            }
        }
    }

    // Ways through the tree.

    fn find(&self, path: &FsPath) -> Done<NodeId> {
        let mut at = ROOT;
        for name in path.components() {
            let below = match &self.node(at).body {
                Body::Folder(entries) => entries.get(name),
                Body::File(_) => None,
            };
            at = *below.ok_or_else(|| (path.clone(), FsErrorKind::NotFound))?;
        }
        Ok(at)
    }

    fn find_parent<'a>(&self, path: &'a FsPath) -> Done<(NodeId, &'a str)> {
        let root = || (path.clone(), FsErrorKind::Invalid("the root can't be changed".into()));
        let parent = path.parent().ok_or_else(root)?;
        let id = self.find(&parent)?;
        self.entries(&parent, id)?;
        Ok((id, path.name().ok_or_else(root)?))
    }

    fn entries(&self, path: &FsPath, id: NodeId) -> Done<&BTreeMap<Box<str>, NodeId>> {
        match &self.node(id).body {
            Body::Folder(entries) => Ok(entries),
            Body::File(_) => Err((path.clone(), FsErrorKind::NotADirectory)),
        }
    }

    fn file(&self, path: &FsPath, id: NodeId) -> Done<&File> {
        match &self.node(id).body {
            Body::File(file) => Ok(file),
            Body::Folder(_) => Err((path.clone(), FsErrorKind::IsADirectory)),
        }
    }

    fn walk(&self, path: &FsPath, id: NodeId, visit: &mut dyn FnMut(&FsPath, &Node)) {
        let node = self.node(id);
        visit(path, node);
        if let Body::Folder(entries) = &node.body {
            entries.iter().for_each(|(name, id)| self.walk(&path.join(name), *id, visit));
        }
    }

    fn add(&mut self, folder: NodeId, name: &str, body: Body, permission: Permission, now_ms: u64) -> NodeId {
        self.nodes_made += 1;
        let id = self.nodes_made;
        self.nodes.insert(id, Node { body, modified_ms: now_ms, permission });
        self.folder_mut(folder, now_ms).insert(name.into(), id);
        id
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(&id).expect("entries and held files name nodes that exist")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("entries and held files name nodes that exist")
    }

    fn folder_mut(&mut self, id: NodeId, now_ms: u64) -> &mut BTreeMap<Box<str>, NodeId> {
        let node = self.node_mut(id);
        node.modified_ms = now_ms;
        match &mut node.body {
            Body::Folder(entries) => entries,
            Body::File(_) => unreachable!("callers looked at the folder's entries before"),
        }
    }
}

/// As local disks and, by default, HDFS have it.
fn check_length(path: &FsPath, name: &str) -> Done<()> {
    const NAME_BYTES_MAX: usize = 255;
    let too_long = || (path.clone(), FsErrorKind::Invalid("the name is too long".into()));
    if name.len() > NAME_BYTES_MAX { Err(too_long()) } else { Ok(()) }
}

impl File {
    /// Any part of what wasn't synced may be there, and the end of it as zeros, as local disks leave it.
    fn tear(&mut self, chance: &Chance) {
        let unsynced = self.bytes.len() - self.synced;
        self.bytes.truncate(self.synced + chance.below(unsynced + 1));
        if chance.happens(0.5) {
            let zeros = chance.below(self.bytes.len() - self.synced + 1);
            let from = self.bytes.len() - zeros;
            self.bytes[from..].fill(0);
        }
        self.synced = self.bytes.len();
    }
}

fn status_of(name: &str, node: &Node) -> FileStatus {
    let (kind, length) = match &node.body {
        Body::Folder(_) => (FileKind::Directory, 0),
        Body::File(file) if file.holder.is_some() => (FileKind::File, file.synced as u64),
        Body::File(file) => (FileKind::File, file.bytes.len() as u64),
    };
    FileStatus { name: name.into(), kind, length, modified_ms: node.modified_ms, permission: node.permission }
}
