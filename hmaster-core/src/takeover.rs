//! What a master would find and do if it took over now, as a text: procedures to go on with, and those that it can't,
//! dead servers, regions and tables that are between two states. Decides nothing of its own: it asks what the start asks
//! ([`crate::startup`]). No Java counterpart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hmaster_procedure::{LoadPlan, Loaded};
use hmaster_types::{EncodedName, RegionInfo, ServerName, TableName};

use crate::assignment::RegionRecord;
use crate::catalog::LoadedMeta;
use crate::environment::MasterEnv;
use crate::ports::files::WalFolder;
use crate::registry::registry;
use crate::startup::{Covered, Findings, Known, ReconcilePlan};

/// What was found, by looking only.
#[derive(Debug)]
pub struct Survey {
    /// The root folder.
    pub root: String,
    /// The master that is active now, which a takeover would end.
    pub active: Option<ServerName>,
    /// The master's own store, if there is one.
    pub store: Option<StoreSurvey>,
    /// The region servers that have znodes; or why they aren't known.
    pub live: Result<Vec<ServerName>, String>,
    /// Folders of WALs.
    pub folders: Vec<WalFolder>,
    /// Where hbase:meta is according to ZooKeeper, which counts if the store doesn't say.
    pub meta_in_zookeeper: Vec<RegionRecord>,
    /// hbase:meta; or why it couldn't be read.
    pub meta: Result<LoadedMeta, String>,
    /// The tables that have folders, with the regions that have folders in them.
    pub table_folders: BTreeMap<TableName, Vec<EncodedName>>,
}

/// What the master's store holds.
#[derive(Debug, Default)]
pub struct StoreSurvey {
    /// Its procedures.
    pub procedures: Loaded,
    /// Region servers that have started.
    pub servers: Vec<ServerName>,
    /// hbase:meta's own regions.
    pub meta: Vec<RegionRecord>,
    /// Logs of a master that wasn't fenced, with their lengths: there may be more in them than could be read.
    pub open_logs: Vec<(String, u64)>,
}

/// What a takeover comes to.
#[derive(Debug, Default)]
pub struct TakeoverPlan {
    sections: Vec<(String, Vec<String>)>,
    /// Procedures that can't be continued: with any, a master doesn't start unless it is told to bypass them.
    pub cannot_continue: Vec<String>,
}

impl TakeoverPlan {
    /// What `survey` comes to.
    pub fn new(survey: Survey) -> Self {
        let mut plan = Self::default();
        let Survey { root, active, store, live, folders, meta_in_zookeeper, meta, table_folders } = survey;
        plan.add("Root folder", vec![root]);
        let active = active.map(|active| format!("{active} is active now, and would be fenced"));
        plan.add("Active master", vec![active.unwrap_or_else(|| "none".to_owned())]);
        plan.add("master:store", store_lines(store.as_ref()));
        let store = store.unwrap_or_default();
        let known = plan.procedures(store.procedures);
        let meta_regions = if store.meta.is_empty() { meta_in_zookeeper } else { store.meta };
        let carriers = meta_regions.iter().filter_map(|record| record.location.clone()).collect();
        plan.servers(&live, folders, store.servers, carriers, known.crashes.clone());
        plan.add("hbase:meta", meta_lines(&meta_regions, &live));
        match meta {
            Ok(meta) => {
                plan.reconcile(&meta, &live, &known, &table_folders);
                plan.folders(&meta, &table_folders);
            }
            Err(error) => plan.add(
                "Regions and tables",
                vec![format!("not known: {error}"), "They are looked at once hbase:meta is open.".to_owned()],
            ),
        }
        plan
    }

    fn add(&mut self, title: &str, lines: Vec<String>) {
        self.sections.push((title.to_owned(), lines));
    }

    fn procedures(&mut self, loaded: Loaded) -> Covered {
        let plan = LoadPlan::<MasterEnv>::new(loaded, &registry());
        self.cannot_continue = plan.problems().map(ToString::to_string).collect();
        let line = |row: &hmaster_procedure::LoadedProcedure<MasterEnv>| {
            let record = &row.record;
            let parent = record.parent_id.map(|parent| format!(", child of {parent}")).unwrap_or_default();
            let state = record.state().as_str_name();
            let details = row.procedure.as_ref().map(|procedure| procedure.details()).unwrap_or_default();
            format!("pid={}{parent} {state} {} {details}", record.proc_id, record.class_name)
        };
        let (ended, active): (Vec<_>, Vec<_>) = plan.procedures().partition(|row| row.procedure.is_none());
        self.add("Procedures to continue", active.into_iter().map(line).collect());
        if !ended.is_empty() {
            self.add("Results kept for clients", ended.into_iter().map(line).collect());
        }
        let mut problems = self.cannot_continue.clone();
        if !problems.is_empty() {
            problems.push(
                "A master that finds these doesn't start, unless it is told to have them end as they are"
                    .into(),
            );
            problems.push("by hmaster.takeover.bypass.unknown.procedures=true.".into());
        }
        self.add("Procedures that can't be continued", problems);
        Covered::of_plan(&plan)
    }

