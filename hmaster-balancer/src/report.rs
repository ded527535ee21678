//! Plans for people and for programs: text, JSON, and a page that stands alone.

mod html;
mod load;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Region};
use crate::config::Config;
use crate::cost::Function;
use crate::plan::{Judgement, Move, MoveReason, Plan, StayReason};
use crate::state::State;

/// Moves that are explained one by one in a report, and regions that stay, unless another number is asked for.
pub const EXPLAINED_MAX: usize = 200;

/// A plan with all that is needed to tell of it.
#[derive(Debug)]
pub struct Report<'a> {
    plan: &'a Plan,
    cluster: &'a Cluster,
    start: State<'a>,
    end: State<'a>,
    /// Moves and stays to explain, if somebody asked for a number of them.
    explained: Option<usize>,
}

impl<'a> Report<'a> {
    /// A report on a plan for a cluster, made with these settings.
    pub fn new(plan: &'a Plan, cluster: &'a Cluster, config: &'a Config) -> Self {
        let (start, end) = (State::new(cluster, config), plan.apply(cluster, config));
        Self { plan, cluster, start, end, explained: None }
    }

    /// Explains so many moves, and regions that stay on hot servers.
    #[must_use]
    pub fn explain(mut self, count: usize) -> Self {
        self.explained = Some(count);
        self
    }

