//! Which regions are here, which are on their way in or out, and where others went. Counterpart of `onlineRegions`,
//! `regionsInTransitionInRS` and `movedRegionInfoCache` of `HRegionServer`.
//!
//! A region is reported open before it gets into this list, and closed after it left it: as long as it is in
//! transition, orders about it are put off or ignored, by the rules of `AssignRegionHandler` and `UnassignRegionHandler`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hmaster_types::{EncodedName, JavaException, ServerName, class};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The regions of a server. `R` is a region.
#[derive(Debug)]
pub(crate) struct OnlineRegions<R> {
    state: Mutex<State<R>>,
    settled: Notify,
}

#[derive(Debug)]
struct State<R> {
    online: BTreeMap<EncodedName, Arc<R>>,
    transitions: HashMap<EncodedName, Transition>,
    moved: HashMap<EncodedName, Moved>,
    /// No region comes in any more.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transition {
    Opening,
    Closing,
}

#[derive(Debug)]
struct Moved {
    to: ServerName,
    sequence_id: i64,
    at: Instant,
}

/// What to do about an order to open a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenOrder {
    /// Open it; it is marked as opening.
    Go,
    /// It is here. Nothing is to be done, and nothing to be reported.
    AlreadyOnline,
    /// It is being opened. As before; whoever opens it reports.
    AlreadyOpening,
    /// It is being closed: ask again when that is done.
    Closing,
}

/// What to do about an order to close a region.
#[derive(Debug)]
pub(crate) enum CloseOrder<R> {
    /// Close it; it is marked as closing.
    Go(Arc<R>),
    /// It isn't here. Nothing is to be done, and nothing to be reported.
    NotOnline,
    /// It is being closed.
    AlreadyClosing,
    /// It is being opened: ask again when that is done.
    Opening,
}

/// `TIMEOUT_REGION_MOVED`: for so long clients are told where a region went.
const MOVED_KEPT: Duration = Duration::from_secs(120);
/// Regions that went elsewhere of which that is known.
const MOVED_MAX: usize = 10_000;

impl<R> OnlineRegions<R> {
    pub(crate) fn new() -> Self {
        let state = State {
            online: BTreeMap::new(),
            transitions: HashMap::new(),
            moved: HashMap::new(),
            ended: false,
        };
        Self { state: Mutex::new(state), settled: Notify::new() }
    }

    /// An order to open a region.
    pub(crate) fn begin_open(&self, region: EncodedName) -> OpenOrder {
        let mut state = self.state.lock();
        match state.transitions.get(&region) {
            _ if state.online.contains_key(&region) => OpenOrder::AlreadyOnline,
            Some(Transition::Opening) => OpenOrder::AlreadyOpening,
            Some(Transition::Closing) => OpenOrder::Closing,
            None => {
                state.transitions.insert(region, Transition::Opening);
                state.moved.remove(&region);
                OpenOrder::Go
            }
        }
    }