    fn servers(
        &mut self,
        live: &Result<Vec<ServerName>, String>,
        folders: Vec<WalFolder>,
        started: Vec<ServerName>,
        carriers: BTreeSet<ServerName>,
        recovering: BTreeSet<ServerName>,
    ) {
        let names = |servers: &[ServerName]| servers.iter().map(ToString::to_string).collect();
        let live = match live {
            Ok(live) => {
                self.add("Region servers that live", names(live));
                live.iter().cloned().collect()
            }
            Err(error) => {
                self.add("Region servers that live", vec![format!("not known: {error}")]);
                return;
            }
        };
        let splitting = folders.iter().filter(|folder| folder.is_splitting);
        let splitting: Vec<_> = splitting.map(|folder| format!("{}-splitting", folder.server)).collect();
        self.add("Dead servers whose recovery goes on", recovering.iter().map(ToString::to_string).collect());
        let findings =
            Findings { live, recovering, started: started.into_iter().collect(), carriers, folders };
        let to_recover: Vec<ServerName> = findings.to_recover().into_iter().collect();
        self.add("Dead servers to recover", names(&to_recover));
        self.add("Folders of WALs that were being split", splitting);
    }

    /// The same decisions as a start's: see [`crate::startup`].
    fn reconcile(
        &mut self,
        meta: &LoadedMeta,
        live: &Result<Vec<ServerName>, String>,
        covered: &Covered,
        folders: &BTreeMap<TableName, Vec<EncodedName>>,
    ) {
        let plan = ReconcilePlan::new(&Known {
            meta,
            // Whether they can be read isn't looked at.
            schemas: folders.keys().cloned().collect(),
            covered,
            is_live: &|server| live.as_ref().map_or(true, |live| live.contains(server)),
        });
        self.add("Rows of hbase:meta that can't be read", meta.unreadable.clone());
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for record in meta.regions.iter().filter(|record| record.info.is_split_parent()) {
            kinds.entry("Parents of splits, to be cleaned up").or_default().push(line(record));
        }
        for (record, step) in &plan.regions {
            kinds.entry(step.title()).or_default().push(line(record) + &because(step.reason()));
        }
        for (table, step) in &plan.tables {
            kinds.entry(step.title()).or_default().push(format!("{table}{}", because(step.reason())));
        }
        for (kind, lines) in kinds {
            self.add(kind, lines);
        }
        let of_regions: BTreeSet<_> = meta.regions.iter().map(|record| record.info.table()).collect();
        let lost = folders.keys().filter(|table| !table.is_meta() && !of_regions.contains(table));
        self.add(
            "Folders of tables that hbase:meta has no region of, left alone",
            lost.map(ToString::to_string).collect(),
        );
    }

    /// A region's folder without a row is what a split or merge leaves that didn't come to the change of hbase:meta.
    fn folders(&mut self, meta: &LoadedMeta, folders: &BTreeMap<TableName, Vec<EncodedName>>) {
        let known: BTreeSet<_> = meta.regions.iter().map(|record| record.info.encoded_name()).collect();
        let tables = folders.iter().filter(|(table, _)| !table.is_meta());
        let orphans = tables.flat_map(|(table, regions)| {
            let orphans = regions.iter().filter(|region| !known.contains(*region));
            orphans.map(move |region| format!("{table} {region}"))
        });
        self.add("Folders of regions that hbase:meta doesn't know, left alone", orphans.collect());
    }
}

