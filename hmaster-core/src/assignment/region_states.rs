//! All regions, tables' regions and servers' regions, in memory. Counterpart of `RegionStates`.
//!
//! The truth is in hbase:meta (and, for hbase:meta's own region, in the master's store); this is what the master has
//! read and written there, indexed for its questions. One lock guards all of it and is held for single look-ups and
//! changes only, never across an await. A region is in the set of the server that it may be open on: from the moment
//! it is given to the server until the server has reported it closed or failed, or is known to be dead.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use hmaster_types::{Clock, EncodedName, ProcId, RegionInfo, RegionState, SeqNum, ServerName, TableName};
use parking_lot::RwLock;

use super::region_node::{Claim, Owner, RegionNode, RegionRecord, UnexpectedState, expected};

/// The regions the master knows, and where they are.
#[derive(Debug)]
pub struct RegionStates {
    clock: Arc<dyn Clock>,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    nodes: HashMap<EncodedName, RegionNode, foldhash::fast::FixedState>,
    tables: BTreeMap<TableName, BTreeSet<RegionInfo>>,
    servers: BTreeMap<ServerName, BTreeSet<RegionInfo>>,
    in_transition: BTreeSet<EncodedName>,
    claims: u64,
}

/// A region that isn't known, or whose state forbids what was to be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Not in hbase:meta, or gone.
    #[error("region {0} is not known")]
    Unknown(EncodedName),
    /// In another state than needed.
    #[error(transparent)]
    UnexpectedState(#[from] UnexpectedState),
    /// Another procedure has the region in hand.
    #[error("{region} is currently in transition; pid={}", .procedure.map_or(-1, |id| id.0.cast_signed()))]
    InTransition {
        /// The region.
        region: RegionInfo,
        /// Who has it; none when its procedure is about to be submitted.
        procedure: Option<ProcId>,
    },
}

