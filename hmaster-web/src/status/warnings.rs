//! What an operator should know at first glance. Counterpart of the red boxes of `MasterStatusTmpl`.

use std::collections::BTreeSet;

use hmaster_core::environment::MasterEnv;
use hmaster_core::switches::Switch;

use super::format::{count, duration};
use super::regions::{RitStatistics, on_lost_servers};
use crate::server::Sources;

/// A region server that hasn't reported for so long is mentioned; they report every three seconds.
const SILENCE_MS: u64 = 30_000;

/// The switches that are usually on, with what their being off means.
const SWITCHES: [(Switch, &str); 6] = [
    (Switch::Balancer, "The balancer is off: regions stay where they are (balance_switch true turns it on)."),
    (Switch::Split, "Splits are off (splitormerge_switch 'SPLIT', true turns them on)."),
    (Switch::Merge, "Merges are off (splitormerge_switch 'MERGE', true turns them on)."),
    (Switch::CatalogJanitor, "The catalog janitor is off: split parents stay (catalogjanitor_switch true)."),
    (Switch::Cleaner, "The cleaner is off: archived files and old WALs stay (cleaner_chore_switch true)."),
    (Switch::PeerModification, "Replication peers can't be changed (peer_modification_switch true)."),
];

/// All that is worth a warning.
pub(crate) fn warnings(sources: &Sources, env: &MasterEnv) -> Vec<String> {
    let mut found = Vec::new();
    let is_initialized = env.conditions.is_initialized();
    if !is_initialized {
        let stage = env.progress.stages().last().map_or("begin", |stage| stage.name);
        found.push(format!("The master is starting and doesn't serve clients yet. It is at: {stage}."));
    }
    let off = SWITCHES.iter().filter(|(switch, _)| !env.switches.is_on(*switch));
    found.extend(off.map(|(_, message)| (*message).to_owned()));
    found.extend(about_servers(env));
    found.extend(about_regions(env));
    found.extend(sources.config.warnings().iter().map(|problem| format!("Configuration: {problem}")));
    found
}

fn about_servers(env: &MasterEnv) -> Vec<String> {
    let mut found = Vec::new();
    let online = env.servers.online();
    if online.is_empty() {
        found.push("No region server is online.".to_owned());
    }
    if env.servers.is_going_down() {
        found.push("The cluster is shutting down.".to_owned());
    }
    let recovering = env.servers.dead().iter().filter(|(_, dead)| dead.is_recovering).count();
    if recovering > 0 {
        found.push(format!("{} dead region servers are being recovered.", count(recovering as u64)));
    }
    let versions: BTreeSet<_> =
        online.iter().map(|(_, online)| &*online.version.text).filter(|text| !text.is_empty()).collect();
    if versions.len() > 1 {
        let versions: Vec<_> = versions.into_iter().take(5).collect();
        found.push(format!("Region servers run different versions: {}.", versions.join(", ")));
    }
    let now_ms = env.clock.now_ms();
    let silent = |at: &u64| *at > 0 && now_ms.saturating_sub(*at) > SILENCE_MS;
    let silent = online.iter().filter(|(_, online)| silent(&online.last_report_ms)).count();
    if silent > 0 {
        let since = duration(SILENCE_MS);
        found
            .push(format!("{} region servers haven't reported for more than {since}.", count(silent as u64)));
    }
    let last_words = env.fatal_errors.all().len();
    if last_words > 0 {
        found.push(format!("Region servers reported {last_words} fatal errors; the dump has them."));
    }
    found
}

fn about_regions(env: &MasterEnv) -> Vec<String> {
    let mut found = Vec::new();
    let rits = RitStatistics::of(env);
    if rits.over_threshold > 0 {
        let threshold = duration(env.options.assignment.rit_stuck.as_millis() as u64);
        let stuck = count(rits.over_threshold);
        found.push(format!("{stuck} regions have been in transition for more than {threshold}."));
    }
    let lost = on_lost_servers(env);
    if lost.on_unknown > 0 {
        let regions = count(lost.on_unknown);
        found.push(format!(
            "{regions} regions are on servers that nobody has heard of; HBCK2 can recover those."
        ));
    }
    found
}
