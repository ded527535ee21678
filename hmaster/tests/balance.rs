//! `hmaster balance` on clusters that are made up: plans, what-ifs, reports, and bad input. No Java, no network.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::process::{Command, Output};

const MADE: &str = "regions=300,servers=6,tables=3,racks=3,shape=one-server";

fn balance(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hmaster"));
    command.arg("balance").args(arguments).output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = balance(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_seed_and_one_budget_are_one_plan() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str| {
        let (plan, page) = (folder.path().join(name), folder.path().join("page.html"));
        let paths = (plan.to_str().unwrap(), page.to_str().unwrap());
        let text = said(&[
            "--synthetic",
            MADE,
            "--candidates",
            "20000",
            "--plan-out",
            paths.0,
            "--report",
            paths.1,
            "--json",
        ]);
        assert!(text.contains("\"lower_bound_cost\"") && text.contains("\"moves\""), "{text}");
        assert!(fs::read_to_string(page).unwrap().contains("<svg"));
        fs::read_to_string(plan).unwrap()
    };
    let first = plan("a");
    assert_eq!(first, plan("b"));
    assert!(first.lines().count() >= 250, "all regions were on one server");
    let line = first.lines().next().unwrap();
    let (region, server) = line.split_once('\t').unwrap();
    assert!(region.bytes().all(|byte| byte.is_ascii_hexdigit()) && server.ends_with(",16020,1"), "{line}");
}

#[test]
fn a_lost_rack_is_left_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan");
    let out = plan.to_str().unwrap();
    said(&["--synthetic", MADE, "--candidates", "20000", "--lose-rack", "/r01", "--plan-out", out]);
    assert!(!fs::read_to_string(plan).unwrap().contains("-r01."));
    said(&[
        "--synthetic",
        MADE,
        "--candidates",
        "20000",
        "--add-servers",
        "2",
        "--weight",
        "read=3",
        "--walk",
    ]);
}

#[test]
fn what_is_wrong_is_named() {
    for (arguments, named) in [
        (&["--synthetic", "servers=0"][..], "servers=0"),
        (&["--status", "/nowhere/status"], "/nowhere/status"),
        (&["--synthetic", MADE, "--lose-rack", "/r77"], "/r77"),
        (&["--synthetic", MADE, "--drain", "x,1,1"], "x,1,1"),
        (&["--synthetic", MADE, "--weight", "read=NaN"], "read=NaN"),
        (&["--synthetic", MADE, "--weight", "red=1"], "red=1"),
        (&["--synthetic", MADE, "-D", "hbase.regions.slop=much"], "hbase.regions.slop=much"),
        (&["--synthetic", MADE, "--seconds", "0"], "--seconds 0"),
        (&["--from-cluster", "/nowhere"], "/nowhere"),
        (&[], "--status"),
    ] {
        let output = balance(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(named), "{arguments:?}: {error}");
    }
}

#[test]
fn a_truncated_status_is_an_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("status");
    fs::write(&file, [0x12, 0x7f, 0x0a]).unwrap();
    let output = balance(&["--status", file.to_str().unwrap()]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("ClusterStatus") && error.contains("byte"), "{error}");
}
