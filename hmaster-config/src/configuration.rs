//! The configuration that the rest of hmaster works with: checked, typed, and still there as text.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::environment::Environment;
use crate::options::Options;
use crate::problem::{Problem, Severity};
use crate::raw::{LoadError, Override, RawConfig};
use crate::report::Report;
use crate::unsupported;

/// A configuration without errors. Cheap to clone.
///
/// ```
/// use hmaster_config::{Builder, Configuration, Environment, Origin, kind};
///
/// let raw = Builder::new(Environment::default())
///     .set("hbase.rootdir", "hdfs://nn:8020/hbase", Origin::Program("example"))
///     .set("hbase.zookeeper.quorum", "zk1,zk2:2182", Origin::Program("example"))
///     .build();
/// let config = Configuration::new(raw)?;
/// assert_eq!(config.options().rpc.port, 16000);
/// assert_eq!(config.cluster().connect_string(), "zk1:2181,zk2:2182");
/// assert_eq!(config.raw().read::<kind::Count>("dfs.replication")?, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Configuration(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    raw: RawConfig,
    options: Options,
    cluster: Cluster,
    warnings: Vec<Problem>,
}

/// What became of files that were read again.
#[derive(Debug, Clone)]
pub struct Update {
    /// What is in force now.
    pub config: Configuration,
    /// Keys whose values have changed with it, in their order.
    pub in_force: Vec<String>,
    /// Keys that the files give other values, which this process takes on when it is started again.
    pub at_restart: Vec<String>,
}

/// There is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It couldn't be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It was read, and something in it is wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidConfiguration),
}

/// Everything that is wrong with a configuration that could be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the configuration has errors:{}", Lines(problems))]
pub struct InvalidConfiguration {
    /// Errors first, then warnings; at least one error.
    pub problems: Vec<Problem>,
}

impl Configuration {
    /// Reads the site files of `conf_dir` (or of the folder that [`crate::find_conf_dir`] finds) below `overrides`, in this
    /// process's environment.
    ///
    /// # Errors
    /// When a file can't be read, or when anything in the configuration is an error.
    pub fn load(conf_dir: Option<&Path>, overrides: &[Override]) -> Result<Self, ConfigError> {
        let raw = RawConfig::load(conf_dir, overrides, Environment::of_process())?;
        Ok(Self::new(raw)?)
    }

    /// Checks what was read.
    ///
    /// # Errors
    /// When anything in it is an error.
    pub fn new(raw: RawConfig) -> Result<Self, InvalidConfiguration> {
        let Checked { options, cluster, problems } = Checked::of(&raw);
        match cluster {
            Some(cluster) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
                Ok(Self(Arc::new(Inner { raw, options, cluster, warnings: problems })))
            }
            _ => Err(InvalidConfiguration { problems }),
        }
    }

    /// This configuration, with those keys as `newer` has them that can change while a process runs. Nothing changes
    /// if anything in the outcome is an error; what `newer` says of other keys isn't looked at.
    ///
    /// # Errors
    /// When a key that `is_online` is wrong by now.
    pub fn updated(
        &self,
        newer: &RawConfig,
        is_online: &dyn Fn(&str) -> bool,
    ) -> Result<Update, InvalidConfiguration> {
        let raw = self.raw().with_keys_of(newer, is_online);
        let in_force = self.raw().keys_changed_in(&raw);
        let at_restart = raw.keys_changed_in(newer);
        Ok(Update { config: Self::new(raw)?, in_force, at_restart })
    }

    /// The text of every key, for what has no option.
    pub fn raw(&self) -> &RawConfig {
        &self.0.raw
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// What follows from several options together.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// What should be logged at start.
    pub fn warnings(&self) -> &[Problem] {
        &self.0.warnings
    }

    /// What is in force, where it comes from, and what is odd about it.
    pub fn report(&self) -> Report {
        Report::new(self.raw())
    }
}

/// A configuration with everything that was found out about it.
pub(crate) struct Checked {
    pub(crate) options: Options,
    /// There is none when its parts contradict one another.
    pub(crate) cluster: Option<Cluster>,
    /// Errors first.
    pub(crate) problems: Vec<Problem>,
}

impl Checked {
    pub(crate) fn of(raw: &RawConfig) -> Self {
        let (options, mut problems) = Options::read(raw);
        let cluster = Cluster::derive(raw, &options).map_err(|found| problems.extend(found)).ok();
        problems.extend(unsupported::problems(raw));
        problems.extend(raw.remarks().iter().map(Problem::from));
        problems.sort_by_key(|problem| problem.severity); // stable
        Self { options, cluster, problems }
    }
}

/// One problem per line.
struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{Builder, Origin};

    fn configuration(pairs: &[(&str, &str)]) -> Result<Configuration, InvalidConfiguration> {
        let builder = Builder::new(Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []));
        let raw = pairs.iter().fold(builder, |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
        Configuration::new(raw)
    }

    #[test]
    fn defaults_are_a_configuration() {
        let configuration = configuration(&[]).unwrap();
        assert_eq!(configuration.warnings(), []);
        assert_eq!(configuration.cluster().root.to_string(), "file:/tmp/hbase-u/hbase");
        assert_eq!(configuration.options().rpc.port, 16000);
        assert_eq!(configuration.raw().read::<crate::kind::Int>("dfs.replication"), Ok(Some(3)));
    }

    #[test]
    fn all_errors_are_said_at_once() {
        let error = configuration(&[
            ("hbase.master.port", "x"),
            ("hbase.snapshot.enabled", "maybe"),
            ("hbase.zookeeper.quorum", ","),
            ("hbase.security.authentication", "kerberos"),
        ])
        .unwrap_err();
        let severities: Vec<_> = error.problems.iter().map(|problem| problem.severity).collect();
        assert_eq!(severities, [Severity::Error, Severity::Error, Severity::Error, Severity::Warning]);
        let said = error.to_string();
        let parts = [
            "hbase.master.port = \"x\"",
            "names no host",
            "security isn't supported yet",
            "hbase.snapshot.enabled",
        ];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }

    #[test]
    fn warnings_do_not_keep_it_from_starting() {
        let configuration = configuration(&[("hbase.snapshot.enabled", "maybe")]).unwrap();
        assert_eq!(configuration.warnings().len(), 1);
    }

    #[test]
    fn what_is_online_changes_and_the_rest_waits() {
        let old = configuration(&[("hbase.regions.slop", "0.1"), ("hbase.master.port", "1")]).unwrap();
        let newer = |pairs: &[(&str, &str)]| configuration(pairs).unwrap().raw().clone();
        let is_online = |key: &str| key.starts_with("hbase.regions.");
        let update = old.updated(&newer(&[("hbase.master.port", "2"), ("a.b", "c")]), &is_online).unwrap();
        assert_eq!(update.in_force, ["hbase.regions.slop"]);
        assert_eq!(update.at_restart, ["a.b", "hbase.master.port"]);
        let options = update.config.options();
        assert_eq!((options.balancer.slop, options.rpc.port), (0.2, 1));
        let bad = Builder::new(Environment::default()).set("hbase.regions.slop", "x", Origin::CommandLine);
        let error = old.updated(&bad.build(), &is_online).unwrap_err().to_string();
        assert!(error.contains("hbase.regions.slop"), "{error}");
        let same = old.updated(old.raw(), &is_online).unwrap();
        assert!(same.in_force.is_empty() && same.at_restart.is_empty());
    }
}
