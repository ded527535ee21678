//! What a scenario says: which servers and tables are to be there, and what happens then, step by step.
//!
//! A file of JSON, such as those in the folder `scenarios` of this crate:
//!
//! ```
//! let text = r#"{
//!     "about": "a server dies that carries many regions",
//!     "servers": 100,
//!     "tables": [{ "name": "t", "regions": 10000 }],
//!     "steps": [{ "do": "kill-servers", "count": 1 }]
//! }"#;
//! let scenario = hmaster_swarm::scenario::Scenario::parse(text)?;
//! assert_eq!((scenario.servers, scenario.regions()), (100, 10000));
//! # Ok::<_, hmaster_swarm::SwarmError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use hmaster_types::TableName;
use serde::Deserialize;

use crate::SwarmError;
use crate::light::Faults;

/// A scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called: its file's name, unless it says otherwise.
    #[serde(default)]
    pub name: String,
    /// What it shows.
    pub about: String,
    /// How many light servers. One with rows is beside them, and carries hbase:meta.
    pub servers: usize,
    /// Tables that are there when the first step begins.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// What goes wrong at every light server.
    #[serde(default)]
    pub faults: Faults,
    /// Whether the session of a server that is killed is left to run out; otherwise it ends with the server.
    #[serde(default)]
    pub sessions_expire: bool,
    /// Settings of masters and servers.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// How long each thing that is waited for may take.
    #[serde(default = "patience_seconds")]
    pub patience_seconds: u64,
    /// What happens. After each step everything is checked.
    pub steps: Vec<Step>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many regions it has.
    pub regions: usize,
    /// Whether its regions are written into hbase:meta as open; otherwise the master creates it. The first needs a master
    /// that can be killed.
    #[serde(default = "yes")]
    pub preload: bool,
    /// Whether the regions of a table that isn't created by the master have folders. Masters look for them now and then,
    /// and when the table is deleted.
    #[serde(default = "yes")]
    pub folders: bool,
}

