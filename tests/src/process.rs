//! A child process of a test: started, awaited, killed, paused, restarted; its output in a file.
//!
//! No child outlives the test. In the ordinary case the [`Process`] kills it when dropped. When the
//! test process itself is killed, the kernel kills its children: `setpriv --pdeathsig KILL` starts
//! them (a system without it goes without this second net).

mod child;
mod command;
mod log;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::wait;

pub(crate) use child::Child;
pub use command::{CommandSpec, Output};
pub(crate) use log::Log;

/// How long a process may take to become ready. Many times the usual time: test machines are busy.
pub const READY_DEADLINE: Duration = Duration::from_secs(180);

/// How long a process that was killed may take to be gone.
const GONE_DEADLINE: Duration = Duration::from_secs(30);

/// Lines of the log that an error shows.
const TAIL_LINES: usize = 25;

/// What shows that a process is ready.
#[derive(Clone, Debug)]
pub enum Ready {
    /// Nothing to wait for.
    Spawned,
    /// A port of this machine accepts connections.
    Port(u16),
    /// The log holds this text.
    Log(String),
}

/// A service that the test controls. Clones are handles of the same process; the last one kills it.
#[derive(Clone, Debug)]
pub struct Process {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    command: CommandSpec,
    ready: Ready,
    log: Log,
    child: Mutex<Option<Arc<Child>>>,
}

impl Process {
    /// Starts a process and waits until it's ready. Its output is appended to the file `log`.
    pub async fn start(name: &str, command: CommandSpec, log: PathBuf, ready: Ready) -> Result<Self> {
        let log = Log::new(log);
        let inner = Inner { name: name.to_owned(), command, ready, log, child: Mutex::new(None) };
        let process = Self { inner: Arc::new(inner) };
        process.start_again().await?;
        Ok(process)
    }

    /// The name in messages, e.g. `rs2`.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The file with all output of the process and of those it was restarted from.
    pub fn log_path(&self) -> &Path {
        self.inner.log.path()
    }

    /// What the process has written since it was last started.
    pub fn log(&self) -> String {
        self.inner.log.text()
    }

