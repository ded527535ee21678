//! Scanners that clients hold open, and their leases. Counterpart of the `scanners` map of `RSRpcServices`, of
//! `LeaseManager` and `ScannerIdGenerator`.
//!
//! A scanner that isn't used for a while is closed. While a call is under way its lease rests. Calls on one scanner come in
//! order: the client counts them, and a call that comes twice is refused, since what the first one read is gone.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmaster_types::{EncodedName, JavaException, class};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The open scanners of a server. `S` is a scanner.
#[derive(Debug)]
pub(crate) struct Scanners<S> {
    state: Mutex<State<S>>,
    first_lease: Notify,
    timeout: Duration,
    max: usize,
    /// The upper half of ids tells servers apart.
    server_hash: u64,
    next_id: AtomicU64,
}

#[derive(Debug)]
struct State<S> {
    open: HashMap<u64, Arc<OpenScanner<S>>>,
    /// Each open scanner once, with a moment at which to look at its lease.
    leases: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Calls on those that were closed in order, as older clients close what is closed.
    closed: HashMap<u64, u64>,
    closed_by_age: VecDeque<(Instant, u64)>,
}

/// A scanner that a client holds open.
#[derive(Debug)]
pub(crate) struct OpenScanner<S> {
    pub(crate) id: u64,
    /// The region that it reads.
    region: EncodedName,
    /// Of one call at a time.
    pub(crate) scanner: tokio::sync::Mutex<S>,
    next_call: AtomicU64,
    lease: Mutex<Lease>,
    timeout: Duration,
}

#[derive(Debug)]
struct Lease {
    calls: u32,
    until: Instant,
}

/// What a client's scanner id leads to.
#[derive(Debug)]
pub(crate) enum Found<S> {
    /// It is open; its lease rests as long as this is held.
    Open(InUse<S>),
    /// It was closed, because there was nothing more, and the client may not know.
    Closed,
}

/// A scanner during a call.
#[derive(Debug)]
pub(crate) struct InUse<S>(Arc<OpenScanner<S>>);

/// Scanners that were closed of which that is known.
const CLOSED_MAX: usize = 100_000;

impl<S> Scanners<S> {
    pub(crate) fn new(server_hash: u32, timeout: Duration, max: usize) -> Self {
        let state = State {
            open: HashMap::new(),
            leases: BinaryHeap::new(),
            closed: HashMap::new(),
            closed_by_age: VecDeque::new(),
        };
        Self {
            state: Mutex::new(state),
            first_lease: Notify::new(),
            timeout,
            max,
            server_hash: u64::from(server_hash) << 32,
            next_id: AtomicU64::new(1),
        }
    }

