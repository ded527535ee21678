//! When a master was initialized, by its own word.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{Server, http, wait};
use serde_json::Value;

/// How long a start or a stop may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

/// Waits until the master has been initialized since a moment, and answers when it became active and when it was
/// initialized; all in milliseconds since 1970.
pub(crate) async fn since(master: &Server, since_ms: u64) -> Result<(u64, u64)> {
    let look = async || {
        let beans = http::jmx(master.info_port, "Hadoop:service=HBase,name=Master,sub=Server").await?;
        let bean = beans.values().next().context("no bean")?;
        let time = |name: &str| bean.get(name).and_then(Value::as_u64).with_context(|| name.to_owned());
        let (active, done) = (time("masterActiveTime")?, time("masterFinishedInitializationTime")?);
        ensure!(done >= since_ms, "not initialized");
        Ok((active, done))
    };
    let initialized = wait::until("an initialized master", DEADLINE, look);
    master.while_running("its start", initialized).await
}
