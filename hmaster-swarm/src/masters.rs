//! Masters, started and killed by a scenario. What kind they are is the matter of whoever implements [`Masters`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::process::{Child, Command};

use crate::SwarmError;

/// Starts and kills masters.
#[async_trait]
pub trait Masters: Send + Sync {
    /// Starts one more, with settings that beat its files. It becomes active if no other is.
    ///
    /// # Errors
    /// When it can't be started.
    async fn start(&self, settings: &[(&str, String)]) -> Result<(), SwarmError>;

    /// Ends the one that was started first and runs yet, as kill -9 does: the active one. Completes when it is gone.
    ///
    /// # Errors
    /// When there is none.
    async fn kill(&self) -> Result<(), SwarmError>;

    /// The process of the active one, if it runs in one of its own on this machine.
    fn pid(&self) -> Option<u32>;
}

/// A master that runs without a scenario's doing: it can be neither started nor killed.
#[derive(Debug, Clone, Copy)]
pub struct Given;

#[async_trait]
impl Masters for Given {
    async fn start(&self, _settings: &[(&str, String)]) -> Result<(), SwarmError> {
        Err(not_ours("start"))
    }

    async fn kill(&self) -> Result<(), SwarmError> {
        Err(not_ours("kill"))
    }

    fn pid(&self) -> Option<u32> {
        None
    }
}

fn not_ours(operation: &'static str) -> SwarmError {
    let reason = "this scenario starts and kills masters, and can't do so with one that runs already; say which master to \
                  start";
    SwarmError::Master { operation, reason: reason.to_owned() }
}

/// Masters in processes of their own. They end with this value.
#[derive(Debug)]
pub struct Processes {
    program: PathBuf,
    before: Vec<OsString>,
    after: Vec<OsString>,
    logs: PathBuf,
    running: Mutex<Vec<Child>>,
}

impl Processes {
    /// Masters started by `program`, with these arguments before and after the settings. What they print goes to files in
    /// the folder `logs`.
    pub fn new(
        program: impl Into<PathBuf>,
        before: impl IntoIterator<Item = OsString>,
        after: impl IntoIterator<Item = OsString>,
        logs: impl Into<PathBuf>,
    ) -> Self {
        Self {
            program: program.into(),
            before: before.into_iter().collect(),
            after: after.into_iter().collect(),
            logs: logs.into(),
            running: Mutex::default(),
        }
    }
}

#[async_trait]
impl Masters for Processes {
    async fn start(&self, settings: &[(&str, String)]) -> Result<(), SwarmError> {
        let failed = |source: std::io::Error| SwarmError::Master {
            operation: "start",
            reason: format!("{}: {source}", self.program.display()),
        };
        tokio::fs::create_dir_all(&self.logs).await.map_err(failed)?;
        let mut append = tokio::fs::OpenOptions::new();
        let log = append.create(true).append(true).open(self.logs.join("master.log")).await;
        let log = log.map_err(failed)?.into_std().await;
        let settings =
            settings.iter().flat_map(|(key, value)| [OsString::from("-D"), format!("{key}={value}").into()]);
        let mut command = Command::new(&self.program);
        command.args(&self.before).args(settings).args(&self.after);
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log).kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        self.running.lock().push(child);
        Ok(())
    }

    async fn kill(&self) -> Result<(), SwarmError> {
        let failed = |reason: String| SwarmError::Master { operation: "kill", reason };
        let first = {
            let mut running = self.running.lock();
            if running.is_empty() { None } else { Some(running.remove(0)) }
        };
        let mut child = first.ok_or_else(|| failed("none runs".into()))?;
        child.kill().await.map_err(|error| failed(error.to_string()))
    }

    fn pid(&self) -> Option<u32> {
        self.running.lock().first().and_then(Child::id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_runs_until_it_is_killed() {
        let logs = tempfile::tempdir().unwrap();
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let masters = Processes::new(
            "/bin/sh",
            words(&["-c", "echo $*; exec sleep 60", "sh"]),
            words(&["last"]),
            logs.path(),
        );
        assert!(masters.kill().await.is_err());
        masters.start(&[("a.b", "c".into())]).await.unwrap();
        assert!(masters.pid().is_some());
        masters.kill().await.unwrap();
        assert_eq!(masters.pid(), None);
        assert!(logs.path().join("master.log").is_file());
        let missing = Processes::new("/no/such/program", [], [], logs.path());
        assert!(missing.start(&[]).await.unwrap_err().to_string().contains("/no/such/program"));
    }

    #[tokio::test]
    async fn a_master_that_runs_already_is_left_alone() {
        assert!(Given.start(&[]).await.is_err() && Given.kill().await.is_err() && Given.pid().is_none());
    }
}
