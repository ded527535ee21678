//! Procedures that change a table as a whole run one after the other. Counterpart of `TableProcedureWaitingQueue`
//! (HBASE-28683).
//!
//! The table lock alone doesn't see to that: most of these procedures give it up while their children work, and
//! another might step in between. So each table has a turn, which a procedure takes before it asks for any lock and
//! keeps until it ends; its descendants share it. Turns are given in order of ids.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use hmaster_types::{ProcId, TableName};

/// What came of asking for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is the asker's now, to be ended with [`Turns::end`].
    Taken,
    /// The asker or an ancestor has it.
    Shared,
    /// It is another's; the asker waits in line.
    Waiting,
}

#[derive(Debug)]
struct Turn {
    owner: ProcId,
    waiting: BTreeSet<ProcId>,
}

/// Whose turn it is, by table.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    turns: HashMap<TableName, Turn, FixedState>,
    tables: HashMap<ProcId, TableName, FixedState>,
}

impl Turns {
    /// Asks for the turn at `table`.
    pub(crate) fn claim(
        &mut self,
        table: &TableName,
        who: ProcId,
        is_ancestor: impl Fn(ProcId) -> bool,
    ) -> Claim {
        match self.turns.get_mut(table) {
            Some(turn) if turn.owner == who || is_ancestor(turn.owner) => Claim::Shared,
            Some(turn) => {
                turn.waiting.insert(who);
                self.tables.insert(who, table.clone());
                Claim::Waiting
            }
            None => {
                self.turns.insert(table.clone(), Turn { owner: who, waiting: BTreeSet::new() });
                self.tables.insert(who, table.clone());
                Claim::Taken
            }
        }
    }

    /// `who` has ended, or waits no longer: the next in line, whose turn it has become, if there is one.
    pub(crate) fn end(&mut self, who: ProcId) -> Option<ProcId> {
        let table = self.tables.remove(&who)?;
        let turn = self.turns.get_mut(&table)?;
        if turn.owner != who {
            turn.waiting.remove(&who);
            return None;
        }
        let next = turn.waiting.pop_first();
        match next {
            Some(next) => turn.owner = next,
            None => drop(self.turns.remove(&table)),
        }
        next
    }

    /// True if nobody has the turn at `table`.
    pub(crate) fn is_free(&self, table: &TableName) -> bool {
        !self.turns.contains_key(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round_in_order_of_ids() {
        let table: TableName = "t".parse().unwrap();
        let mut turns = Turns::default();
        let orphan = |_: ProcId| false;
        assert_eq!(turns.claim(&table, ProcId(2), orphan), Claim::Taken);
        assert_eq!(turns.claim(&table, ProcId(2), orphan), Claim::Shared);
        assert_eq!(turns.claim(&table, ProcId(9), |a| a == ProcId(2)), Claim::Shared);
        for late in [7, 3, 5] {
            assert_eq!(turns.claim(&table, ProcId(late), orphan), Claim::Waiting);
        }
        assert_eq!(turns.end(ProcId(5)), None, "gave up waiting");
        assert_eq!(turns.end(ProcId(9)), None, "never had it");
        assert_eq!(turns.end(ProcId(2)), Some(ProcId(3)));
        assert_eq!(turns.end(ProcId(3)), Some(ProcId(7)));
        assert_eq!(turns.end(ProcId(7)), None);
        assert!(turns.turns.is_empty() && turns.tables.is_empty());
    }
}
