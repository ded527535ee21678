//! Tests of [`super::Exchange`]: what a failure proves, at each byte written and at each byte read.

use std::collections::BTreeMap;

use bytes::{Buf as _, BufMut as _};
use hmaster_types::{JavaException, class};

use super::*;
use crate::wire::response::{encode_answer, encode_exception, encode_fatal};

const GREETING: &[u8] = b"HBas\x00\x50and a header";

fn call() -> OutgoingCall {
    OutgoingCall {
        method: "Mutate",
        param: Bytes::from_static(b"param"),
        cell_block: Bytes::from_static(b"cells"),
        priority: None,
        attributes: BTreeMap::new(),
    }
}

fn exchange() -> Exchange<&'static str> {
    Exchange::new(&[Bytes::from_static(GREETING)], 1000)
}

fn at(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

fn never(_: &&'static str) -> bool {
    false
}

/// Writes up to `len` bytes.
fn write(exchange: &mut Exchange<&'static str>, len: usize) {
    let len = len.min(exchange.outgoing.remaining());
    exchange.outgoing.advance(len);
    exchange.wrote(len);
}

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::NotSent(NotSent::Rejected(_)) => "rejected",
        Failure::NotSent(_) => "not sent",
        Failure::OutcomeUnknown(_) => "unknown",
        Failure::Remote(_) => "remote",
        Failure::Malformed(_) => "malformed",
    }
}

fn kinds(ended: Vec<Ended<&'static str>>) -> Vec<(&'static str, &'static str)> {
    ended
        .into_iter()
        .map(|(waiter, result)| (waiter, kind(&result.expect_err("an end without an answer"))))
        .collect()
}

fn bytes_of(frames: &[ByteQueue]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        let mut parts = ByteQueue::default();
        parts.append(clone(frame));
        let len = parts.len();
        bytes.extend_from_slice(&parts.copy_to_bytes(len));
    }
    bytes
}

fn clone(frame: &ByteQueue) -> ByteQueue {
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let filled = frame.chunks_vectored(&mut slices);
    let mut out = ByteQueue::default();
    slices[..filled].iter().for_each(|slice| out.push(Bytes::copy_from_slice(slice)));
    out
}

#[test]
fn at_each_byte_written_a_lost_connection_tells_what_was_sent() {
    let now = Instant::now();
    let filled = || {
        let mut exchange = exchange();
        exchange.submit(call(), at(now, 9), "a");
        exchange.submit(call(), at(now, 9), "b");
        exchange.fill(now, never);
        exchange
    };
    let total = filled().outgoing.len();
    let frame = (total - GREETING.len()) / 2;
    let (a_end, b_end) = (GREETING.len() + frame, total);
    for step in [1, 7, total] {
        for written in 0..=total {
            let mut exchange = filled();
            let mut left = written;
            while left > 0 {
                write(&mut exchange, step.min(left));
                left -= step.min(left);
            }
            let of = |end| if written < end { "not sent" } else { "unknown" };
            let ended = kinds(exchange.lost(&Loss::Connection(ConnectionLost::Closed)));
            assert_eq!(ended, [("a", of(a_end)), ("b", of(b_end))], "{written} of {total} bytes");
        }
    }
}

#[test]
fn at_each_byte_written_a_time_out_proves_something_only_before_the_call_is_begun() {
    let now = Instant::now();
    let mut exchange = exchange();
    exchange.submit(call(), at(now, 1), "a");
    assert_eq!(kinds(exchange.expired(at(now, 1))), [("a", "not sent")]);
    exchange.fill(now, never);
    assert_eq!(exchange.outgoing.len(), GREETING.len(), "what timed out isn't sent any more");

    exchange.submit(call(), at(now, 1), "b");
    exchange.fill(now, never);
    for _ in 0..exchange.outgoing.len() {
        let mut exchange = {
            let mut again = self::exchange();
            again.submit(call(), at(now, 1), "b");
            again.fill(now, never);
            again
        };
        write(&mut exchange, 1);
        assert_eq!(kinds(exchange.expired(at(now, 1))), [("b", "unknown")]);
        assert!(exchange.expired(at(now, 5)).is_empty());
    }
}

