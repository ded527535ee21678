//! Waiting for something that other processes do.
//!
//! They can't tell the test, so it looks again and again. The condition returns an error with the reason
//! while it doesn't hold; after the deadline the last reason is in the test's error.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::time::{Instant, sleep, timeout};

/// Between two looks: short beside what Java servers take to do anything.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until `condition` returns a value, which is returned, or for at most `deadline`.
/// `what` completes the sentence "waited 5s for …".
pub async fn until<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    let mut last = anyhow!("the first look did not end");
    loop {
        match timeout(end.saturating_duration_since(Instant::now()), condition()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => last = reason,
            // A look that hangs says less than the one before it.
            Err(_elapsed) => {}
        }
        if Instant::now() + LOOK_EVERY >= end {
            return Err(last).with_context(|| format!("waited {deadline:?} for {what}"));
        }
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_error_has_the_last_reason() {
        let mut looks = 0;
        let waited: Result<()> = until("nothing", Duration::from_secs(1), async || {
            looks += 1;
            bail!("look {}", looks.min(2))
        })
        .await;
        assert_eq!(format!("{:#}", waited.unwrap_err()), "waited 1s for nothing: look 2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_look_is_cut_off() {
        let waited: Result<()> =
            until("nothing", Duration::from_secs(1), async || std::future::pending().await).await;
        waited.unwrap_err();
    }
}
