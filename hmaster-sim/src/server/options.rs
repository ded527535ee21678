//! What a region server is told: HBase's keys, and what the master adds to them at registration.
//!
//! Counterpart of the constructor of `HRegionServer` and of what `handleReportForDutyResponse` puts into the configuration.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hmaster_config::{Configuration, InvalidConfiguration, LoadError};
use hmaster_rpc::OptionError;
use parking_lot::RwLock;

/// Bounds and intervals of a region server, with HBase's keys and defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionServerOptions {
    /// `hbase.regionserver.port`, 16020; 0 for any free one.
    pub port: u16,
    /// `hbase.regionserver.hostname` or `hbase.unsafe.regionserver.hostname`: the name to be known by. Without one, this
    /// machine's, and the master may decide otherwise.
    pub host_name: Option<String>,
    /// `hbase.regionserver.ipc.address`: where to listen; otherwise at the address of the host name.
    pub bind_address: Option<String>,
    /// Between two reports: `hbase.regionserver.msginterval`, 3 s.
    pub report_interval: Duration,
    /// Until the master answers: `hbase.rpc.shortoperation.timeout`, 10 s.
    pub master_call_timeout: Duration,
    /// Between two tries to report the same thing: `hbase.client.pause`, 100 ms, growing while the master is starting.
    pub report_retry_pause: Duration,
    /// A scanner that isn't used for so long is closed: `hbase.client.scanner.timeout.period`, 60 s.
    pub scanner_timeout: Duration,
    /// Bytes of one row of an answer: `hbase.table.max.rowsize`, 1 GiB.
    pub row_bytes_max: u64,
    /// Bytes of one cell that is written: `hbase.server.keyvalue.maxsize`, 10 MiB; 0 for no bound.
    pub cell_bytes_max: u64,
    /// The least time for a scan before it sends what it has: `hbase.region.server.rpc.minimum.scan.time.limit.delta`,
    /// 10 ms.
    pub scan_time_min: Duration,
    /// How long callers wait who don't say: `hbase.rpc.timeout`, 60 s.
    pub rpc_timeout: Duration,
    /// What can change while the server runs.
    pub guardrails: Guardrails,
    /// Regions opened at the same time: `hbase.regionserver.executor.openregion.threads`, 3.
    pub openers_max: usize,
    /// Regions closed at the same time: `hbase.regionserver.executor.closeregion.threads`, 3.
    pub closers_max: usize,
    /// WALs split at the same time: `hbase.regionserver.wal.max.splitters`, 2.
    pub splitters_max: usize,
    /// Transitions of user regions reported at the same time: `hmaster.regionserver.transition.reports.max`, 200. In Java
    /// each is reported by the thread that opens or closes.
    pub transition_reports_max: usize,
    /// Open scanners: `hmaster.regionserver.scanners.max`, 100,000; without a bound in Java.
    pub scanners_max: usize,
}

/// Bounds of single calls. They hold from the next call on when the configuration is read again, as in
/// `RSRpcServices.setReloadableGuardrails`; everything else needs a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guardrails {
    /// Bytes of cells in one answer: `hbase.server.scanner.max.result.size`, 100 MiB.
    pub result_bytes_max: u64,
    /// Actions in one batch above which it is logged: `hbase.rpc.rows.warning.threshold`, 5000.
    pub batch_actions_warn: usize,
    /// Whether such a batch is refused: `hbase.rpc.rows.size.threshold.reject`, no.
    pub reject_large_batches: bool,
}

const RESULT_BYTES_MAX: &str = "hbase.server.scanner.max.result.size";
const BATCH_ACTIONS_WARN: &str = "hbase.rpc.rows.warning.threshold";
const REJECT_LARGE_BATCHES: &str = "hbase.rpc.rows.size.threshold.reject";

impl Guardrails {
    fn from_keys(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let conf = Lookup(value);
        Ok(Self {
            result_bytes_max: conf.parse(RESULT_BYTES_MAX, 100 << 20)?,
            batch_actions_warn: conf.parse(BATCH_ACTIONS_WARN, 5_000)?,
            reject_large_batches: conf.parse(REJECT_LARGE_BATCHES, false)?,
        })
    }
}

