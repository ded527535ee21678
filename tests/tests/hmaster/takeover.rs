//! Masters of both kinds follow one another over the same root directory and ZooKeeper.
//!
//! Each reign finds all that was made before: schemas, states, rows. It then makes and removes
//! tables of its own, so that the next one also meets what a predecessor deleted.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{
    Catalogue, Client, Cluster, HBaseVersion, MasterKind, RowSet, Server, Storage, hex_splits, require_peers,
    scenario,
};
use serde_json::json;

use crate::{GRACE, SOON, alone, cluster, hmaster, report};

const ROWS: u64 = 500;

/// How a reign ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The whole cluster is shut down by its master, region servers first.
    Shutdown,
    /// SIGTERM; the region servers stay.
    Stop,
    /// SIGKILL; the region servers stay.
    Kill,
    /// SIGKILL of the master and all region servers.
    KillAll,
}

/// A cluster with masters that come and go.
struct Succession {
    cluster: Cluster,
    client: Client,
    region_servers: Vec<Server>,
    /// Started so far, by kind; a kind's second reign is a restart.
    masters: Vec<(MasterKind, Server)>,
    reigns: u32,
    /// What the last reign left.
    left: Option<Catalogue>,
}

impl Succession {
    async fn begin(storage: Storage) -> Result<Self> {
        let cluster = cluster("takeover").storage(storage).start().await?;
        let client = cluster.client().await?;
        Ok(Self { cluster, client, region_servers: Vec::new(), masters: Vec::new(), reigns: 0, left: None })
    }

    /// A master of this kind reigns, checks what it finds, changes something, and ends.
    async fn reign(&mut self, kind: &MasterKind, end: End) -> Result<()> {
        let what = format!("reign {} of {kind:?} that ends by {end:?}", self.reigns + 1);
        let started = self.start(kind).await.with_context(|| format!("start of {what}"))?;
        self.check_and_change().await.with_context(|| what.clone())?;
        self.end(&started, end).await.with_context(|| format!("end of {what}"))
    }

    async fn start(&mut self, kind: &MasterKind) -> Result<Server> {
        let before = self.masters.iter().find(|(known, _)| known == kind);
        let master = match before {
            Some((_, master)) => {
                master.restart().await?;
                master.clone()
            }
            None => {
                let master = self.cluster.start_master(kind).await?;
                self.masters.push((kind.clone(), master.clone()));
                master
            }
        };
        if self.region_servers.is_empty() {
            for _ in 0..2 {
                self.region_servers.push(self.cluster.start_region_server(HBaseVersion::V2_6).await?);
            }
        }
        for server in self.region_servers.iter().filter(|server| !server.is_running()) {
            server.restart().await?;
        }
        self.client.reconnect().await?;
        master.while_running("region servers", self.client.await_region_servers(2)).await?;
        Ok(master)
    }

    async fn check_and_change(&mut self) -> Result<()> {
        let client = &self.client;
        client.await_consistent().await.context("at the start")?;
        let found = client.catalogue().await?;
        if let Some(left) = &self.left {
            ensure!(*left == found, "the last master left\n{left:#?}\nthis one finds\n{found:#?}");
        }
        for reign in 1..=self.reigns {
            let rows = RowSet::new(reign, ROWS);
            client.verify_rows(&format!("n{reign}:t"), &[rows], &[]).await?.check()?;
        }
        self.reigns += 1;
        self.change(self.reigns).await.context("changes")?;
        self.client.await_consistent().await.context("after the changes")?;
        self.left = Some(self.client.catalogue().await?);
        Ok(())
    }

    async fn change(&self, reign: u32) -> Result<()> {
        let client = &self.client;
        if reign == 1 {
            client.create_table("common", &["f", "g"], &["4", "8", "c"]).await?;
        }
        client
            .admin("createNamespace", json!([{ "name": format!("n{reign}"), "values": { "k": "v" } }]))
            .await?;
        let family = json!({ "name": "f", "values": { "VERSIONS": "4", "BLOCKSIZE": "32768" } });
        let table = format!("n{reign}:t");
        let spec = json!({ "name": table, "families": [family, "g"], "values": { "OWNER": "me" } });
        client.admin("createTable", json!([spec, ["4", "8", "c"]])).await?;
        let rows = RowSet::new(reign, ROWS);
        client.put_rows(&table, rows).await?;
        client.put_rows("common", rows).await?;
        if reign % 2 == 1 {
            client.admin("flush", json!(["common"])).await?;
        }
        // Written before the table is closed, so that it lies in a store file when it is opened again.
        client.disable_table(&table).await?;
        client.enable_table(&table).await?;
        let all: Vec<RowSet> = (1..=reign).map(|seed| RowSet::new(seed, ROWS)).collect();
        client.verify_rows("common", &all, &[]).await?.check()?;
        client.create_table(&format!("off{reign}"), &["f"], &["k"]).await?;
        client.disable_table(&format!("off{reign}")).await?;
        if reign > 1 {
            // What the reign before disabled, this one drops, and one is enabled again.
            client.delete_table(&format!("off{}", reign - 1)).await?;
        }
        Ok(())
    }