    /// A region is open, and the master knows.
    pub(crate) fn opened(&self, name: EncodedName, region: Arc<R>) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        let before = state.transitions.remove(&name);
        assert_eq!(before, Some(Transition::Opening), "{name} was opened without being in transition");
        let twin = state.online.insert(name, region);
        assert!(twin.is_none(), "{name} was opened twice");
        drop(state);
        self.settled.notify_waiters();
    }

    /// Takes regions as open without an order. One that is here or on its way stays as it is.
    pub(crate) fn adopt(&self, regions: impl IntoIterator<Item = (EncodedName, R)>) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        for (name, region) in regions {
            if !state.transitions.contains_key(&name) {
                state.online.entry(name).or_insert_with(|| Arc::new(region));
            }
        }
    }

    /// An order to close a region.
    pub(crate) fn begin_close(&self, region: EncodedName) -> CloseOrder<R> {
        let mut state = self.state.lock();
        match (state.transitions.get(&region), state.online.get(&region).cloned()) {
            (Some(Transition::Opening), _) => CloseOrder::Opening,
            (Some(Transition::Closing), _) => CloseOrder::AlreadyClosing,
            (None, None) => CloseOrder::NotOnline,
            (None, Some(online)) => {
                state.transitions.insert(region, Transition::Closing);
                CloseOrder::Go(online)
            }
        }
    }

    /// A region is closed: it leaves the list. It stays in transition until that is reported.
    pub(crate) fn remove(&self, region: EncodedName, moved: Option<(ServerName, i64)>) {
        let mut state = self.state.lock();
        state.online.remove(&region);
        if let Some((to, sequence_id)) = moved {
            state.forget_moved();
            state.moved.insert(region, Moved { to, sequence_id, at: Instant::now() });
        }
    }

    /// A region isn't in transition any more: reported closed, or it couldn't be opened.
    pub(crate) fn settle(&self, region: EncodedName) {
        self.state.lock().transitions.remove(&region);
        self.settled.notify_waiters();
    }

    /// Completes when a region isn't in transition.
    pub(crate) async fn settled(&self, region: EncodedName) {
        loop {
            let mut notified = std::pin::pin!(self.settled.notified());
            notified.as_mut().enable();
            if !self.state.lock().transitions.contains_key(&region) {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn is_in_transition(&self, region: EncodedName) -> bool {
        self.state.lock().transitions.contains_key(&region)
    }

    /// A region that is here.
    pub(crate) fn get(&self, region: EncodedName) -> Option<Arc<R>> {
        self.state.lock().online.get(&region).cloned()
    }

    /// A region for a call, which names it as `name`.
    ///
    /// # Errors
    /// That it is elsewhere, on its way, or not here, as clients expect to be told.
    pub(crate) fn find(
        &self,
        region: EncodedName,
        name: &dyn std::fmt::Display,
        server: &dyn std::fmt::Display,
    ) -> Result<Arc<R>, JavaException> {
        let state = self.state.lock();
        if let Some(online) = state.online.get(&region) {
            return Ok(online.clone());
        }
        if let Some(moved) = state.moved.get(&region).filter(|moved| moved.at.elapsed() < MOVED_KEPT) {
            return Err(moved.exception());
        }
        if state.transitions.get(&region) == Some(&Transition::Opening) {
            let message = format!("Region {name} is opening on {server}");
            return Err(JavaException::new(class::REGION_OPENING, message));
        }
        Err(JavaException::new(class::NOT_SERVING_REGION, format!("{name} is not online on {server}")))
    }

    /// All regions that are here, by encoded name.
    pub(crate) fn all(&self) -> Vec<Arc<R>> {
        self.state.lock().online.values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.lock().online.len()
    }

    /// How many are on their way in or out.
    pub(crate) fn transition_count(&self) -> usize {
        self.state.lock().transitions.len()
    }

    /// Forgets all regions: the server has ended.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        let online = std::mem::take(&mut state.online);
        state.transitions.clear();
        state.ended = true;
        drop(state);
        drop(online);
        self.settled.notify_waiters();
    }

    /// Completes when no region is on its way in or out.
    pub(crate) async fn all_settled(&self) {
        loop {
            let mut notified = std::pin::pin!(self.settled.notified());
            notified.as_mut().enable();
            if self.state.lock().transitions.is_empty() {
                return;
            }
            notified.await;
        }
    }
}

impl<R> State<R> {
    fn forget_moved(&mut self) {
        self.moved.retain(|_, moved| moved.at.elapsed() < MOVED_KEPT);
        if self.moved.len() >= MOVED_MAX
            && let Some(oldest) =
                self.moved.iter().min_by_key(|(_, moved)| moved.at).map(|(region, _)| *region)
        {
            self.moved.remove(&oldest);
        }
    }
}

impl Moved {
    /// Java's clients read host, port and start code out of this text.
    fn exception(&self) -> JavaException {
        let (host, port, start_code) = (self.to.host(), self.to.port(), self.to.start_code().0);
        let place = format!("hostname={host} port={port} startCode={start_code}");
        let message = format!("Region moved to: {place}. As of locationSeqNum={}.", self.sequence_id);
        JavaException::new(class::REGION_MOVED, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: EncodedName = EncodedName::META;

    fn regions() -> OnlineRegions<&'static str> {
        OnlineRegions::new()
    }

    fn class_of(regions: &OnlineRegions<&'static str>) -> String {
        regions.find(REGION, &"r", &"s").unwrap_err().class.into_owned()
    }

    #[test]
    fn orders_to_open() {
        let regions = regions();
        assert_eq!(regions.begin_open(REGION), OpenOrder::Go);
        assert_eq!(regions.begin_open(REGION), OpenOrder::AlreadyOpening);
        assert!(matches!(regions.begin_close(REGION), CloseOrder::Opening));
        assert_eq!(class_of(&regions), class::REGION_OPENING.name);
        regions.opened(REGION, Arc::new("r"));
        assert_eq!(regions.begin_open(REGION), OpenOrder::AlreadyOnline);
        assert_eq!(*regions.find(REGION, &"r", &"s").unwrap(), "r");
    }

    #[test]
    fn orders_to_close() {
        let regions = regions();
        assert!(matches!(regions.begin_close(REGION), CloseOrder::NotOnline));
        regions.begin_open(REGION);
        regions.opened(REGION, Arc::new("r"));
        assert!(matches!(regions.begin_close(REGION), CloseOrder::Go(_)));
        assert!(matches!(regions.begin_close(REGION), CloseOrder::AlreadyClosing));
        assert_eq!(regions.begin_open(REGION), OpenOrder::AlreadyOnline, "not closed yet");
        regions.remove(REGION, None);
        assert_eq!(regions.begin_open(REGION), OpenOrder::Closing, "closed, not reported yet");
        assert_eq!(class_of(&regions), class::NOT_SERVING_REGION.name);
        regions.settle(REGION);
        assert_eq!(regions.begin_open(REGION), OpenOrder::Go);
        regions.settle(REGION);
        assert!(!regions.is_in_transition(REGION) && regions.count() == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_are_told_where_it_went_for_a_while() {
        let regions = regions();
        let to: ServerName = "h,16020,7".parse().unwrap();
        regions.remove(REGION, Some((to, 42)));
        let moved = regions.find(REGION, &"r", &"s").unwrap_err();
        assert!(moved.is(class::REGION_MOVED));
        let text = "Region moved to: hostname=h port=16020 startCode=7. As of locationSeqNum=42.";
        assert_eq!(moved.message, text);
        tokio::time::advance(MOVED_KEPT).await;
        assert_eq!(class_of(&regions), class::NOT_SERVING_REGION.name);
    }

    #[test]
    fn a_region_that_comes_back_has_not_moved() {
        let regions = regions();
        regions.remove(REGION, Some(("h,16020,7".parse().unwrap(), 42)));
        regions.begin_open(REGION);
        regions.settle(REGION);
        assert_eq!(class_of(&regions), class::NOT_SERVING_REGION.name);
    }

    #[test]
    fn regions_that_were_open_before() {
        let regions = regions();
        regions.adopt([(REGION, "before")]);
        assert_eq!(regions.begin_open(REGION), OpenOrder::AlreadyOnline);
        regions.adopt([(REGION, "twin")]);
        assert_eq!((*regions.get(REGION).unwrap(), regions.count()), ("before", 1));
        assert!(matches!(regions.begin_close(REGION), CloseOrder::Go(_)));
        regions.remove(REGION, None);
        regions.adopt([(REGION, "late")]);
        assert_eq!((regions.count(), regions.transition_count()), (0, 1), "it is on its way out");
    }

    #[test]
    fn nothing_comes_in_after_the_end() {
        let regions = regions();
        regions.begin_open(REGION);
        regions.clear();
        regions.opened(REGION, Arc::new("late"));
        assert_eq!(regions.count(), 0);
    }

    #[tokio::test]
    async fn waiting_until_it_is_settled() {
        let regions = Arc::new(regions());
        regions.begin_open(REGION);
        let waiting = tokio::spawn({
            let regions = regions.clone();
            async move {
                regions.settled(REGION).await;
                regions.all_settled().await;
            }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        regions.settle(REGION);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_region_that_came_in_is_settled() {
        let regions = regions();
        regions.begin_open(REGION);
        let settled = regions.all_settled();
        regions.opened(REGION, Arc::new("r"));
        settled.await;
        assert_eq!(regions.count(), 1);
    }
}
