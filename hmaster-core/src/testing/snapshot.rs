//! What is to be compared between runs: what hbase:meta, files, ZooKeeper and servers say, without times, places and
//! numbers that may differ.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_protocol::meta::MetaReader;
use hmaster_types::{RegionInfo, RegionState, TableState, to_string_binary};

use super::World;

/// A world at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Regions of hbase:meta with the states of their replicas.
    pub regions: BTreeMap<String, Vec<(u16, Option<RegionState>)>>,
    /// Tables' states by hbase:meta.
    pub tables: BTreeMap<String, TableState>,
    /// Tables' states by ZooKeeper.
    pub shown_tables: BTreeMap<String, TableState>,
    /// Namespaces by ZooKeeper.
    pub shown_namespaces: BTreeSet<String>,
    /// Schemas and regions' folders by table, with the number of store files.
    pub folders: BTreeMap<String, (String, BTreeMap<String, usize>)>,
    /// Namespaces' folders.
    pub namespace_folders: BTreeSet<String>,
    /// Store files in the archive by table.
    pub archive: BTreeMap<String, usize>,
    /// Folders of WALs of servers that don't run.
    pub left_wals: BTreeSet<String>,
    /// How many servers serve a region.
    pub open: BTreeMap<String, usize>,
    /// What the master has in memory: regions with their states and tables with theirs.
    pub memory: BTreeMap<String, String>,
    /// The row of hbase:meta's own region.
    pub meta: Vec<RegionState>,
}

/// A region without its id, which may be chosen anew.
fn label(region: &RegionInfo) -> String {
    let (start, end) = (to_string_binary(region.start_key()), to_string_binary(region.end_key()));
    format!("{} [{start}, {end}) {}", region.table(), region.replica_id())
}

impl World {
    /// What is to be compared.
    ///
    /// # Panics
    /// When hbase:meta isn't served or can't be read.
    pub fn snapshot(&self) -> Snapshot {
        let env = self.env();
        let mut memory = BTreeMap::new();
        env.regions.for_each(|node| {
            // A split parent keeps the state it had; what it is shows in its flags.
            let state = if node.is_split() { "SPLIT" } else { node.state().name() };
            memory.insert(label(node.info()), format!("{state} {:?}", node.owner()));
        });
        memory.extend(
            env.tables.all().into_iter().map(|(table, state)| (table.to_string(), state.to_string())),
        );
        memory.extend(env.namespaces.all().into_iter().map(|namespace| (namespace.name, "namespace".into())));
        self.with(|state| {
            let rows = state.meta_rows().expect("hbase:meta is served");
            let mut reader = MetaReader::new();
            let (mut regions, mut tables) = (BTreeMap::new(), BTreeMap::new());
            for cells in &rows {
                if let Some(row) = reader.region_row(cells).expect("a row that can be read") {
                    let replicas = row.replicas.iter().map(|replica| (replica.id, replica.state));
                    regions.insert(label(&row.region), replicas.collect());
                } else if let Some((table, state)) =
                    reader.table_state(cells).expect("a row that can be read")
                {
                    tables.insert(table.to_string(), state);
                }
            }
            let mut open = BTreeMap::new();
            for server in state.servers.values().filter(|server| server.is_up) {
                for region in server.regions.values() {
                    *open.entry(label(&region.info)).or_default() += 1;
                }
            }
            let folders = state.root.tables.iter().map(|(table, folder)| {
                let regions = folder.regions.values();
                let regions = regions.map(|region| (label(&region.info), region.files.len()));
                (table.to_string(), (format!("{:?}", folder.schema), regions.collect()))
            });
            let archive = state.root.archive.iter();
            let up: BTreeSet<_> = state.servers_up().iter().map(ToString::to_string).collect();
            Snapshot {
                regions,
                tables,
                shown_tables: state
                    .znodes
                    .tables
                    .iter()
                    .map(|(table, state)| (table.to_string(), *state))
                    .collect(),
                shown_namespaces: state.znodes.namespaces.keys().cloned().collect(),
                folders: folders.collect(),
                namespace_folders: state.root.namespaces.clone(),
                archive: archive.fold(BTreeMap::new(), |mut all, ((table, _), files)| {
                    *all.entry(table.to_string()).or_default() += files.len();
                    all
                }),
                left_wals: state.root.wals.keys().filter(|name| !up.contains(*name)).cloned().collect(),
                open,
                memory,
                meta: state.store.meta.iter().map(|record| record.state).collect(),
            }
        })
    }
}

impl Snapshot {
    /// Where two differ; empty when they don't.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (one, two) = (format!("{self:#?}"), format!("{other:#?}"));
        let (one, two): (Vec<_>, Vec<_>) = (one.lines().collect(), two.lines().collect());
        let gone = one.iter().filter(|line| !two.contains(line)).map(|line| format!("- {}", line.trim()));
        let new = two.iter().filter(|line| !one.contains(line)).map(|line| format!("+ {}", line.trim()));
        let mut all: Vec<_> = gone.chain(new).collect();
        if all.is_empty() && self != other {
            all.push("the same lines in another order".into());
        }
        all
    }
}