    /// The process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running().ok().map(|child| child.pid())
    }

    /// Whether the process runs (a paused one does).
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// How the process ended, or none if it runs.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child().ok()?.poll()
    }

    /// SIGKILL; the process is gone when this returns. An error if it was not running.
    pub async fn kill9(&self) -> Result<()> {
        self.running()?.signal(Signal::KILL)?;
        self.wait_exit(GONE_DEADLINE).await.map(drop)
    }

    /// SIGTERM, and SIGKILL if the process has not ended after `grace`. An error if it was not running.
    pub async fn stop(&self, grace: Duration) -> Result<ExitStatus> {
        let child = self.running()?;
        child.signal(Signal::TERM)?;
        child.signal(Signal::CONT)?; // a paused process gets SIGTERM only when it goes on
        if let Ok(status) = self.wait_exit(grace).await {
            return Ok(status);
        }
        tracing::warn!(name = self.name(), ?grace, "did not end on SIGTERM");
        child.signal(Signal::KILL)?;
        self.wait_exit(GONE_DEADLINE).await
    }

    /// SIGSTOP: the process keeps its connections and answers nothing.
    pub fn pause(&self) -> Result<()> {
        self.running()?.signal(Signal::STOP)
    }

    /// SIGCONT: ends a [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.running()?.signal(Signal::CONT)
    }

    /// Kills the process if it runs, starts the same command again and waits until it's ready.
    pub async fn restart(&self) -> Result<()> {
        if self.is_running() {
            self.kill9().await?;
        }
        self.start_again().await
    }

    /// Waits until the process ends by itself.
    pub async fn wait_exit(&self, deadline: Duration) -> Result<ExitStatus> {
        let child = self.child()?;
        let waited = child.wait(deadline).await;
        waited.with_context(|| format!("waited {deadline:?} for {} to end\n{}", self.name(), self.tail()))
    }

    /// Waits for `condition` as [`wait::until`] does, but no longer than the process lives.
    pub async fn wait_until<T>(
        &self,
        what: &str,
        deadline: Duration,
        condition: impl AsyncFnMut() -> Result<T>,
    ) -> Result<T> {
        self.while_running(what, wait::until(what, deadline, condition)).await
    }

    /// Completes as `work` does, or fails with the log's end when the process ends before that.
    pub async fn while_running<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let child = self.child()?;
        let outcome = tokio::select! {
            biased;
            status = child.ended() => Err(anyhow!("the process ended ({status}) before {what}")),
            outcome = work => outcome,
        };
        outcome.with_context(|| format!("{}\n{}", self.name(), self.tail()))
    }

    /// Waits until the log of the running process holds `text` and returns that line.
    pub async fn wait_for_log(&self, text: &str, deadline: Duration) -> Result<String> {
        self.wait_until(&format!("the log line {text:?}"), deadline, async || {
            self.inner.log.line_with(text).context("no such line")
        })
        .await
    }

    /// Waits until `port` of this machine accepts connections.
    pub async fn wait_for_port(&self, port: u16, deadline: Duration) -> Result<()> {
        self.wait_until(&format!("port {port}"), deadline, async || {
            TcpStream::connect(("127.0.0.1", port)).await.map(drop).context("connect")
        })
        .await
    }

    /// The end of the log, for an error message.
    pub fn tail(&self) -> String {
        self.inner.log.tail(TAIL_LINES)
    }

    async fn start_again(&self) -> Result<()> {
        let inner = &self.inner;
        let output = inner.log.begin()?;
        let child = inner.command.spawn_into(output).with_context(|| format!("start {}", inner.name))?;
        *inner.child.lock() = Some(Arc::new(child));
        match &inner.ready {
            Ready::Spawned => Ok(()),
            Ready::Port(port) => self.wait_for_port(*port, READY_DEADLINE).await,
            Ready::Log(text) => self.wait_for_log(text, READY_DEADLINE).await.map(drop),
        }
    }

    fn child(&self) -> Result<Arc<Child>> {
        self.inner.child.lock().clone().with_context(|| format!("{} was never started", self.name()))
    }

    fn running(&self) -> Result<Arc<Child>> {
        let child = self.child()?;
        if let Some(status) = child.poll() {
            bail!("{} ended before ({status})\n{}", self.name(), self.tail());
        }
        Ok(child)
    }

    /// Kills the process without awaiting more than its death; one that does not run is fine.
    pub(crate) fn kill_now(&self) {
        if let Some(child) = self.inner.child.lock().as_ref() {
            child.kill();
        }
    }
}

