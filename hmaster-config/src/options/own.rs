//! Options that only hmaster has. Their keys begin with `hmaster.`; Java HBase ignores them, so one hbase-site.xml
//! serves both masters.

use crate::option::options;

options! {
    /// What only hmaster has; every key begins with `hmaster.`.
    OwnOptions in "own" {
    }
}
