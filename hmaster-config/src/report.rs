//! What a configuration comes to, for people: `hmaster start --check` prints it.

use std::path::Path;
use std::sync::Arc;

use crate::configuration::Checked;
use crate::known_keys;
use crate::option::OptionInfo;
use crate::options::Options;
use crate::problem::{Problem, Severity};
use crate::raw::{Origin, RawConfig};
use crate::redact;
use crate::unsupported;

mod display;

/// How many unknown keys are compared with all known ones; that takes a while.
const HINTS_MAX: usize = 100;

/// What is in force, where it comes from, and what is odd about it. Shows no secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The files that were read.
    pub files: Vec<Arc<Path>>,
    /// Everything that is wrong, errors first.
    pub problems: Vec<Problem>,
    /// Every option.
    pub effective: Vec<Effective>,
    /// Every key that is set and isn't an option.
    pub others: Vec<OtherKey>,
}

/// An option as it is in force.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Effective {
    /// The option.
    pub option: &'static OptionInfo,
    /// The key that the value comes from.
    pub key: &'static str,
    /// The value, substituted, or nothing when there is none.
    pub value: Option<String>,
    /// Where the value was written.
    pub origin: Origin,
}

/// A key that is set and isn't an option.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OtherKey {
    /// The key.
    pub key: String,
    /// The value, substituted where that is possible.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
    /// What becomes of it.
    pub key_use: KeyUse,
}

/// What becomes of a key that isn't an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyUse {
    /// Neither HBase nor Hadoop nor hmaster knows it, and it looks as if they should.
    Unknown {
        /// The key that may be meant.
        similar: Option<&'static str>,
    },
    /// A Java master honours it, hmaster doesn't yet.
    Unsupported {
        /// Why, or what happens instead.
        why: &'static str,
    },
    /// Goes to a part of hmaster as it is.
    PassedOn {
        /// Which part.
        to: &'static str,
    },
    /// Of clients, region servers or other programs; or fine tuning that hmaster has no use for.
    LeftAlone,
}

impl Report {
    /// The report on `raw`, with or without errors in it.
    pub fn new(raw: &RawConfig) -> Self {
        let effective: Vec<_> = Options::table().map(|option| Effective::of(option, raw)).collect();
        let is_option = |key: &str| Options::table().any(|option| option.keys.contains(&key));
        let mut hints_left = HINTS_MAX;
        let others = raw.iter_set().filter(|(key, _)| !is_option(key)).map(|(key, entry)| OtherKey {
            key: key.to_owned(),
            value: shown(raw, key).unwrap_or_else(|| redact::shown(key, &entry.value).to_owned()),
            origin: entry.origin.clone(),
            key_use: KeyUse::of(key, &mut hints_left),
        });
        let others = others.collect();
        Self { files: raw.files().to_vec(), problems: Checked::of(raw).problems, effective, others }
    }

    /// True when hmaster would start.
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }
}

impl Effective {
    /// True when nobody has set it.
    pub fn is_default(&self) -> bool {
        self.origin.is_default()
    }

    fn of(option: &'static OptionInfo, raw: &RawConfig) -> Self {
        match option.entry(raw) {
            Some((key, entry)) => Self { option, key, value: shown(raw, key), origin: entry.origin.clone() },
            None => {
                let value = option.default.map(str::to_owned);
                let source = if option.keys[0].starts_with("hmaster.") { "hmaster" } else { "HBase 2.6.4" };
                Self { option, key: option.keys[0], value, origin: Origin::Default(source) }
            }
        }
    }
}

impl KeyUse {
    fn of(key: &str, hints_left: &mut usize) -> Self {
        if let Some(why) = unsupported::why(key) {
            return Self::Unsupported { why };
        }
        if let Some((_, to)) = PASSED_ON.iter().find(|(prefix, _)| key.starts_with(prefix)) {
            return Self::PassedOn { to };
        }
        if known_keys::is_known(key) {
            return Self::LeftAlone;
        }
        let similar = if *hints_left > 0 { known_keys::similar(key) } else { None };
        *hints_left = hints_left.saturating_sub(1);
        if similar.is_some() || known_keys::is_of_hbase(key) {
            Self::Unknown { similar }
        } else {
            Self::LeftAlone
        }
    }
}

/// Beginnings of keys that some part of hmaster reads from the raw configuration.
const PASSED_ON: &[(&str, &str)] = &[
    ("hbase.master.balancer.", "the balancer"),
    ("hbase.zookeeper.property.", "the ZooKeeper of a standalone cluster"),
    ("dfs.", "the file system client"),
    ("fs.", "the file system client"),
    ("ha.", "the file system client"),
    ("hadoop.", "the file system client"),
    ("io.", "the file system client"),
    ("ipc.", "the file system client"),
    ("net.topology.", "the rack mapping"),
];

/// The substituted value; nothing when it can't be substituted, which is a problem already.
fn shown(raw: &RawConfig, key: &str) -> Option<String> {
    let value = raw.get(key).ok()??;
    Some(redact::shown(key, &value).to_owned())
}

#[cfg(test)]
mod tests;