#[test]
fn at_each_byte_read_an_answer_counts_only_when_all_of_it_is_there() {
    let now = Instant::now();
    let bytes = bytes_of(&[encode_answer(0, &Bytes::from_static(b"yes"), &Bytes::from_static(b"cells"))]);
    for len in 0..=bytes.len() {
        let mut exchange = exchange();
        exchange.submit(call(), at(now, 9), "a");
        exchange.fill(now, never);
        write(&mut exchange, usize::MAX);
        for byte in &bytes[..len] {
            exchange.incoming.buffer().put_u8(*byte);
        }
        match exchange.arrival() {
            Some(Arrival::Ended(("a", Ok(answered)))) => {
                assert_eq!((len, &answered.message[..]), (bytes.len(), &b"yes"[..]));
                assert!(exchange.is_idle() && exchange.next_deadline().is_none());
            }
            None => {
                assert!(len < bytes.len());
                let lost = exchange.lost(&Loss::Connection(ConnectionLost::Closed));
                assert_eq!(kinds(lost), [("a", "unknown")], "{len} bytes");
            }
            other => panic!("{len} bytes: {other:?}"),
        }
    }
}

/// Three calls, of which "sent" is sent, "begun" is half written, "waiting" isn't begun; then `frames` arrive.
fn after(frames: &[ByteQueue]) -> (Vec<(&'static str, String)>, Exchange<&'static str>) {
    let now = Instant::now();
    let mut exchange = exchange();
    exchange.submit(call(), at(now, 9), "sent");
    exchange.fill(now, never);
    write(&mut exchange, usize::MAX);
    exchange.submit(call(), at(now, 9), "begun");
    exchange.fill(now, never);
    write(&mut exchange, 5);
    exchange.submit(call(), at(now, 9), "waiting");
    exchange.incoming.buffer().put_slice(&bytes_of(frames));
    let mut out = Vec::new();
    while let Some(arrival) = exchange.arrival() {
        match arrival {
            Arrival::Ended((waiter, Ok(_))) => out.push((waiter, "answered".to_owned())),
            Arrival::Ended((waiter, Err(failure))) => out.push((waiter, kind(&failure).to_owned())),
            Arrival::Lost(loss) => {
                let exchange = std::mem::replace(&mut exchange, self::exchange());
                out.extend(
                    kinds(exchange.lost(&loss)).into_iter().map(|(waiter, kind)| (waiter, kind.to_owned())),
                );
                break;
            }
        }
    }
    (out, exchange)
}

fn answer(id: u32) -> ByteQueue {
    encode_answer(id, &Bytes::from_static(b"m"), &Bytes::new())
}

fn outcomes(frames: &[ByteQueue]) -> Vec<(&'static str, String)> {
    after(frames).0
}

fn expect(frames: &[ByteQueue], expected: &[(&'static str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(waiter, kind)| (*waiter, (*kind).to_owned())).collect();
    assert_eq!(outcomes(frames), expected);
}

fn raw(body: &[u8]) -> ByteQueue {
    let mut frame = ByteQueue::default();
    frame.push(Bytes::from([&(body.len() as u32).to_be_bytes()[..], body].concat()));
    frame
}

#[test]
fn a_server_that_refuses_the_connection_had_none_of_its_calls() {
    let fatal = encode_fatal(&JavaException::new(class::UNKNOWN_SERVICE, "S"));
    expect(&[fatal], &[("sent", "rejected"), ("begun", "rejected"), ("waiting", "rejected")]);
}

#[test]
fn a_fatal_answer_after_others_proves_nothing_about_what_was_sent() {
    let fatal = || encode_fatal(&JavaException::new(class::FATAL_CONNECTION, ""));
    let lost = [("begun", "not sent"), ("waiting", "not sent")];
    expect(&[answer(0), fatal()], &[&[("sent", "answered")][..], &lost].concat());
    let stranger = answer(77);
    expect(&[stranger, fatal()], &[&[("sent", "unknown")][..], &lost].concat());
}

#[test]
fn a_call_may_be_refused_before_all_of_it_is_sent() {
    let (ended, mut exchange) =
        after(&[encode_exception(1, &JavaException::new(class::REQUEST_TOO_BIG, ""))]);
    assert_eq!(ended, [("begun", "remote".to_owned())]);
    write(&mut exchange, usize::MAX);
    assert_eq!(exchange.calls.len(), 2, "the others go on");
}

#[test]
fn garbage_ends_the_connection() {
    let lost = [("sent", "unknown"), ("begun", "not sent"), ("waiting", "not sent")];
    let negative = {
        let mut frame = ByteQueue::default();
        frame.push(Bytes::from_static(b"\xff\xff\xff\xff"));
        frame
    };
    for (name, frame) in [
        ("a negative length", negative),
        ("an empty frame", raw(b"")),
        ("garbage", raw(b"\x04abcd")),
        ("no call id", raw(b"\x00")),
        ("an answer to a call that isn't sent", answer(2)),
        ("a message to no call", answer(CONNECTION_CALL_ID)),
        ("a long frame of garbage", raw(&[0xff; 2000])),
    ] {
        let expected: Vec<_> = lost.iter().map(|(waiter, kind)| (*waiter, (*kind).to_owned())).collect();
        assert_eq!(outcomes(&[frame]), expected, "{name}");
    }
}

#[test]
fn trouble_with_one_answer_leaves_the_others_alone() {
    let no_message = raw(&[2, 0x08, 0x00]);
    let (ended, exchange) = after(&[no_message]);
    assert_eq!((ended, exchange.calls.len()), (vec![("sent", "malformed".to_owned())], 2));

    let lie = raw(&[6, 0x08, 0x00, 0x1a, 0x02, 0x08, 0x09, 0x00]);
    expect(&[lie], &[("sent", "malformed")]);

    let too_long = encode_answer(0, &Bytes::from(vec![0; 5000]), &Bytes::new());
    expect(&[too_long], &[("sent", "malformed")]);
}

#[test]
fn answers_to_calls_that_timed_out_are_ignored() {
    let now = Instant::now();
    let mut exchange = exchange();
    exchange.submit(call(), at(now, 1), "a");
    exchange.fill(now, never);
    write(&mut exchange, usize::MAX);
    assert_eq!(kinds(exchange.expired(at(now, 2))), [("a", "unknown")]);
    exchange.incoming.buffer().put_slice(&bytes_of(&[answer(0)]));
    assert!(exchange.arrival().is_none() && exchange.is_idle());
}

#[test]
fn calls_whose_waiter_has_left_are_not_sent() {
    let now = Instant::now();
    let mut exchange = exchange();
    exchange.submit(call(), at(now, 1), "left");
    exchange.submit(call(), at(now, 1), "there");
    exchange.fill(now, |waiter| *waiter == "left");
    assert_eq!((exchange.calls.len(), exchange.ends.len()), (1, 1));
}

#[test]
fn ids_begin_anew_after_the_largest_int_and_leave_out_calls_under_way() {
    let now = Instant::now();
    let mut exchange = exchange();
    exchange.submit(call(), at(now, 9), "0");
    exchange.next_id = i32::MAX as u32;
    exchange.submit(call(), at(now, 9), "max");
    exchange.submit(call(), at(now, 9), "1");
    let mut ids: Vec<_> = exchange.calls.iter().map(|(id, call)| (*id, call.waiter)).collect();
    ids.sort_unstable();
    assert_eq!(ids, [(0, "0"), (1, "1"), (i32::MAX as u32, "max")]);
}

#[test]
fn calls_wait_outside_of_the_queue_so_that_they_can_be_taken_back() {
    let now = Instant::now();
    let mut exchange = exchange();
    for _ in 0..10_000 {
        exchange.submit(call(), at(now, 1), "many");
    }
    exchange.fill(now, never);
    assert!(exchange.outgoing.len() < OUTGOING_BYTES + 100);
    let unsent = kinds(exchange.expired(at(now, 1))).iter().filter(|(_, kind)| *kind == "not sent").count();
    assert!(unsent > 5_000, "{unsent}");
}
