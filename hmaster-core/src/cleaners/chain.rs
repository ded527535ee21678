//! Who may keep a file. Counterpart of the cleaner plugins: what each says of one file, without looking at any other.

use std::collections::BTreeSet;

use hmaster_config::options::CleanerOptions;

use super::names;

const PACKAGE: &str = "org.apache.hadoop.hbase.master.cleaner.";
/// Always asked, so naming them changes nothing.
const ALWAYS: [&str; 4] = [
    "org.apache.hadoop.hbase.replication.master.ReplicationLogCleaner",
    "org.apache.hadoop.hbase.replication.master.ReplicationHFileCleaner",
    "org.apache.hadoop.hbase.master.cleaner.HFileLinkCleaner",
    "org.apache.hadoop.hbase.master.snapshot.SnapshotHFileCleaner",
];

/// A plugin that this master doesn't have. What it would keep isn't known, so no file may be deleted without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key}: this master has no cleaner {class}, and without it files could be deleted that it would keep"
)]
pub struct UnknownPlugin {
    /// Where it is configured.
    pub key: &'static str,
    /// Its class.
    pub class: String,
}

/// Files of a kind stay until they are old.
#[derive(Debug, Clone, Copy)]
struct TimeToLive {
    is_kind: fn(&str) -> bool,
    ttl_ms: u64,
}

/// Files that somebody has asked to keep, by name.
#[derive(Debug, Clone, Default)]
pub struct Needed {
    pub(super) names: BTreeSet<String>,
}

/// Why a file stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Its name isn't one of HBase's.
    Unknown,
    /// It isn't old enough.
    Young,
    /// It is newer than the clock.
    FromTheFuture,
    /// It is newer than the list of what is needed.
    NewerThanTheList,
    /// A snapshot or a replication queue refers to it.
    Needed,
}

/// The keepers of one attic.
#[derive(Debug, Clone)]
pub struct Chain {
    is_known: fn(&str) -> bool,
    times: Vec<TimeToLive>,
    /// Parts that aren't cleaned, as paths.
    pub(super) excluded: Vec<String>,
}

/// Whether the plugins that are configured are there.
///
/// # Errors
/// The first that isn't.
pub fn check(options: &CleanerOptions) -> Result<(), UnknownPlugin> {
    Chain::of_wals(options)?;
    Chain::of_store_files(options)?;
    Ok(())
}

impl Chain {
    /// The keepers of old WALs.
    ///
    /// # Errors
    /// When one that is configured isn't there.
    pub fn of_wals(options: &CleanerOptions) -> Result<Self, UnknownPlugin> {
        let known = |class: &str| match class.strip_prefix(PACKAGE)? {
            "TimeToLiveLogCleaner" => Some((names::is_wal as fn(&str) -> bool, options.wal_ttl)),
            "TimeToLiveProcedureWALCleaner" => {
                Some((names::is_procedure_wal as fn(&str) -> bool, options.procedure_wal_ttl))
            }
            "TimeToLiveMasterLocalStoreWALCleaner" => {
                Some((names::is_store_wal as fn(&str) -> bool, options.store_wal_ttl))
            }
            _ => None,
        };
        let is_known =
            |name: &str| names::is_wal(name) || names::is_procedure_wal(name) || names::is_store_wal(name);
        let times = times("hbase.master.logcleaner.plugins", &options.wal_plugins, known)?;
        Ok(Self { is_known, times, excluded: Vec::new() })
    }

    /// The keepers of archived store files.
    ///
    /// # Errors
    /// When one that is configured isn't there.
    pub fn of_store_files(options: &CleanerOptions) -> Result<Self, UnknownPlugin> {
        let known = |class: &str| match class.strip_prefix(PACKAGE)? {
            "TimeToLiveHFileCleaner" => Some((names::is_hfile as fn(&str) -> bool, options.hfile_ttl)),
            "TimeToLiveMasterLocalStoreHFileCleaner" => {
                Some((names::is_store_hfile as fn(&str) -> bool, options.store_hfile_ttl))
            }
            _ => None,
        };
        let is_known = |name: &str| names::is_hfile(name) || names::is_store_hfile(name);
        let times = times("hbase.master.hfilecleaner.plugins", &options.hfile_plugins, known)?;
        let excluded = options.custom_paths.iter().map(|path| path.trim_matches('/').to_owned());
        Ok(Self { is_known, times, excluded: excluded.filter(|path| !path.is_empty()).collect() })
    }

    /// Who keeps a file of this name; nobody if none. `listed_ms` is when the list of what is needed was read.
    pub(super) fn keeps(
        &self,
        name: &str,
        modified_ms: u64,
        listed_ms: u64,
        needed: &Needed,
    ) -> Option<Keeps> {
        if !(self.is_known)(name) {
            return Some(Keeps::Unknown);
        }
        if needed.names.contains(name) {
            return Some(Keeps::Needed);
        }
        let Some(age_ms) = listed_ms.checked_sub(modified_ms) else { return Some(Keeps::FromTheFuture) };
        let is_young = |time: &TimeToLive| (time.is_kind)(name) && age_ms <= time.ttl_ms;
        if self.times.iter().any(is_young) {
            return Some(Keeps::Young);
        }
        // Danger 24: a queue may have been made after the list was read.
        (age_ms == 0).then_some(Keeps::NewerThanTheList)
    }
}

