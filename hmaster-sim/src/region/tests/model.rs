//! Random changes, flushes, compactions, moves and crashes against a sorted map.
//!
//! The clock moves on with every change, and deletes are about what was written before them; so what a delete takes
//! never comes back, and a plain map is all there is to compare with.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hmaster_fs::memory::{CrashAtChange, NoFaults};
use hmaster_types::Clock as _;

use super::*;

/// Row, qualifier, timestamps falling: what is in family `f`.
type Model = BTreeMap<(String, String, Reverse<i64>), String>;

const ROWS: [&str; 6] = ["a", "aa", "b", "ba", "c", "y"];
const QUALIFIERS: [&str; 3] = ["", "p", "q"];

struct World {
    cluster: Cluster,
    chance: Chance,
    model: Model,
    servers: u64,
    server: Server,
    region: Region,
}

fn all_versions() -> TableDescriptor {
    let family = ColumnFamilyDescriptor::builder("f").attribute(attribute::VERSIONS, "1000").build();
    TableDescriptor::builder(info().table().clone()).family(family).build()
}

async fn open(cluster: &Cluster, server: &Server) -> Region {
    let options = cluster.region_options.clone();
    Region::open(&server.root, &server.log, info(), all_versions(), options).await.unwrap()
}

impl World {
    async fn new(seed: u64) -> Self {
        let mut cluster = Cluster::new(seed);
        cluster.log_options.file_bytes_max = 3000;
        cluster.log_options.block_cache_bytes_max = 2000;
        let server = cluster.server(1).await;
        let region = open(&cluster, &server).await;
        Self { cluster, chance: Chance::seeded(seed), model: Model::new(), servers: 1, server, region }
    }

