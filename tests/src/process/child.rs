//! An operating system process, killed and reaped when dropped.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{sleep, timeout};

/// Between two looks whether a process has ended.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// A running or ended process.
///
/// The lock is held while a signal is sent and while the process is reaped, so that no signal can
/// go to another process that got the same id.
#[derive(Debug)]
pub(crate) struct Child {
    child: Mutex<process::Child>,
}

impl Child {
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        spawn_on_lasting_thread(command).map(|child| Self { child: Mutex::new(child) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().id()
    }

    /// How the process ended, or none while it runs.
    pub(crate) fn poll(&self) -> Option<ExitStatus> {
        self.child.lock().try_wait().ok().flatten()
    }

    /// Sends a signal; an ended process is left alone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let mut child = self.child.lock();
        if matches!(child.try_wait(), Ok(None)) {
            kill_process(Pid::from_child(&child), signal)
                .with_context(|| format!("send {signal:?} to process {}", child.id()))?;
        }
        Ok(())
    }

    /// Completes when the process ends.
    pub(crate) async fn ended(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.poll() {
                return status;
            }
            sleep(POLL_EVERY).await;
        }
    }

    pub(crate) async fn wait(&self, deadline: Duration) -> Result<ExitStatus> {
        Ok(timeout(deadline, self.ended()).await?)
    }

    /// SIGKILL, then waits for the end, which blocks for milliseconds.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock();
        // Errors mean that the process is gone already.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// The ends of the pipes for standard input and output.
    pub(crate) fn take_stdio(&self) -> Result<(ChildStdin, ChildStdout)> {
        let mut child = self.child.lock();
        let stdin = child.stdin.take().context("standard input is no pipe")?;
        let stdout = child.stdout.take().context("standard output is no pipe")?;
        Ok((ChildStdin::from_std(stdin)?, ChildStdout::from_std(stdout)?))
    }

    /// The ends of the pipes for standard input, output and error.
    pub(crate) fn take_pipes(&self) -> Result<(ChildStdin, ChildStdout, ChildStderr)> {
        let (stdin, stdout) = self.take_stdio()?;
        let stderr = self.child.lock().stderr.take().context("standard error is no pipe")?;
        Ok((stdin, stdout, ChildStderr::from_std(stderr)?))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program that has the kernel kill a child when its parent dies.
pub(super) fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        ["/usr/bin/setpriv", "/bin/setpriv"].iter().map(PathBuf::from).find(|path| {
            // Busybox has a setpriv without this option.
            let tried = Command::new(path).args(["--pdeathsig", "KILL", "--", "true"]).output();
            tried.is_ok_and(|ran| ran.status.success())
        })
    };
    FOUND.get_or_init(find).as_deref()
}

type Spawn = (Command, Sender<io::Result<process::Child>>);

/// Spawns on a thread that lives as long as the process: the kernel sends the death signal when
/// the *thread* that spawned the child ends, and an async worker thread may end earlier.
fn spawn_on_lasting_thread(command: Command) -> io::Result<process::Child> {
    static SPAWNER: OnceLock<Sender<Spawn>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, receiver) = channel();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || spawn_all(&receiver))
            .expect("the test process can start one more thread");
        sender
    });
    let (answer, child) = channel();
    let gone = |_| io::Error::other("the spawner thread ended");
    spawner.send((command, answer)).map_err(|error| io::Error::other(error.to_string()))?;
    child.recv().map_err(gone)?
}

fn spawn_all(receiver: &Receiver<Spawn>) {
    while let Ok((mut command, answer)) = receiver.recv() {
        // Nobody waits for the answer only if the test thread is gone; dropping kills nothing then.
        let _ = answer.send(command.spawn());
    }
}
