//! What decoding refuses, and by what name; what it repairs; what it keeps.

use bytes::Bytes;
use hmaster_protocol::{
    DecodeError, Fault, HBaseMessage, MissingFields, check_message, decode, decode_delimited,
    decode_delimited_slice, decode_slice, pb, pbuf_decode, pbuf_decode_lenient, pbuf_encode,
};
use prost::Message as _;

fn server_name(host: &str) -> pb::ServerName {
    pb::ServerName { host_name: host.into(), port: Some(16020), start_code: Some(1) }
}

fn fault<M: HBaseMessage>(bytes: &[u8]) -> (Fault, String) {
    match decode_slice::<M>(bytes).map(drop) {
        Err(DecodeError::Malformed { fault, path, .. }) => (fault, path),
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

fn missing<M: HBaseMessage>(bytes: &[u8]) -> Vec<String> {
    match decode_slice::<M>(bytes).map(drop) {
        Err(DecodeError::MissingRequired { fields, .. }) => fields.paths().to_vec(),
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

/// A delimited field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encode_length_delimiter(bytes.len(), &mut out).expect("a Vec has room");
    out.extend(bytes);
    out
}

#[test]
fn malformed_bytes_are_named() {
    let table: [(&[u8], Fault, &str); 14] = [
        (&[0x0a], Fault::Truncated, "host_name"),
        (&[0x0a, 5, b'a'], Fault::Truncated, "host_name"),
        (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x07], Fault::Truncated, "host_name"), // 2 GiB are claimed, none is taken
        (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], Fault::NegativeLength, "host_name"),
        (&[0x10, 0x80], Fault::Truncated, "port"),
        (
            &[0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            Fault::MalformedVarint,
            "port",
        ),
        (&[0x80], Fault::Truncated, ""),
        (&[0x00], Fault::FieldNumberZero, ""),
        (&[0x02], Fault::FieldNumberZero, ""),
        (&[0x26], Fault::InvalidWireType(6), ""),
        (&[0x0f], Fault::InvalidWireType(7), "host_name"),
        (&[0x24], Fault::UnexpectedGroupEnd, ""),
        (&[0x23, 0x2c], Fault::UnexpectedGroupEnd, ""),
        (&[0x23, 0x28, 0x01], Fault::Truncated, ""),
    ];
    for (bytes, expected, path) in table {
        assert_eq!(fault::<pb::ServerName>(bytes), (expected, path.to_owned()), "{bytes:02x?}");
    }
}

#[test]
fn the_path_leads_to_a_malformed_field() {
    let load = field(5, &field(1, &[0x12, 9])); // region_loads.region_specifier.value
    let report = [field(1, &server_name("a").encode_to_vec()), field(2, &load)].concat();
    let error = decode_slice::<pb::RegionServerReportRequest>(&report).unwrap_err();
    let offset = report.len();
    assert_eq!(
        error.to_string(),
        format!(
            "decode hbase.pb.RegionServerReportRequest: truncated at byte {offset} in \
             load.region_loads.region_specifier.value"
        )
    );
}

#[test]
fn missing_fields_are_named_as_java_names_them() {
    assert_eq!(missing::<pb::ServerName>(b""), ["host_name"]);
    assert_eq!(missing::<pb::RegionServerReportRequest>(&field(1, b"")), ["server.host_name"]);
    assert_eq!(missing::<pb::NameStringPair>(b""), ["name", "value"]);
    let region = |table: &[u8]| field(2, &field(2, table)); // region_info.table_name
    let transition =
        [vec![0x08, 0], region(b""), region(&[field(1, b"n"), field(2, b"t")].concat())].concat();
    let request = [field(2, &transition), field(2, b"")].concat();
    assert_eq!(
        missing::<pb::ReportRegionStateTransitionRequest>(&request),
        [
            "server",
            "transition[0].region_info[0].region_id",
            "transition[0].region_info[0].table_name.namespace",
            "transition[0].region_info[0].table_name.qualifier",
            "transition[0].region_info[1].region_id",
            "transition[1].transition_code",
        ]
    );
    let error = decode_slice::<pb::RegionServerReportRequest>(&field(1, b"")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "decode hbase.pb.RegionServerReportRequest: Message missing required fields: server.host_name"
    );
}

#[test]
fn an_error_names_a_few_of_many_missing_fields() {
    let servers = field(1, b"").repeat(1_000_000);
    assert_eq!(missing::<pb::FavoredNodes>(&servers).len(), MissingFields::PATHS_MAX);
    let error = decode_slice::<pb::FavoredNodes>(&servers).unwrap_err();
    assert!(error.to_string().ends_with(", and more"), "{error}");
}

/// prost alone would take 99 for a number it doesn't know, and a closed enum's accessor would then say OFFLINE.
#[test]
fn a_number_that_an_enum_lacks_is_no_value() {
    assert_eq!(missing::<pb::TableState>(&[0x08, 99]), ["state"]);
    let known_first = decode_slice::<pb::TableState>(&[0x08, 1, 0x08, 99]).unwrap();
    assert_eq!(known_first.state(), pb::table_state::State::Disabled);
    let options = decode_slice::<pb::GetClusterStatusRequest>(&[0x08, 3, 0x08, 99, 0x0a, 2, 99, 4]).unwrap();
    assert_eq!(options.options, [3, 4]);
}

#[test]
fn a_message_in_parts_is_the_sum_of_them() {
    let parts = [field(1, &[0x10, 1]), field(1, &field(1, b"host")), field(1, &[0x10, 2])].concat();
    let report: pb::RegionServerReportRequest = decode_slice(&parts).unwrap();
    assert_eq!(report.server, pb::ServerName { host_name: "host".into(), port: Some(2), start_code: None });
}

#[test]
fn text_need_not_be_utf8_but_keys_of_maps_must() {
    let name: pb::ServerName = decode_slice(&field(1, b"a\xffb")).unwrap();
    assert_eq!(name.host_name, "a\u{fffd}b");
    let header = field(3, &[field(1, b"\xff"), field(2, b"v")].concat());
    assert_eq!(fault::<pb::RpctInfo>(&header), (Fault::NotUtf8, "headers.key".into()));
    assert_eq!(fault::<pb::Any>(&field(1, b"\xff")), (Fault::NotUtf8, "type_url".into()));
}

#[test]
fn other_wire_types_and_unknown_fields_count_as_absent() {
    let bytes = [vec![0x12, 1, 7, 0x1b, 0x08, 1, 0x1c], field(1, b"h"), field(9, b"new")].concat();
    let name: pb::ServerName = decode_slice(&bytes).unwrap();
    assert_eq!(name, pb::ServerName { host_name: "h".into(), port: None, start_code: None });
    assert_eq!(missing::<pb::ServerName>(&[0x08, 1]), ["host_name"]);
}

#[test]
fn nesting_is_bounded() {
    let nest = |depth: usize| (0..depth).fold(vec![0x28, 1], |inner, _| field(7, &inner));
    check_message::<pb::BackupImage>(&nest(100)).unwrap();
    assert_eq!(fault::<pb::BackupImage>(&nest(101)).0, Fault::TooDeep);
    let groups = |depth: usize| [[0xa3, 0x1f].repeat(depth), [0xa4, 0x1f].repeat(depth)].concat();
    decode_slice::<pb::EmptyMsg>(&groups(100)).unwrap();
    assert_eq!(fault::<pb::EmptyMsg>(&groups(101)).0, Fault::TooDeep);
    assert_eq!(fault::<pb::EmptyMsg>(&[0xa3, 0x1f].repeat(1_000_000)).0, Fault::TooDeep);
}

#[test]
fn a_delimited_message_leaves_the_rest() {
    let mut bytes = server_name("a").encode_length_delimited_to_vec();
    bytes.extend(b"rest");
    let (name, rest) = decode_delimited_slice::<pb::ServerName>(&bytes).unwrap();
    assert_eq!((name, rest), (server_name("a"), &b"rest"[..]));
    let (name, rest) = decode_delimited::<pb::ServerName>(Bytes::from(bytes)).unwrap();
    assert_eq!((name, rest), (server_name("a"), Bytes::from_static(b"rest")));
    let (_, rest) = decode_delimited_slice::<pb::EmptyMsg>(&[0]).unwrap();
    assert!(rest.is_empty());
    for bad in [&b""[..], b"\x80", b"\x05a", b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\x0f", b"\0"] {
        assert!(decode_delimited_slice::<pb::ServerName>(bad).is_err(), "{bad:02x?}");
    }
}

#[test]
fn stored_values_begin_with_magic() {
    let stored = pbuf_encode(&server_name("a"));
    assert_eq!(&stored[..4], b"PBUF");
    assert_eq!(pbuf_decode(&stored), Ok(server_name("a")));
    assert_eq!(pbuf_decode_lenient(&stored), Ok(server_name("a")));
    assert_eq!(pbuf_decode_lenient(&stored[4..]), Ok(server_name("a")));
    for bad in [&b""[..], b"PBU", b"pbuf\x0a\x01a", &stored[4..]] {
        let error = pbuf_decode::<pb::ServerName>(bad).unwrap_err();
        assert!(matches!(error, DecodeError::NoMagic { .. }), "{bad:?}: {error}");
    }
    assert!(matches!(pbuf_decode::<pb::ServerName>(b"PBUF"), Err(DecodeError::MissingRequired { .. })));
}

#[test]
fn state_data_says_what_it_is() {
    let any = pb::Any::pack(&server_name("a"));
    assert_eq!(any.type_url, "type.googleapis.com/hbase.pb.ServerName");
    assert_eq!(any.unpack(), Ok(server_name("a")));
    assert!(matches!(any.unpack::<pb::TableName>(), Err(DecodeError::OtherType { .. })));
    let elsewhere = pb::Any { type_url: "example.org/x/hbase.pb.ServerName".into(), ..any.clone() };
    assert_eq!(elsewhere.unpack(), Ok(server_name("a")));
    assert!(!pb::Any { type_url: "hbase.pb.ServerName".into(), ..any }.is::<pb::ServerName>());
}

#[test]
fn bytes_share_the_memory_they_came_in() {
    let input = Bytes::from([field(1, b"class"), field(2, &[7; 100])].concat());
    let entry: pb::LogEntry = decode(input.clone()).unwrap();
    assert_eq!(entry.log_message, vec![7; 100]);
    assert!(input.as_ptr_range().contains(&entry.log_message.as_ptr()));
}