fn times(
    key: &'static str,
    plugins: &[String],
    known: impl Fn(&str) -> Option<(fn(&str) -> bool, std::time::Duration)>,
) -> Result<Vec<TimeToLive>, UnknownPlugin> {
    let mut times = Vec::with_capacity(plugins.len());
    for class in plugins.iter().map(|class| class.trim()).filter(|class| !class.is_empty()) {
        match known(class) {
            Some((is_kind, ttl)) => times.push(TimeToLive { is_kind, ttl_ms: ttl.as_millis() as u64 }),
            None if ALWAYS.contains(&class) => {}
            None => return Err(UnknownPlugin { key, class: class.to_owned() }),
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hmaster_config::Options;

    use super::*;

    const WAL: &str = "host%2C16020%2C17.1700";
    const DAY_MS: u64 = 24 * 3_600_000;

    fn options() -> CleanerOptions {
        Options::default().cleaners
    }

    #[test]
    fn old_wals_stay_as_long_as_they_are_young_or_queued() {
        let chain = Chain::of_wals(&options()).unwrap();
        let needed = Needed { names: ["queued.17".to_owned()].into() };
        let now = 100 * DAY_MS;
        let procedure = "pv2-00000000000000000007.log";
        let store = "a.17$masterlocalwal$";
        for (name, age_ms, keeps) in [
            (WAL, 600_001, None),
            (WAL, 600_000, Some(Keeps::Young)),
            (WAL, 0, Some(Keeps::Young)),
            ("queued.17", 50 * DAY_MS, Some(Keeps::Needed)),
            (procedure, 7 * DAY_MS, Some(Keeps::Young)),
            (procedure, 7 * DAY_MS + 1, None),
            (store, 7 * DAY_MS, Some(Keeps::Young)),
            (store, 7 * DAY_MS + 1, None),
            ("notes.txt", 99 * DAY_MS, Some(Keeps::Unknown)),
        ] {
            assert_eq!(chain.keeps(name, now - age_ms, now, &needed), keeps, "{name} {age_ms}");
        }
        assert_eq!(chain.keeps(WAL, now + 1, now, &needed), Some(Keeps::FromTheFuture));
    }

    /// Danger 24: without any time to live, what came after the list of queues still stays.
    #[test]
    fn without_plugins_only_what_is_newer_than_the_list_stays() {
        let mut options = options();
        options.wal_plugins = Vec::new();
        let chain = Chain::of_wals(&options).unwrap();
        let keeps = |age_ms: u64| chain.keeps(WAL, 1000 - age_ms, 1000, &Needed::default());
        assert_eq!((keeps(0), keeps(1)), (Some(Keeps::NewerThanTheList), None));
    }

    #[test]
    fn archived_store_files_stay_as_long_as_they_are_young_or_in_a_snapshot() {
        let mut options = options();
        options.hfile_ttl = Duration::from_millis(5);
        let chain = Chain::of_store_files(&options).unwrap();
        let needed = Needed { names: ["00aa".to_owned()].into() };
        let now = 100 * DAY_MS;
        for (name, age_ms, keeps) in [
            ("00ff", 6, None),
            ("00ff", 5, Some(Keeps::Young)),
            ("00aa", DAY_MS, Some(Keeps::Needed)),
            ("00ff$-masterlocalhfile-$", DAY_MS, Some(Keeps::Young)),
            ("00ff$-masterlocalhfile-$", 8 * DAY_MS, None),
            ("t=00aa-00ff", DAY_MS, None),
            ("who-knows", DAY_MS, Some(Keeps::Unknown)),
        ] {
            assert_eq!(chain.keeps(name, now - age_ms, now, &needed), keeps, "{name} {age_ms}");
        }
    }

    #[test]
    fn an_unknown_plugin_is_refused_by_name() {
        let mut options = options();
        assert_eq!(check(&options), Ok(()));
        options.wal_plugins.push(ALWAYS[0].into());
        options.hfile_plugins.push(ALWAYS[2].into());
        assert_eq!(check(&options), Ok(()), "those that are always asked may be named");
        options.hfile_plugins.push("org.example.Keeper".into());
        let error = check(&options).unwrap_err().to_string();
        assert!(error.contains("org.example.Keeper") && error.contains("hfilecleaner.plugins"), "{error}");
        options.wal_plugins.push("org.apache.hadoop.hbase.backup.master.BackupLogCleaner".into());
        assert!(check(&options).unwrap_err().to_string().contains("BackupLogCleaner"));
    }
}
