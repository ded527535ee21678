//! Region servers in Rust, for standalone clusters, tests and simulation.
//!
//! [`RegionServer`] is a region server as masters and clients know one, Java's or ours: it registers, carries regions,
//! hbase:meta among them, and is killed and recovered like any other. It reads and writes HBase's own files, so a Java
//! region server may open its regions next, and the other way around. A server is an ordinary value: any number of them
//! run in one process, each with a port, a ZooKeeper session and a log of its own, and end when they are dropped.
//!
//! # From calls to files
//!
//! - `service`: what calls come to, `RSRpcServices` in Java. Conversions from and to messages, order of actions in a
//!   batch, scanners over several calls, exceptions by their Java classes.
//! - `server`: the life of a server, `HRegionServer` in Java. What decides is plain code with tests of its own: the
//!   phases of a life, which orders are carried out and which ignored (`online`, `procedure_ids`), leases of scanners.
//! - `region`: rows between two keys, `HRegion` in Java: locks, writes, flushes, compactions, files.
//! - `log`: the write-ahead log that a server's regions share, and how a dead server's is split.
//! - `scan`, `query`, `filter`: from what a client asks for to cells. No I/O but for blocks of store files.
//! - `memstore`, `store_file`: where cells are.
//!
//! # What to rely on
//!
//! - What is acknowledged is in the log, and survives kill -9. It is seen by every read that begins after that.
//! - A region is served after the master took the report that it is open, and until it is closed; the report that it is
//!   closed follows. Orders that come twice are carried out once.
//! - A server that can't know any more whether it is alive ends: when the master says that it is dead, when its
//!   ZooKeeper session may be over, when its log fails, when a region can't be closed.
//! - What isn't there is refused with the exception that Java has for what it doesn't know.
//!
//! # What isn't there
//!
//! Coprocessors but for the endpoint that changes several rows of hbase:meta as one, replication, bulk loads, quotas,
//! security, MOB files, pages, splits that a server asks for by itself. Procedures of masters for any of that are
//! reported as failed. Replicas beside the first one read what that one has in store files, and not what it has in memory.

mod cell_tags;
mod filter;
mod log;
mod memstore;
mod nonces;
mod query;
mod region;
mod scan;
mod schema;
mod server;
mod service;
mod store_file;

/// What a region server is to masters, for servers whose regions are carried by something else than this crate's rows.
pub mod carrier {
    pub use crate::server::{
        Applicant, Carrier, FLUSH_REGION, Fatal, Member, Opened, Parts, Period, Running, SNAPSHOT_REGION,
        SPLIT_WAL, StorageSetupError, chain, close_region, execute_procedures, find_host, not_there,
        of_server, open_regions, root_folder, version_info,
    };
}

pub use server::{
    End, Ended, Guardrails, HostError, RegionServer, RegionServerBuilder, RegionServerHandle,
    RegionServerOptions, StartError,
};
