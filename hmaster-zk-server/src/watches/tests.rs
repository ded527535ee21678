//! Who is told what, once.

use super::*;
use crate::wire::types::open_acl;
use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

const A: ConnId = ConnId(1);
const B: ConnId = ConnId(2);

fn created(path: &str) -> Notification {
    Notification::Created { path: path.to_owned(), acl: open_acl(), parent_acl: open_acl() }
}

fn deleted(path: &str) -> Notification {
    Notification::Deleted { path: path.to_owned(), acl: open_acl(), parent_acl: open_acl() }
}

fn changed(path: &str) -> Notification {
    Notification::DataChanged { path: path.to_owned(), acl: open_acl() }
}

fn fire(watches: &mut Watches, notification: Notification) -> Vec<(ConnId, EventType, String)> {
    watches.fire(notification).into_iter().map(|fired| (fired.conn, fired.event, fired.path)).collect()
}

fn event(conn: ConnId, event: EventType, path: &str) -> (ConnId, EventType, String) {
    (conn, event, path.to_owned())
}

#[test]
fn a_one_shot_watch_is_spent_by_its_event() {
    let mut watches = Watches::default();
    watches.watch_data("/a", A);
    watches.watch_data("/a", B);
    let expected = [event(A, NodeDataChanged, "/a"), event(B, NodeDataChanged, "/a")];
    assert_eq!(fire(&mut watches, changed("/a")), expected);
    assert_eq!(fire(&mut watches, changed("/a")), []);
    assert_eq!(watches.count(), 0);
}

#[test]
fn a_deletion_is_told_once_to_whoever_watches_data_and_children() {
    let mut watches = Watches::default();
    watches.watch_data("/a/b", A);
    watches.watch_children("/a/b", A);
    watches.watch_children("/a", A);
    let expected = [event(A, NodeDeleted, "/a/b"), event(A, NodeChildrenChanged, "/a")];
    assert_eq!(fire(&mut watches, deleted("/a/b")), expected);
    assert_eq!(watches.count(), 0, "both watches on the node are spent");
}

#[test]
fn data_watches_do_not_hear_of_children_nor_child_watches_of_data() {
    let mut watches = Watches::default();
    watches.watch_data("/a", A);
    watches.watch_children("/a", B);
    assert_eq!(fire(&mut watches, created("/a/b")), [event(B, NodeChildrenChanged, "/a")]);
    watches.watch_children("/a", B);
    assert_eq!(fire(&mut watches, changed("/a")), [event(A, NodeDataChanged, "/a")]);
}

#[test]
fn a_persistent_watch_stays() {
    let mut watches = Watches::default();
    watches.watch_persistently("/a", A, WatchMode::Persistent);
    for _ in 0..2 {
        assert_eq!(fire(&mut watches, changed("/a")), [event(A, NodeDataChanged, "/a")]);
        assert_eq!(fire(&mut watches, created("/a/b")), [event(A, NodeChildrenChanged, "/a")]);
        assert_eq!(fire(&mut watches, changed("/a/b")), []);
    }
}

#[test]
fn a_recursive_watch_hears_of_nodes_below_but_not_of_lists_of_children() {
    let mut watches = Watches::default();
    watches.watch_persistently("/a", A, WatchMode::PersistentRecursive);
    assert_eq!(fire(&mut watches, created("/a/b")), [event(A, NodeCreated, "/a/b")]);
    assert_eq!(fire(&mut watches, changed("/a/b/c/d")), [event(A, NodeDataChanged, "/a/b/c/d")]);
    assert_eq!(fire(&mut watches, deleted("/a")), [event(A, NodeDeleted, "/a")]);
    assert_eq!(fire(&mut watches, changed("/ab")), []);
}

#[test]
fn the_last_mode_asked_for_counts() {
    let mut watches = Watches::default();
    watches.watch_persistently("/a", A, WatchMode::PersistentRecursive);
    watches.watch_data("/a", A);
    assert_eq!(fire(&mut watches, changed("/a/b")), [], "recursive no more");
    assert_eq!(fire(&mut watches, changed("/a")), [event(A, NodeDataChanged, "/a")]);
    assert_eq!(fire(&mut watches, changed("/a")), []);
    assert_eq!(watches.child.recursive, 1, "the child table has it still");
    watches.remove_connection(A);
    assert_eq!((watches.child.recursive, watches.data.recursive), (0, 0));
}

#[test]
fn watches_are_removed_by_kind() {
    let mut watches = Watches::default();
    watches.watch_data("/a", A);
    watches.watch_children("/a", A);
    assert!(!watches.remove("/a", WatcherType::Any, B), "those of others aren't touched");
    assert!(watches.contains("/a", WatcherType::Data, A) && !watches.contains("/a", WatcherType::Any, B));
    assert!(watches.remove("/a", WatcherType::Children, A));
    assert!(!watches.remove("/a", WatcherType::Children, A));
    assert!(watches.remove("/a", WatcherType::Any, A));
    assert_eq!(watches.summary(), (0, 0, 0));
}
