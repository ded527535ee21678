//! A page about a plan. It stands alone: style and pictures (SVG) are inside, and nothing is loaded or run.

use std::fmt::{self, Write as _};

use super::Report;
use super::load::{measures, ranked, values};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 110.0;
/// Bars of a picture; with more servers, neighbours share one.
const BARS: usize = 140;
/// Lines of the tables of moves.
const LINES: usize = 50;
const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse}\
td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}\
.pair{display:flex;gap:2em;flex-wrap:wrap}figure{margin:0 0 1em}figcaption{color:#666;font-size:.85em}\
svg{background:#f7f7f7}.before{fill:#c77}.after{fill:#58a}code{font-size:.85em;word-break:break-all}";

impl Report<'_> {
    /// The page.
    pub fn html(&self) -> String {
        let mut out = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write_html(&mut out);
        out
    }

    fn write_html(&self, out: &mut String) -> fmt::Result {
        let (plan, cluster) = (self.plan, self.cluster);
        write!(out, "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Balancer plan</title>")?;
        write!(out, "<style>{STYLE}</style><h1>Balancer plan</h1>")?;
        write!(
            out,
            "<p>{} regions of {} tables on {} servers. {}</p><p><b>{}</b> moves; weighted mean of costs from \
             <b>{:.6}</b> to <b>{:.6}</b>. No plan can be below {:.6}, and none as level as this needs fewer than {} \
             moves.</p>",
            cluster.region_count(),
            cluster.table_count(),
            cluster.server_count(),
            escape(plan.verdict.reason()),
            plan.moves.len(),
            plan.before.imbalance,
            plan.after.imbalance,
            plan.bounds.cost,
            plan.bounds.moves_min
        )?;
        self.write_costs(out)?;
        self.write_loads(out)?;
        self.write_way(out)?;
        self.write_moves(out)?;
        self.write_why(out)
    }

    fn write_costs(&self, out: &mut String) -> fmt::Result {
        let plan = self.plan;
        out.push_str("<h2>Costs</h2><table><tr><th>function<th>weight<th>before<th>after<th>bound</tr>");
        for f in self.functions() {
            let i = f.index();
            let (before, after) = (plan.before.costs[i], plan.after.costs[i]);
            let (class, weight, bound) = (f.java_class(), self.end.weight(f), plan.bounds.per_function[i]);
            write!(out, "<tr><td>{class}<td>{weight}<td>{before:.6}<td>{after:.6}<td>{bound:.6}</tr>")?;
        }
        out.push_str("</table>");
        for broken in plan.broken.iter().take(LINES) {
            write!(out, "<p>Not kept: {}: {}</p>", escape(&broken.constraint), escape(&broken.reason))?;
        }
        Ok(())
    }

    fn write_loads(&self, out: &mut String) -> fmt::Result {
        out.push_str("<h2>Load per server</h2>");
        for (title, measure) in measures() {
            let before = ranked(values(self.cluster, &self.start, measure), BARS);
            let after = ranked(values(self.cluster, &self.end, measure), BARS);
            let most = before.iter().chain(&after).copied().fold(0.0, f64::max);
            if most <= 0.0 {
                continue;
            }
            out.push_str("<div class=\"pair\">");
            for (when, bars) in [("before", &before), ("after", &after)] {
                let peak = bars.first().copied().unwrap_or(0.0);
                write!(out, "<figure><svg width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">")?;
                let step = WIDTH / bars.len() as f64;
                for (i, value) in bars.iter().enumerate() {
                    let (x, height) = (i as f64 * step, HEIGHT * value / most);
                    let (y, width) = (HEIGHT - height, (step * 0.9).max(0.5));
                    write!(
                        out,
                        "<rect class=\"{when}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                    )?;
                }
                write!(out, "</svg><figcaption>{title} {when}; most {peak:.0}</figcaption></figure>")?;
            }
            out.push_str("</div>");
        }
        Ok(())
    }

    /// Cost over time: the excess above the bound, by powers of ten.
    fn write_way(&self, out: &mut String) -> fmt::Result {
        let way = &self.plan.way;
        let (Some(last), true) = (way.last(), way.len() > 1) else { return Ok(()) };
        let timed = last.seconds > 0.0;
        let x = |m: &crate::Milestone| {
            if timed { m.seconds / last.seconds } else { share(m.candidates, last.candidates) }
        };
        let excess = |m: &crate::Milestone| (m.cost - self.plan.bounds.cost).max(1e-9).log10();
        let (low, high) =
            way.iter().map(excess).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(e), h.max(e)));
        let span = (high - low).max(1e-9);
        write!(
            out,
            "<h2>Cost over time</h2><figure><svg width=\"{}\" height=\"{HEIGHT}\" role=\"img\">",
            WIDTH * 2.0
        )?;
        out.push_str("<polyline fill=\"none\" stroke=\"#58a\" stroke-width=\"2\" points=\"");
        for m in way {
            let (x, y) = (x(m) * WIDTH * 2.0, (HEIGHT - 8.0) * (1.0 - (excess(m) - low) / span) + 4.0);
            write!(out, "{x:.1},{y:.1} ")?;
        }
        write!(
            out,
            "\"/></svg><figcaption>excess above the bound, from 10^{high:.1} to 10^{low:.1}, over {:.3} s and {} \
             candidates</figcaption></figure>",
            last.seconds, last.candidates
        )
    }

    /// Moves as threads from the servers they leave (above) to those they reach (below), in order of servers.
    fn write_moves(&self, out: &mut String) -> fmt::Result {
        let (plan, cluster) = (self.plan, self.cluster);
        if plan.moves.is_empty() {
            return Ok(());
        }
        write!(
            out,
            "<h2>Moves</h2><figure><svg width=\"{}\" height=\"{HEIGHT}\" role=\"img\">",
            WIDTH * 2.0
        )?;
        let shown = 1500;
        let step = plan.moves.len().div_ceil(shown);
        let last = cluster.server_count().max(2) as f64 - 1.0;
        let place = |server: u32| f64::from(server).min(last) / last * WIDTH * 2.0;
        for m in plan.moves.iter().step_by(step) {
            let (from, to) = (place(m.from.0), place(m.to.0));
            write!(
                out,
                "<line x1=\"{from:.1}\" y1=\"0\" x2=\"{to:.1}\" y2=\"{HEIGHT}\" stroke=\"#58a\" stroke-opacity=\".25\"/>"
            )?;
        }
        let part = if step > 1 { format!(" (every {step}th)") } else { String::new() };
        write!(out, "</svg><figcaption>from servers above to servers below{part}</figcaption></figure>")
    }

    fn write_why(&self, out: &mut String) -> fmt::Result {
        out.push_str(
            "<h2>Why regions move</h2><table><tr><th>region<th>to<th>improves most<th>next best costs</tr>",
        );
        for (m, reason) in self.moved_why().into_iter().take(self.lines()) {
            let most = reason.improved().first().copied();
            let most = most.map_or(String::new(), |(f, gain)| format!("{} {gain:.2e}", f.java_class()));
            let next = reason.next_best.map_or(String::new(), |(server, costs)| {
                format!("<code>{}</code> {costs:+.2e}", self.cluster.server(server).name)
            });
            let (region, to) = (self.cluster.region_text(m.region), &self.cluster.server(m.to).name);
            write!(
                out,
                "<tr><td><code>{}</code><td><code>{to}</code><td>{most}<td>{next}</tr>",
                escape(&region)
            )?;
        }
        out.push_str("</table><h2>Why regions stay on the fullest servers</h2><table>");
        out.push_str("<tr><th>region<th>on<th>why</tr>");
        for (region, reason) in self.stayed_why().into_iter().take(self.lines()) {
            let (name, at) =
                (self.cluster.region_text(region), &self.cluster.server(self.end.at(region)).name);
            let (name, reason) = (escape(&name), reason.text());
            write!(out, "<tr><td><code>{name}</code><td><code>{at}</code><td>{reason}</tr>")?;
        }
        out.push_str("</table></html>\n");
        Ok(())
    }

    /// Lines of the tables of reasons.
    fn lines(&self) -> usize {
        self.explained.unwrap_or(LINES)
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// Text as HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
