//! What goes wrong in a world: by chance, or by script.

use std::collections::{BTreeMap, VecDeque};

use hmaster_types::EncodedName;

/// A kind of call between processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Master to region server: opens, closes, callables.
    Execute,
    /// Master to region server: closes a stray region.
    Close,
    /// Master to region server: what it has and what it says of a region.
    Ask,
    /// Master to region server: reads rows.
    Scan,
    /// Master to region server: writes rows.
    Mutate,
    /// Region server to master: starts.
    StartUp,
    /// Region server to master: its load.
    Report,
    /// Region server to master: what became of an open or a close.
    Transition,
    /// Region server to master: what became of a callable.
    Done,
    /// Region server to master: up to where a region is flushed.
    Flushed,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// It never arrives; the caller finds out after a while.
    LoseRequest,
    /// It is carried out, but the caller doesn't hear of it.
    LoseReply,
    /// It arrives twice, the second time late.
    Duplicate,
    /// It takes so many milliseconds longer.
    Delay(u64),
}

/// What can go wrong. Shares are between 0, never, and 1, always.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Calls and operations take up to so many milliseconds; 0 makes them immediate.
    pub latency_ms_max: u64,
    /// Share of calls whose request is lost.
    pub lost_requests: f64,
    /// Share of calls whose reply is lost.
    pub lost_replies: f64,
    /// Share of calls that arrive twice.
    pub duplicates: f64,
    /// Share of calls that take up to some seconds longer.
    pub delays: f64,
    /// Share of file operations that fail before they have done anything.
    pub files_before: f64,
    /// Share of file operations that fail after they have done everything.
    pub files_after: f64,
    /// Share of file operations that take up to some seconds.
    pub slow_files: f64,
    /// Share of operations of ZooKeeper that fail before they have done anything.
    pub zookeeper: f64,
    /// Share of writes to the master's store that fail, which ends the master.
    pub store: f64,
    /// Share of regions' opens that fail.
    pub opens: f64,
    /// Share of splits of WALs that fail.
    pub splits: f64,
    /// Regions whose next opens fail so often.
    pub failing_opens: BTreeMap<EncodedName, u32>,
    /// What happens to the next calls, each to the next one of its kind.
    pub script: VecDeque<(Call, CallFault)>,
}

impl Faults {
    /// From now on nothing goes wrong by chance or script; what takes time still does.
    pub fn heal(&mut self) {
        *self = Self { latency_ms_max: self.latency_ms_max, ..Self::default() };
    }

    pub(super) fn scripted(&mut self, call: Call) -> Option<CallFault> {
        let at = self.script.iter().position(|(kind, _)| *kind == call)?;
        self.script.remove(at).map(|(_, fault)| fault)
    }

    pub(super) fn scripted_open_failure(&mut self, region: EncodedName) -> bool {
        match self.failing_opens.get_mut(&region) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}
