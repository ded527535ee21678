//! ZooKeeper for HBase: session, znodes, election, trackers
