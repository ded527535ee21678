//! One region as the master sees it. Counterpart of `RegionStateNode`.
//!
//! Every change of state passes through `RegionNode::transition`, which knows what may follow what. Unlike Java's,
//! a node has no lock of its own: it lives in [`super::RegionStates`], and only the procedure that is attached to it
//! changes its state.

use std::fmt;

use hmaster_types::{ProcId, RegionInfo, RegionState, SeqNum, ServerName};

/// A region's state, place and the procedure that has it in hand.
#[derive(Debug, Clone)]
pub struct RegionNode {
    info: RegionInfo,
    state: RegionState,
    /// Where it is, or is being opened or closed. Java's `regionLocation`.
    location: Option<ServerName>,
    /// Where it was open last; a new assignment prefers it.
    last_host: Option<ServerName>,
    open_seq_num: SeqNum,
    /// When state or place changed, in milliseconds of the master's clock.
    last_update_ms: u64,
    /// Who may change the region's state now.
    owner: Option<Owner>,
    /// The open or close that waits for the region server's report.
    remote: Option<ProcId>,
    /// Opens that failed since the region was open last.
    failed_opens: u32,
    /// Whether its server may have been told to open or close it by a command that nobody knows of any more.
    in_doubt: bool,
    /// In how many of its server's reports, one after the other, the region is missing.
    missing: u32,
}

/// Who has a region in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A `TransitRegionStateProcedure` that was made for it and hasn't run yet, so that no second one is made.
    Claimed(Claim),
    /// A procedure.
    Procedure(ProcId),
}

/// The right of a procedure in the making to the region it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim(pub(super) u64);

/// What is known of a region when it enters the master's view: from hbase:meta, from the master's store, or new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionRecord {
    /// The region, with its flags.
    pub info: RegionInfo,
    /// Its state.
    pub state: RegionState,
    /// Where it is or was to be.
    pub location: Option<ServerName>,
    /// Where it was open last.
    pub last_host: Option<ServerName>,
    /// The sequence number it was opened with last.
    pub open_seq_num: SeqNum,
}

/// A transition that the region's state doesn't allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("region {region} is {is}, expected {}", list(expected))]
pub struct UnexpectedState {
    /// Which region.
    pub region: RegionInfo,
    /// Its state.
    pub is: RegionState,
    /// The states that would do.
    pub expected: &'static [RegionState],
}

fn list(states: &[RegionState]) -> String {
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(" or ")
}

/// From which states a transition may start. Java's `STATES_EXPECTED_ON_…`; an empty list stands for any.
pub(crate) mod expected {
    use hmaster_types::RegionState::{self, Closed, Closing, Merging, Open, Opening, Splitting};

    /// After a crash a region may be in any state when it is assigned anew.
    pub(crate) const ON_OPENING: &[RegionState] = &[];
    pub(crate) const ON_OPEN: &[RegionState] = &[Opening, Open];
    pub(crate) const ON_CLOSING: &[RegionState] = &[Open, Closing, Splitting, Merging];
    pub(crate) const ON_CLOSED: &[RegionState] = &[Closing, Closed];
    /// What an operator's or a procedure's wish to close or move may start from.
    pub(crate) const ON_UNASSIGN_OR_MOVE: &[RegionState] = &[Open];
}

impl RegionRecord {
    /// A region that hasn't been anywhere.
    pub fn new(info: RegionInfo, state: RegionState) -> Self {
        Self { info, state, location: None, last_host: None, open_seq_num: SeqNum::NONE }
    }
}

impl RegionNode {
    pub(crate) fn new(record: RegionRecord, now_ms: u64) -> Self {
        let RegionRecord { info, state, location, last_host, open_seq_num } = record;
        Self {
            info,
            state,
            location,
            last_host,
            open_seq_num,
            last_update_ms: now_ms,
            owner: None,
            remote: None,
            failed_opens: 0,
            in_doubt: false,
            missing: 0,
        }
    }

    /// The region.
    pub fn info(&self) -> &RegionInfo {
        &self.info
    }

    /// Its state.
    pub fn state(&self) -> RegionState {
        self.state
    }

    /// True in one of `states`.
    pub fn is_in(&self, states: &[RegionState]) -> bool {
        self.state.is_one_of(states)
    }

    /// Where it is, or is being opened or closed.
    pub fn location(&self) -> Option<&ServerName> {
        self.location.as_ref()
    }

    /// Where it was open last.
    pub fn last_host(&self) -> Option<&ServerName> {
        self.last_host.as_ref()
    }

    /// The sequence number it was opened with last.
    pub fn open_seq_num(&self) -> SeqNum {
        self.open_seq_num
    }

    /// When state or place changed, in milliseconds of the master's clock.
    pub fn last_update_ms(&self) -> u64 {
        self.last_update_ms
    }