/// Fails if any of `processes` has ended.
pub fn ensure_running<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Result<()> {
    for process in processes {
        ensure!(process.is_running(), "{} has ended\n{}", process.name(), process.tail());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    async fn shell(folder: &tempfile::TempDir, script: &str, ready: Ready) -> Result<Process> {
        let command = CommandSpec::new("sh").args(["-c", script]);
        Process::start("it", command, folder.path().join("it.log"), ready).await
    }

    #[tokio::test]
    async fn a_process_that_dies_early_fails_the_wait_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let started = shell(&folder, "echo no disk; exit 3", Ready::Port(1)).await;
        let message = format!("{:#}", started.unwrap_err());
        assert!(message.contains("exit status: 3") && message.contains("no disk"), "{message}");
    }

    #[tokio::test]
    async fn kill9_and_restart_and_the_log_of_the_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let ready = Ready::Log("ready".to_owned());
        let process = shell(&folder, "echo ready $$; exec sleep 1000", ready).await.unwrap();
        let pid = process.pid().unwrap();
        assert!(process.log().contains(&pid.to_string()), "setpriv and sh keep the process id");
        process.kill9().await.unwrap();
        assert_eq!(process.exit_status().unwrap().signal(), Some(9));
        assert!(process.kill9().await.is_err(), "not running");
        process.restart().await.unwrap();
        assert_ne!(process.pid(), Some(pid));
        assert_eq!(process.log().lines().count(), 1, "only of the new start: {}", process.log());
    }

    #[tokio::test]
    async fn a_paused_process_stands_still_and_still_stops() {
        let folder = tempfile::tempdir().unwrap();
        let ready = Ready::Log("ready".to_owned());
        let process = shell(&folder, "echo ready; exec sleep 1000", ready).await.unwrap();
        let state = |process: &Process| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid().unwrap())).unwrap();
            stat.split(' ').nth(2).unwrap().to_owned()
        };
        process.pause().unwrap();
        let paused = async || match state(&process) {
            s if s == "T" => Ok(()),
            s => bail!("state {s}"),
        };
        wait::until("the pause", SOON, paused).await.unwrap();
        process.resume().unwrap();
        process.pause().unwrap();
        assert_eq!(process.stop(SOON).await.unwrap().signal(), Some(15));
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
        let process = shell(&folder, script, Ready::Log("ready".to_owned())).await.unwrap();
        let status = process.stop(Duration::from_millis(50)).await.unwrap();
        assert_eq!(status.signal(), Some(9));
    }

    #[tokio::test]
    async fn dropping_the_last_handle_kills() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell(&folder, "exec sleep 1000", Ready::Spawned).await.unwrap();
        let proc = format!("/proc/{}", process.pid().unwrap());
        let clone = process.clone();
        drop(process);
        assert!(clone.is_running());
        drop(clone);
        assert!(!Path::new(&proc).exists());
    }

    /// Names the file in which [`lives_on_when_asked`] leaves the process id of its child.
    const PID_FILE: &str = "HMASTER_TEST_PID_FILE";

    /// Not a test of its own: what [`children_die_with_a_killed_test`] runs and kills.
    #[tokio::test]
    async fn lives_on_when_asked() {
        let Some(file) = std::env::var_os(PID_FILE) else { return };
        let folder = tempfile::tempdir().unwrap();
        let child = shell(&folder, "exec sleep 1000", Ready::Spawned).await.unwrap();
        std::fs::write(file, child.pid().unwrap().to_string()).unwrap();
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn children_die_with_a_killed_test() {
        if child::setpriv().is_none() {
            return; // without it only an orderly end takes the children along
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let command = CommandSpec::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::tests::lives_on_when_asked"])
            .env(PID_FILE, &file);
        let log = folder.path().join("test.log");
        let test = Process::start("test", command, log, Ready::Spawned).await.unwrap();
        let read = async || Ok(std::fs::read_to_string(&file)?.parse::<u32>()?);
        let pid = test.wait_until("the child's id", SOON, read).await.unwrap();
        let child = PathBuf::from(format!("/proc/{pid}"));
        assert!(child.exists());
        test.kill9().await.unwrap();
        let gone = async || {
            // Its new parent may take its time to reap it: a zombie is dead too.
            let stat = std::fs::read_to_string(child.join("stat")).unwrap_or_default();
            ensure!(stat.is_empty() || stat.contains(") Z "), "{stat}");
            Ok(())
        };
        wait::until("the child's end", SOON, gone).await.unwrap();
    }

    #[tokio::test]
    async fn a_one_shot_command_returns_output_and_is_cut_off() {
        let command = CommandSpec::new("sh").args(["-c", "cat; echo bad >&2; exit 2"]);
        let output = command.output("given", SOON).await.unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("given", "bad\n"));
        assert_eq!(output.status.code(), Some(2));
        assert!(format!("{:#}", output.success().unwrap_err()).contains("bad"));
        let hang = CommandSpec::new("sleep").arg("1000").output("", Duration::from_millis(50)).await;
        assert!(format!("{:#}", hang.unwrap_err()).contains("sleep"));
    }
}
