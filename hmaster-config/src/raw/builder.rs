//! Lays files and overrides over one another.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::defaults::{CORE_DEFAULT, HBASE_DEFAULT, HDFS_DEFAULT, defaults_of};
use super::deprecation::{current_name, stored_name};
use super::error::LoadError;
use super::origin::Origin;
use super::xml::{Remark, SiteFile};
use super::{Entry, Inner, RawConfig, Source};
use crate::environment::Environment;
use crate::java;

/// Collects values until [`Builder::build`].
///
/// Files go in reading order: a later one wins unless an earlier one said `final`. What is [`set`](Self::set) wins over
/// all files, also over later ones and over finals, as with Java's `Configuration.set`.
#[derive(Default)]
pub struct Builder {
    environment: Environment,
    entries: BTreeMap<Box<str>, Entry>,
    overlay: BTreeMap<Box<str>, Entry>,
    /// Keys that later files can't change, and where that was said.
    finals: BTreeMap<Box<str>, Origin>,
    remarks: Vec<Remark>,
    files: Vec<Arc<Path>>,
    source: Option<Source>,
}

impl Builder {
    /// Without any value, not even a default.
    pub fn empty(environment: Environment) -> Self {
        Self { environment, ..Self::default() }
    }

    /// With the defaults of Hadoop and HBase.
    pub fn new(environment: Environment) -> Self {
        Self::empty(environment).defaults(CORE_DEFAULT).defaults(HDFS_DEFAULT).defaults(HBASE_DEFAULT)
    }

    /// Adds what a file says.
    #[must_use]
    pub fn file(mut self, path: &Arc<Path>, site: SiteFile) -> Self {
        self.files.push(path.clone());
        self.remarks.extend(site.remarks);
        for property in site.properties {
            let origin = Origin::File { path: path.clone(), line: property.line };
            self.property(&property.name, property.value, property.is_final, origin);
        }
        self
    }

    /// Sets `key` whatever the files say.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str, origin: Origin) -> Self {
        let key = stored_name(java::trim(key)).into();
        self.overlay.insert(key, Entry { value: value.into(), origin });
        self
    }

    /// Sets what the command line says.
    #[must_use]
    pub fn overrides(self, overrides: &[Override]) -> Self {
        overrides.iter().fold(self, |builder, o| builder.set(&o.key, &o.value, Origin::CommandLine))
    }

    /// The finished configuration.
    pub fn build(mut self) -> RawConfig {
        self.entries.append(&mut self.overlay);
        let Self { environment, entries, finals, remarks, files, source, .. } = self;
        let finals = finals.into_keys().collect();
        RawConfig(Arc::new(Inner { entries, finals, environment, remarks, files, source }))
    }

    /// Remembers how it can be read again.
    pub(super) fn source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    pub(super) fn defaults(mut self, file: &'static str) -> Self {
        for (name, value) in defaults_of(file) {
            self.property(name, value, false, Origin::Default(file));
        }
        self
    }

    fn property(&mut self, name: &str, value: Option<String>, is_final: bool, origin: Origin) {
        let key: Box<str> = stored_name(name).into();
        if let (false, Origin::File { path, line }) = (current_name(name) == name, &origin) {
            let text = format!("{name} is deprecated; its name is {} now", current_name(name));
            self.remarks.push(Remark { file: path.clone(), line: *line, text });
        }
        if let Some(value) = value {
            match self.finals.get(&key) {
                Some(first) => shut_out(&mut self.remarks, &self.entries, &key, &value, first, &origin),
                None => {
                    self.entries.insert(key.clone(), Entry { value: value.into(), origin: origin.clone() });
                }
            }
        }
        if is_final {
            self.finals.entry(key).or_insert(origin);
        }
    }
}

/// Remarks on a value that a final keeps out, unless it is the same value or a default.
fn shut_out(
    remarks: &mut Vec<Remark>,
    entries: &BTreeMap<Box<str>, Entry>,
    key: &str,
    value: &str,
    first: &Origin,
    origin: &Origin,
) {
    let same = entries.get(key).is_some_and(|entry| &*entry.value == value);
    if let (false, Origin::File { path, line }) = (same, origin) {
        let text = format!("{key} is ignored: it is final in {first}");
        remarks.push(Remark { file: path.clone(), line: *line, text });
    }
}

/// A `-D key=value`.
#[derive(Clone, PartialEq, Eq)]
pub struct Override {
    /// The key, trimmed.
    pub key: String,
    /// The value, as it was given.
    pub value: String,
}

impl FromStr for Override {
    type Err = LoadError;

    /// Splits at the first `=`. Java ignores a text without one; here it is an error.
    fn from_str(text: &str) -> Result<Self, LoadError> {
        let (key, value) = text.split_once('=').unwrap_or(("", ""));
        let key = java::trim(key);
        if key.is_empty() {
            return Err(LoadError::Override { text: text.split('=').next().unwrap_or_default().to_owned() });
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl std::fmt::Debug for Override {
    /// The value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "-D {}={:?}", self.key, crate::redact::shown(&self.key, &self.value))
    }
}