    /// Who has the region in hand.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// The procedure that has the region in hand, once it runs.
    pub fn procedure(&self) -> Option<ProcId> {
        match self.owner {
            Some(Owner::Procedure(id)) => Some(id),
            Some(Owner::Claimed(_)) | None => None,
        }
    }

    /// The open or close that waits for the region server's report.
    pub fn remote(&self) -> Option<ProcId> {
        self.remote
    }

    /// Opens that failed since the region was open last.
    pub fn failed_opens(&self) -> u32 {
        self.failed_opens
    }

    /// The server that may have been told to open or close the region by a command that nobody knows of any more: it must
    /// be asked, or be dead and its WALs split, before the region goes anywhere else.
    pub fn doubtful_place(&self) -> Option<&ServerName> {
        self.location.as_ref().filter(|_| self.in_doubt)
    }

    /// Split, whether hbase:meta says so by state or, as Java leaves it, by the region's flags alone.
    pub fn is_split(&self) -> bool {
        self.state == RegionState::Split || self.info.is_split_parent()
    }

    /// In hand of a procedure, or left behind by one that gave up.
    pub fn is_in_transition(&self) -> bool {
        self.owner.is_some() || self.is_in(&[RegionState::FailedOpen, RegionState::FailedClose])
    }

    /// What hbase:meta is to say about the region.
    pub fn record(&self) -> RegionRecord {
        RegionRecord {
            info: self.info.clone(),
            state: self.state,
            location: self.location.clone(),
            last_host: self.last_host.clone(),
            open_seq_num: self.open_seq_num,
        }
    }

    /// Checks that the region is in one of `expected`; an empty list allows all.
    ///
    /// # Errors
    /// When it isn't.
    pub fn expect(&self, expected: &'static [RegionState]) -> Result<(), UnexpectedState> {
        if expected.is_empty() || self.is_in(expected) {
            return Ok(());
        }
        Err(UnexpectedState { region: self.info.clone(), is: self.state, expected })
    }

    /// The one way by which a region changes its state.
    pub(super) fn transition(
        &mut self,
        to: RegionState,
        expected: &'static [RegionState],
        now_ms: u64,
    ) -> Result<(), UnexpectedState> {
        self.expect(expected)?;
        self.state = to;
        self.last_update_ms = now_ms;
        self.missing = 0;
        let certain =
            [RegionState::Open, RegionState::Closed, RegionState::AbnormallyClosed, RegionState::FailedOpen];
        if self.is_in(&certain) {
            self.in_doubt = false;
        }
        if to == RegionState::Open {
            debug_assert!(self.location.is_some(), "{} is open nowhere", self.info);
            self.failed_opens = 0;
        }
        if to == RegionState::Closed || to == RegionState::AbnormallyClosed {
            debug_assert!(self.location.is_none(), "{} is closed but still somewhere", self.info);
        }
        Ok(())
    }

    /// Whether its server's report has it. Answers in how many reports it is missing by now.
    pub(super) fn note_report(&mut self, has_it: bool) -> u32 {
        self.missing = if has_it { 0 } else { self.missing + 1 };
        self.missing
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing > 0
    }

    pub(super) fn set_in_doubt(&mut self, in_doubt: bool) {
        self.in_doubt = in_doubt;
    }

    pub(super) fn set_location(&mut self, location: Option<ServerName>) {
        self.in_doubt &= location == self.location;
        self.location = location;
    }

    /// Leaves its place, which becomes the last host.
    pub(super) fn leave(&mut self) -> Option<ServerName> {
        let left = self.location.take();
        if left.is_some() {
            self.last_host.clone_from(&left);
        }
        left
    }

    /// Sequence numbers only rise: a lower one comes from a report that arrived late.
    pub(super) fn raise_open_seq_num(&mut self, reported: SeqNum) {
        self.open_seq_num = self.open_seq_num.max(reported);
    }

    pub(super) fn set_info(&mut self, info: RegionInfo) {
        assert_eq!(info.encoded_name(), self.info.encoded_name(), "a node stays with its region");
        self.info = info;
    }

    pub(super) fn set_owner(&mut self, owner: Option<Owner>) {
        self.owner = owner;
    }

    pub(super) fn set_remote(&mut self, remote: Option<ProcId>) {
        self.remote = remote;
    }

    pub(super) fn count_failed_open(&mut self) -> u32 {
        self.failed_opens += 1;
        self.failed_opens
    }
}

impl fmt::Display for RegionNode {
    /// `state=OPENING, location=host,port,startcode, table=name, region=encoded`, as Java's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state={}, location=", self.state)?;
        match &self.location {
            Some(server) => write!(f, "{server}")?,
            None => f.write_str("null")?,
        }
        write!(f, ", table={}, region={}", self.info.table(), self.info.encoded_name())
    }
}
