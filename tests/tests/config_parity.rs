//! hmaster-config and Java read configuration files alike: for a corpus of hand-written and random folders, every key has
//! the same value (or the same failure), each typed getter gives the same result, and the root directories and the
//! connect string that follow are the same. Also: the tables of defaults and of deprecated names are Java's.

#[path = "config_parity/corpus.rs"]
mod corpus;
#[path = "config_parity/java.rs"]
mod java;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use corpus::Case;
use hmaster_config::kind::{Double, Flag, Float, Int, Kind, List, Long, Size, TimeSpan};
use hmaster_config::{Configuration, Environment, Override, RawConfig, deprecated_names};
use hmaster_tests::require_peers;
use java::{Answer, Value};

/// Environment variables of the JVM, and of our side.
const VARIABLES: [(&str, &str); 2] = [("PARITY_SET", "from env"), ("PARITY_EMPTY", "")];

#[tokio::test]
async fn java_agrees_on_every_folder() -> Result<()> {
    require_peers!();
    let dir = tempfile::tempdir()?;
    let cases = corpus::cases();
    let folders =
        cases.iter().enumerate().map(|(number, case)| case.write(&dir.path().join(number.to_string())));
    let folders = folders.collect::<Result<Vec<_>>>()?;
    let java =
        java::ask(folders.iter().zip(&cases).map(|(folder, case)| (folder.as_path(), &case.arguments)))
            .await?;
    ensure!(java.answers.len() == cases.len(), "{} answers to {} cases", java.answers.len(), cases.len());

    let environment = Environment::new(java.properties.clone(), VARIABLES.map(|(k, v)| (k.into(), v.into())));
    let base = values(&load(&folders[0], &cases[0], &environment)?);
    let mut differences = Vec::new();
    for ((case, folder), answer) in cases.iter().zip(&folders).zip(&java.answers) {
        let base = (folder != &folders[0]).then_some(&base);
        let found = match case.is_cluster {
            true => compare_cluster(case, folder, answer, &environment).into_iter().collect(),
            false => compare(case, folder, answer, &environment, base),
        };
        differences.extend(found.iter().map(|text| format!("{text}\n{case}")));
    }
    let shown = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    ensure!(differences.is_empty(), "{} differences:\n{shown}", differences.len());
    check_weight(&java.answers)
}

/// A corpus in which nothing happens would prove nothing.
fn check_weight(answers: &[Answer]) -> Result<()> {
    let count = |wanted: fn(&Answer) -> usize| answers.iter().map(wanted).sum::<usize>();
    ensure!(answers[0].values.len() > 1_000, "{} defaults", answers[0].values.len());
    ensure!(count(|answer| usize::from(answer.failed.is_some())) > 5, "few files that Java refuses");
    ensure!(
        count(|answer| answer.values.values().filter(|value| value.is_err()).count()) > 5,
        "few failing values"
    );
    ensure!(count(|answer| answer.typed.len()) > 500, "few typed values");
    ensure!(count(|answer| usize::from(answer.cluster.is_some())) > 8, "few clusters");
    Ok(())
}

#[tokio::test]
async fn java_has_the_same_deprecated_names_and_properties() -> Result<()> {
    require_peers!();
    let java = java::ask([]).await?;
    // The two late ones are registered by classes that the program doesn't load.
    let late = ["hbase.client.pause.cqtbe", "hbase.master.mob.ttl.cleaner.period"];
    let ours: BTreeMap<_, _> = deprecated_names().filter(|(old, _)| !late.contains(old)).collect();
    let theirs: BTreeMap<_, _> =
        java.deprecated.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
    ensure!(ours == theirs, "{ours:?}\n{theirs:?}");
    let environment = Environment::of_process();
    for (name, value) in &java.properties {
        ensure!(
            environment.property(name) == Some(value),
            "{name}: {:?}, Java {value:?}",
            environment.property(name)
        );
    }
    Ok(())
}

fn load(folder: &Path, case: &Case, environment: &Environment) -> Result<RawConfig> {
    let overrides = case.overrides().map(str::parse::<Override>).collect::<Result<Vec<_>, _>>()?;
    Ok(RawConfig::load(Some(folder), &overrides, environment.clone())?)
}

/// Every key with its substituted value.
fn values(raw: &RawConfig) -> BTreeMap<String, Value> {
    raw.iter().map(|(key, _)| (key.to_owned(), value(raw, key))).collect()
}

fn value(raw: &RawConfig, key: &str) -> Value {
    raw.get(key).map_err(|error| error.to_string()).map(Option::unwrap_or_default)
}