    /// Cost before and after per function, moves, bounds, and what stands in the way.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write_text(&mut out);
        out
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        let (plan, cluster) = (self.plan, self.cluster);
        writeln!(
            out,
            "{} regions of {} tables on {} servers ({} hosts, {} racks)",
            cluster.region_count(),
            cluster.table_count(),
            cluster.server_count(),
            cluster.host_count(),
            cluster.rack_count()
        )?;
        let wanted = if plan.verdict.is_needed() { "balance" } else { "leave as it is" };
        writeln!(out, "{wanted}: {}", plan.verdict.reason())?;
        writeln!(out, "{:<38} {:>9} {:>13} {:>13} {:>13}", "function", "weight", "before", "after", "bound")?;
        for f in self.functions() {
            let (class, weight, i) = (f.java_class(), self.end.weight(f), f.index());
            let (before, after) = (plan.before.costs[i], plan.after.costs[i]);
            let bound = plan.bounds.per_function[i];
            writeln!(out, "{class:<38} {weight:>9} {before:>13.9} {after:>13.9} {bound:>13.9}")?;
        }
        let (before, after) = (plan.before.imbalance, plan.after.imbalance);
        writeln!(out, "{:<48} {before:>13.9} {after:>13.9} {:>13.9}", "weighted mean", plan.bounds.cost)?;
        write!(out, "{} moves, {} candidates", plan.moves.len(), plan.candidates)?;
        match plan.way.last() {
            // Without a clock, time isn't known.
            Some(last) if last.seconds > 0.0 => writeln!(out, ", {:.3} s", last.seconds)?,
            _ => writeln!(out)?,
        }
        if !plan.moves.is_empty() {
            writeln!(out, "any plan as level as this needs at least {} moves", plan.bounds.moves_min)?;
        }
        for (function, gap) in plan.bounds.gaps(&self.end).into_iter().take(4) {
            writeln!(out, "above the bound by {gap:.9}: {}", function.java_class())?;
        }
        for broken in plan.broken.iter().take(20) {
            writeln!(out, "not kept: {}: {}", broken.constraint, broken.reason)?;
        }
        if plan.broken.len() > 20 {
            writeln!(out, "not kept: {} more", plan.broken.len() - 20)?;
        }
        self.write_reasons(out)
    }

    fn write_reasons(&self, out: &mut String) -> std::fmt::Result {
        if self.explained.is_none() {
            return Ok(());
        }
        let name = |server| &self.cluster.server(server).name;
        for (m, reason) in self.moved_why() {
            let (region, reason) = (self.cluster.region_text(m.region), reason.text(self.cluster));
            writeln!(out, "moves {region} from {} to {}: {reason}", name(m.from), name(m.to))?;
        }
        for (region, reason) in self.stayed_why() {
            let (text, at) = (self.cluster.region_text(region), name(self.end.at(region)));
            writeln!(out, "stays {text} on {at}: {}", reason.text())?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.explained.unwrap_or(EXPLAINED_MAX)
    }

    /// Moves with their reasons.
    fn moved_why(&self) -> Vec<(&Move, MoveReason)> {
        let mut end = self.end.clone();
        let explained = self.plan.moves.iter().take(self.count());
        explained.filter_map(|m| Some((m, self.plan.why_moved(&mut end, m.region)?))).collect()
    }

    /// Regions that stay on hot servers, with the reasons.
    fn stayed_why(&self) -> Vec<(Region, StayReason)> {
        let mut end = self.end.clone();
        let stayers = self.plan.hot_stayers(&end, self.count());
        stayers.into_iter().map(|region| (region, self.plan.why_stayed(&mut end, region))).collect()
    }

    /// Everything, with reasons for some of the moves and of the regions that stay.
    pub fn json(&self) -> Value {
        let plan = self.plan;
        let functions: Vec<Value> = self
            .functions()
            .map(|f| {
                let i = f.index();
                json!({
                    "name": f.java_class(),
                    "multiplier": self.end.weight(f),
                    "before": plan.before.costs[i],
                    "after": plan.after.costs[i],
                    "bound": plan.bounds.per_function[i],
                })
            })
            .collect();
        let broken: Vec<Value> =
            plan.broken.iter().map(|b| json!({"constraint": b.constraint, "reason": b.reason})).collect();
        let gaps: Vec<Value> = plan
            .bounds
            .gaps(&self.end)
            .into_iter()
            .map(|(f, gap)| json!({"function": f.java_class(), "gap": gap}))
            .collect();
        let way: Vec<Value> =
            plan.way.iter().map(|m| json!([m.seconds, m.candidates, m.cost, m.moves])).collect();
        json!({
            "regions": self.cluster.region_count(),
            "servers": self.cluster.server_count(),
            "tables": self.cluster.table_count(),
            "hosts": self.cluster.host_count(),
            "racks": self.cluster.rack_count(),
            "needs_balance": plan.verdict.is_needed(),
            "reason": plan.verdict.reason(),
            "init_cost": plan.before.imbalance,
            "final_cost": plan.after.imbalance,
            "lower_bound_cost": plan.bounds.cost,
            "gap": plan.gap(),
            "gaps": gaps,
            "moves": plan.moves.len(),
            "fewest_moves": plan.bounds.moves_min,
            "candidates": plan.candidates,
            "functions": functions,
            "not_kept": broken,
            "way_seconds_candidates_cost_moves": way,
            "why_moved": self.why_moved(),
            "why_stayed": self.why_stayed(),
        })
    }

    fn functions(&self) -> impl Iterator<Item = Function> + '_ {
        Function::ALL.into_iter().filter(|&f| self.end.is_needed(f))
    }

    fn why_moved(&self) -> Vec<Value> {
        let name = |server| self.cluster.server(server).name.to_string();
        let explained = self.moved_why().into_iter().map(|(m, reason)| {
            let improves: serde_json::Map<String, Value> = Function::ALL
                .into_iter()
                .filter(|f| reason.improves[f.index()].abs() > 1e-12)
                .map(|f| (f.java_class().to_owned(), json!(reason.improves[f.index()])))
                .collect();
            let next =
                reason.next_best.map(|(server, costs)| json!({"server": name(server), "costs_more": costs}));
            json!({
                "region": self.cluster.region_text(m.region),
                "from": name(m.from),
                "to": name(m.to),
                "improves": improves,
                "next_best": next,
            })
        });
        explained.collect()
    }

    fn why_stayed(&self) -> Vec<Value> {
        let explained = self.stayed_why().into_iter().map(|(region, reason)| {
            json!({
                "region": self.cluster.region_text(region),
                "server": self.cluster.server(self.end.at(region)).name.to_string(),
                "cheapest_change_costs": reason.cheapest.map(|_| reason.costs),
                "because_of": reason.because.map(Function::java_class),
                "held_by": reason.held,
                "reason": reason.text(),
            })
        });
        explained.collect()
    }
}

impl Judgement {
    /// The cost of one function.
    pub fn cost(&self, function: Function) -> f64 {
        self.costs[function.index()]
    }
}
