//! Payloads come back as they were written; anything else is an error that names the znode.

use std::collections::BTreeMap;
use std::fmt::Debug;

use hmaster_protocol::pb;
use hmaster_types::{Chance, ManualClock, NamespaceDescriptor, RegionState, ServerName, TableState};

use super::*;
use crate::envelope;
use crate::znode::Stat;

fn znode(data: impl Into<Bytes>) -> Znode {
    Znode { path: "/hbase/it".into(), data: data.into(), stat: Stat::default() }
}

fn server() -> ServerName {
    "Host.example,16000,1700000000123".parse().unwrap()
}

fn returns<P: Payload + PartialEq + Debug>(value: &P) -> Bytes {
    let payload = value.encode();
    let data = envelope::wrap(b"master:16000", &Chance::seeded(1), &payload);
    assert_eq!(&znode(data).decode::<P>().unwrap(), value);
    assert_eq!(&znode(payload.clone()).decode::<P>().unwrap(), value, "without envelope");
    refuses_what_is_broken::<P>(&payload);
    payload
}

/// Every payload cut short, with another head, with garbage behind it.
fn refuses_what_is_broken<P: Payload + Debug>(payload: &Bytes) {
    for end in 1..payload.len() {
        // A bare message may be whole where it is cut between two of its fields.
        if let Err(error) = znode(payload.slice(..end)).decode::<P>() {
            assert_eq!(error.path, "/hbase/it");
        }
    }
    let garbage = [payload, &b"\x0a\xff\xff\xff\xff\x0f"[..]].concat();
    let error = znode(garbage).decode::<P>().expect_err("a field that claims 4 GiB");
    assert!(error.to_string().contains("/hbase/it"), "{error}");
}

fn bad<P: Payload + Debug>(name: &str) {
    for (what, data) in [
        ("empty", Bytes::new()),
        ("an envelope around nothing", Bytes::from_static(b"\xff\0\0\0\0")),
        ("a torn envelope", Bytes::from_static(b"\xff\0\0\x7f\0PBUF")),
        ("no message", Bytes::from_static(b"host:16000")),
        ("the magic alone", Bytes::from_static(b"PBUF")),
        ("another magic", Bytes::from_static(b"pbuf\x08\x01")),
        ("garbage", Bytes::from_static(b"PBUF\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
    ] {
        let decoded = znode(data).decode::<P>();
        let error = decoded.expect_err(&format!("{name} from {what}"));
        assert_eq!(error.path, "/hbase/it");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn masters() {
    for info_port in [Some(16010), None] {
        returns(&MasterInfo { server: server(), info_port });
    }
    bad::<MasterInfo>("MasterInfo");
    let refused = |server: pb::ServerName| {
        let master = pb::Master { master: server, ..Default::default() };
        znode(hmaster_protocol::pbuf_encode(&master)).decode::<MasterInfo>().expect_err("no such server")
    };
    let name =
        |host: &str, port| pb::ServerName { host_name: host.into(), port: Some(port), start_code: Some(1) };
    let fields = [("port", name("h", 65_536)), ("host_name", name("", 1)), ("host_name", name("a/b", 1))];
    for (field, server) in fields {
        let reason = refused(server).reason;
        assert!(matches!(&reason, CodecReason::Field(error) if error.field == field), "{reason}");
    }
}

#[test]
fn region_servers() {
    let version = pb::VersionInfo { version: "2.6.4".into(), version_major: Some(2), ..Default::default() };
    for info_port in [Some(16030), None] {
        returns(&RegionServerInfo { info_port, version: Some(version.clone()) });
    }
    let nothing = znode(&b"PBUF"[..]).decode::<RegionServerInfo>().expect("all of its fields are optional");
    assert_eq!(nothing, RegionServerInfo { info_port: None, version: None });
    let negative =
        hmaster_protocol::pbuf_encode(&pb::RegionServerInfo { info_port: Some(-1), version_info: None });
    assert_eq!(znode(negative).decode::<RegionServerInfo>().unwrap().info_port, None);
}

#[test]
fn cluster() {
    returns(&ClusterId("6f1c1b7e-1d2e-4c57-9a57-8b7b3d1f0a11".into()));
    let up = ClusterUp::now(&ManualClock::at(1_795_254_000_000));
    assert_eq!(up.start_date, "Sat Nov 21 09:40:00 UTC 2026");
    returns(&up);
    bad::<ClusterId>("ClusterId");
    bad::<ClusterUp>("ClusterUp");
    ClusterUp::now(&ManualClock::at(u64::MAX)); // whatever it prints, it doesn't panic
}

#[test]
fn meta_locations() {
    for state in RegionState::all() {
        returns(&MetaLocation { server: server(), state });
    }
    let message = pb::MetaRegionServer { server: (&server()).into(), ..Default::default() };
    let found = znode(hmaster_protocol::pbuf_encode(&message)).decode::<MetaLocation>().unwrap();
    assert_eq!(found.state, RegionState::Open, "as written before there was a state");
    bad::<MetaLocation>("MetaLocation");
}

#[test]
fn table_states() {
    for state in [TableState::Enabled, TableState::Disabled, TableState::Disabling, TableState::Enabling] {
        returns(&state);
    }
    bad::<TableState>("TableState");
}

#[test]
fn namespaces() {
    let configuration = BTreeMap::from([("hbase.namespace.quota.maxtables".to_owned(), "5".to_owned())]);
    let payload = returns(&NamespaceDescriptor { name: "ns".into(), configuration });
    assert_eq!(&payload[..4], b"\x0a\x02ns", "a bare message");
    for bytes in [&b""[..], b"\x0a\0", b"\x0a\x02\xff\xfe", b"\x0a\x02a:", b"PBUF\x0a\x02ns"] {
        znode(Bytes::copy_from_slice(bytes)).decode::<NamespaceDescriptor>().expect_err("no namespace");
    }
}

#[test]
fn old_switches() {
    let on = |kind: SwitchKind, bytes: &[u8]| kind.decode(bytes).ok();
    for kind in SwitchKind::ALL {
        assert_eq!(on(kind, b"PBUF\x08\x01"), Some(true), "{kind:?}");
        assert_eq!(on(kind, b"PBUF\x08\x00"), Some(false), "{kind:?}");
        for bytes in [&b""[..], b"\x08\x01", b"PBUF\x08", b"PBUF\x0a\x05x"] {
            assert_eq!(on(kind, bytes), None, "{kind:?} {bytes:02x?}");
        }
    }
    assert_eq!(on(SwitchKind::Balancer, b"PBUF"), Some(false), "as Java reads a missing flag");
    assert_eq!(on(SwitchKind::SnapshotCleanup, b"PBUF"), None, "its flag is required");
}
