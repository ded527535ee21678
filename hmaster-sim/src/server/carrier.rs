//! What carries a server's regions: the seam between a region server's dealings with the master and its rows.
//!
//! A region server of this crate has rows, a log and files. A server without any of that deals with masters by the same
//! code: life, orders, reports and their repetitions are written once, over this trait.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{JavaException, RegionInfo, ServerName};

use super::load::Period;
use super::member::Member;

/// Why a server can't go on, in words.
pub type Fatal = String;

/// A region that was just opened.
#[derive(Debug)]
pub struct Opened<R> {
    /// The region.
    pub region: R,
    /// `openSeqNum` of the report.
    pub sequence_id: u64,
}

/// A region server with its regions. What every one has it dereferences to.
#[async_trait]
pub trait Carrier: Deref<Target = Member<<Self as Carrier>::Region>> + Send + Sync + 'static {
    /// An open region.
    type Region: fmt::Debug + Send + Sync + 'static;

    /// Which region it is.
    fn info(region: &Self::Region) -> &RegionInfo;

    /// Gets what it needs to carry regions, after the master has named it and told it `entries` of configuration.
    ///
    /// # Errors
    /// When it can't be had: the server ends.
    async fn set_up(&self, name: &ServerName, entries: Vec<(String, String)>) -> Result<(), Fatal>;

    /// What it reports of itself.
    fn load(&self, period: Period) -> pb::ServerLoad;

    /// Opens a region that isn't here.
    ///
    /// # Errors
    /// Why it can't be opened. The master is told that it failed.
    async fn open(&self, region: &RegionInfo) -> Result<Opened<Self::Region>, String>;

    /// Closes a region; its sequence id for whoever asks where it went.
    ///
    /// # Errors
    /// When it can't be closed: the server ends.
    async fn close(&self, region: &Self::Region) -> Result<i64, Fatal>;

    /// Carries out a procedure that the master runs here.
    ///
    /// # Errors
    /// What is reported to the master in place of success.
    async fn carry_out(&self, order: &pb::RemoteProcedureRequest) -> Result<(), JavaException>;

    /// Completes when the server can't go on, whatever the master says.
    async fn failure(&self) -> Fatal {
        std::future::pending().await
    }

    /// Completes when the server may speak to the master; one that hangs doesn't.
    async fn may_speak(&self) {}

    /// The share of an interval between the first report to a master and the next one. Below 1 it spreads the reports of
    /// servers that met their master in the same moment.
    fn first_interval(&self) -> f64 {
        1.0
    }

    /// Writes of clients so far.
    fn writes(&self) -> u64 {
        0
    }

    /// A master has taken the report of a transition, so long after the order for it had come.
    fn reported(&self, _code: TransitionCode, _took: Duration) {}

    /// Ends in order: all regions are closed.
    ///
    /// # Errors
    /// When something is left to be recovered.
    async fn shut(&self) -> Result<(), Fatal>;

    /// Keeps regions from taking any more writes: the server aborts.
    async fn abandon(&self) {}

    /// Lets go of whatever it has: it is over.
    fn let_go(&self) {}
}