    fn pick<'a>(&self, from: &[&'a str]) -> &'a str {
        from[self.chance.below(from.len())]
    }

    fn now(&self) -> i64 {
        self.cluster.clock.now_ms() as i64
    }

    /// A change, and what it makes of the model.
    fn change(&self) -> (Mutation, Model) {
        let (row, qualifier) = (self.pick(&ROWS), self.pick(&QUALIFIERS));
        let mut after = self.model.clone();
        let key = Bytes::copy_from_slice(row.as_bytes());
        let versions: Vec<i64> =
            self.model.keys().filter(|k| k.0 == row && k.1 == qualifier).map(|k| k.2.0).collect();
        let at = versions.get(self.chance.below(versions.len())).copied();
        let delete = |kind, timestamp| {
            let of_family = matches!(kind, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
            let cell = cell(row, "f", if of_family { "" } else { qualifier }, timestamp, kind, "");
            Mutation::new(MutationKind::Delete, key.clone(), vec![cell])
        };
        let is_column = |k: &(String, String, Reverse<i64>)| k.0 == row && k.1 == qualifier;
        let mutation = match (self.chance.below(10), at) {
            (0, Some(at)) => {
                after.retain(|k, _| !(is_column(k) && k.2.0 == at));
                delete(CellType::Delete, at)
            }
            (1, Some(at)) => {
                after.retain(|k, _| !(is_column(k) && k.2.0 <= at));
                delete(CellType::DeleteColumn, at)
            }
            (2, Some(at)) => {
                after.retain(|k, _| !(k.0 == row && k.2.0 == at));
                delete(CellType::DeleteFamilyVersion, at)
            }
            (3, _) => {
                after.retain(|k, _| k.0 != row);
                delete(CellType::DeleteFamily, Cell::LATEST_TIMESTAMP)
            }
            _ => {
                let value = format!("v{}", self.chance.below(1000));
                after.insert((row.into(), qualifier.into(), Reverse(self.now())), value.clone());
                let cell = cell(row, "f", qualifier, Cell::LATEST_TIMESTAMP, CellType::Put, &value);
                Mutation::put(key.clone(), vec![cell])
            }
        };
        (mutation, after)
    }

    async fn step(&mut self) {
        self.cluster.clock.advance(1);
        match self.chance.below(40) {
            0..=2 => drop(self.region.flush().await.unwrap()),
            3 => drop(self.region.compact(self.chance.happens(0.5)).await.unwrap()),
            4 => self.move_region().await,
            5 => self.crash().await,
            6 => self.crash_amid().await,
            7..=9 => self.compare_some().await,
            _ => {
                let (mutation, after) = self.change();
                one(&self.region, mutation).await.unwrap();
                self.model = after;
            }
        }
    }

    async fn move_region(&mut self) {
        self.region.close(true).await.unwrap();
        if self.chance.happens(0.3) {
            self.server.log.close().await.unwrap();
            self.start().await;
        }
        self.region = open(&self.cluster, &self.server).await;
        self.compare().await;
    }

    async fn start(&mut self) {
        self.servers += 1;
        self.server = self.cluster.server(self.servers).await;
    }

    async fn crash(&mut self) {
        self.cluster.kill(&self.server);
        self.cluster.recover(&self.server.name.clone()).await;
        self.start().await;
        self.region = open(&self.cluster, &self.server).await;
        self.compare().await;
    }

    /// Dies in the middle of a change, a flush or a compaction.
    async fn crash_amid(&mut self) {
        let nth = self.chance.below(8) as u64;
        let plan =
            if self.chance.happens(0.5) { CrashAtChange::before(nth) } else { CrashAtChange::after(nth) };
        self.cluster.disk.set_fault_plan(plan);
        let (mutation, after) = self.change();
        match self.chance.below(3) {
            0 => drop(self.region.flush().await),
            1 => drop(self.region.compact(true).await),
            _ => {}
        }
        let done = one(&self.region, mutation).await;
        self.cluster.disk.set_fault_plan(NoFaults);
        let before = std::mem::replace(&mut self.model, after);
        self.cluster.kill(&self.server);
        self.cluster.recover(&self.server.name.clone()).await;
        self.start().await;
        self.region = open(&self.cluster, &self.server).await;
        if done.is_err() && self.content().await == before {
            self.model = before; // what wasn't acknowledged may be lost
        }
        self.compare().await;
    }

    async fn content(&self) -> Model {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let spec = ScanSpec { max_versions: 1000, ..ScanSpec::range(Bytes::new(), Bytes::new()) };
        let cells = scan(&self.region, spec).await;
        let entry =
            |c: &Cell| ((text(c.row()), text(c.qualifier()), Reverse(c.timestamp())), text(c.value()));
        cells.iter().map(entry).collect()
    }

    async fn compare(&self) {
        assert_eq!(self.content().await, self.model);
    }

    /// A get of some versions of a row, and a scan from the end.
    async fn compare_some(&self) {
        let (row, versions) = (self.pick(&ROWS), 1 + self.chance.below(3));
        let spec =
            ScanSpec { max_versions: versions as u32, ..ScanSpec::row(row.as_bytes().to_vec().into()) };
        let cells = self.region.get(spec).await.unwrap();
        let mut expected = Vec::new();
        for qualifier in QUALIFIERS {
            let column = self.model.iter().filter(|(k, _)| k.0 == row && k.1 == qualifier);
            expected.extend(column.take(versions).map(|(_, value)| value.clone()));
        }
        let values = cells.iter().map(|cell| String::from_utf8_lossy(cell.value()).into_owned());
        assert_eq!(values.collect::<Vec<_>>(), expected);
        let reversed = ScanSpec { reversed: true, ..ScanSpec::range(Bytes::new(), Bytes::new()) };
        let rows = scan(&self.region, reversed).await;
        assert!(rows.is_sorted_by(|a, b| a.row() >= b.row()));
    }
}

async fn run(seed: u64, steps: usize) {
    let mut world = World::new(seed).await;
    for _ in 0..steps {
        world.step().await;
    }
    world.compare().await;
}

/// To repeat one: `run(seed, steps)`; the seed is in the message.
#[tokio::test]
async fn regions_are_sorted_maps() {
    for seed in 0..12 {
        let done = tokio::spawn(run(seed, 250)).await;
        assert!(done.is_ok(), "seed {seed}");
    }
}
