//! Arguments of the benches that measure a Java master in the same run.

use anyhow::{Context as _, Result, bail};

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    pub(crate) runs: usize,
    pub(crate) with_java: bool,
    pub(crate) with_hmaster: bool,
}

impl Arguments {
    /// None when cargo only wants to know whether the bench starts (`cargo test --benches`).
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
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