impl RegionStates {
    /// No regions yet; changes are stamped by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: RwLock::default() }
    }

    /// Takes in what was read of a region, or replaces what is known of its state and place. The procedures attached to
    /// it stay attached.
    pub fn load(&self, record: RegionRecord) {
        let mut inner = self.inner.write();
        let mut node = RegionNode::new(record, self.clock.now_ms());
        if let Some(old) = inner.remove(node.info().encoded_name()) {
            node.set_owner(old.owner());
            node.set_remote(old.remote());
        }
        inner.insert(node);
    }

    /// What is known of a region.
    pub fn get(&self, region: EncodedName) -> Option<RegionNode> {
        self.inner.read().nodes.get(&region).cloned()
    }

    /// Whether anything is known of a region.
    pub fn has(&self, region: EncodedName) -> bool {
        self.inner.read().nodes.contains_key(&region)
    }

    /// Looks at a region without a copy.
    pub fn with<R>(&self, region: EncodedName, look: impl FnOnce(&RegionNode) -> R) -> Option<R> {
        self.inner.read().nodes.get(&region).map(look)
    }

    /// Looks at every region, in no order, while nothing can change: `look` must be quick and call nothing here.
    pub fn for_each(&self, look: impl FnMut(&RegionNode)) {
        self.inner.read().nodes.values().for_each(look);
    }

    /// The regions of a table in the order of their keys, split parents and replicas included.
    pub fn table_regions(&self, table: &TableName) -> Vec<RegionNode> {
        let inner = self.inner.read();
        let regions = inner.tables.get(table).into_iter().flatten();
        regions.filter_map(|region| inner.nodes.get(&region.encoded_name()).cloned()).collect()
    }

    /// Looks at the regions of a table in the order of their keys, while nothing can change: `look` must be quick and call
    /// nothing here.
    pub fn for_each_of_table(&self, table: &TableName, look: impl FnMut(&RegionNode)) {
        let inner = self.inner.read();
        let regions = inner.tables.get(table).into_iter().flatten();
        regions.filter_map(|region| inner.nodes.get(&region.encoded_name())).for_each(look);
    }

    /// How many regions a table has, split parents and replicas included.
    pub fn table_region_count(&self, table: &TableName) -> usize {
        self.inner.read().tables.get(table).map_or(0, BTreeSet::len)
    }

    /// The tables that have regions.
    pub fn tables(&self) -> Vec<TableName> {
        self.inner.read().tables.keys().cloned().collect()
    }

    /// The regions that may be open on a server.
    pub fn server_regions(&self, server: &ServerName) -> Vec<RegionInfo> {
        self.inner.read().servers.get(server).into_iter().flatten().cloned().collect()
    }

    /// The servers that some region may be open on, alive or not.
    pub fn servers(&self) -> Vec<ServerName> {
        self.inner.read().servers.keys().cloned().collect()
    }

    /// How many regions may be open on each server, alive or not.
    pub fn server_region_counts(&self) -> Vec<(ServerName, usize)> {
        self.inner.read().servers.iter().map(|(server, regions)| (server.clone(), regions.len())).collect()
    }

    /// True when hbase:meta's region may be open on `server`.
    pub fn is_carrying_meta(&self, server: &ServerName) -> bool {
        self.with(EncodedName::META, |node| node.location() == Some(server)).unwrap_or(false)
    }

    /// True for a region that may be open on `server`.
    pub fn may_be_open_on(&self, region: EncodedName, server: &ServerName) -> bool {
        self.with(region, |node| may_be_open_on(node) == Some(server)).unwrap_or(false)
    }

    /// The regions that count as open on a server since before the last `lag_ms`, that nobody has in hand, and that are
    /// neither among the `reported` ones nor were in the server's report before this one.
    pub fn missing_twice(
        &self,
        server: &ServerName,
        reported: &HashSet<EncodedName>,
        lag_ms: u64,
    ) -> Vec<RegionInfo> {
        let since_ms = self.clock.now_ms().saturating_sub(lag_ms);
        let is_settled = |node: &RegionNode| {
            node.state() == RegionState::Open && node.owner().is_none() && node.last_update_ms() < since_ms
        };
        let inner = self.inner.read();
        let on_server = inner.servers.get(server).into_iter().flatten().map(RegionInfo::encoded_name);
        let nodes = on_server.filter_map(|region| inner.nodes.get(&region)).filter(|node| is_settled(node));
        let has = |node: &RegionNode| reported.contains(&node.info().encoded_name());
        let noted = nodes.filter(|node| !has(node) || node.is_missing());
        // Mostly there are none.
        let noted: Vec<_> = noted.map(|node| (node.info().clone(), has(node))).collect();
        drop(inner);
        let is_missing_twice = |(region, has_it): &(RegionInfo, bool)| {
            let missing = self.change(region.encoded_name(), |node, _| Ok(node.note_report(*has_it)));
            missing.is_ok_and(|missing| missing > 1)
        };
        noted.into_iter().filter(is_missing_twice).map(|(region, _)| region).collect()
    }

    /// The regions in hand of a procedure, or left behind by one that gave up.
    pub fn in_transition(&self) -> Vec<RegionNode> {
        let inner = self.inner.read();
        inner.in_transition.iter().filter_map(|region| inner.nodes.get(region).cloned()).collect()
    }

    /// Looks at the regions that [`RegionStates::in_transition`] lists, in its order, while nothing can change: `look` must be
    /// quick and call nothing here.
    pub fn for_each_in_transition(&self, look: impl FnMut(&RegionNode)) {
        let inner = self.inner.read();
        inner.in_transition.iter().filter_map(|region| inner.nodes.get(region)).for_each(look);
    }

    /// How many regions [`RegionStates::in_transition`] lists.
    pub fn in_transition_count(&self) -> usize {
        self.inner.read().in_transition.len()
    }

    /// How many regions are known.
    pub fn len(&self) -> usize {
        self.inner.read().nodes.len()
    }

    /// True before anything was loaded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets a region: its row is gone from hbase:meta.
    pub fn remove(&self, region: EncodedName) {
        self.inner.write().remove(region);
    }

    /// Forgets all: the master is no longer active.
    pub fn clear(&self) {
        *self.inner.write() = Inner::default();
    }
}

/// Who has a region in hand.
impl RegionStates {
    /// Reserves a region for a procedure that is about to be submitted, if `may` allows it and nobody has it.
    ///
    /// # Errors
    /// When the region isn't known, somebody has it, or `may` says no.
    pub fn claim(
        &self,
        region: EncodedName,
        may: impl FnOnce(&RegionNode) -> Result<(), RegionError>,
    ) -> Result<Claim, RegionError> {
        let mut inner = self.inner.write();
        inner.claims += 1;
        let claim = Claim(inner.claims);
        drop(inner);
        self.change(region, |node, _| {
            if node.owner().is_some() {
                return Err(RegionError::InTransition {
                    region: node.info().clone(),
                    procedure: node.procedure(),
                });
            }
            may(node)?;
            node.set_owner(Some(Owner::Claimed(claim)));
            Ok(claim)
        })
    }

