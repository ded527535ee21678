//! Up to which edit each region's stores are flushed. Counterpart of the sequence id maps of `ServerManager`.
//!
//! Region servers ask for these numbers while they split a dead server's WALs, and skip the edits below them. **A number
//! that is too high loses data**; "unknown" is always safe. So numbers only rise while a region lives, and are
//! forgotten with it (protocol.md, danger 7).

use std::collections::HashMap;
use std::sync::Arc;

use hmaster_types::{EncodedName, SeqNum};
use parking_lot::RwLock;

/// One region's numbers as a region server reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFlush {
    /// Edits up to this one are flushed in every store.
    pub region: SeqNum,
    /// The same by column family.
    pub stores: Vec<(Arc<[u8]>, SeqNum)>,
}

/// What has been reported for all regions.
#[derive(Debug, Default)]
pub struct FlushedSequenceIds(RwLock<HashMap<EncodedName, RegionFlush, foldhash::fast::FixedState>>);

impl FlushedSequenceIds {
    /// Takes in a report. A number below what is known is not taken; a region server that sends one is behind.
    pub fn raise(&self, region: EncodedName, reported: RegionFlush) {
        let mut all = self.0.write();
        let Some(known) = all.get_mut(&region) else {
            all.insert(region, reported);
            return;
        };
        known.region = known.region.max(reported.region);
        for (family, seq) in reported.stores {
            match known.stores.iter_mut().find(|(name, _)| *name == family) {
                Some((_, known)) => *known = (*known).max(seq),
                None => known.stores.push((family, seq)),
            }
        }
    }

    /// What is known of a region; none when nothing was reported since it was made.
    pub fn get(&self, region: EncodedName) -> Option<RegionFlush> {
        self.0.read().get(&region).cloned()
    }

    /// Forgets a region that is deleted, truncated, split or merged: its name may come back with other edits.
    pub fn forget(&self, region: EncodedName) {
        self.0.write().remove(&region);
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.write().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(region: i64, family: &str, seq: i64) -> RegionFlush {
        RegionFlush { region: SeqNum(region), stores: vec![(family.as_bytes().into(), SeqNum(seq))] }
    }

    #[test]
    fn numbers_only_rise_until_the_region_is_forgotten() {
        let (ids, region) = (FlushedSequenceIds::default(), EncodedName::META);
        assert_eq!(ids.get(region), None);
        ids.raise(region, flush(10, "f", 12));
        ids.raise(region, flush(7, "f", -1));
        assert_eq!(ids.get(region), Some(flush(10, "f", 12)));
        ids.raise(region, flush(11, "g", 3));
        assert_eq!(ids.get(region).unwrap().stores.len(), 2);
        ids.forget(region);
        assert_eq!(ids.get(region), None);
    }
}
