//! What a ZooKeeper 3.8 server does, as cases that run against any address.
//!
//! Each [`Case`] checks one behaviour and works below a node of its own, so that cases may run
//! against a server that is in use, in any order. Most speak the wire protocol byte by byte through a
//! client of their own; the cases in `clients` use the `zookeeper-client` crate as an application
//! would. [`compare`] goes further: it sends the same random requests to two servers
//! and wants the same answers, down to transaction numbers.
//!
//! ```no_run
//! # async fn example(addr: std::net::SocketAddr) {
//! let report = hmaster_zk_server::conformance::run_all(addr).await;
//! assert!(report.failures().next().is_none(), "{report}");
//! # }
//! ```
//!
//! The server should allow all four-letter words (`4lw.commands.whitelist=*`), and have a tick of half
//! a second or so: cases about expiry wait for the shortest session timeout it grants.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;

#[macro_use]
mod check;
mod cases;
pub mod compare;
mod raw;
mod requests;

use raw::RawClient;

/// What a case may take: the longest waits for a session of two ticks to expire.
const CASE_TIMEOUT: Duration = Duration::from_secs(60);

/// What was expected and what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFailure(String);

impl CaseFailure {
    /// A failure in these words.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for CaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whatever goes wrong on the way is a failure of the case, at the place where it went wrong.
impl<E: std::error::Error> From<E> for CaseFailure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self(format!("{}: {error}", Location::caller()))
    }
}

/// What a case comes to.
pub type CaseResult = Result<(), CaseFailure>;

type CaseFuture<'a> = Pin<Box<dyn Future<Output = CaseResult> + Send + 'a>>;

/// One behaviour.
#[derive(Clone, Copy)]
pub struct Case {
    /// Module and function, such as `watches::event_precedes_own_reply`.
    pub name: &'static str,
    run: fn(&Context) -> CaseFuture<'_>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

impl Case {
    /// Runs the case against a server.
    pub async fn run(&self, addr: SocketAddr) -> CaseResult {
        let run = async {
            let context = Context::prepare(addr, self.name).await?;
            (self.run)(&context).await
        };
        match timeout(CASE_TIMEOUT, run).await {
            Ok(result) => result,
            Err(_) => Err(CaseFailure::new(format!("not done within {CASE_TIMEOUT:?}"))),
        }
    }
}

/// Where a case works.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The server.
    pub(crate) addr: SocketAddr,
    /// A node that only this run of this case uses.
    pub(crate) root: String,
}

impl Context {
    async fn prepare(addr: SocketAddr, name: &str) -> Result<Self, CaseFailure> {
        let mut client = RawClient::connect(addr).await?;
        // A session's id is never used again, so the name is new.
        let root = format!("/conformance-{:x}-{}", client.session_id(), name.replace("::", "-"));
        client.create(&root).await?;
        client.close().await?;
        Ok(Self { addr, root })
    }

    /// The path of a node below the case's own.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }

    /// A new session.
    pub(crate) async fn client(&self) -> Result<RawClient, CaseFailure> {
        RawClient::connect(self.addr).await
    }
}

/// What all cases came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Each case's name and result, in order.
    pub results: Vec<(&'static str, CaseResult)>,
}

impl Report {
    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &CaseFailure)> {
        self.results.iter().filter_map(|(name, result)| Some((*name, result.as_ref().err()?)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} cases failed", self.failures().count(), self.results.len())?;
        for (name, failure) in self.failures() {
            writeln!(f, "{name}: {failure}")?;
        }
        Ok(())
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    cases::all()
}

/// Runs all cases, one after the other.
pub async fn run_all(addr: SocketAddr) -> Report {
    let mut report = Report::default();
    for case in cases() {
        report.results.push((case.name, case.run(addr).await));
    }
    report
}