/// What differs between ours and Java's `answer`; of keys that are as in `base` Java says nothing.
fn compare(
    case: &Case,
    folder: &Path,
    answer: &Answer,
    environment: &Environment,
    base: Option<&BTreeMap<String, Value>>,
) -> Vec<String> {
    let raw = match (load(folder, case, environment), &answer.failed) {
        (Ok(raw), None) => raw,
        (Err(_), Some(_)) => return vec![],
        (Err(ours), None) => return vec![format!("we refuse: {ours:#}")],
        (Ok(_), Some(theirs)) => return vec![format!("Java refuses: {theirs}")],
    };
    let mut ours = values(&raw);
    ours.retain(|key, value| base.is_none_or(|base| !same(base.get(key), Some(value))));
    let mut theirs = answer.values.clone();
    for key in corpus::JAVA_ONLY {
        theirs.remove(*key);
    }
    // Java keeps a deprecated name that was set on the command line beside the new one.
    theirs.retain(|key, _| hmaster_config::current_name(key) == key);
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let differs = |key: &&&String| !same(ours.get(key.as_str()), theirs.get(key.as_str()));
    let mut found: Vec<_> = keys
        .iter()
        .filter(differs)
        .map(|key| format!("{key}: ours {:?}, Java {:?}", ours.get(*key), theirs.get(*key)))
        .collect();
    found.extend(answer.typed.iter().filter_map(|((key, getter), java)| typed(&raw, key, getter, java)));
    found
}

/// Equal values, or two failures.
fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Err(_)), Some(Err(_))) => true,
        (a, b) => a == b,
    }
}

/// Where a getter and the kind of its name differ.
fn typed(raw: &RawConfig, key: &str, getter: &str, java: &Result<String, String>) -> Option<String> {
    let text = raw.get(key).ok()??;
    let number = java.as_ref().ok().and_then(|result| result.parse::<i64>().ok());
    let (ours, theirs) = match getter {
        "Int" => (shown::<Int>(&text), java.clone().ok()),
        "Long" => (shown::<Long>(&text), java.clone().ok()),
        "List" => (List::parse(&text).map(|parts| parts.join("|")), java.clone().ok()),
        // Ours refuse what isn't a number, and what is negative.
        "Float" => {
            let theirs = number.map(|bits| f32::from_bits(bits as u32)).filter(|number| !number.is_nan());
            (shown::<Float>(&text), theirs.map(|number| format!("{number:?}")))
        }
        "Double" => {
            let theirs = number.map(|bits| f64::from_bits(bits as u64)).filter(|number| !number.is_nan());
            (shown::<Double>(&text), theirs.map(|number| format!("{number:?}")))
        }
        "Size" => {
            (shown::<Size>(&text), number.filter(|number| *number >= 0).map(|number| number.to_string()))
        }
        "TimeSpan" => {
            let ours = TimeSpan::parse(&text).map(|span| span.as_millis().to_string());
            (ours, number.filter(|number| *number >= 0).map(|number| number.to_string()))
        }
        "Flag" => {
            let ours = |default| Flag::parse(&text).unwrap_or(default);
            (Some(format!("{} {}", ours(true), ours(false))), java.clone().ok())
        }
        _ => (None, Some("no such getter".to_owned())),
    };
    (ours != theirs).then(|| format!("{key} = {text:?} as {getter}: ours {ours:?}, Java {java:?}"))
}

fn shown<K: Kind>(text: &str) -> Option<String> {
    K::parse(text).map(|value| format!("{value:?}"))
}

/// Where the directories or the connect string differ.
fn compare_cluster(case: &Case, folder: &Path, answer: &Answer, environment: &Environment) -> Option<String> {
    let ours = load(folder, case, environment).and_then(|raw| {
        let configuration = Configuration::new(raw)?;
        let cluster = configuration.cluster();
        let (root, wal) = (cluster.root.to_string(), cluster.wal_root.to_string());
        Ok(vec![root, wal, cluster.default_fs(), cluster.connect_string()])
    });
    match (&ours, &answer.cluster, &answer.failed) {
        (Ok(ours), Some(java), None) if ours == java => None,
        (Err(_), None, Some(_)) => None,
        (ours, java, failed) => Some(format!("ours {ours:?}, Java {java:?} {failed:?}")),
    }
}

#[tokio::test]
async fn java_reads_what_we_write() -> Result<()> {
    require_peers!();
    let pairs = corpus::PAIRS_TO_WRITE;
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("hbase-site.xml"), hmaster_config::site_xml(pairs.iter().copied())?)?;
    let empty = tempfile::tempdir()?;
    let none = vec![];
    let java = java::ask([(empty.path(), &none), (dir.path(), &none)]).await?;
    let read = java.answers.get(1).context("an answer")?;
    for (key, value) in pairs {
        ensure!(
            read.values.get(*key) == Some(&Ok((*value).to_owned())),
            "{key}: {:?}",
            read.values.get(*key)
        );
    }
    Ok(())
}
