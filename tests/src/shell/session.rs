//! A shell that stays: commands go in, one reply each comes out.
//!
//! The process runs `session.rb` inside the shell: it evaluates what it reads where the commands
//! of the shell are methods, and marks the end of each reply. Variables live on from one command
//! to the next.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::jvm::Jvm;
use crate::process::{Child, Log};

/// How long one command may take; a start of JRuby on a busy machine counts as one too.
const COMMAND_DEADLINE: Duration = Duration::from_secs(300);

/// What begins the line after a reply, see `session.rb`.
const MARK: &str = "\u{1e}hmaster ";

/// A running hbase shell. Dropping it ends it.
#[derive(Debug)]
pub struct ShellSession {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    log: Log,
}

/// What one command printed.
#[derive(Clone, Debug)]
pub struct Reply {
    /// All that was printed; a last line `=> value` if the command returned one, and
    /// `ERROR: message` if it failed.
    pub text: String,
    /// Whether it failed.
    pub failed: bool,
}

impl ShellSession {
    pub(crate) async fn start(jvm: &Jvm, home: &Path, log: PathBuf) -> Result<Self> {
        let log = Log::new(log);
        let errors = log.begin()?;
        let script = log.path().with_extension("rb");
        fs::write(&script, include_str!("session.rb"))
            .with_context(|| format!("write {}", script.display()))?;
        let command = super::command(jvm, home)?.arg(&script);
        let (child, input, output) = command.spawn_piped(errors)?;
        let mut session = Self { child, input, output: BufReader::new(output).lines(), log };
        session.reply().await.context("start the hbase shell")?;
        Ok(session)
    }

    /// Runs Ruby code in which the shell's commands are methods, e.g. `create 't', 'f'`, and
    /// returns what it printed. An error if the command failed.
    pub async fn run(&mut self, command: &str) -> Result<String> {
        let reply = self.try_run(command).await?;
        ensure!(!reply.failed, "shell: {command}\n{}", reply.text);
        Ok(reply.text)
    }

    /// As [`run`](Self::run), but a command that fails is no error: its reply says so.
    pub async fn try_run(&mut self, command: &str) -> Result<Reply> {
        // In hex, so that a command of many lines is one line.
        let mut line: String = command.bytes().map(|byte| format!("{byte:02x}")).collect();
        line.push('\n');
        self.input.write_all(line.as_bytes()).await.with_context(|| format!("shell: {command}"))?;
        self.reply().await.with_context(|| format!("shell: {command}"))
    }

    async fn reply(&mut self) -> Result<Reply> {
        match timeout(COMMAND_DEADLINE, self.read_reply()).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(error.context(self.log.tail(20))),
            Err(_) => {
                self.child.kill(); // a late reply would pass for that of the next command
                bail!("no reply within {COMMAND_DEADLINE:?}\n{}", self.log.tail(20))
            }
        }
    }

    async fn read_reply(&mut self) -> Result<Reply> {
        let mut text = String::new();
        loop {
            let line = self.output.next_line().await.context("read from the shell")?;
            let Some(line) = line else {
                bail!("the shell ended ({:?}) after printing\n{text}", self.child.poll());
            };
            if let Some(outcome) = line.strip_prefix(MARK) {
                return Ok(Reply { text: text.trim_end().to_owned(), failed: outcome != "ok" });
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
}
