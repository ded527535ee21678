//! What a master would do, and procedures that it can't continue.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsPath, LocalFileSystem};
use hmaster_procedure::{ProcedureStore as _, StoreOp};
use hmaster_protocol::pb;
use hmaster_store::RegionProcedureStore;
use hmaster_store::region::{MasterRegion, MasterRegionOptions};
use hmaster_tests::{CommandSpec, MasterKind, ServerOptions};
use hmaster_types::SystemClock;

use crate::{Masters, SOON, everything};

const UNKNOWN: &str = "org.example.coprocessor.OurOwnProcedure";

async fn binary() -> Result<PathBuf> {
    match MasterKind::hmaster().await? {
        MasterKind::Program(program) => Ok(program),
        MasterKind::Java(_) => bail!("no binary"),
    }
}

/// A procedure that some other master has begun.
async fn leave_unknown_procedure(root: &std::path::Path) -> Result<()> {
    let clock = Arc::new(SystemClock);
    let path: FsPath = root.display().to_string().parse()?;
    let root = RootDir::new(Arc::new(LocalFileSystem), path, clock.clone());
    let server = "java,16000,1".parse()?;
    let region = MasterRegion::open(&root, clock, &server, MasterRegionOptions::default()).await?;
    let region = Arc::new(region);
    let mut record = pb::Procedure {
        class_name: UNKNOWN.into(),
        proc_id: 4711,
        submitted_time: 1,
        last_update: 1,
        ..Default::default()
    };
    record.set_state(pb::ProcedureState::Runnable);
    RegionProcedureStore::new(region.clone()).submit(vec![StoreOp::Put(Arc::new(record))]).await?;
    Ok(region.close().await?)
}

async fn dry_run(masters: &Masters, conf_dir: &std::path::Path) -> Result<(Option<i32>, String)> {
    let before = masters.at_rest().await?;
    let znodes = masters.zk.children(&masters.zk.paths.base).await?;
    let command =
        CommandSpec::new(binary().await?).args(["takeover", "--dry-run", "--conf-dir"]).arg(conf_dir);
    let output = command.output("", SOON).await?;
    ensure!(everything(masters.root())? == before, "the dry run has changed files");
    ensure!(masters.zk.children(&masters.zk.paths.base).await? == znodes, "the dry run has changed znodes");
    Ok((output.status.code(), output.stdout))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_continued_is_named_before_anything_is_touched() -> Result<()> {
    let kind = MasterKind::hmaster().await?;
    let masters = Masters::start("takeover", Duration::from_secs(10)).await?;
    let first = masters.cluster.start_master(&kind).await?;
    let name = masters.is_active(&first).await?;
    let (code, plan) = dry_run(&masters, &first.conf_dir).await?;
    ensure!(code == Some(0), "{code:?}: {plan}");
    for expected in [&format!("{name} is active now"), "Dead servers to recover: none", "hbase:meta"] {
        ensure!(plan.contains(expected), "no {expected:?} in\n{plan}");
    }
    first.stop(SOON).await?;

    leave_unknown_procedure(masters.root()).await?;
    let splitting = masters.root().join("WALs").join("gone,16020,5-splitting");
    std::fs::create_dir_all(&splitting)?;
    let temp = masters.root().join(".tmp").join("work-of-another");
    std::fs::create_dir_all(&temp)?;
    let (code, plan) = dry_run(&masters, &first.conf_dir).await?;
    ensure!(code == Some(2), "{code:?}: {plan}");
    for expected in
        [UNKNOWN, "pid=4711", "gone,16020,5-splitting", "hmaster.takeover.bypass.unknown.procedures"]
    {
        ensure!(plan.contains(expected), "no {expected:?} in\n{plan}");
    }

    // A real start names it, too, and goes; what isn't its log is as it was.
    let said = match masters.cluster.start_master(&kind).await {
        Ok(refused) => {
            ensure!(!refused.wait_exit(SOON).await?.success(), "it started");
            refused.log()
        }
        Err(gone) => format!("{gone:?}"), // before anybody saw its port
    };
    ensure!(said.contains(UNKNOWN), "{said}");
    ensure!(temp.exists() && splitting.exists(), "something was touched");

    let bypass = ServerOptions::default().conf("hmaster.takeover.bypass.unknown.procedures", true);
    let last = masters.cluster.start_master_with(&kind, &bypass).await?;
    masters.is_active(&last).await?;
    last.wait_for_log("bypassed", SOON).await?;
    masters.finish().await
}
