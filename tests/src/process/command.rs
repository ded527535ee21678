//! What to run, and running it: as a service with its output in a file, once with its output
//! returned, or as a partner that the test talks with over pipes.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};

use super::child::Child;
use super::log::last_lines;

/// A program with its arguments, environment and working directory.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

/// What a one-shot command left.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output; bytes that aren't UTF-8 are replaced.
    pub stdout: String,
    /// Its standard error, likewise.
    pub stderr: String,
}

impl CommandSpec {
    /// A program, looked up in `PATH` if it has no slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Self { program, args: Vec::new(), env: Vec::new(), directory: None }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable on top of those of the test.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The arguments as they are now.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// The program that ends another one when its parent dies, if this system has it: `PROGRAM --pdeathsig KILL -- …`.
    pub fn setpriv() -> Option<&'static Path> {
        super::child::setpriv()
    }

    /// Runs the command to its end with `input` on its standard input. A command that takes longer
    /// than `deadline` is killed, and that is an error; an exit status other than 0 is not.
    pub async fn output(&self, input: &str, deadline: Duration) -> Result<Output> {
        let mut command = self.to_std();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = Child::spawn(command).with_context(|| format!("start {self}"))?;
        let (stdin, stdout, stderr) = child.take_pipes()?;
        let all = async {
            let (_, stdout, stderr) = tokio::join!(feed(stdin, input), read(stdout), read(stderr));
            Output { status: child.ended().await, stdout, stderr }
        };
        let ended = tokio::time::timeout(deadline, all).await;
        ended.with_context(|| format!("{self} did not end within {deadline:?}"))
    }

    /// Starts the command with both outputs going to `output`.
    pub(crate) fn spawn_into(&self, output: File) -> io::Result<Child> {
        let mut command = self.to_std();
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Child::spawn(command)
    }

    /// Starts the command to talk with over pipes; standard error goes to `errors`.
    pub(crate) fn spawn_piped(&self, errors: File) -> Result<(Child, ChildStdin, ChildStdout)> {
        let mut command = self.to_std();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let child = Child::spawn(command).with_context(|| format!("start {self}"))?;
        let (stdin, stdout) = child.take_stdio()?;
        Ok((child, stdin, stdout))
    }

    fn to_std(&self) -> Command {
        let mut command = match super::child::setpriv() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

impl std::fmt::Display for CommandSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        write!(f, "{}", name.display())?;
        self.args.last().map_or(Ok(()), |last| write!(f, " … {}", last.display()))
    }
}

impl Output {
    /// The standard output if the exit status is 0; else an error with the end of both outputs.
    pub fn success(&self) -> Result<&str> {
        let (out, err) = (last_lines(&self.stdout, 20), last_lines(&self.stderr, 20));
        ensure!(self.status.success(), "{}\n{out}\n{err}", self.status);
        Ok(&self.stdout)
    }
}

async fn feed(mut stdin: ChildStdin, input: &str) {
    // A command may end without reading all of its input: its exit status says what that means.
    let _ = stdin.write_all(input.as_bytes()).await;
}

async fn read(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // An error of a pipe ends it like its end does: what came before is what there is.
    let _ = pipe.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
