//! Arguments of the benches that measure a Java master in the same run.

use anyhow::{Context as _, Result, bail};
use hmaster_tests::{MasterKind, peers};

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
struct Arguments {
    runs: usize,
    with_java: bool,
    with_hmaster: bool,
}

/// The masters to be measured, one after the other: in each run Java's, then hmaster. None when cargo only
/// wants to know whether the bench starts, or there is no Java, which is said.
pub(crate) async fn masters() -> Result<Option<Vec<MasterKind>>> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1))? else { return Ok(None) };
    if let Err(reason) = peers::toolchain() {
        eprintln!("skipped: {reason}");
        return Ok(None);
    }
    let mut run = Vec::new();
    if arguments.with_java {
        run.push(MasterKind::java());
    }
    if arguments.with_hmaster {
        run.push(MasterKind::hmaster().await?);
    }
    Ok(Some(vec![run; arguments.runs].concat()))
}

impl Arguments {
    /// None when cargo only wants to know whether the bench starts (`cargo test --benches`).
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut arguments = Self { runs: 1, with_java: true, with_hmaster: true };
        let mut is_bench = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => is_bench = true,
                "--runs" => {
                    is_bench = true;
                    let runs = words.next().context("--runs needs a number")?;
                    arguments.runs = runs.parse().with_context(|| format!("--runs {runs}"))?;
                }
                "--only" => match words.next().as_deref() {
                    Some("hmaster") => arguments.with_java = false,
                    Some("java") => arguments.with_hmaster = false,
                    other => bail!("--only {other:?}: hmaster or java"),
                },
                word => bail!("{word}: --runs N, --only hmaster|java"),
            }
        }
        Ok(is_bench.then_some(arguments))
    }
}
