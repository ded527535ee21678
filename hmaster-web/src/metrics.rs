//! `/metrics` and `/prometheus`: the numbers in Prometheus' text format 0.0.4.
//!
//! `/metrics` has names that say whose they are (`hbase_master_assignment_manager_rit_count`), units in base form where
//! the name is new, help, and types: a distribution is a summary, procedures' times are histograms. What this master
//! doesn't count isn't there. `/prometheus` has the names of Java's `PrometheusHadoopServlet`
//! (`assignment_manager_rit_count`) for dashboards that were made for it; there, too, without what isn't counted, and
//! without the labels that list all region servers.

#[cfg(test)]
pub(crate) mod check;
mod names;
mod procedures;
mod process;
mod text;

use crate::beans::{self, Bean, Content, Counted};
use crate::server::Sources;
use crate::standing::Standing;
use crate::statistics::Distribution;
use text::{Kind, Text};

const OF_MASTER: &str = "Hadoop:service=HBase,name=Master,sub=";

/// All numbers under their own names.
pub(crate) fn own_names(sources: &Sources) -> String {
    let mut text = Text::default();
    about(&mut text, sources);
    for bean in beans::all(sources).iter().filter(|bean| !beans::is_misspelt(bean)) {
        if let Some(sub) = bean.name.strip_prefix(OF_MASTER) {
            put_bean(&mut text, &format!("hbase_master_{}", names::snake(sub)), bean);
        }
    }
    if let Ok(env) = sources.role.active() {
        procedures::put(&mut text, &Counted::of(&env));
    }
    process::put(&mut text, sources);
    text.finish()
}

/// Who this is and what it is doing.
fn about(text: &mut Text, sources: &Sources) {
    let standing = Standing::of(&sources.role, &*sources.view);
    let cluster_id = sources.view.cluster_id().unwrap_or_default();
    let labels = [
        ("server", sources.server.as_str()),
        ("cluster_id", &cluster_id),
        ("version", hmaster_core::services::HBASE_VERSION),
        ("hmaster_version", env!("CARGO_PKG_VERSION")),
    ];
    text.family("hbase_master_info", Kind::Gauge, "This master").sample("", &labels, 1);
    let roles = ["backup", "starting", "active", "stopping"];
    let mut role = text.family("hbase_master_role", Kind::Gauge, "What this master is at the moment");
    for name in roles {
        role.sample("", &[("role", name)], u8::from(name == standing.role()));
    }
    let ready = u8::from(standing.is_ready());
    text.family("hbase_master_ready", Kind::Gauge, "Whether /readyz says so").sample("", &[], ready);
}

fn put_bean(text: &mut Text, prefix: &str, bean: &Bean) {
    for entry in bean.entries.iter().filter(|entry| !entry.is_uncounted) {
        let (name, help) = (format!("{prefix}_{}", names::snake(&entry.name)), entry.description);
        match &entry.content {
            Content::Counter(count) => {
                text.family(&format!("{name}_total"), Kind::Counter, help).sample("", &[], count);
            }
            Content::Gauge(number) => text.family(&name, Kind::Gauge, help).sample("", &[], number),
            Content::Fraction(number) => text.family(&name, Kind::Gauge, help).sample("", &[], number),
            Content::Spread(spread) => put_summary(text, &name, help, spread),
            Content::Tag(_) | Content::Fact(_) => {}
        }
    }
}

fn put_summary(text: &mut Text, name: &str, help: &str, spread: &Distribution) {
    let mut family = text.family(name, Kind::Summary, help);
    for (share, value) in Distribution::SHARES.iter().zip(spread.quantiles) {
        family.sample("", &[("quantile", &share.to_string())], value);
    }
    family.sample("_sum", &[], spread.sum);
    family.sample("_count", &[], spread.count);
}

/// Java's names, or those that have `wanted` in them.
pub(crate) fn java_names(beans: &[Bean], wanted: Option<&str>) -> String {
    let mut text = Text::default();
    for bean in beans.iter().filter(|bean| !beans::is_misspelt(bean)) {
        let Some(sub) = bean.name.strip_prefix(OF_MASTER) else { continue };
        let host = bean.attributes().find_map(|attribute| match attribute.value {
            beans::Value::Text(host) if attribute.name == "tag.Hostname" => Some(host),
            _ => None,
        });
        let host = host.unwrap_or_default();
        let labels = [("context", "master"), ("hostname", &*host)];
        // The IPC bean's numbers go by the name of its process.
        let record = if sub == "IPC" { "Master" } else { sub };
        for entry in bean.entries.iter().filter(|entry| !entry.is_uncounted) {
            let is_counter = matches!(entry.content, Content::Counter(_));
            if matches!(entry.content, Content::Tag(_) | Content::Fact(_)) {
                continue;
            }
            for attribute in entry.attributes() {
                let name = names::of_java(record, &attribute.name);
                let kind = if is_counter || attribute.name.ends_with("_num_ops") {
                    Kind::Counter
                } else {
                    Kind::Gauge
                };
                if wanted.is_none_or(|wanted| name.contains(wanted)) {
                    let mut family = text.family(&name, kind, attribute.description);
                    match &attribute.value {
                        beans::Value::Integer(number) => family.sample("", &labels, number),
                        beans::Value::Fraction(number) => family.sample("", &labels, number),
                        _ => {}
                    }
                }
            }
        }
    }
    text.finish()
}