    async fn end(&self, master: &Server, end: End) -> Result<()> {
        match end {
            End::Shutdown => {
                self.client.admin("shutdown", json!([])).await?;
                for server in &self.region_servers {
                    server.wait_exit(SOON).await?;
                }
                master.wait_exit(SOON).await.map(drop)
            }
            End::Stop => {
                let status = master.stop(GRACE).await?;
                // Java's launcher answers SIGTERM with 143.
                let clean = status.success() || status.code() == Some(143);
                ensure!(clean, "ended with {status} on SIGTERM");
                Ok(())
            }
            End::Kill => master.kill9().await,
            End::KillAll => {
                for server in &self.region_servers {
                    server.kill9().await?;
                }
                master.kill9().await
            }
        }
    }
}

/// A Java master makes a table with a split region and rows in store files and WALs.
async fn split_a_region(succession: &Succession) -> Result<()> {
    let client = &succession.client;
    let rows = RowSet::new(90, ROWS);
    client.create_table("split", &["f"], &["8"]).await?;
    client.put_rows("split", rows).await?;
    client.admin("flush", json!(["split"])).await?;
    let regions = client.regions("split").await?;
    let first = regions[0].encoded.clone();
    client.admin("splitRegionAsync", json!([first, "4"])).await?;
    client.verify_rows("split", &[rows], &[]).await?.check()
}

async fn back_and_forth(storage: Storage, name: &str, ends: [End; 6]) -> Result<()> {
    let (java, hmaster) = (MasterKind::java(), hmaster().await?);
    report(&format!("takeover, {ends:?}"), name, &[HBaseVersion::V2_6; 2], &[&java, &hmaster]);
    let mut succession = Succession::begin(storage).await?;
    for (number, end) in ends.into_iter().enumerate() {
        let kind = if number % 2 == 0 { &java } else { &hmaster };
        if number == 0 {
            let master = succession.start(kind).await?;
            split_a_region(&succession).await.context("split a region")?;
            succession.check_and_change().await?;
            succession.end(&master, end).await?;
        } else {
            succession.reign(kind, end).await?;
            let client = &succession.client;
            if succession.masters.iter().any(|(_, master)| master.is_running()) {
                client.verify_rows("split", &[RowSet::new(90, ROWS)], &[]).await?.check()?;
            }
        }
    }
    succession.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_on_local_disk() -> Result<()> {
    require_peers!();
    let _alone = alone("back_and_forth_on_local_disk").await;
    use End::{Kill, KillAll, Shutdown, Stop};
    back_and_forth(Storage::Local, "local disk", [Shutdown, Stop, Stop, Kill, KillAll, Kill]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_on_hdfs() -> Result<()> {
    require_peers!();
    let _alone = alone("back_and_forth_on_hdfs").await;
    use End::{Kill, KillAll, Shutdown};
    let storage = Storage::Hdfs { datanodes: 1 };
    back_and_forth(storage, "HDFS", [Kill, KillAll, Kill, Shutdown, KillAll, Shutdown]).await
}

/// A Java master dies and its store is lost, while hbase:meta has regions between two states and a table that is being
/// disabled. What their region servers have done with them is found out, and nothing stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn hmaster_without_the_store_of_the_java_master_before_it() -> Result<()> {
    require_peers!();
    let _alone = alone("hmaster_without_the_store_of_the_java_master_before_it").await;
    let (java, hmaster) = (MasterKind::java(), hmaster().await?);
    report("takeover without a store", "local disk", &[HBaseVersion::V2_6; 2], &[&java, &hmaster]);
    let cluster = cluster("lost-store").start().await?;
    let running = scenario::start(&cluster, &java, &[HBaseVersion::V2_6; 2]).await?;
    let (client, rows) = (&running.client, RowSet::new(91, ROWS));
    client.create_table("lost", &["f"], &hex_splits(10)).await?;
    client.put_rows("lost", rows).await?;
    client.create_table("off", &["f"], &["k"]).await?;
    let (lost, off) = (client.regions("lost").await?, client.regions("off").await?);
    for encoded in [&lost[0].encoded, &lost[1].encoded, &lost[8].encoded, &off[0].encoded] {
        // Their servers don't have them, as if they had been closed, or never told to open them.
        client.admin("unassign", json!([encoded])).await?;
    }
    let said = ["OPENING", "CLOSING", "OPENING", "CLOSING", "SPLITTING", "MERGING"];
    for (region, state) in lost.iter().zip(said).chain(off.iter().zip(["CLOSING", "OPENING"])) {
        client.put("hbase:meta", &region.name, &[("info:state", state)]).await?;
    }
    // A `TableState` of DISABLING.
    client.put("hbase:meta", "off", &[("table:state", "\u{8}\u{2}")]).await?;
    running.master.kill9().await?;
    let root = cluster.root().trim_start_matches("file:").trim_start_matches("//").to_owned();
    std::fs::rename(format!("{root}/MasterData"), format!("{root}-MasterData")).context("lose the store")?;

    let master = cluster.start_master(&hmaster).await?;
    client.reconnect().await?;
    master.while_running("region servers", client.await_region_servers(2)).await?;
    client.await_consistent().await?;
    client.verify_rows("lost", &[rows], &[]).await?.check()?;
    ensure!(client.admin("isTableDisabled", json!(["off"])).await? == json!(true), "off isn't disabled");
    client.enable_table("off").await?;
    client.put("off", "a", &[("f:q", "v")]).await?;
    for region in client.regions("lost").await? {
        client.move_region(&region.encoded, None).await?;
    }
    client.verify_rows("lost", &[rows], &[]).await?.check()?;
    cluster.finish().await
}
