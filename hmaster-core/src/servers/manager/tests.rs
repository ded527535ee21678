//! Tests of who is taken in, who is refused and who is expired.

use hmaster_types::{ManualClock, StartCode};

use super::*;

const NOW: u64 = 1_700_000_000_000;

fn manager() -> ServerManager {
    ServerManager::new(Arc::new(ManualClock::at(NOW)), ServerLimits::default())
}

fn server(host: &str, start: u64) -> ServerName {
    ServerName::new(host, 16020, StartCode(start)).unwrap()
}

fn start(host: &str, start: u64) -> StartUp {
    let version = ServerVersion::default();
    StartUp { server: server(host, start), clock_ms: NOW, version, refuse_decommissioned: false }
}

#[test]
fn a_server_gets_regions_once_it_has_reported() {
    let servers = manager();
    assert!(servers.start_up(&start("a", 1), true).unwrap().is_new);
    assert!(servers.assignable().is_empty());
    servers.report(&server("a", 1), Bytes::new(), ServerVersion::default(), true).unwrap();
    assert_eq!(servers.assignable(), [server("a", 1)]);
    servers.drain(&server("a", 1));
    assert!(servers.assignable().is_empty());
}

#[test]
fn a_server_found_running_can_get_regions_at_once() {
    let servers = manager();
    servers.found(&server("a", 1), ServerVersion::default());
    assert_eq!(servers.assignable(), [server("a", 1)]);
}

#[test]
fn only_a_server_whose_znode_was_seen_is_gone_when_it_is_not_there() {
    let servers = manager();
    let nodes = |hosts: &[&str]| -> Vec<_> {
        let node =
            |host: &&str| RegionServerNode { server: server(host, 1), version: ServerVersion::default() };
        hosts.iter().map(node).collect()
    };
    servers.found(&server("found", 1), ServerVersion::default());
    servers.start_up(&start("starting", 1), true).unwrap();
    let gone = |seen: &[&str]| servers.znodes(&nodes(seen)).gone;
    assert_eq!(gone(&["found", "stranger"]), []);
    assert_eq!(gone(&["starting"]), [server("found", 1)]);
    assert_eq!(gone(&[]), [server("found", 1), server("starting", 1)]);
    servers.expire(&server("found", 1));
    assert_eq!(gone(&[]), [server("starting", 1)]);
}

#[test]
fn a_server_gets_regions_as_soon_as_it_has_a_znode() {
    let servers = manager();
    let node = RegionServerNode { server: server("starting", 1), version: ServerVersion::default() };
    assert!(!servers.znodes(std::slice::from_ref(&node)).joined, "it must have registered");
    servers.start_up(&start("starting", 1), true).unwrap();
    assert_eq!(servers.assignable(), []);
    assert!(servers.znodes(std::slice::from_ref(&node)).joined);
    assert_eq!(servers.assignable(), [server("starting", 1)]);
    assert!(!servers.znodes(&[node]).joined, "only once");
}

#[test]
fn versions_are_packed_as_java_does() {
    let version = |version: &str, major, minor| {
        let info = pb::VersionInfo {
            version: version.into(),
            version_major: major,
            version_minor: minor,
            ..Default::default()
        };
        ServerVersion::of(&info).number
    };
    assert_eq!(version("2.6.4-hadoop3", Some(2), Some(6)), 2 << 20 | 6 << 12 | 4);
    assert_eq!(version("3.0.0-alpha-4", None, None), 3 << 20);
    assert_eq!(version("x", None, None), 0);
    assert_eq!(version("", Some(u32::MAX), Some(u32::MAX)), 0xffff_f000);
}

#[test]
fn clocks_may_differ_a_little() {
    let servers = manager();
    let skewed = |ms: u64| StartUp { clock_ms: NOW - ms, ..start("a", 1) };
    assert_eq!(servers.start_up(&skewed(10_000), true).unwrap().skew_ms, None);
    assert_eq!(servers.start_up(&skewed(30_000), true).unwrap().skew_ms, Some(30_000));
    let error = servers.start_up(&StartUp { clock_ms: NOW + 30_001, ..start("b", 1) }, true).unwrap_err();
    assert!(error.is(class::CLOCK_OUT_OF_SYNC), "{error}");
    assert_eq!(servers.online_count(), 1);
}