    /// Reserves a region at an operator's word, whoever has it in hand: that procedure ends at its next step.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn seize(&self, region: EncodedName) -> Result<Claim, RegionError> {
        let mut inner = self.inner.write();
        inner.claims += 1;
        let claim = Claim(inner.claims);
        drop(inner);
        self.change(region, |node, _| {
            node.set_owner(Some(Owner::Claimed(claim)));
            Ok(claim)
        })
    }

    /// Gives up a claim whose procedure isn't submitted after all.
    pub fn unclaim(&self, region: EncodedName, claim: Claim) {
        self.release(region, Owner::Claimed(claim));
    }

    /// Gives a region to a procedure that runs: on its claim, or if nobody has it.
    ///
    /// # Errors
    /// When the region isn't known, or somebody else has it.
    pub fn attach(
        &self,
        region: EncodedName,
        procedure: ProcId,
        claim: Option<Claim>,
    ) -> Result<(), RegionError> {
        self.change(region, |node, _| {
            let own = [Some(Owner::Procedure(procedure)), claim.map(Owner::Claimed), None];
            if !own.contains(&node.owner()) {
                return Err(RegionError::InTransition {
                    region: node.info().clone(),
                    procedure: node.procedure(),
                });
            }
            node.set_owner(Some(Owner::Procedure(procedure)));
            Ok(())
        })
    }

    /// Gives a region to a procedure that was read from the store. Of two, the later one has it: the earlier must have
    /// let go of it, which isn't recorded.
    pub fn attach_loaded(&self, region: &RegionInfo, procedure: ProcId) {
        let known = self.with(region.encoded_name(), RegionNode::procedure);
        if known.is_none() {
            self.load(RegionRecord::new(region.clone(), RegionState::Offline));
        }
        let newest = known.flatten().map_or(procedure, |attached| attached.max(procedure));
        let attached = self.change(region.encoded_name(), |node, _| {
            node.set_owner(Some(Owner::Procedure(newest)));
            Ok(())
        });
        attached.expect("the region was loaded above");
    }

    /// Takes a region from its procedure, unless another has it by now.
    pub fn detach(&self, region: EncodedName, procedure: ProcId) {
        self.release(region, Owner::Procedure(procedure));
    }

    fn release(&self, region: EncodedName, owner: Owner) {
        let released = self.change(region, |node, _| {
            if node.owner() == Some(owner) {
                node.set_owner(None);
            }
            Ok(())
        });
        // A region may have been removed by its last procedure.
        released.unwrap_or(());
    }

    /// Notes which open or close waits for the region server's report.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn attach_remote(&self, region: EncodedName, remote: ProcId) -> Result<(), RegionError> {
        self.change(region, |node, _| {
            node.set_remote(Some(remote));
            Ok(())
        })
    }

    /// The open or close no longer waits.
    pub fn detach_remote(&self, region: EncodedName, remote: ProcId) {
        let detached = self.change(region, |node, _| {
            if node.remote() == Some(remote) {
                node.set_remote(None);
            }
            Ok(())
        });
        detached.unwrap_or(());
    }
}

