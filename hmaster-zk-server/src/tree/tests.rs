//! Each operation on the tree, with its effect on stats and its refusals.

use super::*;
use crate::wire::types::Stat;

const OPEN: fn() -> Acl = open_acl;

fn at(zxid: i64) -> WriteContext {
    WriteContext { zxid, wall_ms: 1000 + zxid }
}

fn create(path: &str, owner: Owner) -> TreeChange {
    TreeChange::Create { path: path.to_owned(), data: Some(Bytes::from_static(b"d")), acl: OPEN(), owner }
}

fn stat(tree: &DataTree, path: &str) -> Stat {
    tree.get(path).unwrap().client_stat()
}

fn delete(path: &str) -> TreeChange {
    TreeChange::Delete { path: path.to_owned() }
}

#[test]
fn a_new_tree_has_the_stats_of_a_new_zookeeper() {
    let tree = DataTree::new();
    let root = stat(&tree, "/");
    assert_eq!((root.cversion, root.num_children, root.pzxid), (-1, 1, 0));
    let zookeeper = stat(&tree, "/zookeeper");
    assert_eq!((zookeeper.cversion, zookeeper.num_children), (-2, 2));
    assert_eq!(stat(&tree, "/zookeeper/config").aversion, -1);
    assert_eq!(tree.get(""), tree.get("/"));
    assert_eq!(tree.len(), 4);
}

#[test]
fn creations_and_deletions_count_in_the_parents_stat() {
    let mut tree = DataTree::new();
    tree.apply(&create("/a", Owner::Nobody), at(1)).unwrap();
    tree.apply(&create("/a/x", Owner::Nobody), at(2)).unwrap();
    tree.apply(&create("/a/y", Owner::Nobody), at(3)).unwrap();
    tree.apply(&delete("/a/x"), at(4)).unwrap();
    let stat = stat(&tree, "/a");
    assert_eq!((stat.cversion, stat.num_children, stat.pzxid, stat.czxid), (3, 1, 4, 1));
    assert_eq!(tree.get("/a").unwrap().stat.cversion, 2, "the next sequence number");
}

#[test]
fn changes_that_do_not_fit_change_nothing() {
    let mut tree = DataTree::new();
    tree.apply(&create("/a", Owner::Nobody), at(1)).unwrap();
    tree.apply(&create("/a/x", Owner::Session(7)), at(2)).unwrap();
    let before = tree.clone();
    let cases = [
        (create("/a", Owner::Nobody), ErrorCode::NodeExists),
        (create("/b/c", Owner::Nobody), ErrorCode::NoNode),
        (delete("/a"), ErrorCode::NotEmpty),
        (delete("/b"), ErrorCode::NoNode),
        (TreeChange::SetData { path: "/b".to_owned(), data: None, version: 1 }, ErrorCode::NoNode),
        (TreeChange::SetAcl { path: "/b".to_owned(), acl: OPEN(), version: 1 }, ErrorCode::NoNode),
    ];
    for (change, error) in cases {
        assert_eq!(tree.apply(&change, at(3)).unwrap_err(), error, "{change:?}");
        assert_eq!(tree, before, "{change:?}");
    }
}

#[test]
fn every_step_can_be_taken_back() {
    let mut tree = DataTree::new();
    tree.apply(&create("/a", Owner::Nobody), at(1)).unwrap();
    let before = tree.clone();
    let changes = [
        create("/a/x", Owner::Session(7)),
        create("/a/c", Owner::Container),
        TreeChange::SetData { path: "/a/x".to_owned(), data: Some(Bytes::from_static(b"long")), version: 1 },
        TreeChange::SetAcl { path: "/a".to_owned(), acl: read_acl(), version: 1 },
        delete("/a/c"),
        delete("/a/x"),
    ];
    let mut undos = Vec::new();
    let mut states = vec![before];
    for change in changes {
        undos.push(tree.apply(&change, at(2)).unwrap().undo);
        states.push(tree.clone());
    }
    while let Some(undo) = undos.pop() {
        assert_eq!(Some(&tree), states.pop().as_ref());
        tree.undo(undo);
    }
    assert_eq!(Some(&tree), states.pop().as_ref());
}

#[test]
fn ephemerals_and_containers_are_found_by_their_owner() {
    let mut tree = DataTree::new();
    tree.apply(&create("/c", Owner::Container), at(1)).unwrap();
    assert!(tree.idle_containers().is_empty(), "a container that was never used stays");
    tree.apply(&create("/c/e2", Owner::Session(7)), at(2)).unwrap();
    tree.apply(&create("/c/e1", Owner::Session(7)), at(3)).unwrap();
    assert_eq!(tree.ephemerals_of(7).collect::<Vec<_>>(), ["/c/e1", "/c/e2"]);
    tree.apply(&delete("/c/e1"), at(4)).unwrap();
    tree.apply(&delete("/c/e2"), at(5)).unwrap();
    assert!(tree.ephemerals().is_empty());
    assert_eq!(tree.idle_containers(), ["/c"]);
}

#[test]
fn nodes_below_a_path_are_counted_without_their_neighbours() {
    let mut tree = DataTree::new();
    for path in ["/a", "/a/x", "/a/x/y", "/a-b", "/a-b/z", "/b"] {
        tree.apply(&create(path, Owner::Nobody), at(1)).unwrap();
    }
    assert_eq!(tree.count_below("/a"), 2);
    assert_eq!(tree.count_below("/a/x/y"), 0);
    assert_eq!(tree.count_below("/"), tree.len() - 1);
}

#[test]
fn the_data_size_follows_every_change() {
    let mut tree = DataTree::new();
    let before = tree.data_bytes();
    tree.apply(&create("/a", Owner::Nobody), at(1)).unwrap();
    assert_eq!(tree.data_bytes(), before + 3);
    let change = TreeChange::SetData { path: "/a".to_owned(), data: None, version: 1 };
    tree.apply(&change, at(2)).unwrap();
    assert_eq!(tree.data_bytes(), before + 2);
    tree.apply(&delete("/a"), at(3)).unwrap();
    assert_eq!(tree.data_bytes(), before);
}
