//! HBase's own JUnit tests with hmaster as their master. See [`hmaster_tests::suite`] for how, and `suite/cases.txt` for
//! which: every method listed there passes, and those marked ` ci` are run by the ordinary tests.

use std::env;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hmaster_tests::suite::{self, Cases, Class, MethodResult, Suite, Verdict};
use hmaster_tests::{MasterKind, require_peers};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn some_of_hbases_own_tests_pass() -> Result<()> {
    require_peers!();
    run(&MasterKind::hmaster().await?, Cases::of_ci()?).await
}

/// `HMASTER_SUITE='CLASS CLASS#METHOD+METHOD'` runs those instead, and with `HMASTER_SUITE_MASTER=java` the Java master
/// shows what is right.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour: CONTRIBUTING.md says how to run it"]
async fn all_listed_tests_of_hbase_pass() -> Result<()> {
    require_peers!();
    let master = match env::var("HMASTER_SUITE_MASTER").is_ok_and(|name| name == "java") {
        true => MasterKind::java(),
        false => MasterKind::hmaster().await?,
    };
    run(&master, env::var("HMASTER_SUITE").map_or_else(|_| Cases::listed(), |text| Cases::wanted(&text))?)
        .await
}

/// One class after the other: each has its own JVM, and the machine may be small.
async fn run(master: &MasterKind, cases: Cases) -> Result<()> {
    let suite = Suite::prepare(master).await?;
    let all = tempfile::Builder::new().prefix("hmaster-suite-").tempdir()?;
    let mut failures = Vec::new();
    for class in &cases.0 {
        let (begun, folder) = (Instant::now(), suite::folder_of(class, all.path()));
        match suite.run(class, &folder).await {
            Ok(results) => failures.extend(judge(class, &results, begun.elapsed())),
            Err(error) => failures.push(format!("{error:#}")),
        }
        let _ = fs::remove_dir_all(folder.join("data")); // a mini cluster leaves much
    }
    if failures.is_empty() {
        return all.close().context("remove the logs");
    }
    bail!("{} failed; logs are in {}:\n{}", failures.len(), all.keep().display(), failures.join("\n"))
}

/// What failed, or should have run and didn't.
fn judge(class: &Class, results: &[MethodResult], took: Duration) -> Vec<String> {
    let passed = results.iter().filter(|result| result.verdict == Verdict::Passed).count();
    report(&format!("{class}: {passed} passed, {} in all, {took:.0?}", results.len()));
    let failed = results.iter().filter(|result| result.verdict == Verdict::Failed);
    let mut failures: Vec<_> =
        failed.map(|result| format!("{class}#{}: {}", result.method, result.why)).collect();
    let did_run = |method: &str| results.iter().any(|result| result.method == method);
    let missing = class.methods.iter().filter(|method| !did_run(method) && failures.is_empty());
    let missing: Vec<_> = missing.map(|method| format!("{class}#{method}: did not run")).collect();
    failures.extend(missing);
    failures
}

#[expect(clippy::print_stderr, reason = "a test that says what it proved must say with what")]
fn report(line: &str) {
    eprintln!("{line}");
}
