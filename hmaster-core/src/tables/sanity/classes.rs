//! Classes that region servers load for a table. Counterpart of `checkClassLoading`, as far as it is about HBase's own.
//!
//! Java loads the class to see whether it is there. Here HBase's own are known by name; what is in a package of somebody
//! else is taken on trust, since region servers may have it. A region whose class isn't there never opens.

use hmaster_types::attribute;

use super::{Finding, Subject, may_pass};

/// Where HBase's own classes are.
const HBASE: &str = "org.apache.hadoop.hbase.";

/// HBase's split policies, from 2.4 to 3.0.
const SPLIT_POLICIES: [&str; 7] = [
    "BusyRegionSplitPolicy",
    "ConstantSizeRegionSplitPolicy",
    "DelimitedKeyPrefixRegionSplitPolicy",
    "DisabledRegionSplitPolicy",
    "IncreasingToUpperBoundRegionSplitPolicy",
    "KeyPrefixRegionSplitPolicy",
    "SteppingSplitPolicy",
];

impl Subject<'_> {
    pub(super) fn split_policy(&self) -> Option<Finding> {
        let class = self.text(attribute::SPLIT_POLICY).filter(|class| !may_be_there(class))?;
        let table = self.schema.name();
        Some(may_pass(format!("Unable to load configured region split policy '{class}' for table '{table}'")))
    }
}

/// A class without a package isn't anybody's.
fn may_be_there(class: &str) -> bool {
    match class.strip_prefix(HBASE) {
        Some(own) => own.strip_prefix("regionserver.").is_some_and(|name| SPLIT_POLICIES.contains(&name)),
        None => class.contains('.'),
    }
}
