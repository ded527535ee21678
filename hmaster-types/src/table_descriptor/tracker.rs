//! How a store knows its files. Counterpart of `StoreFileTrackerFactory` and of the source and destination of
//! `MigrationStoreFileTracker`.

use std::fmt;

use super::attribute::{MIGRATION_DESTINATION, MIGRATION_SOURCE, STORE_FILE_TRACKER};
use super::{ColumnFamilyDescriptor, TableDescriptor};

/// A way to know files by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainTracker {
    /// What is in the folder: `DEFAULT`.
    Default,
    /// What a list in the folder names: `FILE`.
    File,
}

/// How a store knows its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFileTracker {
    /// In one way.
    Plain(PlainTracker),
    /// On the way from one to the other: what the source says counts, the destination is kept up with it.
    Migration {
        /// From.
        source: PlainTracker,
        /// To.
        destination: PlainTracker,
    },
}

/// A setting that names no tracker known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: there is no store file tracker '{value}'")]
pub struct UnknownTracker {
    /// The setting.
    pub key: &'static str,
    /// What it says.
    pub value: String,
}

const PACKAGE: &str = "org.apache.hadoop.hbase.regionserver.storefiletracker.";
/// Java's `Trackers.MIGRATION`.
const MIGRATION: &str = "MIGRATION";

impl PlainTracker {
    /// Java's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::File => "FILE",
        }
    }

    /// Reads a setting: a name in any case, or one of Java's classes.
    fn parse(key: &'static str, value: &str) -> Result<Self, UnknownTracker> {
        let is = |name: &str, class: &str| {
            value.eq_ignore_ascii_case(name) || value.strip_prefix(PACKAGE) == Some(class)
        };
        if is("DEFAULT", "DefaultStoreFileTracker") {
            Ok(Self::Default)
        } else if is("FILE", "FileBasedStoreFileTracker") {
            Ok(Self::File)
        } else {
            Err(UnknownTracker { key, value: value.to_owned() })
        }
    }
}

impl StoreFileTracker {
    /// The tracker of a family of `table`; `otherwise` is what the cluster's configuration says, which counts where
    /// table and family say nothing. A family's attributes come before its configuration, and that before the table's
    /// attributes.
    ///
    /// # Errors
    /// When a name isn't known.
    pub fn of(
        table: &TableDescriptor,
        family: &ColumnFamilyDescriptor,
        otherwise: &str,
    ) -> Result<Self, UnknownTracker> {
        let text = |key: &str| setting(table, Some(family), key);
        Self::read(text, otherwise)
    }

    /// The tracker that the table's own attributes say, whatever its families say.
    ///
    /// # Errors
    /// When a name isn't known.
    pub fn of_table(table: &TableDescriptor, otherwise: &str) -> Result<Self, UnknownTracker> {
        Self::read(|key| setting(table, None, key), otherwise)
    }

    /// The tracker by a name.
    ///
    /// # Errors
    /// When the name isn't known.
    pub fn named(name: &str) -> Result<Self, UnknownTracker> {
        Self::read(|_| None, name)
    }

    /// Java's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain(plain) => plain.name(),
            Self::Migration { .. } => MIGRATION,
        }
    }

    /// Whose word counts.
    pub fn source(self) -> PlainTracker {
        match self {
            Self::Plain(plain) | Self::Migration { source: plain, .. } => plain,
        }
    }

    /// Whether a new file must be entered in a list.
    pub fn has_list(self) -> bool {
        match self {
            Self::Plain(plain) => plain == PlainTracker::File,
            Self::Migration { source, destination } => [source, destination].contains(&PlainTracker::File),
        }
    }

    fn read(text: impl Fn(&str) -> Option<String>, otherwise: &str) -> Result<Self, UnknownTracker> {
        let name = text(STORE_FILE_TRACKER).unwrap_or_else(|| otherwise.to_owned());
        let name = name.trim();
        let is_migration = name.eq_ignore_ascii_case(MIGRATION)
            || name.strip_prefix(PACKAGE) == Some("MigrationStoreFileTracker");
        if !is_migration {
            return PlainTracker::parse(STORE_FILE_TRACKER, name).map(Self::Plain);
        }
        let side = |key: &'static str| {
            let value = text(key).unwrap_or_default();
            PlainTracker::parse(key, value.trim())
        };
        Ok(Self::Migration { source: side(MIGRATION_SOURCE)?, destination: side(MIGRATION_DESTINATION)? })
    }
}

impl fmt::Display for StoreFileTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What table and family say for a key. Counterpart of `StoreUtils.createStoreConfiguration`.
fn setting(table: &TableDescriptor, family: Option<&ColumnFamilyDescriptor>, key: &str) -> Option<String> {
    let text = |bytes: &bytes::Bytes| String::from_utf8_lossy(bytes).into_owned();
    let attribute = family.and_then(|family| family.attributes().get(key.as_bytes())).map(text);
    let configured = || family.and_then(|family| family.configuration().get(key).cloned());
    attribute.or_else(configured).or_else(|| table.attribute(key).map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(pairs: &[(&str, &str)]) -> ColumnFamilyDescriptor {
        let family = ColumnFamilyDescriptor::builder("f");
        pairs.iter().fold(family, |family, (key, value)| family.configuration(*key, *value)).build()
    }

    fn table(pairs: &[(&'static str, &'static str)]) -> TableDescriptor {
        let table = TableDescriptor::builder("t".parse().unwrap());
        pairs.iter().fold(table, |table, (key, value)| table.attribute(*key, *value)).build()
    }

    #[test]
    fn the_closest_setting_counts() {
        let (file, default) = (PlainTracker::File, PlainTracker::Default);
        for (of_table, of_family, otherwise, expected) in [
            (None, None, "DEFAULT", default),
            (None, None, "file", file),
            (Some("FILE"), None, "DEFAULT", file),
            (Some("FILE"), Some("default"), "FILE", default),
            (
                None,
                Some("org.apache.hadoop.hbase.regionserver.storefiletracker.FileBasedStoreFileTracker"),
                "",
                file,
            ),
        ] {
            let table =
                table(&of_table.map(|name| (STORE_FILE_TRACKER, name)).into_iter().collect::<Vec<_>>());
            let family =
                family(&of_family.map(|name| (STORE_FILE_TRACKER, name)).into_iter().collect::<Vec<_>>());
            let tracker = StoreFileTracker::of(&table, &family, otherwise).unwrap();
            assert_eq!(tracker, StoreFileTracker::Plain(expected), "{of_table:?} {of_family:?} {otherwise}");
        }
    }

    #[test]
    fn a_migration_has_two_sides() {
        let sides = [
            (STORE_FILE_TRACKER, "MIGRATION"),
            (MIGRATION_SOURCE, "DEFAULT"),
            (MIGRATION_DESTINATION, "FILE"),
        ];
        let tracker = StoreFileTracker::of(&table(&sides), &family(&[]), "DEFAULT").unwrap();
        assert_eq!(
            (tracker.source(), tracker.has_list(), tracker.name()),
            (PlainTracker::Default, true, "MIGRATION")
        );
        let error = StoreFileTracker::of(&table(&sides[..2]), &family(&[]), "DEFAULT").unwrap_err();
        assert_eq!(error.key, MIGRATION_DESTINATION);
        assert!(StoreFileTracker::named("other").is_err());
    }
}