#[test]
fn a_new_life_replaces_the_old_one() {
    let servers = manager();
    servers.start_up(&start("a", 1), true).unwrap();
    let registered = servers.start_up(&start("a", 2), true).unwrap();
    assert_eq!(registered.stale, Some(server("a", 1)));
    assert_eq!(servers.expire(&server("a", 1)), Expire::Recover);
    assert_eq!(servers.expire(&server("a", 1)), Expire::AlreadyDead);
    assert_eq!(servers.liveness(&server("a", 1)), Liveness::Dead);
    assert!(
        servers
            .report(&server("a", 1), Bytes::new(), ServerVersion::default(), true)
            .unwrap_err()
            .is(class::YOU_ARE_DEAD)
    );
    assert!(servers.is_online(&server("a", 2)));
}

#[test]
fn an_old_life_is_refused() {
    let servers = manager();
    servers.start_up(&start("a", 2), true).unwrap();
    assert!(servers.start_up(&start("a", 1), true).unwrap_err().is(class::YOU_ARE_DEAD));
    assert!(
        servers
            .report(&server("a", 1), Bytes::new(), ServerVersion::default(), true)
            .unwrap_err()
            .is(class::YOU_ARE_DEAD)
    );
}

#[test]
fn an_unknown_server_that_reports_is_let_in() {
    let servers = manager();
    assert!(servers.report(&server("a", 1), Bytes::new(), ServerVersion::default(), true).unwrap().is_new);
    assert!(servers.is_online(&server("a", 1)));
}

#[test]
fn the_same_process_under_two_names_is_noticed() {
    let servers = manager();
    servers.start_up(&start("host.example", 7), true).unwrap();
    let registered = servers.start_up(&start("10.0.0.1", 7), true).unwrap();
    assert_eq!(registered.aliases, [server("host.example", 7)]);
}

#[test]
fn the_dead_stay_listed_until_they_return_or_are_cleared() {
    let servers = manager();
    for host in ["a", "b"] {
        servers.start_up(&start(host, 1), true).unwrap();
        servers.expire(&server(host, 1));
    }
    assert!(servers.is_recovering_any());
    assert_eq!(servers.clear_dead(&[server("a", 1)]), [server("a", 1)], "its recovery runs");
    servers.recovered(&server("a", 1));
    servers.recovered(&server("b", 1));
    assert_eq!(servers.clear_dead(&[server("a", 1)]), []);
    assert_eq!(servers.dead().len(), 1);
    servers.start_up(&start("b", 2), true).unwrap();
    assert!(servers.dead().is_empty());
}

#[test]
fn a_dead_server_that_returned_leaves_the_list_when_its_recovery_ends() {
    let servers = manager();
    servers.start_up(&start("a", 1), true).unwrap();
    servers.expire(&server("a", 1));
    servers.start_up(&start("a", 2), true).unwrap();
    assert_eq!(servers.dead().len(), 1);
    servers.recovered(&server("a", 1));
    assert!(servers.dead().is_empty());
}

#[test]
fn servers_that_leave_a_cluster_that_goes_down_are_not_recovered() {
    let servers = manager();
    servers.start_up(&start("a", 1), true).unwrap();
    servers.start_up(&start("b", 1), true).unwrap();
    servers.go_down();
    assert_eq!(servers.expire(&server("a", 1)), Expire::GoingDown { last: false });
    assert_eq!(servers.expire(&server("b", 1)), Expire::GoingDown { last: true });
}

#[test]
fn decommissioned_hosts_are_refused_when_so_configured() {
    let servers = manager();
    let refused = |host: &str| StartUp { refuse_decommissioned: true, ..start(host, 2) };
    servers.drain(&server("a", 1));
    assert!(servers.start_up(&refused("a"), true).unwrap_err().is(class::DECOMMISSIONED_HOST_REJECTED));
    assert!(servers.start_up(&refused("b"), true).is_ok());
    assert!(servers.start_up(&start("a", 2), true).is_ok());
}

#[tokio::test]
async fn changes_wake_those_who_wait() {
    let servers = manager();
    let mut changes = servers.changes();
    servers.start_up(&start("a", 1), true).unwrap();
    changes.changed().await;
    servers.report(&server("a", 1), Bytes::new(), ServerVersion::default(), true).unwrap();
    changes.changed().await;
    servers.report(&server("a", 1), Bytes::from_static(b"more"), ServerVersion::default(), true).unwrap();
    assert!(!changes.has_changed(), "an ordinary report changes nothing");
}
