//! How good a plan can be at best: a proof, not a guess.
//!
//! Levelling regions from the fullest to the emptiest server is the fastest way down for a sum of squares, so counting
//! on from there says how level counts can be after m moves, for all regions and for each table; the tables' curves
//! are combined by their lower convex hulls. No plan with m moves has less. A load can't be more level than with its
//! largest regions alone and the rest spread like water. What these leave out (that levelling loads takes moves) makes
//! the bound low, never wrong.

use crate::LOADS;
use crate::cost::array::{Counts, Skew};
use crate::cost::{Function, PerFunction};
use crate::state::{State, sum_of_multipliers};

/// Lower bounds for all plans of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Least cost of each function by itself, without weights.
    pub per_function: PerFunction,
    /// Least weighted mean of all costs.
    pub cost: f64,
    /// Moves that any plan needs which is as level as the judged one, in counts and in tables.
    pub moves_min: u64,
}

impl Bounds {
    /// Bounds for the cluster as it was at `start`, with the fewest moves for the balance of `end`.
    pub fn new(start: &State<'_>, end: &State<'_>) -> Self {
        let mut per_function = [0.0; Function::COUNT];
        for (f, function) in Function::OF_LOADS.into_iter().enumerate() {
            if start.is_needed(function) {
                per_function[function.index()] = load_floor(start, f);
            }
        }
        let loads: f64 = Function::OF_LOADS.iter().map(|&f| start.weight(f) * per_function[f.index()]).sum();
        let curves = Curves::new(start);
        let moves_min = curves.moves_for(end);
        per_function[Function::Move.index()] = curves.cost_of(0);
        let total = loads + curves.best();
        let sum = sum_of_multipliers(start);
        Self { per_function, cost: if sum > 0.0 { total / sum } else { 0.0 }, moves_min }
    }

    /// What keeps a plan from its bounds: each function that is above its own, by how much of the weighted mean.
    pub fn gaps(&self, end: &State<'_>) -> Vec<(Function, f64)> {
        let sum = sum_of_multipliers(end).max(f64::MIN_POSITIVE);
        let gap = |f: Function| end.weight(f) * (end.costs()[f.index()] - self.per_function[f.index()]) / sum;
        let mut gaps: Vec<_> =
            Function::ALL.into_iter().map(|f| (f, gap(f))).filter(|(_, g)| *g > 1e-12).collect();
        gaps.sort_by(|a, b| b.1.total_cmp(&a.1));
        gaps
    }
}

/// How level counts and tables can be after m moves.
struct Curves {
    counts: Vec<f64>,
    /// Falls of the summed tables' cost per move, steepest first.
    falls: Vec<f64>,
    tables: f64,
    homeless: u64,
    weights: [f64; 3],
    regions: u64,
    moved_max: u64,
}

impl Curves {
    fn new(start: &State<'_>) -> Self {
        let cluster = start.cluster();
        let (servers, tables) = (cluster.server_count(), cluster.table_count());
        let homeless = start.places().iter().filter(|&&s| s as usize >= servers).count() as u64;
        let weights = [Function::RegionCount, Function::TableSkew, Function::Move].map(|f| start.weight(f));
        let regions = cluster.region_count() as u64;
        let mut curves = Self {
            counts: vec![0.0],
            falls: Vec::new(),
            tables: 0.0,
            homeless,
            weights,
            regions,
            moved_max: start.moved_max(),
        };
        // With regions that are nowhere, levels can be reached while placing them: only their moves are certain.
        if homeless == 0 {
            curves.counts = flatten(start.counts(), start.count_skew());
            for table in 0..tables {
                let counts: Vec<u32> = (0..servers).map(|s| start.cells()[s * tables + table]).collect();
                let curve = flatten(&counts, &start.table_skews()[table]);
                curves.tables += curve[0];
                hull_falls(&curve, &mut curves.falls);
            }
            curves.falls.sort_by(|a, b| b.total_cmp(a));
        }
        curves
    }

    /// The cost function of moves after at least these.
    fn cost_of(&self, moves: u64) -> f64 {
        moves.max(self.homeless) as f64 / self.regions.min(self.moved_max).max(1) as f64
    }

    /// Least weighted sum over all numbers of moves.
    fn best(&self) -> f64 {
        let (mut best, mut tables) = (f64::INFINITY, self.tables);
        let last = self.counts.len().max(self.falls.len() + 1);
        for moves in 0..last {
            let counts = self.counts[moves.min(self.counts.len() - 1)];
            let cost = self.weights[0] * counts
                + self.weights[1] * tables.max(0.0)
                + self.weights[2] * self.cost_of(moves as u64);
            best = best.min(cost);
            tables -= self.falls.get(moves).copied().unwrap_or(0.0);
        }
        best
    }

