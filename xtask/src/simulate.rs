//! `cargo xtask simulate`: runs the simulation of hmaster-core over as many seeds as wished, or one seed again.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// What is to be run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Each option's environment variable with its value, as the tests read them.
    pub variables: Vec<(&'static str, u64)>,
    /// Optimized.
    pub release: bool,
}

impl Simulation {
    /// From the words after `simulate`: `--seeds N`, `--from S`, `--threads T`, `--seed S`, `--release`.
    ///
    /// # Errors
    /// For an option that isn't known, or without a number.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut simulation = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let variable = match word.as_str() {
                "--seeds" => "HMASTER_SEEDS",
                "--from" => "HMASTER_FROM",
                "--threads" => "HMASTER_THREADS",
                "--seed" => "HMASTER_SEED",
                "--release" => {
                    simulation.release = true;
                    continue;
                }
                other => bail!("simulate doesn't know {other}"),
            };
            let value = words.next().with_context(|| format!("{word} without a number"))?;
            let value = value.parse().with_context(|| format!("{word} {value}"))?;
            simulation.variables.push((variable, value));
        }
        Ok(simulation)
    }

    /// True when one seed is to be run again.
    fn is_replay(&self) -> bool {
        self.variables.iter().any(|(variable, _)| *variable == "HMASTER_SEED")
    }

    /// The command that does it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--package", "hmaster-core", "--test", "simulation"]);
        if self.release {
            command.arg("--release");
        }
        let test = if self.is_replay() { "replay" } else { "nothing_is_lost_whatever_goes_wrong" };
        command.args(["--", "--exact", "--nocapture", test]);
        command.envs(self.variables.iter().map(|(variable, value)| (variable, value.to_string())));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Simulation> {
        Simulation::parse(words.split_whitespace().map(String::from))
    }

    #[test]
    fn options_become_variables() {
        let simulation = parse("--seeds 10 --from 7 --release").unwrap();
        assert_eq!(simulation.variables, [("HMASTER_SEEDS", 10), ("HMASTER_FROM", 7)]);
        assert!(simulation.release && !simulation.is_replay());
        assert!(parse("--seed 3").unwrap().is_replay());
        for wrong in ["--seeds", "--seeds many", "--sneeds 1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