fn line(record: &RegionRecord) -> String {
    let place = record.location.as_ref().map(|server| format!(" on {server}")).unwrap_or_default();
    format!("{} {}{place}", record.info, record.state.name())
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn store_lines(store: Option<&StoreSurvey>) -> Vec<String> {
    let Some(store) = store else {
        return vec![
            "none: one is made, and what is known comes from ZooKeeper, hbase:meta and the WALs".into(),
        ];
    };
    let records = store.procedures.records.len();
    let mut lines =
        vec![format!("{records} rows of procedures, highest id {}", store.procedures.max_proc_id)];
    lines.extend(store.open_logs.iter().map(|(log, bytes)| {
        format!("{log} wasn't closed and reads as {bytes} bytes: there may be more in it that only a takeover shows")
    }));
    lines
}

fn meta_lines(records: &[RegionRecord], live: &Result<Vec<ServerName>, String>) -> Vec<String> {
    if records.is_empty() {
        return vec!["nowhere: it is made".into()];
    }
    let line = |record: &RegionRecord| {
        let is_live = |server: &ServerName| live.as_ref().is_ok_and(|live| live.contains(server));
        let place = match &record.location {
            None => String::new(),
            Some(server) if is_live(server) => format!(" on {server}"),
            Some(server) => {
                format!(" on {server}, which isn't there: opened elsewhere once its WALs are split")
            }
        };
        format!("{} {}{place}", RegionInfo::meta_replica(record.info.replica_id()), record.state.name())
    };
    records.iter().map(line).collect()
}

impl fmt::Display for TakeoverPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines) in &self.sections {
            if lines.is_empty() {
                writeln!(f, "{title}: none")?;
                continue;
            }
            writeln!(f, "{title}:")?;
            for line in lines {
                writeln!(f, "  {}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hmaster_protocol::pb;
    use hmaster_types::{RegionState, TableState};

    use super::*;

    fn server(name: &str) -> ServerName {
        name.parse().unwrap()
    }

    fn region(table: &str, id: u64) -> RegionInfo {
        RegionInfo::builder(table.parse().unwrap()).region_id(id).build()
    }

    fn record(info: RegionInfo, state: RegionState, location: &str) -> RegionRecord {
        let location = (!location.is_empty()).then(|| server(location));
        RegionRecord { location, ..RegionRecord::new(info, state) }
    }

    fn unknown_class() -> pb::Procedure {
        let mut record = pb::Procedure {
            class_name: "org.example.OurOwnProcedure".into(),
            proc_id: 7,
            submitted_time: 1,
            last_update: 1,
            ..Default::default()
        };
        record.set_state(pb::ProcedureState::Runnable);
        record
    }

    fn survey() -> Survey {
        let table = |name: &str| name.parse::<TableName>().unwrap();
        let meta = LoadedMeta {
            regions: vec![
                record(region("t", 1), RegionState::Open, "live,1,1"),
                record(region("t", 2), RegionState::Opening, "live,1,1"),
                record(region("t", 3), RegionState::Open, "dead,1,1"),
                record(region("t", 4), RegionState::Offline, ""),
                record(region("off", 5), RegionState::Closed, ""),
            ],
            tables: vec![
                (table("t"), TableState::Enabled),
                (table("off"), TableState::Disabled),
                (table("half"), TableState::Enabling),
            ],
            ..LoadedMeta::default()
        };
        let daughter = region("t", 9).encoded_name();
        Survey {
            root: "hdfs://nn/hbase".into(),
            active: Some(server("old,16000,1")),
            store: Some(StoreSurvey {
                procedures: Loaded { records: vec![unknown_class()], max_proc_id: 7 },
                servers: vec![server("live,1,1"), server("dead,1,1")],
                meta: vec![record(RegionInfo::meta(), RegionState::Open, "live,1,1")],
                open_logs: vec![("/hbase/MasterData/WALs/old,16000,1/x".into(), 0)],
            }),
            live: Ok(vec![server("live,1,1")]),
            folders: vec![WalFolder { server: server("forgotten,1,1"), is_splitting: true }],
            meta_in_zookeeper: Vec::new(),
            meta: Ok(meta),
            table_folders: BTreeMap::from([
                (table("t"), vec![daughter]),
                (table("lost"), Vec::new()),
                (table("half"), Vec::new()),
            ]),
        }
    }

    /// The lines below a title.
    fn section<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
        let below = text.lines().skip_while(|line| !line.starts_with(title)).skip(1);
        below.take_while(|line| line.starts_with("  ")).map(str::trim).collect()
    }

    #[test]
    fn everything_that_is_between_two_states_is_named() {
        let plan = TakeoverPlan::new(survey());
        let text = plan.to_string();
        assert_eq!(plan.cannot_continue, ["pid=7 org.example.OurOwnProcedure: unknown class"]);
        assert!(
            section(&text, "Procedures that can't be continued")[0].contains("OurOwnProcedure"),
            "{text}"
        );
        assert_eq!(section(&text, "Dead servers to recover"), ["dead,1,1", "forgotten,1,1"], "{text}");
        assert_eq!(section(&text, "Folders of WALs that were being split"), ["forgotten,1,1-splitting"]);
        for (title, name) in [
            ("Regions between two states on servers that live", region("t", 2)),
            ("Regions on servers that aren't there", region("t", 3)),
            ("Regions that are nowhere", region("t", 4)),
        ] {
            let lines = section(&text, title);
            assert!(lines.len() == 1 && lines[0].contains(&name.to_string()), "{title}: {text}");
        }
        assert_eq!(section(&text, "Tables that are being enabled"), ["half"], "{text}");
        assert_eq!(section(&text, "Tables that are left alone"), ["off: it has no schema"], "{text}");
        assert_eq!(section(&text, "Folders of tables"), ["half", "lost"], "{text}");
        assert_eq!(section(&text, "Folders of regions").len(), 1, "{text}");
        assert!(text.contains("old,16000,1 is active now") && text.contains("reads as 0 bytes"), "{text}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        let survey = Survey {
            store: None,
            live: Err("no ZooKeeper".into()),
            meta: Err("its server is dead".into()),
            ..survey()
        };
        let text = TakeoverPlan::new(survey).to_string();
        assert!(
            text.contains("not known: no ZooKeeper") && text.contains("not known: its server is dead"),
            "{text}"
        );
        assert!(text.contains("nowhere: it is made"), "{text}");
    }
}
