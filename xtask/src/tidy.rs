//! How source files look: each opens with its job, stays short enough to read in one go, and names no place or tool
//! of somebody's machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A file longer than this has a seam to be split along.
const FILE_LINES_MAX: usize = 700;

/// What never stands in a committed file, with the reason. Written in two parts so that this file passes.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("/wo", "rk/", "a path of somebody's machine"),
    ("/ro", "ot/", "a path of somebody's machine"),
    ("todo", "!(", "unfinished"),
    ("unimplemented", "!(", "unfinished"),
];

/// Every file that isn't tidy.
///
/// # Errors
/// When a file can't be read.
pub fn findings(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        findings.extend(check(&name, &text));
    }
    Ok(findings)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir()
            && !name.starts_with('.')
            && name != "target"
            && name != "hmaster-data"
            && name != "corpus"
        {
            collect(&path, files)?;
        } else if [".rs", ".proto", ".java", ".md", ".toml", ".html"].iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// What is wrong with one file.
pub fn check(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if name.ends_with(".rs") {
        let opening = text.lines().find(|line| !line.starts_with("#!"));
        if !opening.is_some_and(|line| line.starts_with("//!")) {
            findings.push(format!("{name}: open the file with its job (//!)"));
        }
        if name.ends_with("/mod.rs") {
            findings.push(format!("{name}: foo.rs stands beside foo/"));
        }
        if lines > FILE_LINES_MAX {
            findings.push(format!("{name}: {lines} lines; split it along a seam (at most {FILE_LINES_MAX})"));
        }
    }
    for (start, end, reason) in FORBIDDEN {
        let word = format!("{start}{end}");
        if text.contains(&word) {
            findings.push(format!("{name}: {word:?} is {reason}"));
        }
    }
    findings
}
