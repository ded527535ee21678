//! Transitions, who has a region in hand, and the indexes.

use hmaster_types::ManualClock;

use super::*;

fn region(start: &str) -> RegionInfo {
    RegionInfo::builder("t".parse().unwrap()).start_key(start.as_bytes()).region_id(7).build()
}

fn server(port: u16) -> ServerName {
    ServerName::new("host", port, hmaster_types::StartCode(1)).unwrap()
}

fn states() -> (RegionStates, EncodedName) {
    let states = RegionStates::new(Arc::new(ManualClock::at(5)));
    states.load(RegionRecord::new(region(""), RegionState::Closed));
    (states, region("").encoded_name())
}

#[test]
fn a_region_belongs_to_a_server_while_it_may_be_open_there() {
    let (states, r) = states();
    let on = |port| states.server_regions(&server(port)).len();
    states.opening(r, &server(1)).unwrap();
    assert_eq!(on(1), 1);
    states.opened(r, SeqNum(9)).unwrap();
    states.closing(r).unwrap();
    assert_eq!(on(1), 1);
    let record = states.closed(r).unwrap();
    assert_eq!((on(1), record.last_host, record.location), (0, Some(server(1)), None));
    states.opening(r, &server(2)).unwrap();
    states.failed_to_open(r).unwrap();
    assert_eq!(on(2), 0);
    assert!(states.servers().is_empty());
}

#[test]
fn only_expected_transitions_happen() {
    let (states, r) = states();
    let error = states.opened(r, SeqNum(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("region {} is CLOSED, expected OPENING or OPEN", region("")));
    assert!(states.closing(r).is_err());
    assert_eq!(states.get(r).unwrap().state(), RegionState::Closed);
    states.opening(r, &server(1)).unwrap();
    assert!(states.closed(r).is_err());
    assert_eq!(states.get(r).unwrap().location(), Some(&server(1)), "a refused transition changes nothing");
}

#[test]
fn doubt_lasts_until_something_is_certain() {
    let (states, r) = states();
    states.doubt(r);
    assert_eq!(states.doubtful_place(r), None, "it is nowhere");
    states.opening(r, &server(1)).unwrap();
    states.doubt(r);
    states.opening(r, &server(1)).unwrap();
    assert_eq!(states.doubtful_place(r), Some(server(1)), "another attempt there proves nothing");
    states.opened(r, SeqNum(1)).unwrap();
    assert_eq!(states.doubtful_place(r), None);
    states.doubt(r);
    states.closing(r).unwrap();
    assert_eq!(states.doubtful_place(r), Some(server(1)));
    states.closed(r).unwrap();
    assert_eq!(states.doubtful_place(r), None);
}

#[test]
fn a_region_is_missed_by_its_servers_second_report() {
    let clock = Arc::new(ManualClock::at(5));
    let states = RegionStates::new(clock.clone());
    let (r, at) = (region("").encoded_name(), server(1));
    states.load(RegionRecord::new(region(""), RegionState::Closed));
    states.opening(r, &at).unwrap();
    states.opened(r, SeqNum(1)).unwrap();
    let (none, all) = (HashSet::new(), HashSet::from([r]));
    assert!(states.missing_twice(&at, &none, 10).is_empty(), "it has just been opened");
    clock.set(100);
    assert!(states.missing_twice(&at, &none, 10).is_empty(), "once");
    assert!(states.missing_twice(&at, &all, 10).is_empty(), "there it is");
    assert!(states.missing_twice(&at, &none, 10).is_empty(), "once again");
    assert_eq!(states.missing_twice(&at, &none, 10), [region("")]);
    states.attach(r, ProcId(1), None).unwrap();
    assert!(states.missing_twice(&at, &none, 10).is_empty(), "somebody has it in hand");
}

#[test]
fn sequence_numbers_never_fall() {
    let (states, r) = states();
    states.opening(r, &server(1)).unwrap();
    assert_eq!(states.opened(r, SeqNum(9)).unwrap().open_seq_num, SeqNum(9));
    assert_eq!(states.opened(r, SeqNum(4)).unwrap().open_seq_num, SeqNum(9));
}

#[test]
fn one_procedure_at_a_time() {
    let (states, r) = states();
    let claim = states.claim(r, |_| Ok(())).unwrap();
    assert!(states.claim(r, |_| Ok(())).is_err(), "a claimed region isn't claimed twice");
    assert!(states.attach(r, ProcId(2), None).is_err());
    states.attach(r, ProcId(1), Some(claim)).unwrap();
    states.attach(r, ProcId(1), Some(claim)).unwrap();
    let error = states.claim(r, |_| Ok(())).unwrap_err();
    assert!(error.to_string().ends_with("is currently in transition; pid=1"), "{error}");
    assert_eq!(states.in_transition_count(), 1);
    states.detach(r, ProcId(2));
    states.unclaim(r, claim);
    assert_eq!(states.in_transition_count(), 1);
    states.detach(r, ProcId(1));
    assert_eq!(states.in_transition_count(), 0);
}

#[test]
fn a_claim_can_be_refused_or_given_up() {
    let (states, r) = states();
    let refused = states.claim(r, |node| Ok(node.expect(expected::ON_UNASSIGN_OR_MOVE)?));
    assert!(matches!(refused, Err(RegionError::UnexpectedState(_))));
    let claim = states.claim(r, |node| Ok(node.expect(expected::ON_CLOSED)?)).unwrap();
    states.unclaim(r, claim);
    states.attach(r, ProcId(1), None).unwrap();
}

#[test]
fn of_two_loaded_procedures_the_later_one_has_the_region() {
    let (states, r) = states();
    states.attach_loaded(&region(""), ProcId(8));
    states.attach_loaded(&region(""), ProcId(3));
    assert_eq!(states.get(r).unwrap().procedure(), Some(ProcId(8)));
    states.attach_loaded(&region("m"), ProcId(4));
    assert_eq!(states.get(region("m").encoded_name()).unwrap().procedure(), Some(ProcId(4)));
}

#[test]
fn loading_again_keeps_the_procedures() {
    let (states, r) = states();
    states.attach(r, ProcId(1), None).unwrap();
    let mut record = RegionRecord::new(region(""), RegionState::Open);
    record.location = Some(server(1));
    states.load(record);
    assert_eq!(states.get(r).unwrap().procedure(), Some(ProcId(1)));
    assert_eq!(states.server_regions(&server(1)).len(), 1);
    states.remove(r);
    assert!(states.is_empty() && states.tables().is_empty() && states.in_transition().is_empty());
}

#[test]
fn a_table_lists_its_regions_by_key() {
    let (states, _) = states();
    for start in ["m", "b", "z"] {
        states.load(RegionRecord::new(region(start), RegionState::Closed));
    }
    let starts: Vec<_> =
        states.table_regions(&"t".parse().unwrap()).iter().map(|n| n.info().start_key().to_vec()).collect();
    assert_eq!(starts, [&b""[..], b"b", b"m", b"z"]);
    assert_eq!(states.table_region_count(&"t".parse().unwrap()), 4);
}
