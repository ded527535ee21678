//! Bugs of HBase's past that tests put back, to show that they would be found. Without the feature `testing` there are
//! none.

use super::MasterEnv;

/// A bug that can be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A region server's report is acknowledged before it is stored (danger 4).
    AcknowledgesEarly,
    /// A command in doubt is given to another server (danger 2).
    RetriesElsewhere,
    /// A dead server's folder of WALs isn't renamed before its WALs are listed (danger 1).
    ListsUnfenced,
}

impl MasterEnv {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn has_bug(&self, bug: Bug) -> bool {
        self.bugs.get().is_some_and(|bugs| bugs.contains(&bug))
    }

    #[cfg(not(any(test, feature = "testing")))]
    #[expect(clippy::unused_self, reason = "as with the feature `testing`")]
    pub(crate) fn has_bug(&self, _: Bug) -> bool {
        false
    }
}