    /// Fewest moves for counts and tables as level as these.
    fn moves_for(&self, end: &State<'_>) -> u64 {
        let slack = 1e-12;
        let counts = end.costs()[Function::RegionCount.index()] + slack;
        let for_counts = self.counts.iter().position(|&cost| cost <= counts).unwrap_or(self.counts.len() - 1);
        let wanted = end.costs()[Function::TableSkew.index()] + slack;
        let (mut for_tables, mut tables) = (0, self.tables);
        if self.weights[1] > 0.0 {
            // Rounding of many small falls must not ask for a move too many.
            let rounding = 1e-9 * self.tables;
            while tables > wanted + rounding && for_tables < self.falls.len() {
                tables -= self.falls[for_tables];
                for_tables += 1;
            }
        }
        let for_counts = if self.weights[0] > 0.0 { for_counts } else { 0 };
        (for_counts.max(for_tables) as u64).max(self.homeless)
    }
}

/// The cost after 0, 1, 2… moves from the fullest to the emptiest.
fn flatten(counts: &[u32], skew: &Counts) -> Vec<f64> {
    let most = counts.iter().max().copied().unwrap_or(0) as usize;
    let mut servers_with = vec![0_u32; most + 2];
    counts.iter().for_each(|&count| servers_with[count as usize] += 1);
    let (mut high, mut low, mut change) = (most, 0, 0_i64);
    let mut curve = Vec::new();
    loop {
        while high > 0 && servers_with[high] == 0 {
            high -= 1;
        }
        while low < most && servers_with[low] == 0 {
            low += 1;
        }
        if high <= low + 1 {
            curve.push(0.0);
            return curve;
        }
        curve.push(skew.cost_after(change));
        change += skew.shift(high as u32, low as u32);
        servers_with[high] -= 1;
        servers_with[high - 1] += 1;
        servers_with[low] -= 1;
        servers_with[low + 1] += 1;
    }
}

/// Falls per move along the lower convex hull of a curve.
fn hull_falls(curve: &[f64], falls: &mut Vec<f64>) {
    let mut hull: Vec<usize> = Vec::new();
    for i in 0..curve.len() {
        while let [.., q, b] = hull[..] {
            let bent = (curve[b] - curve[q]) * (i - b) as f64 >= (curve[i] - curve[b]) * (b - q) as f64;
            if !bent {
                break;
            }
            hull.pop();
        }
        hull.push(i);
    }
    for pair in hull.windows(2) {
        let fall = (curve[pair[0]] - curve[pair[1]]) / (pair[1] - pair[0]) as f64;
        falls.extend(std::iter::repeat_n(fall, pair[1] - pair[0]));
    }
}

/// The cost with the largest regions alone on a server each and the rest spread evenly.
fn load_floor(state: &State<'_>, load: usize) -> f64 {
    debug_assert!(load < LOADS);
    let servers = state.cluster().server_count();
    let mut values: Vec<f64> = state.cluster().loads().iter().map(|l| l[load]).collect();
    let total: f64 = values.iter().sum();
    let skew = Skew::new(total, servers);
    // Only the largest can be above the mean of what is left.
    let largest = servers.min(values.len());
    if largest > 0 && largest < values.len() {
        values.select_nth_unstable_by(largest - 1, |a, b| b.total_cmp(a));
    }
    values[..largest].sort_by(|a, b| b.total_cmp(a));
    let (mut rest, mut squares, mut alone) = (total, 0.0, 0);
    while alone + 1 < servers && alone < largest && values[alone] > rest / (servers - alone) as f64 {
        squares += (values[alone] - skew.mean).powi(2);
        rest -= values[alone];
        alone += 1;
    }
    let left = (servers - alone) as f64;
    squares += left * (rest / left - skew.mean).powi(2);
    skew.cost(squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levelling_takes_the_surplus() {
        let counts = [7_u32, 1, 1];
        let curve = flatten(&counts, &Counts::new(9, counts.into_iter()));
        assert_eq!(curve.len() - 1, 4);
        assert!(curve.windows(2).all(|pair| pair[1] < pair[0]));
        assert_eq!(curve[4], 0.0);
    }

    #[test]
    fn a_hull_falls_as_much_as_its_curve() {
        let mut falls = Vec::new();
        hull_falls(&[10.0, 9.5, 9.0, 4.0, 0.0], &mut falls);
        assert_eq!(falls.len(), 4);
        assert!((falls.iter().sum::<f64>() - 10.0).abs() < 1e-12);
    }
}