    /// Takes a scanner of a region in.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn open(&self, region: EncodedName, scanner: S) -> Result<InUse<S>, JavaException> {
        let id = self.server_hash | (self.next_id.fetch_add(1, Ordering::Relaxed) & u64::from(u32::MAX));
        let until = Instant::now() + self.timeout;
        let open = Arc::new(OpenScanner {
            id,
            region,
            scanner: tokio::sync::Mutex::new(scanner),
            next_call: AtomicU64::new(0),
            lease: Mutex::new(Lease { calls: 1, until }),
            timeout: self.timeout,
        });
        let mut state = self.state.lock();
        if state.open.len() >= self.max {
            let message = format!("{} scanners are open, which is as many as may be", self.max);
            return Err(JavaException::new(class::REGION_TOO_BUSY, message));
        }
        state.open.insert(id, open.clone());
        let first = state.leases.is_empty();
        state.leases.push(Reverse((until, id)));
        drop(state);
        if first {
            self.first_lease.notify_one();
        }
        Ok(InUse(open))
    }

    /// The scanner of a client, whose call is the `call`th, if it counts.
    ///
    /// # Errors
    /// When there is none by that id, or it was closed and this isn't the call after the last one.
    pub(crate) fn find(&self, id: u64, call: Option<u64>) -> Result<Found<S>, JavaException> {
        let mut state = self.state.lock();
        if let Some(open) = state.open.get(&id) {
            open.lease.lock().calls += 1;
            return Ok(Found::Open(InUse(open.clone())));
        }
        state.forget_closed(self.timeout);
        match (state.closed.get(&id), call) {
            (Some(last), Some(call)) if call != last + 1 => {
                Err(out_of_order("for closed request", last + 1, call))
            }
            (Some(_), _) => Ok(Found::Closed),
            (None, _) => Err(unknown(id)),
        }
    }

    /// Ends a scanner. In order, when a client may yet try to close it; otherwise it is forgotten.
    pub(crate) fn close(&self, id: u64, in_order: bool) {
        let mut state = self.state.lock();
        let Some(open) = state.open.remove(&id) else { return };
        if in_order {
            let calls = open.next_call.load(Ordering::Relaxed);
            state.forget_closed(self.timeout);
            if state.closed.len() >= CLOSED_MAX {
                state.forget_oldest_closed();
            }
            state.closed.insert(id, calls);
            state.closed_by_age.push_back((Instant::now(), id));
        }
    }

    /// Ends all scanners of a region, which is being closed.
    pub(crate) fn close_region(&self, region: EncodedName) {
        let mut state = self.state.lock();
        let ended: Vec<_> = state.open.extract_if(|_, open| open.region == region).collect();
        drop(state);
        drop(ended);
    }

    /// Ends all scanners.
    pub(crate) fn close_all(&self) {
        let open = std::mem::take(&mut self.state.lock().open);
        drop(open);
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.state.lock().open.len()
    }

    /// Closes scanners whose leases end, for ever.
    pub(crate) async fn expire(&self) {
        loop {
            let next = self.state.lock().leases.peek().map(|Reverse((at, _))| *at);
            match next {
                Some(at) => sleep_until(at).await,
                None => self.first_lease.notified().await,
            }
            for id in self.state.lock().expire(Instant::now()) {
                tracing::info!(scanner = id, "the lease of a scanner expired");
            }
        }
    }
}

impl<S> State<S> {
    /// Looks at all leases that are due: those that were renewed meanwhile are looked at later.
    fn expire(&mut self, now: Instant) -> Vec<u64> {
        let mut expired = Vec::new();
        while let Some(Reverse((at, id))) = self.leases.peek().copied()
            && at <= now
        {
            self.leases.pop();
            let Some(open) = self.open.get(&id) else { continue };
            let lease = open.lease.lock();
            let until = if lease.calls > 0 { now + open.timeout } else { lease.until };
            drop(lease);
            if until > now {
                self.leases.push(Reverse((until, id)));
            } else {
                self.open.remove(&id);
                expired.push(id);
            }
        }
        expired
    }

    fn forget_closed(&mut self, timeout: Duration) {
        while self.closed_by_age.front().is_some_and(|(at, _)| at.elapsed() >= timeout) {
            self.forget_oldest_closed();
        }
    }

    fn forget_oldest_closed(&mut self) {
        if let Some((_, id)) = self.closed_by_age.pop_front() {
            self.closed.remove(&id);
        }
    }
}

impl<S> InUse<S> {
    /// Counts a call.
    ///
    /// # Errors
    /// When it isn't the next one.
    pub(crate) fn count_call(&self, call: Option<u64>) -> Result<(), JavaException> {
        let Some(call) = call else { return Ok(()) };
        let next = call.wrapping_add(1);
        match self.0.next_call.compare_exchange(call, next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(expected) => Err(out_of_order("", expected, call)),
        }
    }
}

impl<S> std::ops::Deref for InUse<S> {
    type Target = OpenScanner<S>;

    fn deref(&self) -> &OpenScanner<S> {
        &self.0
    }
}

impl<S> Drop for InUse<S> {
    fn drop(&mut self) {
        let mut lease = self.0.lease.lock();
        lease.calls -= 1;
        lease.until = Instant::now() + self.0.timeout;
    }
}

