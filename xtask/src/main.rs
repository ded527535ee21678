//! `cargo xtask check` runs all checks and prints every finding; `cargo xtask simulate` runs seeds of the simulation.

use std::process::ExitCode;

use anyhow::Result;
use xtask::simulate::Simulation;
use xtask::{layering, tidy, workspace_root};

const USAGE: &str = "usage: cargo xtask check
       cargo xtask simulate [--seeds N] [--from S] [--threads T] [--release]
       cargo xtask simulate --seed S [--release]";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let ended = match words.next().as_deref() {
        Some("check") => findings(),
        Some("simulate") => simulate(words),
        _ => {
            eprint_line(USAGE);
            return ExitCode::from(2);
        }
    };
    match ended {
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

/// The simulation says itself what it has found.
fn simulate(words: impl Iterator<Item = String>) -> Result<Vec<String>> {
    let status = Simulation::parse(words)?.command().status()?;
    Ok(if status.success() { Vec::new() } else { vec!["the simulation has failed".to_owned()] })
}

#[expect(clippy::print_stderr, reason = "a command-line tool")]
fn eprint_line(line: &str) {
    eprintln!("{line}");
}
