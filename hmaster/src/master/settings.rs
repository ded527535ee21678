//! Settings that are read again when a client asks for it. Counterpart of `HRegionServer.updateConfiguration` as a master
//! inherits it.
//!
//! What the files say by now is read, below the same `-D`s; what can change while a master runs is taken from it
//! ([`hmaster_core::online`]), and of everything else that has changed the log says that it waits for a restart.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_config::{Configuration, Update};
use hmaster_core::online::{OnlineOptions, is_online};
use hmaster_core::services::SettingsSource;
use hmaster_types::{JavaException, class};
use tokio::sync::Mutex;

/// The configuration in force.
pub(super) struct LiveSettings {
    /// Held while the files are read: who asks later reads later.
    config: Mutex<Configuration>,
    pub(super) online: Arc<OnlineOptions>,
}

impl LiveSettings {
    pub(super) fn new(config: Configuration) -> Self {
        let online = Arc::new(OnlineOptions::new(config.options().clone()));
        Self { config: Mutex::new(config), online }
    }
}

#[async_trait]
impl SettingsSource for LiveSettings {
    async fn reread(&self) -> Result<(), JavaException> {
        let mut config = self.config.lock().await;
        let old = config.clone();
        let read = tokio::task::spawn_blocking(move || read(&old));
        let Some(update) = read.await.map_err(|error| refused(&error))?? else {
            tracing::info!("the configuration wasn't read from files, so it stays");
            return Ok(());
        };
        self.online.change(update.config.options().clone()).map_err(|error| refused(&error))?;
        let (in_force, at_restart) = (&update.in_force, &update.at_restart);
        tracing::info!(?in_force, ?at_restart, "the configuration was read again");
        *config = update.config;
        Ok(())
    }
}

/// What the files say by now; nothing when there are none.
fn read(old: &Configuration) -> Result<Option<Update>, JavaException> {
    let newer = old.raw().reread().map_err(|error| refused(&error))?;
    let update = newer.map(|newer| old.updated(&newer, &is_online));
    update.transpose().map_err(|error| refused(&error))
}

/// Asking again wouldn't help.
fn refused(error: &dyn std::error::Error) -> JavaException {
    let mut message = format!("the configuration stays as it is: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        message += &format!(": {error}");
        cause = error.source();
    }
    JavaException::new(class::DO_NOT_RETRY_IO, message)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const SLOP: &str = "hbase.regions.slop";

    fn write(folder: &Path, inner: &str) {
        fs::write(folder.join("hbase-site.xml"), format!("<configuration>{inner}</configuration>")).unwrap();
    }

    fn property(name: &str, value: &str) -> String {
        format!("<property><name>{name}</name><value>{value}</value></property>")
    }

    #[tokio::test]
    async fn files_are_read_again_and_what_is_wrong_in_them_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &property(SLOP, "0.1"));
        let overrides = ["hbase.master.logcleaner.ttl=5".parse().unwrap()];
        let settings = LiveSettings::new(Configuration::load(Some(folder.path()), &overrides).unwrap());
        let slop = || settings.online.get().balancer_settings.get(SLOP);
        assert_eq!(slop().as_deref(), Some("0.1"));

        let ttl = property("hbase.master.logcleaner.ttl", "7");
        write(folder.path(), &(property(SLOP, "0.3") + &property("hbase.master.port", "7") + &ttl));
        settings.reread().await.unwrap();
        let now = settings.online.get();
        assert_eq!(slop().as_deref(), Some("0.3"));
        assert_eq!(now.rpc.port, 16000, "the port waits for a restart");
        assert_eq!(now.cleaners.wal_ttl.as_millis(), 5, "-D stays above the files");

        for (wrong, said) in [
            (property(SLOP, "much"), SLOP),
            (property("hbase.master.balancer.stochastic.moveCost", "much"), "moveCost"),
            (property("hbase.master.hfilecleaner.plugins", "org.example.Keeper"), "org.example.Keeper"),
            ("<property>".to_owned(), "hbase-site.xml"),
        ] {
            write(folder.path(), &wrong);
            let error = settings.reread().await.unwrap_err();
            assert!(error.message.contains(said) && error.is(class::DO_NOT_RETRY_IO), "{error:?}");
            assert_eq!(slop().as_deref(), Some("0.3"));
        }
        write(folder.path(), "");
        settings.reread().await.unwrap();
        assert_eq!(slop().as_deref(), Some("0.2"), "the default again");
    }
}
