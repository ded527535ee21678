//! `cargo xtask check`: runs all checks and prints every finding.

use std::process::ExitCode;

use anyhow::Result;
use xtask::{layering, tidy, workspace_root};

fn main() -> ExitCode {
    let check = std::env::args().nth(1).as_deref() == Some("check");
    if !check {
        eprint_line("usage: cargo xtask check");
        return ExitCode::from(2);
    }
    match findings() {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| eprint_line(finding));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprint_line(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn findings() -> Result<Vec<String>> {
    let mut findings = layering::findings(&layering::dependencies(&workspace_root())?);
    findings.extend(tidy::findings(&workspace_root())?);
    Ok(findings)
}

#[expect(clippy::print_stderr, reason = "a command-line tool")]
fn eprint_line(line: &str) {
    eprintln!("{line}");
}
