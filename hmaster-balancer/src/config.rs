//! The balancer's settings: the keys and defaults of 2.6.4.
//!
//! Read from the raw configuration, as Java reads them, since users add keys of their own for their own functions.

use crate::cost::{Function, PerFunction};
use crate::error::BalancerError;

const PREFIX: &str = "hbase.master.balancer.stochastic.";
/// Java's class name of the one additional cost function that comes with HBase.
const HETEROGENEOUS: &str = "HeterogeneousRegionCountCostFunction";

/// Settings of the balancer.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Weight per function; one that isn't above 0 switches its function off.
    pub weights: [f32; Function::COUNT],
    /// Weight of moves in the hours of `off_peak`: `moveCost.offpeak`.
    pub move_weight_off_peak: f32,
    /// From this hour to before that one: `hbase.offpeak.start.hour`, `hbase.offpeak.end.hour`.
    pub off_peak: Option<(u8, u8)>,
    /// Share by which a server's number of regions may differ from the mean: `hbase.regions.slop`. Below 0: any.
    pub slop: f32,
    /// Weighted mean of costs below which nothing is done: `minCostNeedBalance`.
    pub min_cost_need_balance: f32,
    /// Share of all regions that may move: `maxMovePercent`. Java never goes below 600 regions.
    pub max_move_percent: f32,
    /// Samples of load kept per region: `hbase.master.balancer.stochastic.numRegionLoadsToRemember`.
    pub samples_max: usize,
    /// Whether locality counts: `hbase.master.balancer.uselocality`.
    pub use_locality: bool,
    /// Each table for itself: `hbase.master.loadbalance.bytable`.
    pub by_table: bool,
    /// How long to search, in ms: `maxRunningTime`.
    pub running_time_ms_max: u64,
    /// Steps of the Java-compatible walk per region and server: `stepsPerRegion`.
    pub steps_per_region: u64,
    /// Steps of the Java-compatible walk: `maxSteps`.
    pub steps_max: u64,
    /// Whether `steps_max` is a floor instead: `runMaxSteps`.
    pub run_steps_max: bool,
    /// What a server can hold when no rule says so: `hbase.master.balancer.heterogeneousRegionCountDefault`.
    pub capacity_default: u32,
}

impl Default for Config {
    fn default() -> Self {
        let mut weights = Function::ALL.map(Function::weight_default);
        // Only when it is named among the additional functions.
        weights[Function::Heterogeneous.index()] = 0.0;
        Self {
            weights,
            move_weight_off_peak: 3.0,
            off_peak: None,
            slop: 0.2,
            min_cost_need_balance: 0.025,
            max_move_percent: 1.0,
            samples_max: 15,
            use_locality: true,
            by_table: false,
            running_time_ms_max: 30_000,
            steps_per_region: 800,
            steps_max: 1_000_000,
            run_steps_max: false,
            capacity_default: 200,
        }
    }
}

impl Config {
    /// Reads the settings through `get`, which gives the value of a key.
    ///
    /// # Errors
    /// When a value isn't a number or out of its range, with the key.
    pub fn from_settings(get: impl Fn(&str) -> Option<String>) -> Result<Self, BalancerError> {
        let read = Settings(&get);
        let default = Self::default();
        let mut weights = default.weights;
        for function in Function::ALL {
            let key = format!("{PREFIX}{}", function.key());
            weights[function.index()] = read.weight(&key, function.weight_default())?;
        }
        let additional = get(&format!("{PREFIX}additionalCostFunctions")).unwrap_or_default();
        if !additional.split(',').any(|class| class.trim().ends_with(HETEROGENEOUS)) {
            weights[Function::Heterogeneous.index()] = 0.0;
        }
        let key = |name: &str| format!("{PREFIX}{name}");
        Ok(Self {
            weights,
            move_weight_off_peak: read.weight(&key("moveCost.offpeak"), default.move_weight_off_peak)?,
            off_peak: read.off_peak()?,
            slop: read.number("hbase.regions.slop", default.slop)?,
            min_cost_need_balance: read.number(&key("minCostNeedBalance"), default.min_cost_need_balance)?,
            max_move_percent: read.weight(&key("maxMovePercent"), default.max_move_percent)?,
            samples_max: read.number(&key("numRegionLoadsToRemember"), default.samples_max)?.max(1),
            use_locality: read.flag("hbase.master.balancer.uselocality", default.use_locality)?,
            by_table: read.flag("hbase.master.loadbalance.bytable", default.by_table)?,
            running_time_ms_max: read.number(&key("maxRunningTime"), default.running_time_ms_max)?,
            steps_per_region: read.number(&key("stepsPerRegion"), default.steps_per_region)?,
            steps_max: read.number(&key("maxSteps"), default.steps_max)?,
            run_steps_max: read.flag(&key("runMaxSteps"), default.run_steps_max)?,
            capacity_default: read
                .number("hbase.master.balancer.heterogeneousRegionCountDefault", default.capacity_default)?,
        })
    }

