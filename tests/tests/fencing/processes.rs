//! Masters that are killed or suspended.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hmaster_tests::MasterKind;

use crate::{Masters, everything};

/// What HBase asks for.
const LONG_SESSION: Duration = Duration::from_secs(90);

#[expect(clippy::print_stderr, reason = "a measurement")]
fn say(what: &str) {
    eprintln!("{what}");
}

/// Its session would run for another minute and more.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_master_is_followed_at_once() -> Result<()> {
    let kind = MasterKind::hmaster().await?;
    let masters = Masters::start("killed-master", LONG_SESSION).await?;
    let first = masters.cluster.start_master(&kind).await?;
    masters.is_active(&first).await?;
    let second = masters.cluster.start_master(&kind).await?;
    masters.is_waiting(&second).await?;
    let session = masters.zk.get(&masters.zk.paths.master_session).await?;
    ensure!(session.is_some(), "the active master has left no session");
    for (victim, heir) in [(&first, &second), (&second, &first)] {
        let killed = Instant::now();
        victim.kill9().await?;
        masters.is_active(heir).await?;
        say(&format!("kill -9 to the backup active with its store: {:?}", killed.elapsed()));
        ensure!(killed.elapsed() < LONG_SESSION / 2, "it waited for the session: {:?}", killed.elapsed());
        victim.restart().await?;
        masters.is_waiting(victim).await?;
    }
    masters.finish().await
}

/// The other way: with the key switched off the session is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_the_session_is_waited_for() -> Result<()> {
    const SESSION: Duration = Duration::from_secs(6);
    let kind = MasterKind::hmaster().await?;
    let off = |builder: hmaster_tests::ClusterBuilder| {
        builder.conf("hmaster.failover.on.refused.connection", false)
    };
    let masters = Masters::start_with("killed-master-waited-for", SESSION, off).await?;
    let first = masters.cluster.start_master(&kind).await?;
    masters.is_active(&first).await?;
    ensure!(masters.zk.get(&masters.zk.paths.master_session).await?.is_none(), "a session was left");
    let second = masters.cluster.start_master(&kind).await?;
    masters.is_waiting(&second).await?;
    let killed = Instant::now();
    first.kill9().await?;
    masters.is_active(&second).await?;
    // It may have been heard of a while before it was killed.
    ensure!(killed.elapsed() > SESSION / 3, "too soon: {:?}", killed.elapsed());
    masters.finish().await
}

/// A master that hangs isn't taken for a dead one: its session runs out first. When it goes on it does nothing more, and
/// waits for its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_master_changes_nothing_when_it_goes_on() -> Result<()> {
    const SESSION: Duration = Duration::from_secs(6);
    let kind = MasterKind::hmaster().await?;
    let masters = Masters::start("suspended-master", SESSION).await?;
    let first = masters.cluster.start_master(&kind).await?;
    let first_name = masters.is_active(&first).await?;
    let second = masters.cluster.start_master(&kind).await?;
    masters.is_waiting(&second).await?;

    let paused = Instant::now();
    first.pause()?;
    let second_name = masters.is_active(&second).await?;
    ensure!(paused.elapsed() > SESSION / 3, "it was taken for dead: {:?}", paused.elapsed());
    // Nothing is asked of the second one: what changes from here on is the first one's doing.
    let before = masters.at_rest().await?;
    first.resume()?;
    masters.is_waiting(&first).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = everything(masters.root())?;
    let differs = after.iter().filter(|file| !before.contains(file)).map(|(name, _)| name);
    let differs: Vec<_> =
        differs.chain(before.iter().filter(|f| !after.contains(f)).map(|(n, _)| n)).collect();
    ensure!(differs.is_empty(), "changed: {differs:?}");
    ensure!(!masters.logs_folder().join(first_name.as_str()).exists(), "the deposed master's folder is back");
    ensure!(masters.active().await? == Some(second_name), "the second stays active");
    ensure!(first.is_running() && second.is_running());
    masters.finish().await
}
