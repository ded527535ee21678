//! A crash at every change of the file system, while a server works and while another one takes over.

use std::collections::BTreeMap;

use hmaster_fs::memory::{CrashAtChange, NoFaults};

use super::*;

/// Rows and values.
type Content = BTreeMap<String, String>;

/// What a server came to before it died.
#[derive(Default)]
struct Script {
    acknowledged: Content,
    /// What was under way.
    tried: Option<(String, Option<String>)>,
}

impl Script {
    async fn change(&mut self, region: &Region, row: &str, value: Option<&str>) -> Result<(), RegionError> {
        self.tried = Some((row.to_owned(), value.map(str::to_owned)));
        let mutation = value.map_or_else(|| delete(row), |value| put(row, value));
        one(region, mutation).await?;
        match value {
            Some(value) => self.acknowledged.insert(row.to_owned(), value.to_owned()),
            None => self.acknowledged.remove(row),
        };
        self.tried = None;
        Ok(())
    }

    /// A bit of everything.
    async fn run(&mut self, cluster: &Cluster) -> Result<(), String> {
        let text = |error: RegionError| error.to_string();
        let server = cluster.try_server(1).await.map_err(|error| error.to_string())?;
        let region = cluster.try_open(&server).await.map_err(|error| error.to_string())?;
        self.work(cluster, &server, &region).await.map_err(text)?;
        server.log.close().await.map_err(|error| error.to_string())
    }

    async fn work(&mut self, cluster: &Cluster, server: &Server, region: &Region) -> Result<(), RegionError> {
        self.change(region, "a", Some("1")).await?;
        self.change(region, "b", Some("1")).await?;
        region.flush().await?;
        cluster.clock.advance(1);
        self.change(region, "b", None).await?;
        self.change(region, "c", Some("1")).await?;
        server.log.roll().await?;
        region.flush().await?;
        region.compact(true).await?;
        cluster.clock.advance(1);
        self.change(region, "c", Some("2")).await?;
        self.change(region, "a", None).await?;
        region.flush().await?;
        region.compact(true).await?;
        self.change(region, "d", Some("1")).await?;
        region.close(true).await
    }

    fn allows(&self, found: &Content) -> bool {
        let mut also = self.acknowledged.clone();
        if let Some((row, value)) = &self.tried {
            match value {
                Some(value) => drop(also.insert(row.clone(), value.clone())),
                None => drop(also.remove(row)),
            }
        }
        *found == self.acknowledged || *found == also
    }
}

async fn found(cluster: &Cluster, n: u64) -> Content {
    let region = cluster.open(&cluster.server(n).await).await;
    let found = rows(&region).await.into_iter().collect();
    // Nothing comes back with the next compaction or the next server either.
    region.compact(true).await.unwrap();
    assert_eq!(rows(&region).await.into_iter().collect::<Content>(), found);
    found
}

fn plan(nth: u64, after: bool) -> Arc<CrashAtChange> {
    Arc::new(if after { CrashAtChange::after(nth) } else { CrashAtChange::before(nth) })
}

/// Ways of real file systems to lose what wasn't synced.
fn disks(seed: u64) -> Cluster {
    let options = match seed % 2 {
        0 => MemoryOptions::default(),
        _ => MemoryOptions { rename_fences: true, open_files_read_empty: false, ..MemoryOptions::default() },
    };
    Cluster::with(seed, options)
}

#[tokio::test]
async fn whenever_a_server_dies_nothing_acknowledged_is_lost() {
    let mut crashes = 0;
    for after in [false, true] {
        for nth in 0.. {
            let cluster = disks(nth);
            let plan = plan(nth, after);
            cluster.disk.set_fault_plan(Arc::clone(&plan));
            let mut script = Script::default();
            let done = script.run(&cluster).await;
            cluster.disk.set_fault_plan(NoFaults);
            if !plan.reached() {
                done.unwrap();
                break;
            }
            cluster.disk.crash_all();
            cluster.recover(&"server,16020,1".parse().unwrap()).await;
            let found = found(&cluster, 2).await;
            assert!(
                script.allows(&found),
                "change {nth}, after: {after}: {found:?}, not {:?}",
                script.acknowledged
            );
            crashes += 1;
        }
    }
    assert!(crashes > 80, "{crashes}");
}

#[tokio::test]
async fn whenever_the_one_that_takes_over_dies_the_next_one_does_it() {
    let mut crashes = 0;
    for after in [false, true] {
        for nth in 0.. {
            let cluster = disks(nth);
            let server = cluster.server(1).await;
            let region = cluster.open(&server).await;
            let mut script = Script::default();
            script.change(&region, "a", Some("1")).await.unwrap();
            region.flush().await.unwrap();
            cluster.clock.advance(1);
            for (row, value) in [("a", None), ("b", Some("1")), ("c", Some("1")), ("b", Some("2"))] {
                script.change(&region, row, value).await.unwrap();
            }
            cluster.disk.crash_all();
            let plan = plan(nth, after);
            cluster.disk.set_fault_plan(Arc::clone(&plan));
            let done = take_over(&cluster, &server.name).await;
            cluster.disk.set_fault_plan(NoFaults);
            if !plan.reached() {
                done.unwrap();
                break;
            }
            cluster.disk.crash_all();
            for n in 1..3 {
                cluster.recover(&format!("server,16020,{n}").parse().unwrap()).await;
            }
            assert_eq!(found(&cluster, 3).await, script.acknowledged, "change {nth}, after: {after}");
            crashes += 1;
        }
    }
    assert!(crashes > 40, "{crashes}");
}

/// Splits the log of server 1, and opens the region on server 2.
async fn take_over(cluster: &Cluster, dead: &ServerName) -> Result<(), String> {
    let fs = cluster.disk.client("splitter");
    cluster.try_recover(&cluster.root(&fs), dead).await?;
    let server = cluster.try_server(2).await.map_err(|error| error.to_string())?;
    let region = cluster.try_open(&server).await.map_err(|error| format!("{error:?}"))?;
    region.close(true).await.map_err(|error| error.to_string())
}

/// A server that was taken for dead finds out when it writes, and does no harm.
#[tokio::test]
async fn a_server_that_was_taken_for_dead_changes_nothing() {
    for rename_fences in [false, true] {
        let cluster = Cluster::with(1, MemoryOptions { rename_fences, ..MemoryOptions::default() });
        let zombie = cluster.server(1).await;
        let old = cluster.open(&zombie).await;
        for row in ["a", "b", "c"] {
            one(&old, put(row, "1")).await.unwrap();
            old.flush().await.unwrap();
        }
        one(&old, put("d", "1")).await.unwrap();
        cluster.recover(&zombie.name).await;
        let new = cluster.open(&cluster.server(2).await).await;
        one(&new, delete("a")).await.unwrap();
        let files = cluster.files().await;
        old.compact(true).await.unwrap_err();
        old.flush().await.unwrap_err();
        one(&old, put("e", "1")).await.unwrap_err();
        old.close(true).await.unwrap_err();
        zombie.log.failure().await;
        assert_eq!(cluster.files().await, files);
        let expected = ["b", "c", "d"].map(|row| (row.to_owned(), "1".to_owned()));
        assert_eq!(rows(&new).await, expected);
    }
}
