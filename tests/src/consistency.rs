//! Whether a cluster fits together: what hbase:meta says, which regions the region servers really
//! have open, and which folders lie in the root directory.
//!
//! The report of `HbckChore` and `hbck2` ask the master. This asks everybody but the master, so
//! that a master whose memory is wrong can't vouch for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, RegionAt, Row};
use crate::wait;

/// How long a cluster that nobody disturbs may take to fit together: recovery of dead servers included.
pub const SETTLE_DEADLINE: Duration = Duration::from_secs(180);

const META: &str = "1588230740";

/// Tables that exist without a user's wish.
const SYSTEM_TABLES: [&str; 1] = ["hbase:namespace"];

/// One look at a cluster from several sides.
#[derive(Debug)]
struct Look {
    /// Names of all tables but hbase:meta.
    tables: BTreeSet<String>,
    /// Table states of hbase:meta: `ENABLED`, `DISABLED`, …
    table_states: BTreeMap<String, String>,
    /// Region states of hbase:meta by region name.
    region_states: BTreeMap<String, String>,
    /// How many parents of merges each table still has, whose folders stay until the merged regions need them no more.
    merge_parents: BTreeMap<String, usize>,
    /// Regions of each table in the order of their keys.
    regions: BTreeMap<String, Vec<RegionAt>>,
    /// Encoded names of the regions that each live server has open.
    online: BTreeMap<String, BTreeSet<String>>,
    /// Encoded names of the region folders of each table.
    folders: BTreeMap<String, BTreeSet<String>>,
    /// Folders of WALs whose server's recovery has begun and not ended.
    splitting: Vec<String>,
    /// How many regions are in transition, by the master's word.
    in_transition: u32,
    /// Procedures that have not ended.
    unfinished: Vec<String>,
}

/// What exists: schemas, namespaces, table states. Two masters must agree on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Table descriptors in order of names.
    pub tables: Vec<Value>,
    /// Namespace descriptors in order of names.
    pub namespaces: Vec<Value>,
    /// Table states by name.
    pub states: BTreeMap<String, String>,
}

impl Client {
    /// Waits until the cluster fits together; else the error lists what doesn't.
    pub async fn await_consistent(&self) -> Result<()> {
        wait::until("a consistent cluster", SETTLE_DEADLINE, async || {
            let problems = self.look().await?.problems();
            ensure!(problems.is_empty(), "{}", problems.join("\n"));
            Ok(())
        })
        .await
    }

    /// Waits until no procedure is under way and no region in transition.
    pub async fn await_settled(&self) -> Result<()> {
        wait::until("the end of all procedures", SETTLE_DEADLINE, async || {
            let unfinished = self.unfinished_procedures().await?;
            ensure!(unfinished.is_empty(), "{unfinished:?}");
            let in_transition = self.status().await?.in_transition;
            ensure!(in_transition == 0, "{in_transition} regions are in transition");
            Ok(())
        })
        .await
    }

    /// What exists now.
    pub async fn catalogue(&self) -> Result<Catalogue> {
        let mut tables = array(self.admin("listTableDescriptors", json!([])).await?)?;
        let mut namespaces = array(self.admin("listNamespaceDescriptors", json!([])).await?)?;
        for list in [&mut tables, &mut namespaces] {
            list.sort_by_key(|value| value["name"].to_string());
        }
        let states = table_states(&self.meta().await?);
        Ok(Catalogue { tables, namespaces, states })
    }

