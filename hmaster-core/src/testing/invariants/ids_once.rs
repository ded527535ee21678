//! No id is given to two procedures, whichever masters have made them: a region server ignores a command whose id it has
//! seen (danger 5).

use std::collections::BTreeMap;

use hmaster_procedure::StoreOp;

/// Every procedure that was ever stored, by id: its class, and when it was submitted.
pub(super) type Ids = BTreeMap<u64, (String, u64)>;

pub(super) fn check(ids: &mut Ids, batch: &[StoreOp]) -> Vec<String> {
    let mut found = Vec::new();
    for op in batch {
        let StoreOp::Put(record) = op else { continue };
        let is = (record.class_name.clone(), record.submitted_time);
        let known = ids.entry(record.proc_id).or_insert_with(|| is.clone());
        if *known != is {
            found.push(format!("procedure {} is {is:?} and was {known:?}", record.proc_id));
        }
    }
    found
}
