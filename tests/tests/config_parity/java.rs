//! Asks a JVM what it makes of configuration folders; see `PrintConfiguration.java`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac};

use crate::VARIABLES;

const PROGRAM: &str = include_str!("../../java/PrintConfiguration.java");
const DEADLINE: Duration = Duration::from_secs(300);

/// A value, or why there is none.
pub(crate) type Value = Result<String, String>;

/// All that Java said.
#[derive(Debug, Default)]
pub(crate) struct Java {
    /// System properties.
    pub(crate) properties: Vec<(String, String)>,
    /// Deprecated names with their successors.
    pub(crate) deprecated: Vec<(String, String)>,
    /// One per folder.
    pub(crate) answers: Vec<Answer>,
}

/// What Java said to one folder.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Why it couldn't be read, or led to no cluster.
    pub(crate) failed: Option<String>,
    /// Keys whose value isn't that of the first folder.
    pub(crate) values: BTreeMap<String, Value>,
    /// Key and getter, with the result.
    pub(crate) typed: BTreeMap<(String, String), Value>,
    /// Root directory, WAL root directory, fs.defaultFS for region servers, connect string.
    pub(crate) cluster: Option<Vec<String>>,
}

/// Runs the program over `folders`, each with its arguments.
pub(crate) async fn ask<'a>(folders: impl IntoIterator<Item = (&'a Path, &'a Vec<String>)>) -> Result<Java> {
    let version = HBaseVersion::V2_6;
    let classes = javac::classes(&[("PrintConfiguration.java", PROGRAM)], version).await?;
    let jvm = Jvm::new(512).folder(classes).jars(version.server_jars().await?);
    let command =
        VARIABLES.iter().fold(jvm.command("PrintConfiguration")?, |command, (k, v)| command.env(k, v));
    let line = |(folder, arguments): (&Path, &Vec<String>)| {
        let arguments: String = arguments.iter().map(|argument| format!("\t{argument}")).collect();
        format!("{}{arguments}\n", folder.display())
    };
    let input: String = folders.into_iter().map(line).collect();
    let output = command.output(&input, DEADLINE).await?;
    ensure!(output.status.success(), "{}\n{}", output.status, output.stderr);
    parse(&output.stdout)
}

fn parse(text: &str) -> Result<Java> {
    let mut java = Java::default();
    let mut lines = text.lines();
    for line in lines.by_ref().take_while(|line| *line != ".") {
        match fields(line).as_slice() {
            [tag, name, value] if tag == "P" => java.properties.push((name.clone(), value.clone())),
            // Java's own dump has a third, empty field.
            [old, new, _] | [old, new] => java.deprecated.push((old.clone(), new.clone())),
            _ => bail!("not understood: {line:?}"),
        }
    }
    let mut answer = Answer::default();
    for line in lines {
        if line == "." {
            java.answers.push(std::mem::take(&mut answer));
        } else {
            answer.add(&fields(line)).with_context(|| format!("not understood: {line:?}"))?;
        }
    }
    Ok(java)
}

impl Answer {
    fn add(&mut self, fields: &[String]) -> Option<()> {
        let (tag, rest) = fields.split_first()?;
        match (tag.as_str(), rest) {
            ("V", [key, value]) => drop(self.values.insert(key.clone(), Ok(value.clone()))),
            ("E", [key, reason]) => drop(self.values.insert(key.clone(), Err(reason.clone()))),
            ("T", [key, getter, result]) => {
                let result = match result.split_at_checked(1)? {
                    ("=", value) => Ok(value.to_owned()),
                    (_, error) => Err(error.to_owned()),
                };
                self.typed.insert((key.clone(), getter.clone()), result);
            }
            ("C", [_, _, _, _]) => self.cluster = Some(rest.to_vec()),
            ("X", [reason]) => self.failed = Some(reason.clone()),
            _ => return None,
        }
        Some(())
    }
}

fn fields(line: &str) -> Vec<String> {
    line.split('\t').map(unescape).collect()
}

fn unescape(field: &str) -> String {
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => out.push(match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                _ => '\\',
            }),
            (c, false) => out.push(c),
        }
    }
    out
}