/// Why the configuration couldn't be read again. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RereadError {
    #[error("read the configuration again")]
    Load(#[from] LoadError),
    #[error(transparent)]
    Invalid(#[from] InvalidConfiguration),
    #[error(transparent)]
    Option(#[from] OptionError),
}

impl RegionServerOptions {
    /// Options by what `value` says of each key.
    ///
    /// # Errors
    /// When a value isn't what its key needs.
    pub fn from_keys(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let conf = Lookup(value);
        let unsafe_name = conf.text("hbase.unsafe.regionserver.hostname");
        let threads = |key, otherwise| conf.parse(key, otherwise).map(|count: usize| count.max(1));
        Ok(Self {
            port: conf.parse("hbase.regionserver.port", 16020)?,
            host_name: conf.text("hbase.regionserver.hostname").or(unsafe_name),
            bind_address: conf.text("hbase.regionserver.ipc.address"),
            report_interval: conf.millis("hbase.regionserver.msginterval", 3_000)?,
            master_call_timeout: conf.millis("hbase.rpc.shortoperation.timeout", 10_000)?,
            report_retry_pause: conf.millis("hbase.client.pause", 100)?,
            scanner_timeout: conf.millis("hbase.client.scanner.timeout.period", 60_000)?,
            row_bytes_max: conf.parse("hbase.table.max.rowsize", 1 << 30)?,
            cell_bytes_max: conf.parse("hbase.server.keyvalue.maxsize", 10 << 20)?,
            scan_time_min: conf.millis("hbase.region.server.rpc.minimum.scan.time.limit.delta", 10)?,
            rpc_timeout: conf.millis("hbase.rpc.timeout", 60_000)?,
            guardrails: Guardrails::from_keys(value)?,
            openers_max: threads("hbase.regionserver.executor.openregion.threads", 3)?,
            closers_max: threads("hbase.regionserver.executor.closeregion.threads", 3)?,
            splitters_max: threads("hbase.regionserver.wal.max.splitters", 2)?,
            transition_reports_max: threads("hmaster.regionserver.transition.reports.max", 200)?,
            scanners_max: threads("hmaster.regionserver.scanners.max", 100_000)?,
        })
    }
}

impl Default for RegionServerOptions {
    fn default() -> Self {
        Self::from_keys(&|_| None).expect("defaults need no parsing")
    }
}

struct Lookup<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Lookup<'_> {
    fn text(&self, key: &str) -> Option<String> {
        (self.0)(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(&self, key: &'static str, otherwise: T) -> Result<T, OptionError> {
        let Some(value) = self.text(key) else { return Ok(otherwise) };
        value.to_ascii_lowercase().parse().map_err(|_| OptionError {
            key,
            value,
            expected: std::any::type_name::<T>(),
        })
    }

    fn millis(&self, key: &'static str, otherwise: u64) -> Result<Duration, OptionError> {
        self.parse(key, otherwise).map(Duration::from_millis)
    }
}

/// The configuration: what the server was started with, and over it what the master said. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Settings(Arc<Layers>);

#[derive(Debug)]
struct Layers {
    config: RwLock<Configuration>,
    from_master: RwLock<BTreeMap<String, String>>,
    guardrails: RwLock<Guardrails>,
}

impl Settings {
    /// The settings, and the options that are among them.
    pub(crate) fn new(config: Configuration) -> Result<(Self, RegionServerOptions), OptionError> {
        let options = RegionServerOptions::from_keys(&|key| config.raw().get(key).ok().flatten())?;
        let (config, guardrails) = (RwLock::new(config), RwLock::new(options.guardrails));
        Ok((Self(Arc::new(Layers { config, from_master: RwLock::default(), guardrails })), options))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let from_master = self.0.from_master.read().get(key).cloned();
        from_master.or_else(|| self.0.config.read().raw().get(key).ok().flatten())
    }

    /// Bounds as they are now.
    pub(crate) fn guardrails(&self) -> Guardrails {
        *self.0.guardrails.read()
    }

    /// Reads the files again that the configuration came from, if it did, and puts the guardrails in force that they
    /// have now. It blocks.
    pub(crate) fn reread(&self) -> Result<(), RereadError> {
        let old = self.0.config.read().clone();
        let Some(newer) = old.raw().reread()? else { return Ok(()) };
        let is_online =
            |key: &str| [RESULT_BYTES_MAX, BATCH_ACTIONS_WARN, REJECT_LARGE_BATCHES].contains(&key);
        let update = old.updated(&newer, &is_online)?;
        *self.0.guardrails.write() =
            Guardrails::from_keys(&|key| update.config.raw().get(key).ok().flatten())?;
        let (in_force, at_restart) = (&update.in_force, &update.at_restart);
        tracing::info!(?in_force, ?at_restart, "the configuration was read again");
        *self.0.config.write() = update.config;
        Ok(())
    }

    /// Takes over what the master says.
    pub(crate) fn take_over(&self, entries: impl IntoIterator<Item = (String, String)>) {
        self.0.from_master.write().extend(entries);
    }

    /// The user that this process runs as.
    pub(crate) fn user(&self) -> String {
        self.0.config.read().raw().environment().property("user.name").unwrap_or("hbase").to_owned()
    }

    /// All keys about Hadoop, for its file system's client.
    pub(crate) fn hadoop(&self) -> impl Iterator<Item = (String, String)> {
        const PREFIXES: [&str; 4] = ["dfs.", "fs.", "hadoop.", "ipc."];
        let config = self.0.config.read().clone();
        let keys = config.raw().iter().map(|(key, _)| key.to_owned());
        let keys: Vec<_> = keys.filter(|key| PREFIXES.iter().any(|prefix| key.starts_with(prefix))).collect();
        keys.into_iter().filter_map(|key| self.get(&key).map(|value| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_defaults_and_nonsense_is_named() {
        let conf = |key: &str| match key {
            "hbase.regionserver.port" => Some("0".to_owned()),
            "hbase.regionserver.msginterval" => Some(" 250 ".to_owned()),
            "hbase.rpc.rows.size.threshold.reject" => Some("TRUE".to_owned()),
            "hbase.unsafe.regionserver.hostname" => Some("rs1".to_owned()),
            _ => None,
        };
        let options = RegionServerOptions::from_keys(&conf).unwrap();
        assert_eq!((options.port, options.report_interval), (0, Duration::from_millis(250)));
        assert!(options.guardrails.reject_large_batches);
        assert_eq!(options.host_name.as_deref(), Some("rs1"));
        assert_eq!(RegionServerOptions::default().port, 16020);
        for bad in ["x", "-1", "70000"] {
            let conf = |key: &str| (key == "hbase.regionserver.port").then(|| bad.to_owned());
            let error = RegionServerOptions::from_keys(&conf).unwrap_err();
            assert_eq!((error.key, &*error.value), ("hbase.regionserver.port", bad));
        }
    }

    #[test]
    fn guardrails_follow_the_files_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let write = |rows: &str, port: &str| {
            let property =
                |name, value| format!("<property><name>{name}</name><value>{value}</value></property>");
            let inner = property(BATCH_ACTIONS_WARN, rows) + &property("hbase.regionserver.port", port);
            let site = format!("<configuration>{inner}</configuration>");
            std::fs::write(folder.path().join("hbase-site.xml"), site).unwrap();
        };
        write("7", "1");
        let (settings, options) =
            Settings::new(Configuration::load(Some(folder.path()), &[]).unwrap()).unwrap();
        assert_eq!((options.guardrails.batch_actions_warn, options.port), (7, 1));
        write("8", "2");
        assert_eq!(settings.guardrails().batch_actions_warn, 7, "nobody has asked");
        settings.reread().unwrap();
        assert_eq!(settings.guardrails().batch_actions_warn, 8);
        assert_eq!(settings.get("hbase.regionserver.port").as_deref(), Some("1"));
        write("x", "2");
        assert!(settings.reread().unwrap_err().to_string().contains(BATCH_ACTIONS_WARN));
        assert_eq!(settings.guardrails().batch_actions_warn, 8);
    }
}
