//! The unmodified hbase shell against Rust region servers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::maven::{SHELL_VERSION, jars};
use hmaster_tests::require_peers;

use crate::cluster::Standalone;

const HEAP_MB: u32 = 256;
const SCRIPT_DEADLINE: Duration = Duration::from_secs(300);
/// What comes before each reply. The shell repeats its commands: so this is not in them as such.
const MARK: &str = "=====next";
const PUT_MARK: &str = "puts ['=====', 'next'].join";

/// A command of the shell and what its output must hold, in this order.
type Line = (&'static str, &'static [&'static str]);

const LINES: &[Line] = &[
    ("status", &["1 active master, 0 backup masters, 3 servers, 0 dead"]),
    ("status 'simple'", &["3 live servers"]),
    ("status 'detailed'", &["0 regionsInTransition", "hbase:meta,,1"]),
    ("create_namespace 'n'", &[]),
    (
        "create 'n:t', {NAME => 'f', VERSIONS => 3}, {NAME => 'g'}, SPLITS => ['h', 'p']",
        &["Created table n:t"],
    ),
    ("list", &["n:t", "1 row(s)"]),
    ("describe 'n:t'", &["ENABLED", "VERSIONS => '3'", "NAME => 'g'"]),
    ("put 'n:t', 'a', 'f:q', 'old', 100", &[]),
    ("put 'n:t', 'a', 'f:q', 'new', 200", &[]),
    ("put 'n:t', 'a', 'g:x', 'other', 300", &[]),
    ("put 'n:t', 'k', 'f:q', 'two', 200", &[]),
    ("put 'n:t', 'z', 'f:q', 'three', 200", &[]),
    ("put 'n:t', 'z1', 'f:r', 'four', 200", &[]),
    ("get 'n:t', 'a'", &["value=new", "value=other", "1 row(s)"]),
    ("get 'n:t', 'a', {COLUMN => 'f:q', VERSIONS => 3}", &["value=new", "value=old"]),
    ("get 'n:t', 'a', {COLUMN => 'f:q', TIMERANGE => [0, 150]}", &["value=old"]),
    ("get 'n:t', 'a', {FILTER => \"ValueFilter(=, 'binary:other')\"}", &["g:x", "1 row(s)"]),
    ("scan 'n:t'", &["value=new", "value=two", "value=three", "value=four", "4 row(s)"]),
    ("scan 'n:t', {LIMIT => 2}", &["value=new", "value=two", "2 row(s)"]),
    ("scan 'n:t', {STARTROW => 'b', STOPROW => 'z1'}", &["value=two", "value=three", "2 row(s)"]),
    ("scan 'n:t', {REVERSED => true}", &["value=four", "value=three", "value=two", "value=new", "4 row(s)"]),
    (
        "scan 'n:t', {REVERSED => true, STARTROW => 'z', LIMIT => 2}",
        &["value=three", "value=two", "2 row(s)"],
    ),
    ("scan 'n:t', {FILTER => \"PrefixFilter('z')\"}", &["value=three", "value=four", "2 row(s)"]),
    ("scan 'n:t', {FILTER => \"ColumnPrefixFilter('r')\"}", &["value=four", "1 row(s)"]),
    ("scan 'n:t', {FILTER => \"ValueFilter(=, 'substring:wo')\"}", &["value=two", "1 row(s)"]),
    (
        "scan 'n:t', {FILTER => \"SingleColumnValueFilter('f', 'q', =, 'binary:two', true, true)\"}",
        &["value=two", "1 row(s)"],
    ),
    ("scan 'n:t', {STARTROW => 'p', FILTER => \"PageFilter(1)\"}", &["value=three", "1 row(s)"]),
    ("scan 'n:t', {FILTER => \"FirstKeyOnlyFilter()\"}", &["value=new", "4 row(s)"]),
    ("scan 'n:t', {FILTER => \"KeyOnlyFilter()\"}", &["value=\n", "4 row(s)"]),
    (
        "scan 'n:t', {FILTER => \"RowFilter(=, 'regexstring:^[ak]')\"}",
        &["value=new", "value=two", "2 row(s)"],
    ),
    (
        "scan 'n:t', {ALL_METRICS => true, FILTER => \"RowFilter(=, 'binary:k')\"}",
        &["1 row(s)", "ROWS_FILTERED 3", "ROWS_SCANNED 4"],
    ),
    ("count 'n:t', INTERVAL => 2, CACHE => 1", &["Current count: 2", "=> 4"]),
    ("delete 'n:t', 'a', 'g:x', 300", &[]),
    ("deleteall 'n:t', 'k'", &[]),
    ("count 'n:t'", &["=> 3"]),
    ("incr 'n:t', 'c', 'f:n', 5", &["COUNTER VALUE = 5"]),
    ("get_counter 'n:t', 'c', 'f:n'", &["COUNTER VALUE = 5"]),
    ("append 'n:t', 'c', 'f:a', 'ab'", &["CURRENT VALUE = ab"]),
    ("append 'n:t', 'c', 'f:a', 'cd'", &["CURRENT VALUE = abcd"]),
    ("list_regions 'n:t'", &["3 rows"]),
    ("locate_region 'n:t', 'k'", &["STARTKEY => 'h'"]),
    ("balance_switch false", &["true"]),
    ("balance_switch true", &["false"]),
    ("list_procedures", &["CreateTableProcedure", "SUCCESS"]),
    ("alter 'n:t', {NAME => 'h', TTL => 100}", &["Done."]),
    ("alter 'n:t', 'delete' => 'h'", &["Done."]),
    ("major_compact 'n:t'", &[]),
    ("compaction_state 'n:t'", &[]),
    ("compaction_switch true", &["true"]),
    ("split 'n:t', 'x'", &[]),
    ("count 'n:t'", &["=> 4"]),
    ("create 'r', 'f', {REGION_REPLICATION => 2}", &["Created table r"]),
    ("put 'r', 'a', 'f:q', '1'", &[]),
    ("flush 'r' rescue puts 'by the master'", &[]),
    ("get 'r', 'a', {CONSISTENCY => 'STRONG'}", &["value=1"]),
    ("disable 'r'; drop 'r'", &[]),
    ("truncate 'n:t'", &["Truncating table"]),
    ("count 'n:t'", &["=> 0"]),
    ("disable 'n:t'", &[]),
    ("is_enabled 'n:t'", &["false"]),
    ("enable 'n:t'", &[]),
    ("exists 'n:t'", &["does exist"]),
    ("disable 'n:t'", &[]),
    ("drop 'n:t'", &[]),
    ("drop_namespace 'n'", &[]),
];

#[tokio::test]
async fn the_unmodified_shell() -> Result<()> {
    require_peers!();
    let cluster = Standalone::start(&[]).await?;
    let shell = Jvm::new(HEAP_MB).folder(cluster.conf_dir()).jars(jars("hbase-shell", SHELL_VERSION).await?);
    let command = shell.command("org.jruby.Main")?;
    let command = command.args(["-X+O", "uri:classloader:/jar-bootstrap.rb", "-n"]);
    let home = cluster.folder();
    let mut script = String::new();
    for (command, _) in LINES {
        script.push_str(&format!("{PUT_MARK}\n{command}\n"));
    }
    let output = command.env("HOME", home).directory(home).output(&script, SCRIPT_DEADLINE).await?;
    // What the last command printed before the shell ended says more than its status.
    let mut replies = output.stdout.split(MARK).skip(1);
    for (command, expected) in LINES {
        let reply =
            replies.next().with_context(|| format!("nothing came of {command}:\n{}", output.stderr))?;
        let mut rest = reply;
        for text in *expected {
            let at = rest
                .find(text)
                .with_context(|| format!("{command}: no {text:?} in\n{reply}\n{}", output.stderr))?;
            rest = &rest[at + text.len()..];
        }
    }
    ensure!(output.status.success(), "{}\n{}\n{}", output.status, output.stdout, output.stderr);
    cluster.interrupt().await
}