    /// Encoded names of the regions that a server has open, by its own word.
    pub async fn online_regions(&self, server: &str) -> Result<BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Online {
            encoded: String,
        }
        let online: Vec<Online> = parse(self.admin("getRegions", json!([server])).await?)?;
        let count = online.len();
        let names: BTreeSet<String> = online.into_iter().map(|region| region.encoded).collect();
        ensure!(names.len() == count, "{server} names a region twice: {names:?}");
        Ok(names)
    }

    /// States of a table's regions in hbase:meta, with how many regions are in each.
    pub async fn region_state_counts(&self, table: &str) -> Result<BTreeMap<String, usize>> {
        let prefix = format!("{table},");
        let rows = self.scan_with(json!({ "table": "hbase:meta", "prefix": prefix })).await?;
        let mut counts = BTreeMap::new();
        for state in rows.iter().filter_map(|row| row.columns.get("info:state")) {
            *counts.entry(state.clone()).or_default() += 1;
        }
        Ok(counts)
    }

    /// The names of the procedures that have not ended, with their states.
    pub async fn unfinished_procedures(&self) -> Result<Vec<String>> {
        let listed: Value = self.admin("getProcedures", json!([])).await?;
        let listed: Value = match listed {
            Value::String(text) => serde_json::from_str(&text).context("the list of procedures")?,
            other => other,
        };
        let ended = |state: &str| matches!(state, "SUCCESS" | "FAILED" | "ROLLEDBACK");
        let unfinished = array(listed)?.into_iter().filter_map(|procedure| {
            let state = procedure["state"].as_str().unwrap_or("?").to_owned();
            // A failed procedure without its rollback has not ended either; the shell can't tell them apart.
            (!ended(&state)).then(|| format!("{} {state}", procedure["className"]))
        });
        Ok(unfinished.collect())
    }

    async fn look(&self) -> Result<Look> {
        let status = self.status().await?;
        let mut online = BTreeMap::new();
        for server in status.servers.keys() {
            online.insert(server.clone(), self.online_regions(server).await?);
        }
        let meta = self.meta().await?;
        let mut tables: BTreeSet<String> = self.tables().await?.into_iter().collect();
        tables.extend(SYSTEM_TABLES.map(str::to_owned));
        let mut regions = BTreeMap::new();
        for table in &tables {
            regions.insert(table.clone(), self.regions(table).await?);
        }
        let wals = self.paths("WALs").await?;
        Ok(Look {
            tables,
            table_states: table_states(&meta),
            region_states: region_states(&meta),
            merge_parents: merge_parents(&meta),
            regions,
            online,
            folders: region_folders(&self.paths("data").await?),
            splitting: wals.into_iter().filter(|path| path.contains("-splitting")).collect(),
            in_transition: status.in_transition,
            unfinished: self.unfinished_procedures().await?,
        })
    }

    async fn paths(&self, folder: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Entry {
            path: String,
        }
        let entries: Vec<Entry> = parse(self.call("files", json!({ "path": folder })).await?)?;
        Ok(entries.into_iter().map(|entry| entry.path).collect())
    }
}

impl Look {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.in_transition > 0 {
            problems.push(format!("{} regions are in transition", self.in_transition));
        }
        problems.extend(self.unfinished.iter().map(|procedure| format!("procedure {procedure}")));
        problems.extend(self.splitting.iter().map(|folder| format!("WALs not split: {folder}")));
        self.check_table_names(&mut problems);
        for (table, regions) in &self.regions {
            self.check_keys(table, regions, &mut problems);
            self.check_states(table, regions, &mut problems);
            self.check_folders(table, &mut problems);
        }
        self.check_online(&mut problems);
        problems
    }

    /// The same tables are in hbase:meta, in the answers and in the root directory.
    fn check_table_names(&self, problems: &mut Vec<String>) {
        let mut in_meta: BTreeSet<&str> = self.table_states.keys().map(String::as_str).collect();
        in_meta.extend(self.region_states.keys().filter_map(|name| name.split(',').next()));
        in_meta.remove("hbase:meta");
        let named: BTreeSet<&str> = self.tables.iter().map(String::as_str).collect();
        if in_meta != named {
            problems.push(format!("tables in hbase:meta: {in_meta:?}, tables listed: {named:?}"));
        }
        let folders: BTreeSet<&str> = self.folders.keys().map(String::as_str).collect();
        if folders != named {
            problems.push(format!("folders of tables: {folders:?}, tables listed: {named:?}"));
        }
    }

    /// From the first key to the last, without hole and overlap.
    fn check_keys(&self, table: &str, regions: &[RegionAt], problems: &mut Vec<String>) {
        let mut end: Option<&str> = Some("");
        for region in regions.iter().filter(|region| !region.split && region.replica == 0) {
            if end != Some(region.start.as_str()) {
                problems.push(format!("{table}: a region begins at {:?} after {end:?}", region.start));
            }
            end = Some(&region.end).filter(|end| !end.is_empty()).map(String::as_str);
        }
        if end.is_some() {
            problems.push(format!("{table}: no region reaches the end: {end:?}"));
        }
    }

    fn check_states(&self, table: &str, regions: &[RegionAt], problems: &mut Vec<String>) {
        let state = self.table_states.get(table).map_or("none", String::as_str);
        let wanted = match state {
            "ENABLED" => "OPEN",
            "DISABLED" => "CLOSED",
            other => {
                problems.push(format!("{table} is {other}"));
                return;
            }
        };
        for region in regions.iter().filter(|region| !region.split) {
            let found = self.region_states.get(&region.name).map_or("none", String::as_str);
            if found != wanted {
                problems.push(format!("{table} is {state}, but {} is {found}", region.encoded));
            }
        }
    }

    /// Every row of a region counts, that of a parent of a split too: clients don't list it, and its folder stays
    /// until the daughters need it no more.
    fn check_folders(&self, table: &str, problems: &mut Vec<String>) {
        let rows = self.region_states.keys().filter(|name| name.split(',').next() == Some(table));
        let known: BTreeSet<&str> =
            rows.filter_map(|name| name.trim_end_matches('.').rsplit('.').next()).collect();
        let none = BTreeSet::new();
        let there: BTreeSet<&str> =
            self.folders.get(table).unwrap_or(&none).iter().map(String::as_str).collect();
        // hbase:meta has no rows of a merge's parents any more, only their number.
        let parents = self.merge_parents.get(table).copied().unwrap_or(0);
        if !known.is_subset(&there) || there.len() - known.len() > parents {
            problems.push(format!("{table}: regions in hbase:meta {known:?}, folders {there:?}"));
        }
    }

    /// Each open region is open where hbase:meta says, and nowhere else.
    fn check_online(&self, problems: &mut Vec<String>) {
        let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
        for region in self.regions.values().flatten() {
            if self.region_states.get(&region.name).is_some_and(|state| state == "OPEN") {
                wanted.insert(&region.encoded, region.server.as_deref().unwrap_or("nowhere"));
            }
        }
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (server, regions) in &self.online {
            for region in regions {
                found.entry(region).or_default().push(server);
            }
        }
        if found.remove(META).map(|servers| servers.len()) != Some(1) {
            problems.push("hbase:meta is not open just once".to_owned());
        }
        for (region, servers) in &found {
            if wanted.get(region) != servers.first() || servers.len() != 1 {
                problems.push(format!(
                    "region {region} is open on {servers:?}, hbase:meta says {:?}",
                    wanted.get(region)
                ));
            }
        }
        for (region, server) in wanted.iter().filter(|(region, _)| !found.contains_key(*region)) {
            problems.push(format!("region {region} is open nowhere, hbase:meta says {server}"));
        }
    }
}

