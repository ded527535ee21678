//! The clusters, and what is to be reached on each.

use crate::oracle::Shape;

/// A cluster, and what is to be reached there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) shape: Shape,
    /// Cost to reach, and within how many seconds.
    pub(crate) cost: f64,
    pub(crate) seconds: f64,
    /// The least cost that anybody has found with seed 42, in Java within a minute of exchanges.
    pub(crate) best_known: Option<f64>,
}

const fn row(shape: Shape, cost: f64, seconds: f64, best_known: f64) -> Row {
    Row { shape, cost, seconds, best_known: Some(best_known) }
}

const fn racks(racks: usize, shape: Shape) -> Shape {
    Shape { racks, ..shape }
}

/// All of them.
pub(crate) const ROWS: [Row; 13] = [
    row(Shape::plain("one-server", 10_000, 100, 10), 0.0137, 0.05, 0.013576),
    row(Shape::plain("random", 10_000, 100, 10), 0.0031, 0.05, 0.002955),
    row(Shape::plain("hot", 10_000, 100, 10), 0.0022, 0.1, 0.002071),
    row(Shape::plain("random", 100_000, 500, 50), 0.0037, 0.5, 0.003590),
    row(Shape::plain("new-servers", 100_000, 500, 50), 0.0024, 0.5, 0.002301),
    row(racks(10, Shape::plain("dead-rack", 100_000, 500, 50)), 0.0025, 0.5, 0.002421),
    row(Shape::plain("multi-table", 100_000, 500, 50), 0.0135, 0.5, 0.013325),
    row(Shape::plain("hot", 100_000, 500, 50), 0.0018, 1.0, 0.001526),
    Row {
        shape: Shape { replicas: 3, ..racks(10, Shape::plain("replicas", 33_334, 500, 50)) },
        cost: 0.0001,
        seconds: 1.0,
        best_known: None,
    },
    row(Shape::plain("one-server", 1_000_000, 2_000, 100), 0.0140, 3.0, 0.013295),
    row(Shape::plain("random", 1_000_000, 2_000, 100), 0.0031, 3.0, 0.003045),
    row(Shape::plain("new-servers", 1_000_000, 2_000, 100), 0.0021, 3.0, 0.002033),
    row(Shape::plain("hot", 1_000_000, 2_000, 100), 0.0012, 5.0, 0.001048),
];

impl Row {
    pub(crate) fn regions(&self) -> usize {
        self.shape.regions * self.shape.replicas
    }

    pub(crate) fn name(&self) -> String {
        format!("{}k/{} {}", self.regions() / 1000, self.shape.servers, self.shape.shape)
    }

    pub(crate) fn file_name(&self, seed: u64) -> String {
        format!("{}-{seed}", self.name().replace(['/', ' '], "-"))
    }

    pub(crate) fn is_large(&self) -> bool {
        self.regions() >= 500_000
    }

    /// Time in which the best known cost is to be beaten.
    pub(crate) fn seconds_max(&self) -> f64 {
        if self.is_large() { 30.0 } else { 10.0 }
    }

    /// Time in which candidates are counted.
    pub(crate) fn speed_seconds(&self) -> f64 {
        if self.is_large() { 15.0 } else { 5.0 }
    }

    /// Candidates a second that are to be looked at.
    pub(crate) fn speed_min(&self) -> f64 {
        if self.is_large() { 10e6 } else { 20e6 }
    }

    pub(crate) fn heap_mb(&self) -> u32 {
        if self.is_large() { 12_000 } else { 3_000 }
    }
}