/// Something that happens. It is over when every region of every enabled table is open on exactly one server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// The master is killed, and one starts when its session has ended. All servers run on.
    RestartMaster,
    /// A second master waits when the active one is killed. Measured from the moment at which the active one is gone from
    /// ZooKeeper.
    Failover,
    /// The master and all light servers are killed, and start again.
    ColdStart,
    /// Light servers are killed and don't come back.
    KillServers {
        /// How many; which ones chance decides.
        count: usize,
    },
    /// Light servers are stopped and started again; the next ones follow when all regions are open.
    RollingRestart {
        /// How many go down together.
        #[serde(default = "one")]
        at_once: usize,
        /// How many all in all; without it all.
        count: Option<usize>,
    },
    /// The master creates a table.
    CreateTable {
        /// Its name.
        table: String,
        /// How many regions it has.
        regions: usize,
    },
    /// A table is disabled.
    DisableTable {
        /// Its name.
        table: String,
    },
    /// A table is enabled.
    EnableTable {
        /// Its name.
        table: String,
    },
    /// Nothing happens but the reports of all servers.
    Rest {
        /// How long.
        seconds: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RestartMaster => f.write_str("restart-master"),
            Self::Failover => f.write_str("failover"),
            Self::ColdStart => f.write_str("cold-start"),
            Self::KillServers { count } => write!(f, "kill-servers {count}"),
            Self::RollingRestart { at_once, count: None } => write!(f, "rolling-restart, {at_once} at once"),
            Self::RollingRestart { at_once, count: Some(count) } => {
                write!(f, "rolling-restart of {count}, {at_once} at once")
            }
            Self::CreateTable { table, regions } => write!(f, "create-table {table}, {regions} regions"),
            Self::DisableTable { table } => write!(f, "disable-table {table}"),
            Self::EnableTable { table } => write!(f, "enable-table {table}"),
            Self::Rest { seconds } => write!(f, "rest {seconds} s"),
        }
    }
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn patience_seconds() -> u64 {
    600
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When it isn't one, or asks for what can't be.
    pub fn parse(text: &str) -> Result<Self, SwarmError> {
        let scenario: Self =
            serde_json::from_str(text).map_err(|error| SwarmError::Scenario(error.to_string()))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As of [`Scenario::parse`], and when there is no such file.
    pub fn read(path: &Path) -> Result<Self, SwarmError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| SwarmError::File { path: path.display().to_string(), source })?;
        let mut scenario = Self::parse(&text).map_err(|error| match error {
            SwarmError::Scenario(reason) => SwarmError::Scenario(format!("{}: {reason}", path.display())),
            error => error,
        })?;
        if scenario.name.is_empty() {
            scenario.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        Ok(scenario)
    }

    /// How many regions its tables have when the first step begins.
    pub fn regions(&self) -> usize {
        self.tables.iter().map(|table| table.regions).sum()
    }

    /// The same with another number of servers, and of regions of the first table and of each that is created.
    #[must_use]
    pub fn resized(mut self, servers: Option<usize>, regions: Option<usize>) -> Self {
        self.servers = servers.unwrap_or(self.servers);
        if let Some(regions) = regions {
            self.tables.iter_mut().take(1).for_each(|table| table.regions = regions);
            for step in &mut self.steps {
                if let Step::CreateTable { regions: of_table, .. } = step {
                    *of_table = regions;
                }
            }
        }
        self
    }

    /// How long each thing that is waited for may take.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds)
    }

    /// Whether it starts and kills masters.
    pub fn needs_own_master(&self) -> bool {
        let of_master = |step: &Step| matches!(step, Step::RestartMaster | Step::Failover | Step::ColdStart);
        self.tables.iter().any(|table| table.preload) || self.steps.iter().any(of_master)
    }

    fn check(&self) -> Result<(), SwarmError> {
        let wrong = |reason: String| Err(SwarmError::Scenario(reason));
        if self.servers == 0 {
            return wrong("servers: at least one".into());
        }
        let mut names: Vec<&str> = self.tables.iter().map(|table| &*table.name).collect();
        for (table, regions) in self.tables.iter().map(|table| (&table.name, table.regions)).chain(
            self.steps.iter().filter_map(|step| match step {
                Step::CreateTable { table, regions } => Some((table, *regions)),
                _ => None,
            }),
        ) {
            if let Err(error) = table.parse::<TableName>() {
                return wrong(format!("table {table}: {error}"));
            }
            if regions == 0 {
                return wrong(format!("table {table}: regions: at least one"));
            }
        }
        let mut left = self.servers;
        for step in &self.steps {
            match step {
                Step::CreateTable { table, .. } => names.push(table),
                Step::DisableTable { table } | Step::EnableTable { table } if !names.contains(&&**table) => {
                    return wrong(format!("table {table} isn't there by then"));
                }
                Step::KillServers { count } if *count >= left => {
                    return wrong(format!("{count} of {left} servers can't be killed: one has to be left"));
                }
                Step::KillServers { count } => left -= count,
                Step::RollingRestart { at_once, .. } if *at_once == 0 || *at_once >= left => {
                    return wrong(format!("at_once {at_once}: at least one, and one has to be left"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rest: &str) -> Result<Scenario, SwarmError> {
        Scenario::parse(&format!(r#"{{"about": "x", "servers": 3, {rest}}}"#))
    }

    #[test]
    fn every_scenario_of_this_crate_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let scenario = Scenario::read(&path).unwrap();
            assert_eq!(Some(scenario.name.as_str()), path.file_stem().and_then(|name| name.to_str()));
            count += 1;
        }
        assert!(count >= 7, "{count}");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (rest, named) in [
            (r#""steps": [{"do": "dance"}]"#, "dance"),
            (r#""steps": [], "step": 1"#, "step"),
            (r#""steps": [{"do": "kill-servers", "count": 3}]"#, "one has to be left"),
            (r#""steps": [{"do": "kill-servers", "count": 1}, {"do": "kill-servers", "count": 2}]"#, "of 2"),
            (r#""steps": [{"do": "rolling-restart", "at_once": 0}]"#, "at_once"),
            (r#""steps": [{"do": "enable-table", "table": "t"}]"#, "isn't there"),
            (r#""steps": [{"do": "create-table", "table": "t", "regions": 0}]"#, "at least one"),
            (r#""steps": [], "tables": [{"name": "a b", "regions": 1}]"#, "a b"),
            (r#""steps": [], "servers": 0"#, "servers"),
            (r#""steps": "#, "line"),
        ] {
            let error = with(rest).unwrap_err().to_string();
            assert!(error.contains(named), "{rest}: {error}");
        }
    }

    #[test]
    fn sizes_are_changed() {
        let rest = r#""tables": [{"name": "a", "regions": 1}, {"name": "b", "regions": 2}],
                      "steps": [{"do": "create-table", "table": "c", "regions": 3}]"#;
        let scenario = with(rest).unwrap().resized(Some(9), Some(7));
        assert_eq!((scenario.servers, scenario.regions()), (9, 9));
        assert_eq!(scenario.steps, [Step::CreateTable { table: "c".into(), regions: 7 }]);
        assert!(scenario.needs_own_master());
    }
}
