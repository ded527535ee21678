//! The texts that four-letter words are answered with, in the form of ZooKeeper 3.8, for the tools
//! that parse them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Engine;
use super::command::Link;
use super::four_letter::FourLetterWord;
use crate::machine::Now;
use crate::watches::ConnId;

/// What it is compatible with, and what it is.
const VERSION: &str = concat!("3.8.4-hmaster-", env!("CARGO_PKG_VERSION"));

impl Engine {
    /// The text for a word.
    pub(super) fn report(&self, word: FourLetterWord, now: Now) -> String {
        match word {
            FourLetterWord::Ruok => "imok".to_owned(),
            FourLetterWord::Isro => "rw".to_owned(),
            FourLetterWord::Conf => self.conf(),
            FourLetterWord::Cons => self.connections(false) + "\n",
            FourLetterWord::Dump => self.dump(now),
            FourLetterWord::Envi => envi(),
            FourLetterWord::Mntr => self.mntr(now),
            FourLetterWord::Srvr => format!("Zookeeper version: {VERSION}\n{}", self.summary()),
            FourLetterWord::Stat => {
                let clients = self.connections(true);
                format!("Zookeeper version: {VERSION}\nClients:\n{clients}\n{}", self.summary())
            }
            FourLetterWord::Wchs => {
                let (conns, paths, watches) = self.machine.watches().summary();
                format!("{conns} connections watching {paths} paths\nTotal watches:{watches}\n")
            }
            FourLetterWord::Refused(word) => {
                format!("{word} is not executed because it is not in the whitelist.\n")
            }
        }
    }

    fn summary(&self) -> String {
        let latency = &self.stats.latency;
        format!(
            "Latency min/avg/max: {}/{:.4}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: 0\n\
             Zxid: 0x{:x}\nMode: standalone\nNode count: {}\n",
            latency.min_ms,
            latency.average_ms(),
            latency.max_ms,
            self.stats.received,
            self.stats.sent,
            self.links.len(),
            self.machine.state().zxid,
            self.node_count(),
        )
    }

    /// ZooKeeper counts the root twice, under its two names.
    fn node_count(&self) -> usize {
        self.machine.state().tree.len() + 1
    }

    fn connections(&self, brief: bool) -> String {
        let links: BTreeMap<ConnId, &Link> = self.links.iter().map(|(conn, link)| (*conn, link)).collect();
        let mut text = String::new();
        for (conn, link) in links {
            let stats = &link.stats;
            let _ = write!(text, " /{}[1](queued=0,recved={},sent={}", link.peer, stats.received, stats.sent);
            if let Some((session, timeout_ms)) = self.machine.session_of(conn).filter(|_| !brief) {
                let _ = write!(text, ",sid=0x{session:x},lop={}", stats.last_op);
                let _ = write!(text, ",est={},to={timeout_ms}", stats.established_ms);
                if let Some(xid) = stats.last_xid {
                    let _ = write!(text, ",lcxid=0x{xid:x}");
                }
                let latency = &stats.latency;
                let _ = write!(
                    text,
                    ",lzxid=0x{:x},lresp={},llat={},minlat={},avglat={},maxlat={}",
                    stats.last_zxid,
                    stats.last_reply_ms,
                    stats.last_latency_ms,
                    latency.min_ms,
                    latency.average_ms() as u64,
                    latency.max_ms,
                );
            }
            text.push_str(")\n");
        }
        text
    }

    fn dump(&self, now: Now) -> String {
        let mut by_deadline: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for (deadline, session) in self.machine.expiry().iter() {
            by_deadline.entry(deadline).or_default().push(session);
        }
        let sessions = self.machine.state().sessions.len();
        let mut text = format!("SessionTracker dump:\nSession Sets ({})/({sessions}):\n", by_deadline.len());
        for (deadline, sessions) in by_deadline {
            let left_ms = deadline.saturating_sub(now.monotonic_ms);
            let _ = writeln!(text, "{} expire in {left_ms} ms:", sessions.len());
            for session in sessions {
                let _ = writeln!(text, "\t0x{session:x}");
            }
        }
        let ephemerals = self.machine.state().tree.ephemerals();
        let _ = writeln!(text, "ephemeral nodes dump:\nSessions with Ephemerals ({}):", ephemerals.len());
        for (session, paths) in ephemerals {
            let _ = writeln!(text, "0x{session:x}:");
            for path in paths {
                let _ = writeln!(text, "\t{path}");
            }
        }
        text.push_str("Connections dump:\n");
        text + &self.connections(true)
    }

    fn conf(&self) -> String {
        let data_dir =
            self.settings.data_dir.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default();
        let (min, max) = self.settings.session_timeouts_ms();
        format!(
            "clientPort={}\nsecureClientPort=-1\ndataDir={data_dir}\ndataLogDir={data_dir}\ntickTime={}\n\
             maxClientCnxns={}\nminSessionTimeout={min}\nmaxSessionTimeout={max}\n\
             clientPortListenBacklog=-1\nserverId=0\n",
            self.local_port,
            self.settings.tick_time.as_millis(),
            self.settings.connections_max,
        )
    }

    fn mntr(&self, now: Now) -> String {
        let state = self.machine.state();
        let latency = &self.stats.latency;
        let ephemerals: usize = state.tree.ephemerals().values().map(BTreeSet::len).sum();
        let mut text = format!("zk_version\t{VERSION}\nzk_server_state\tstandalone\n");
        let _ = writeln!(text, "zk_avg_latency\t{:.4}", latency.average_ms());
        let numbers = [
            ("max_latency", latency.max_ms),
            ("min_latency", latency.min_ms),
            ("packets_received", self.stats.received),
            ("packets_sent", self.stats.sent),
            ("num_alive_connections", self.links.len() as u64),
            ("outstanding_requests", 0),
            ("uptime", now.monotonic_ms),
            ("znode_count", self.node_count() as u64),
            ("watch_count", self.machine.watches().count() as u64),
            ("ephemerals_count", ephemerals as u64),
            ("approximate_data_size", state.tree.data_bytes()),
            ("global_sessions", state.sessions.len() as u64),
            ("local_sessions", 0),
        ];
        for (name, number) in numbers {
            let _ = writeln!(text, "zk_{name}\t{number}");
        }
        text
    }
}

fn envi() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!(
        "Environment:\nzookeeper.version={VERSION}\nhost.name={host}\nos.name={}\nos.arch={}\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
