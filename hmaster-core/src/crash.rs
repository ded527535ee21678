//! Recovery of dead region servers: their WALs are split, then their regions are opened elsewhere. Counterpart of
//! `ServerCrashProcedure`, `SplitWALProcedure` and `SplitWALManager`.

pub mod expire;
pub mod server_crash;
pub mod split_wal;
pub mod split_wal_remote;
mod workers;

pub use server_crash::ServerCrash;
pub use workers::SplitWorkers;