fn out_of_order(about: &str, expected: u64, call: u64) -> JavaException {
    let about = if about.is_empty() { String::new() } else { format!(" {about}") };
    let message =
        format!("Expected nextCallSeq{about}: {expected} But the nextCallSeq got from client: {call}");
    JavaException::new(class::OUT_OF_ORDER_SCANNER_NEXT, message)
}

fn unknown(id: u64) -> JavaException {
    let message = format!(
        "Unknown scanner '{id}'. This can happen due to any of the following reasons: a) Scanner id given is wrong, b) \
         Scanner lease expired because of long wait between consecutive client checkins, c) Server may be closing down, \
         d) RegionServer restart during upgrade.\nIf the issue is due to reason (b), a possible fix would be increasing \
         the value of 'hbase.client.scanner.timeout.period' configuration."
    );
    JavaException::new(class::UNKNOWN_SCANNER, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const REGION: EncodedName = EncodedName::META;

    fn scanners() -> Arc<Scanners<&'static str>> {
        Arc::new(Scanners::new(9, TIMEOUT, 2))
    }

    fn is_open(scanners: &Scanners<&'static str>, id: u64) -> bool {
        matches!(scanners.find(id, None), Ok(Found::Open(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_is_closed() {
        let scanners = scanners();
        let expiring = tokio::spawn({
            let scanners = scanners.clone();
            async move { scanners.expire().await }
        });
        let (used, unused) =
            (scanners.open(REGION, "used").unwrap().id, scanners.open(REGION, "unused").unwrap().id);
        tokio::time::sleep(TIMEOUT / 2).await;
        assert!(is_open(&scanners, used));
        tokio::time::sleep(TIMEOUT * 3 / 4).await;
        assert!(is_open(&scanners, used) && scanners.count() == 1);
        assert_eq!(scanners.find(unused, None).unwrap_err().class, class::UNKNOWN_SCANNER.name);
        let in_call = scanners.find(used, None).unwrap();
        tokio::time::sleep(TIMEOUT * 5).await;
        assert!(is_open(&scanners, used), "a call is under way");
        drop(in_call);
        tokio::time::sleep(TIMEOUT * 3).await;
        assert_eq!(scanners.count(), 0);
        expiring.abort();
    }

    #[test]
    fn calls_come_in_order() {
        let scanners = scanners();
        let scanner = scanners.open(REGION, "s").unwrap();
        scanner.count_call(Some(0)).unwrap();
        for wrong in [0, 2] {
            let error = scanner.count_call(Some(wrong)).unwrap_err();
            assert_eq!((&*error.class, error.do_not_retry), (class::OUT_OF_ORDER_SCANNER_NEXT.name, true));
        }
        scanner.count_call(None).unwrap();
        scanner.count_call(Some(1)).unwrap();
    }

    #[test]
    fn a_client_may_close_what_is_closed() {
        let scanners = scanners();
        let scanner = scanners.open(REGION, "s").unwrap();
        scanner.count_call(Some(0)).unwrap();
        scanners.close(scanner.id, true);
        for fine in [None, Some(2)] {
            assert!(matches!(scanners.find(scanner.id, fine), Ok(Found::Closed)));
        }
        assert_eq!(
            scanners.find(scanner.id, Some(0)).unwrap_err().class,
            class::OUT_OF_ORDER_SCANNER_NEXT.name
        );
        let failed = scanners.open(REGION, "f").unwrap();
        scanners.close(failed.id, false);
        assert_eq!(scanners.find(failed.id, None).unwrap_err().class, class::UNKNOWN_SCANNER.name);
    }

    #[test]
    fn their_number_is_bounded_and_ids_tell_servers_apart() {
        let scanners = scanners();
        let (a, b) = (scanners.open(REGION, "a").unwrap(), scanners.open(REGION, "b").unwrap());
        assert!(a.id != b.id && a.id >> 32 == 9);
        assert!(scanners.open(REGION, "c").unwrap_err().is(class::REGION_TOO_BUSY));
        scanners.close_region(EncodedName::Meta(1));
        assert_eq!(scanners.count(), 2);
        scanners.close_region(REGION);
        assert_eq!(scanners.count(), 0);
    }
}