/// Transitions. Each returns what hbase:meta is to say; the caller writes it before anybody acts on it.
impl RegionStates {
    /// The region is to be opened on `server`.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn opening(&self, region: EncodedName, server: &ServerName) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.set_location(Some(server.clone()));
            node.transition(RegionState::Opening, expected::ON_OPENING, now_ms)?;
            Ok(node.record())
        })
    }

    /// Its server reported the region open with this sequence number.
    ///
    /// # Errors
    /// When the region isn't known, or wasn't being opened.
    pub fn opened(&self, region: EncodedName, open_seq_num: SeqNum) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.raise_open_seq_num(open_seq_num);
            node.transition(RegionState::Open, expected::ON_OPEN, now_ms)?;
            Ok(node.record())
        })
    }

    /// Its server couldn't open the region; it isn't there. The state stays as it is until the region is tried
    /// elsewhere. Returns how often that happened since the region was open.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn failed_to_open(&self, region: EncodedName) -> Result<u32, RegionError> {
        self.change(region, |node, _| {
            node.set_location(None);
            Ok(node.count_failed_open())
        })
    }

    /// Assignment gives the region up.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn give_up_opening(&self, region: EncodedName) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.set_location(None);
            node.transition(RegionState::FailedOpen, &[], now_ms)?;
            Ok(node.record())
        })
    }

    /// The region is to be closed where it is.
    ///
    /// # Errors
    /// When the region isn't known, or is neither open nor being closed, split or merged.
    pub fn closing(&self, region: EncodedName) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.transition(RegionState::Closing, expected::ON_CLOSING, now_ms)?;
            Ok(node.record())
        })
    }

    /// Its server reported the region closed: all edits are in store files.
    ///
    /// # Errors
    /// When the region isn't known, or wasn't being closed.
    pub fn closed(&self, region: EncodedName) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.expect(expected::ON_CLOSED)?;
            node.leave();
            node.transition(RegionState::Closed, expected::ON_CLOSED, now_ms)?;
            Ok(node.record())
        })
    }

    /// Its server died while the region was open, or was being opened or closed.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn closed_abnormally(&self, region: EncodedName) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            node.leave();
            node.transition(RegionState::AbnormallyClosed, &[], now_ms)?;
            Ok(node.record())
        })
    }

    /// Sets a state by an operator's or a procedure's word, whatever it was, and leaves the place.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn force_state(&self, region: EncodedName, state: RegionState) -> Result<RegionRecord, RegionError> {
        self.change(region, |node, now_ms| {
            if state == RegionState::Closed || state == RegionState::AbnormallyClosed {
                node.leave();
            }
            node.transition(state, &[], now_ms)?;
            Ok(node.record())
        })
    }

    /// Replaces the region's flags, such as those of a split parent.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn update_info(&self, info: &RegionInfo) -> Result<(), RegionError> {
        self.change(info.encoded_name(), |node, _| {
            node.set_info(info.clone());
            Ok(())
        })
    }

    /// Nobody knows any more what the region's server was told to do with it, see [`RegionNode::doubtful_place`]. A region
    /// that is nowhere isn't in doubt.
    pub fn doubt(&self, region: EncodedName) {
        let doubted = self.change(region, |node, _| {
            let may_be_somewhere = may_be_open_on(node).is_some();
            node.set_in_doubt(may_be_somewhere);
            Ok(())
        });
        doubted.unwrap_or(());
    }

    /// What the region's server was told to do with it is known again: it has failed to.
    pub fn settle(&self, region: EncodedName) {
        let settled = self.change(region, |node, _| {
            node.set_in_doubt(false);
            Ok(())
        });
        settled.unwrap_or(());
    }

    /// The server that a region is in doubt on.
    pub fn doubtful_place(&self, region: EncodedName) -> Option<ServerName> {
        self.with(region, |node| node.doubtful_place().cloned()).flatten()
    }

    /// Forgets the plan to open the region anywhere: the next assignment is free to choose.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn clear_location(&self, region: EncodedName) -> Result<(), RegionError> {
        self.change(region, |node, _| {
            node.set_location(None);
            Ok(())
        })
    }

    fn change<R>(
        &self,
        region: EncodedName,
        change: impl FnOnce(&mut RegionNode, u64) -> Result<R, RegionError>,
    ) -> Result<R, RegionError> {
        let mut inner = self.inner.write();
        let Some(mut node) = inner.remove(region) else { return Err(RegionError::Unknown(region)) };
        let result = change(&mut node, self.clock.now_ms());
        inner.insert(node);
        result
    }
}

impl Inner {
    fn insert(&mut self, node: RegionNode) {
        let info = node.info().clone();
        let region = info.encoded_name();
        self.tables.entry(info.table().clone()).or_default().insert(info.clone());
        if let Some(server) = may_be_open_on(&node) {
            self.servers.entry(server.clone()).or_default().insert(info);
        }
        if node.is_in_transition() {
            self.in_transition.insert(region);
        }
        self.nodes.insert(region, node);
    }

    fn remove(&mut self, region: EncodedName) -> Option<RegionNode> {
        let node = self.nodes.remove(&region)?;
        let info = node.info();
        remove_from(&mut self.tables, info.table(), info);
        if let Some(server) = may_be_open_on(&node) {
            remove_from(&mut self.servers, server, info);
        }
        self.in_transition.remove(&region);
        Some(node)
    }
}

fn remove_from<K: Ord>(index: &mut BTreeMap<K, BTreeSet<RegionInfo>>, key: &K, region: &RegionInfo) {
    if let Some(regions) = index.get_mut(key) {
        regions.remove(region);
        if regions.is_empty() {
            index.remove(key);
        }
    }
}

/// The server that must be asked, or be dead and its WALs split, before the region can be opened elsewhere.
fn may_be_open_on(node: &RegionNode) -> Option<&ServerName> {
    use RegionState::{Closing, Merging, Open, Opening, Splitting};
    node.location().filter(|_| node.is_in(&[Open, Opening, Closing, Splitting, Merging]))
}

#[cfg(test)]
mod tests;
