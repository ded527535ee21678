//! The region master:store by turns of Java masters and hmaster, on one disk: each finds exactly what the other left,
//! however that one ended, and ends the other when it is still there.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "master_store/crashes.rs"]
mod crashes;
#[path = "../../hmaster-store/tests/region/crashing.rs"]
mod crashing;
#[path = "master_store/disk.rs"]
mod disk;
#[path = "../../hmaster-store/tests/region/edits.rs"]
mod edits;
#[path = "master_store/fencing.rs"]
mod fencing;
#[path = "master_store/java.rs"]
mod java;
#[path = "../../hmaster-store/tests/region/lives.rs"]
#[allow(dead_code, reason = "shared with the tests of the region")]
mod lives;
#[path = "master_store/masters.rs"]
mod masters;
#[path = "master_store/turns.rs"]
mod turns;