    /// The weight of a function.
    pub fn weight(&self, function: Function) -> f32 {
        self.weights[function.index()]
    }

    /// Takes the weight of moves that is right for this hour of the day.
    #[must_use]
    pub fn at_hour(mut self, hour: u8) -> Self {
        if self.off_peak.is_some_and(|(start, end)| in_hours(hour, start, end))
            && self.weight(Function::Move) > 0.0
        {
            self.weights[Function::Move.index()] = self.move_weight_off_peak;
        }
        self
    }

    /// Moves above which Java's cost of moves becomes a million.
    pub fn moves_max(&self, regions: usize) -> usize {
        ((regions as f32 * self.max_move_percent) as usize).max(600)
    }

    /// Weights as they enter the sum.
    pub(crate) fn weights_wide(&self) -> PerFunction {
        self.weights.map(f64::from)
    }
}

fn in_hours(hour: u8, start: u8, end: u8) -> bool {
    if start <= end { start <= hour && hour < end } else { hour >= start || hour < end }
}

struct Settings<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Settings<'_> {
    fn number<N: std::str::FromStr + PartialOrd + Copy>(
        &self,
        key: &str,
        default: N,
    ) -> Result<N, BalancerError> {
        let Some(text) = (self.0)(key) else { return Ok(default) };
        let number: N = text.trim().parse().map_err(|_| bad(key, &text, "not a number in range"))?;
        // Only NaN differs from itself.
        if number.partial_cmp(&number).is_none() { Err(bad(key, &text, "not a number")) } else { Ok(number) }
    }

    fn weight(&self, key: &str, default: f32) -> Result<f32, BalancerError> {
        let weight = self.number(key, default)?;
        if weight.is_finite() { Ok(weight) } else { Err(bad(key, &weight.to_string(), "not finite")) }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, BalancerError> {
        match (self.0)(key) {
            None => Ok(default),
            Some(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(bad(key, &text, "neither true nor false")),
        }
    }

    fn off_peak(&self) -> Result<Option<(u8, u8)>, BalancerError> {
        let hour = |key: &str| -> Result<Option<u8>, BalancerError> {
            match self.number::<i32>(key, -1)? {
                -1 => Ok(None),
                hour @ 0..=23 => Ok(Some(hour as u8)),
                hour => Err(bad(key, &hour.to_string(), "not an hour from 0 to 23, or -1")),
            }
        };
        let hours = hour("hbase.offpeak.start.hour")?.zip(hour("hbase.offpeak.end.hour")?);
        Ok(hours.filter(|(start, end)| start != end))
    }
}

fn bad(key: &str, value: &str, reason: &'static str) -> BalancerError {
    BalancerError::Setting { key: key.to_owned(), value: value.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, BalancerError> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_settings(|key| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone()))
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(read(&[]).unwrap(), Config::default());
    }

    #[test]
    fn keys_are_javas() {
        let config = read(&[
            ("hbase.master.balancer.stochastic.regionReplicaHostCostKey", "7"),
            (
                "hbase.master.balancer.stochastic.additionalCostFunctions",
                "a.B, x.HeterogeneousRegionCountCostFunction",
            ),
            ("hbase.offpeak.start.hour", "22"),
            ("hbase.offpeak.end.hour", "4"),
        ])
        .unwrap();
        assert_eq!(config.weight(Function::ReplicaHost), 7.0);
        assert_eq!(config.weight(Function::Heterogeneous), 500.0);
        assert_eq!(config.clone().at_hour(3).weight(Function::Move), 3.0);
        assert_eq!(config.at_hour(4).weight(Function::Move), 7.0);
    }

    #[test]
    fn bad_values_name_their_key() {
        for (key, value) in [
            ("hbase.master.balancer.stochastic.moveCost", "NaN"),
            ("hbase.master.balancer.stochastic.moveCost", "inf"),
            ("hbase.master.balancer.stochastic.moveCost", "x"),
            ("hbase.master.balancer.stochastic.maxSteps", "-1"),
            ("hbase.master.balancer.uselocality", "maybe"),
            ("hbase.offpeak.start.hour", "24"),
            ("hbase.regions.slop", "nan"),
        ] {
            let error = read(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn at_least_six_hundred_regions_may_move() {
        assert_eq!(Config::default().moves_max(5), 600);
        assert_eq!(Config { max_move_percent: 0.1, ..Config::default() }.moves_max(100_000), 10_000);
    }
}
