//! Whether a region was reopened. Counterpart of `RegionStates.getRegionsOfTableForReopen` and `checkReopened`.

use hmaster_types::{RegionInfo, RegionState, SeqNum, ServerName};

use crate::assignment::RegionNode;

/// Where a region is open, and since when by its sequence number; none of these while it is being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: RegionInfo,
    pub(super) server: Option<ServerName>,
    pub(super) open_seq_num: SeqNum,
}

impl Place {
    /// Where the region is; none when it needn't be reopened, because it isn't open and will read the new schema when it
    /// is. One that is being opened may have read the old one.
    pub(super) fn of(node: &RegionNode) -> Option<Self> {
        if node.is_split() {
            return None;
        }
        let open_seq_num = match node.state() {
            RegionState::Open => node.open_seq_num(),
            RegionState::Opening => SeqNum::NONE,
            _ => return None,
        };
        Some(Self { region: node.info().clone(), server: node.location().cloned(), open_seq_num })
    }

    /// Where the region is now, as long as it has not been reopened.
    pub(super) fn still(&self, node: Option<RegionNode>) -> Option<Self> {
        // Without a node it was split or merged, and what came of it was opened later.
        let now = Self::of(&node?)?;
        if self.open_seq_num >= SeqNum(0) {
            // It was open then: a higher number shows that it was opened again, another state that it was closed.
            let is_same = now.open_seq_num >= SeqNum(0) && now.open_seq_num <= self.open_seq_num;
            return is_same.then_some(now);
        }
        // It was being opened then. If it is somewhere else by now, that was later.
        (now.server == self.server).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hmaster_types::ManualClock;

    use super::*;
    use crate::assignment::{RegionRecord, RegionStates};

    fn node(state: RegionState, server: Option<&str>, seq: i64) -> RegionNode {
        let region = RegionInfo::builder("t".parse().unwrap()).region_id(1).build();
        let mut record = RegionRecord::new(region.clone(), state);
        record.location = server.map(|server| server.parse().unwrap());
        record.open_seq_num = SeqNum(seq);
        let states = RegionStates::new(Arc::new(ManualClock::at(1)));
        states.load(record);
        states.get(region.encoded_name()).unwrap()
    }

    #[test]
    fn only_what_is_open_or_opening_is_reopened() {
        use RegionState::{Closed, Closing, FailedOpen, Open, Opening, Split};
        assert_eq!(Place::of(&node(Open, Some("a,1,1"), 5)).unwrap().open_seq_num, SeqNum(5));
        assert_eq!(Place::of(&node(Opening, Some("a,1,1"), 5)).unwrap().open_seq_num, SeqNum::NONE);
        for state in [Closed, Closing, FailedOpen, Split] {
            assert_eq!(Place::of(&node(state, None, 5)), None, "{state}");
        }
    }

    #[test]
    fn a_higher_number_another_state_or_place_shows_that_it_was() {
        use RegionState::{Closed, Open, Opening};
        let (open, opening) = (node(Open, Some("a,1,1"), 5), node(Opening, Some("a,1,1"), 5));
        for (before, now, is_reopened) in [
            (&open, Some(node(Open, Some("a,1,1"), 5)), false),
            (&open, Some(node(Open, Some("b,1,1"), 6)), true),
            (&open, Some(node(Opening, Some("a,1,1"), 5)), true),
            (&open, Some(node(Closed, None, 5)), true),
            (&open, None, true),
            (&opening, Some(node(Opening, Some("a,1,1"), 5)), false),
            (&opening, Some(node(Open, Some("a,1,1"), 6)), false),
            (&opening, Some(node(Open, Some("b,1,1"), 6)), true),
            (&opening, Some(node(Closed, None, 5)), true),
        ] {
            let still = Place::of(before).unwrap().still(now.clone());
            assert_eq!(still.is_none(), is_reopened, "{before} {now:?}");
        }
    }
}