fn region_states(meta: &[Row]) -> BTreeMap<String, String> {
    let regions = meta.iter().filter(|row| row.columns.contains_key("info:regioninfo"));
    let state = |row: &Row| row.columns.get("info:state").cloned().unwrap_or_default();
    regions.map(|row| (row.row.clone(), state(row))).collect()
}

fn merge_parents(meta: &[Row]) -> BTreeMap<String, usize> {
    let mut parents: BTreeMap<String, usize> = BTreeMap::new();
    for row in meta {
        let table = row.row.split(',').next().unwrap_or_default();
        let named = row.columns.keys().filter(|column| column.starts_with("info:merge")).count();
        *parents.entry(table.to_owned()).or_default() += named;
    }
    parents
}

/// `table:state` holds a message whose first field is a number, in the text form of the shell.
fn table_states(meta: &[Row]) -> BTreeMap<String, String> {
    let name = |value: &str| match value {
        "\\x08\\x00" => "ENABLED".to_owned(),
        "\\x08\\x01" => "DISABLED".to_owned(),
        "\\x08\\x02" => "DISABLING".to_owned(),
        "\\x08\\x03" => "ENABLING".to_owned(),
        other => other.to_owned(),
    };
    let states = meta.iter().filter_map(|row| Some((row.row.clone(), name(row.columns.get("table:state")?))));
    states.filter(|(table, _)| table != "hbase:meta").collect()
}

/// Region folders by table, from paths below `data/NAMESPACE/TABLE/`. hbase:meta's is left out.
fn region_folders(paths: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let ["data", namespace, table, rest @ ..] = parts.as_slice() else { continue };
        let name = match *namespace {
            "default" => (*table).to_owned(),
            other => format!("{other}:{table}"),
        };
        if name == "hbase:meta" {
            continue;
        }
        let regions = folders.entry(name).or_default();
        if let [region] = rest
            && region.len() == 32
            && region.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            regions.insert((*region).to_owned());
        }
    }
    folders
}

