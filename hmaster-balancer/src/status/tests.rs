//! Statuses, good and bad, written by hand.

use super::*;
use crate::cluster::rack_by_host_name;

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn number(number: u8, value: u64) -> Vec<u8> {
    let mut out = vec![number << 3];
    varint(&mut out, value);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn region(name: &str, reads: u64, size: u64) -> Vec<u8> {
    let specifier = [number(1, 1), field(2, name.as_bytes())].concat();
    field(5, &[field(1, &specifier), number(5, size), number(6, 3), number(8, reads), number(9, 1)].concat())
}

fn server(host: &str, regions: &[Vec<u8>]) -> Vec<u8> {
    let name = [field(1, host.as_bytes()), number(2, 16020), number(3, 7)].concat();
    field(2, &[field(1, &name), field(2, &regions.concat())].concat())
}

fn read_one(status: &[u8]) -> Result<Cluster, BalancerError> {
    read(status, &mut LoadHistory::new(15), rack_by_host_name)
}

#[test]
fn two_statuses_give_rates() {
    let first = [server("b", &[region("t,a,1.x.", 10, 4)]), server("a", &[])].concat();
    let second = [server("b", &[]), server("a", &[region("t,a,1.x.", 30, 8)])].concat();
    let cluster = read_all([&first[..], &second[..]], 15, rack_by_host_name).unwrap();
    assert_eq!((cluster.region_count(), cluster.server_count(), cluster.table_count()), (1, 2, 1));
    let region = cluster.regions().next().unwrap();
    assert_eq!(cluster.server(cluster.home(region)).name.host(), "a");
    assert_eq!(*cluster.load(region), [20.0, 0.0, 0.0, 6.0]);
}

#[test]
fn bad_statuses_are_named() {
    let good = server("a", &[region("t,a,1.x.", 10, 4)]);
    let twice = [server("b", &[region("t,a,1.x.", 1, 1)]), good.clone()].concat();
    let unnamed = field(2, &field(2, &[]));
    let encoded = field(5, &field(1, &[number(1, 2), field(2, b"abc")].concat()));
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("garbage", vec![0xff; 40], "more than ten bytes"),
        ("no servers", Vec::new(), "no server"),
        ("two places", twice, "region t,a,1.x. is on two servers: a,16020,7 and b,16020,7"),
        ("negative", server("a", &[region("t,a,1.x.", u64::MAX, 4)]), "t,a,1.x. has a number of reads of -1"),
        ("absurd", server("a", &[region("t,a,1.x.", 1, 1 << 40)]), "a store file size"),
        ("no name", unnamed, "without a name"),
        ("bad host", server("a b", &[]), "a b"),
        ("encoded", server("a", &[encoded]), "not by its full name"),
        ("server twice", [good.clone(), good.clone()].concat(), "server a,16020,7 twice"),
    ];
    for (case, bytes, expected) in cases {
        let error = read_one(&bytes).expect_err(case).to_string();
        assert!(error.contains(expected), "{case}: {error}");
    }
}

#[test]
fn any_truncation_is_an_error_or_a_shorter_status() {
    let good =
        [server("a", &[region("t,a,1.x.", 10, 4), region("t,b,1.x.", 10, 4)]), server("b", &[])].concat();
    let first = server("a", &[region("t,a,1.x.", 10, 4), region("t,b,1.x.", 10, 4)]).len();
    for len in 1..good.len() {
        assert_eq!(read_one(&good[..len]).is_ok(), len == first, "{len}");
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let mut rng = fastrand::Rng::with_seed(5);
    let good = server("a", &[region("t,a,1.x.", 10, 4), region("t,b,1.x.", 10, 4)]);
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        }
        let _ = read_one(&bytes);
    }
}

#[test]
fn reports_of_servers_are_samples_too() {
    let load = |regions: &[Vec<u8>]| regions.concat();
    let name: ServerName = "a,16020,7".parse().unwrap();
    let other: ServerName = "b,16020,7".parse().unwrap();
    let mut history = LoadHistory::new(15);
    let first = load(&[region("t,a,1.x.", 10, 4), region("t,b,1.y.", 5, 1)]);
    observe_loads([(&name, &first[..])], &mut history).unwrap();
    // It has moved, and its old server hasn't reported since.
    let (old, new) = (load(&[region("t,a,1.x.", 10, 4)]), load(&[region("t,a,1.x.", 40, 8)]));
    observe_loads([(&other, &new[..]), (&name, &old[..])], &mut history).unwrap();
    assert_eq!(history.loads_of(b"t,a,1.x."), Some([30.0, 0.0, 0.0, 6.0]));
    assert_eq!(history.loads_of(b"t,b,1.y."), None, "what nobody has any more is forgotten");
    assert!(observe_loads([(&name, &[0xff_u8; 20][..])], &mut history).is_err());
    observe_loads([(&name, &first[..])], &mut history).unwrap();
    assert!(history.loads_of(b"t,b,1.y.").is_some());
}
