//! What goes wrong at a light server when it is told to.

use std::time::Duration;

use hmaster_types::Chance;
use serde::Deserialize;

/// A time that is drawn anew each time, evenly between two bounds, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Range(pub u32, pub u32);

/// What goes wrong, and how often. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// How long an opening takes.
    pub open_ms: Range,
    /// How long a closing takes.
    pub close_ms: Range,
    /// The share of openings that fail.
    pub failed_opens: f64,
}

impl Range {
    async fn pass(self, chance: &Chance) {
        let spread = self.1.saturating_sub(self.0) as usize;
        let millis = u64::from(self.0) + chance.below(spread + 1) as u64;
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
}

impl Faults {
    pub(super) async fn open(&self, chance: &Chance) -> Result<(), String> {
        self.open_ms.pass(chance).await;
        match self.failed_opens > 0.0 && chance.happens(self.failed_opens) {
            true => Err("it was told to fail".into()),
            false => Ok(()),
        }
    }

    pub(super) async fn close(&self, chance: &Chance) {
        self.close_ms.pass(chance).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn openings_take_their_time_and_fail_as_told() {
        let faults: Faults = serde_json::from_str(r#"{"open_ms": [100, 200], "failed_opens": 1.0}"#).unwrap();
        let chance = Chance::seeded(1);
        let began = Instant::now();
        assert!(faults.open(&chance).await.is_err());
        let took = began.elapsed().as_millis();
        assert!((100..=201).contains(&took), "{took}");
        faults.close(&chance).await;
        assert!(Faults::default().open(&chance).await.is_ok());
    }
}