fn array(value: Value) -> Result<Vec<Value>> {
    parse(value)
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    let text = value.to_string();
    serde_json::from_value(value).with_context(|| format!("an unexpected reply: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn region(encoded: &str, start: &str, end: &str) -> RegionAt {
        RegionAt {
            encoded: encoded.to_owned(),
            name: format!("t,{start},1.{encoded}."),
            table: "t".to_owned(),
            start: start.to_owned(),
            end: end.to_owned(),
            replica: 0,
            split: false,
            offline: false,
            server: Some("s,1,1".to_owned()),
            open_seq_num: 2,
        }
    }

    fn look() -> Look {
        let regions = vec![region(A, "", "m"), region(B, "m", "")];
        let names = [A, B].map(str::to_owned);
        Look {
            tables: ["t".to_owned()].into(),
            table_states: [("t".to_owned(), "ENABLED".to_owned())].into(),
            merge_parents: BTreeMap::new(),
            region_states: regions.iter().map(|r| (r.name.clone(), "OPEN".to_owned())).collect(),
            online: [
                ("s,1,1".to_owned(), names.clone().into_iter().chain([META.to_owned()]).collect()),
                ("s,2,1".to_owned(), BTreeSet::new()),
            ]
            .into(),
            folders: [("t".to_owned(), names.into())].into(),
            regions: [("t".to_owned(), regions)].into(),
            splitting: Vec::new(),
            in_transition: 0,
            unfinished: Vec::new(),
        }
    }

    /// A change of a cluster that fits together.
    type Break = fn(&mut Look);

    #[test]
    fn each_misfit_is_found() {
        assert_eq!(look().problems(), Vec::<String>::new());
        let table: [(&str, Break); 12] = [
            ("open on", |l| {
                l.online.get_mut("s,2,1").unwrap().insert(A.to_owned());
            }),
            ("open nowhere", |l| {
                l.online.get_mut("s,1,1").unwrap().remove(B);
            }),
            ("open on", |l| l.regions.get_mut("t").unwrap()[0].server = Some("s,2,1".to_owned())),
            ("hbase:meta is not open", |l| {
                l.online.get_mut("s,1,1").unwrap().remove(META);
            }),
            ("begins at", |l| l.regions.get_mut("t").unwrap()[0].end = "k".to_owned()),
            ("reaches the end", |l| {
                l.regions.get_mut("t").unwrap().pop();
            }),
            ("but", |l| {
                l.table_states.insert("t".to_owned(), "DISABLED".to_owned());
            }),
            ("is DISABLING", |l| {
                l.table_states.insert("t".to_owned(), "DISABLING".to_owned());
            }),
            ("tables listed", |l| {
                l.region_states.insert(format!("gone,,1.{A}."), "OPEN".to_owned());
            }),
            ("folders", |l| {
                l.folders.get_mut("t").unwrap().remove(A);
            }),
            ("folders of tables", |l| {
                l.folders.insert("gone".to_owned(), BTreeSet::new());
            }),
            ("not split", |l| l.splitting.push("WALs/s,3,1-splitting".to_owned())),
        ];
        for (number, (problem, break_it)) in table.into_iter().enumerate() {
            let mut look = look();
            break_it(&mut look);
            let problems = look.problems();
            assert!(problems.iter().any(|text| text.contains(problem)), "{number}: {problems:?}");
        }
    }

    #[test]
    fn folders_of_a_merges_parents_stay_for_a_while() {
        let mut look = look();
        look.folders.get_mut("t").unwrap().extend(["c".repeat(32), "d".repeat(32)]);
        assert_eq!(look.problems().len(), 1, "nobody knows them");
        look.merge_parents = merge_parents(&[Row {
            row: format!("t,,1.{A}."),
            columns: [("info:merge0000", ""), ("info:merge0001", ""), ("info:state", "OPEN")]
                .map(|(column, value)| (column.to_owned(), value.to_owned()))
                .into(),
        }]);
        assert!(look.problems().is_empty(), "{:?}", look.problems());
    }

    #[test]
    fn region_folders_are_told_from_the_rest() {
        let paths = [
            "data/default".to_owned(),
            "data/default/t/".to_owned(),
            "data/default/t/.tabledesc".to_owned(),
            format!("data/default/t/{A}/"),
            format!("data/default/t/{A}/f/{B}"),
            format!("data/ns/u/{B}"),
            "data/hbase/meta/1588230740".to_owned(),
        ];
        let expected = [("t", A), ("ns:u", B)]
            .map(|(table, region)| (table.to_owned(), BTreeSet::from([region.to_owned()])));
        assert_eq!(region_folders(&paths), expected.into());
    }
}
