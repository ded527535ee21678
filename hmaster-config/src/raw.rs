//! Text configuration with origins. Counterpart of Hadoop's `Configuration` with the resources that
//! `HBaseConfiguration.create()` and `HdfsConfiguration` add.
//!
//! A [`Builder`] lays files and overrides over one another; a [`RawConfig`] is the finished, immutable result,
//! cheap to clone. Values keep their text; `${…}` is substituted when a value is asked for, as in Java.
//!
//! Differences: files that are [read again](RawConfig::reread) make a new `RawConfig`, and `hdfs-rbf-site.xml` isn't read.

mod builder;
mod decode;
mod defaults;
mod deprecation;
mod error;
mod load;
mod origin;
mod substitute;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use builder::{Builder, Override};
pub use deprecation::{current_name, deprecated_names};
pub use error::{LoadError, ValueError, XmlError};
pub use origin::Origin;
pub use xml::{Property, Remark, SiteFile, bounds, parse_str};

pub(crate) use defaults::{CORE_DEFAULT, HBASE_DEFAULT, HDFS_DEFAULT, default_names};
pub(crate) use substitute::has_variable;

use crate::environment::Environment;
use crate::java;
use crate::kind::Kind;
use substitute::{TooMuch, substitute};

/// All keys and values, with where each comes from.
#[derive(Clone)]
pub struct RawConfig(Arc<Inner>);

struct Inner {
    entries: BTreeMap<Box<str>, Entry>,
    finals: BTreeSet<Box<str>>,
    environment: Environment,
    remarks: Vec<Remark>,
    files: Vec<Arc<Path>>,
    source: Option<Source>,
}

/// What the files were looked for by.
#[derive(Clone)]
struct Source {
    conf_dir: Option<PathBuf>,
    overrides: Vec<Override>,
}

/// One value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The text, `${…}` unsubstituted.
    pub value: Box<str>,
    /// Where it was written.
    pub origin: Origin,
}

impl RawConfig {
    /// The value of `key`, substituted, not trimmed. A deprecated key leads to its successor. Counterpart of
    /// `Configuration.get`.
    ///
    /// # Errors
    /// When the value needs 20 substitutions or more, or grows beyond [`bounds::VALUE_BYTES_MAX`].
    pub fn get(&self, key: &str) -> Result<Option<String>, ValueError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let substituted = self.substitute(&entry.value);
        substituted.map(Some).map_err(|TooMuch { expected }| self.error(key, entry, expected))
    }

    /// Like [`Self::get`], without the white space around the value. Counterpart of `Configuration.getTrimmed`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_trimmed(&self, key: &str) -> Result<Option<String>, ValueError> {
        Ok(self.get(key)?.map(|value| java::trim(&value).to_owned()))
    }

    /// The value of `key`, parsed: `raw.read::<kind::Int>("dfs.replication")`. Nothing when the key has no value, or
    /// when Java would take its default because it doesn't understand the value (a boolean such as `yes`).
    ///
    /// # Errors
    /// As [`Self::get`], and when the value isn't of kind `K`.
    pub fn read<K: Kind>(&self, key: &str) -> Result<Option<K::Value>, ValueError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let Some(text) = self.get(key)? else { return Ok(None) };
        match K::parse(&text) {
            Some(value) => Ok(Some(value)),
            None if K::LENIENT => Ok(None),
            None => Err(ValueError::new(key, &text, entry.origin.clone(), K::EXPECTED)),
        }
    }

    /// The entry that `key`, or the successor of a deprecated `key`, has.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        let key = current_name(java::trim(key));
        let late = || deprecation::late_old_names(key).find_map(|old| self.0.entries.get(old));
        self.0.entries.get(key).or_else(late)
    }

    /// Every key with its entry, defaults included, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.entries.iter().map(|(key, entry)| (&**key, entry))
    }

    /// Every key that a file, a `-D` or the program has set.
    pub fn iter_set(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.iter().filter(|(_, entry)| !entry.origin.is_default())
    }

    /// Every key that begins with `prefix`, defaults included.
    pub fn iter_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.iter()
            .skip_while(move |(key, _)| *key < prefix)
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Whether a file said that later ones can't change `key`.
    pub fn is_final(&self, key: &str) -> bool {
        self.0.finals.contains(key)
    }

    /// The environment that substitution draws on.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// What was odd about the files though Java accepts it.
    pub fn remarks(&self) -> &[Remark] {
        &self.0.remarks
    }

    /// The files that were read, in reading order.
    pub fn files(&self) -> &[Arc<Path>] {
        &self.0.files
    }

    /// This configuration, with the `wanted` keys as `newer` has them.
    pub(crate) fn with_keys_of(&self, newer: &Self, wanted: &dyn Fn(&str) -> bool) -> Self {
        let (old, new) = (&*self.0, &*newer.0);
        let kept = old.entries.iter().filter(|(key, _)| !wanted(key));
        let taken = new.entries.iter().filter(|(key, _)| wanted(key));
        let finals = old.finals.iter().filter(|key| !wanted(key));
        Self(Arc::new(Inner {
            entries: kept.chain(taken).map(|(key, entry)| (key.clone(), entry.clone())).collect(),
            finals: finals.chain(new.finals.iter().filter(|key| wanted(key))).cloned().collect(),
            environment: old.environment.clone(),
            remarks: old.remarks.clone(),
            files: old.files.clone(),
            source: old.source.clone(),
        }))
    }

    /// The keys that `other` gives another value, in their order. A value that can't be had differs from all others.
    pub(crate) fn keys_changed_in(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<&str> = self.iter().chain(other.iter()).map(|(key, _)| key).collect();
        let differs = |key: &&str| !matches!((self.get(key), other.get(key)), (Ok(a), Ok(b)) if a == b);
        keys.into_iter().filter(differs).map(str::to_owned).collect()
    }

    /// `text` with its variables replaced.
    pub(crate) fn substitute(&self, text: &str) -> Result<String, TooMuch> {
        substitute(text, &self.0.environment, &|name| self.entry(name).map(|entry| &*entry.value))
    }

    fn error(&self, key: &str, entry: &Entry, expected: &str) -> ValueError {
        ValueError::new(key, &entry.value, entry.origin.clone(), expected)
    }
}

impl fmt::Debug for RawConfig {
    /// Says how much there is and not what: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConfig")
            .field("files", &self.0.files)
            .field("keys_set", &self.iter_set().count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
