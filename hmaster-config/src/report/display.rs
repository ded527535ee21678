//! The report as text for a terminal.

use std::fmt;

use super::{Effective, KeyUse, OtherKey, Report};
use crate::problem::Severity;

/// A longer value is cut: the report is for reading.
const VALUE_CHARS_MAX: usize = 120;

impl fmt::Display for Report {
    /// Problems last, where they are seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        files(self, f)?;
        let (set, default): (Vec<_>, Vec<_>) = self.effective.iter().partition(|line| !line.is_default());
        section(f, "Options that are set", &set, |f, line| option(f, line, true))?;
        section(f, "Options at their defaults", &default, |f, line| option(f, line, false))?;

        let others = |wanted: fn(&KeyUse) -> bool| {
            self.others.iter().filter(|o| wanted(&o.key_use)).collect::<Vec<_>>()
        };
        let passed_on = others(|u| matches!(u, KeyUse::PassedOn { .. }));
        section(f, "Keys that are passed on", &passed_on, |f, o| other(f, o))?;
        let left_alone = others(|u| matches!(u, KeyUse::LeftAlone));
        section(
            f,
            "Keys that are left alone (of clients, region servers, other programs)",
            &left_alone,
            |f, o| other(f, o),
        )?;
        let unsupported = others(|u| matches!(u, KeyUse::Unsupported { .. }));
        section(f, "Keys that hmaster doesn't honour yet", &unsupported, |f, o| other(f, o))?;
        let unknown = others(|u| matches!(u, KeyUse::Unknown { .. }));
        section(f, "Keys that nobody knows", &unknown, |f, o| other(f, o))?;

        problems(self, f)
    }
}

fn files(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if report.files.is_empty() {
        return writeln!(f, "No configuration file was found; defaults and -D alone are in force.");
    }
    writeln!(f, "Files, in reading order:")?;
    report.files.iter().try_for_each(|file| writeln!(f, "  {}", file.display()))
}

fn section<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: &[T],
    line: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}:")?;
    lines.iter().try_for_each(|item| line(f, item))
}

fn option(f: &mut fmt::Formatter<'_>, line: &Effective, with_origin: bool) -> fmt::Result {
    write!(f, "  {}", line.key)?;
    match &line.value {
        Some(value) => write!(f, " = {}", cut(value))?,
        None => write!(f, " isn't set")?,
    }
    if with_origin { writeln!(f, "    ({})", line.origin) } else { writeln!(f) }
}

fn other(f: &mut fmt::Formatter<'_>, line: &OtherKey) -> fmt::Result {
    write!(f, "  {} = {}    ({}", line.key, cut(&line.value), line.origin)?;
    match line.key_use {
        KeyUse::Unknown { similar: Some(similar) } => write!(f, "; is {similar} meant?")?,
        KeyUse::Unsupported { why } => write!(f, "; {why}")?,
        KeyUse::PassedOn { to } => write!(f, "; to {to}")?,
        KeyUse::Unknown { similar: None } | KeyUse::LeftAlone => {}
    }
    writeln!(f, ")")
}

fn problems(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    section(f, "Problems", &report.problems, |f, problem| writeln!(f, "  {problem}"))?;
    let errors = report.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = report.problems.len() - errors;
    let verdict = if report.is_usable() { "usable" } else { "not usable" };
    write!(f, "\nThe configuration is {verdict}: {errors} errors, {warnings} warnings.")
}

/// A value on one line.
fn cut(value: &str) -> String {
    let line: String = value.chars().take(VALUE_CHARS_MAX).collect::<String>().escape_debug().collect();
    // Quotes needn't be escaped where none stand around.
    let line = line.replace("\\\"", "\"").replace("\\'", "'");
    if value.chars().count() > VALUE_CHARS_MAX { format!("{line}…") } else { line }
}
