//! What was measured, as a table, and which goals were missed.

use std::fmt;

use crate::rows::Row;

/// Bytes a region that the balancer may take, all in.
const BYTES_MAX: f64 = 400.0;
/// Seconds from the cluster to the first better plan.
const FIRST_SECONDS_MAX: f64 = 0.3;

/// The first two lines.
pub(crate) const HEAD: &str = "\
| cluster | before | Java, 30 s (moves; steps/s) | to reach | reached after (read) | cost then | first move \
| floor | best known, after | least (moves) | candidates/s | bytes/region |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// What the columns mean.
pub(crate) const FOOT: &str = "\
Times are CPU seconds of one thread, from two messages in memory to the plan; `first move` from the cluster. `cost then`: \
when the time to reach was up. `least`: after 10 s, 30 s at a million regions. Costs are those that Java finds, too, where \
its column isn't empty.";

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) before: f64,
    pub(crate) read: f64,
    pub(crate) first: Option<f64>,
    pub(crate) in_time: f64,
    pub(crate) reached: Option<f64>,
    pub(crate) best: f64,
    pub(crate) best_moves: usize,
    pub(crate) best_after: Option<f64>,
    pub(crate) floor: f64,
    pub(crate) candidates_per_second: f64,
    pub(crate) bytes_per_region: f64,
    pub(crate) beside: Option<Beside>,
}

/// What Java did with the same cluster.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) cost: f64,
    pub(crate) moves: u64,
    pub(crate) steps_per_second: f64,
}

impl Line {
    /// The goals that weren't reached.
    pub(crate) fn missed(&self) -> Vec<String> {
        let row = &self.row;
        let late = |seconds: Option<f64>, max: f64| seconds.is_none_or(|seconds| seconds > max);
        let goals = [
            (late(self.reached, row.seconds), format!("{} within {} s", row.cost, row.seconds)),
            (
                row.best_known.is_some() && late(self.best_after, row.seconds_max()),
                format!("the best known within {} s", row.seconds_max()),
            ),
            (self.candidates_per_second < row.speed_min(), format!("{} candidates/s", row.speed_min())),
            (self.bytes_per_region > BYTES_MAX, format!("{BYTES_MAX} bytes/region")),
            (
                row.is_large() && late(self.first, FIRST_SECONDS_MAX),
                format!("first move within {FIRST_SECONDS_MAX} s"),
            ),
        ];
        let missed = goals.into_iter().filter(|(missed, _)| *missed);
        missed.map(|(_, goal)| format!("{}: {goal}", row.name())).collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        let seconds = |seconds: Option<f64>| seconds.map_or("never".to_owned(), |s| format!("{s:.3} s"));
        let beside = self.beside.as_ref().map_or(String::new(), |java| {
            format!("{:.6} ({}; {:.0})", java.cost, java.moves, java.steps_per_second)
        });
        let best_known =
            row.best_known.map_or("–".to_owned(), |best| format!("{best}, {}", seconds(self.best_after)));
        write!(
            f,
            "| {} | {:.5} | {beside} | {} in {} s | {} ({:.3}) | {:.6} | {} | {:.6} | {best_known} | {:.6} ({}) | {:.1} M \
             | {:.0} |",
            row.name(),
            self.before,
            row.cost,
            row.seconds,
            seconds(self.reached),
            self.read,
            self.in_time,
            seconds(self.first),
            self.floor,
            self.best,
            self.best_moves,
            self.candidates_per_second / 1e6,
            self.bytes_per_region
        )
    }
}
