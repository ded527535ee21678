//! How far the start of a reign has come, stage by stage. Counterpart of `TaskGroup` and the start-up page.

use std::sync::Arc;

use hmaster_types::Clock;
use parking_lot::Mutex;

/// A stage of the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What is being done.
    pub name: &'static str,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// When it ended; none while it goes on.
    pub ended_ms: Option<u64>,
}

/// The stages so far.
#[derive(Debug)]
pub struct Progress {
    clock: Arc<dyn Clock>,
    stages: Mutex<Vec<Stage>>,
}

impl Progress {
    /// Nothing has begun.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, stages: Mutex::default() }
    }

    /// Ends the stage before and begins the next.
    pub fn begin(&self, name: &'static str) {
        let now_ms = self.clock.now_ms();
        let mut stages = self.stages.lock();
        end(&mut stages, now_ms);
        tracing::debug!(stage = name, "start-up");
        stages.push(Stage { name, began_ms: now_ms, ended_ms: None });
    }

    /// Ends the last stage.
    pub fn finish(&self) {
        let now_ms = self.clock.now_ms();
        let mut stages = self.stages.lock();
        end(&mut stages, now_ms);
        let took_ms = stages.first().map_or(0, |first| now_ms.saturating_sub(first.began_ms));
        let slow: Vec<_> =
            stages.iter().filter_map(|stage| Some((stage.name, duration_ms(stage)?))).collect();
        tracing::info!(took_ms, stages = ?slow, "start-up is complete");
    }

    /// All stages, in order.
    pub fn stages(&self) -> Vec<Stage> {
        self.stages.lock().clone()
    }
}

fn end(stages: &mut [Stage], now_ms: u64) {
    if let Some(stage) = stages.last_mut().filter(|stage| stage.ended_ms.is_none()) {
        stage.ended_ms = Some(now_ms);
    }
}

fn duration_ms(stage: &Stage) -> Option<u64> {
    stage.ended_ms.map(|ended| ended.saturating_sub(stage.began_ms)).filter(|took| *took > 0)
}

#[cfg(test)]
mod tests {
    use hmaster_types::ManualClock;

    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let clock = Arc::new(ManualClock::at(10));
        let progress = Progress::new(clock.clone());
        progress.begin("one");
        clock.advance(5);
        progress.begin("two");
        assert_eq!(progress.stages()[0], Stage { name: "one", began_ms: 10, ended_ms: Some(15) });
        assert_eq!(progress.stages()[1].ended_ms, None);
        progress.finish();
        assert_eq!(progress.stages()[1].ended_ms, Some(15));
    }
}
