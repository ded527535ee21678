//! The real hbase shell, without a terminal: a script at once, or a session that stays.

mod session;

use std::path::Path;

use anyhow::Result;

use crate::jvm::Jvm;
use crate::process::CommandSpec;

pub use session::{Reply, ShellSession};

/// `hbase shell -n`: the shell's start file lies in its jar, where JRuby can load it from.
pub(crate) fn command(jvm: &Jvm, home: &Path) -> Result<CommandSpec> {
    let command = jvm.command("org.jruby.Main")?;
    let command = command.args(["-X+O", "uri:classloader:/jar-bootstrap.rb", "-n"]);
    // HOME: IRB would read the user's own .irbrc.
    Ok(command.env("HOME", home).directory(home))
}
