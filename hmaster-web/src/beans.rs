//! The numbers, as beans with attributes: what `/jmx` and `/metrics` are made of. Counterpart of Hadoop's metrics system
//! and of the `Metrics…Source` classes; names and types are Java's.
//!
//! A bean is made anew for each request from what is counted elsewhere; nothing is kept here. What a Java master shows
//! and this one doesn't count (holes in hbase:meta, quotas) is there with the value of a Java master that hasn't counted
//! it yet, because dashboards ask for it, and it is marked so: `/metrics` leaves it out.

mod assignment;
mod balancer;
mod files;
mod ipc;
mod java;
mod master;
mod quotas;

use std::borrow::Cow;

use hmaster_core::environment::MasterEnv;
use hmaster_procedure::{ClassMetrics, ELAPSED_BOUNDS_MS};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::server::Sources;
use crate::statistics::Distribution;

pub(crate) use assignment::is_misspelt;

/// A bean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bean {
    /// `domain:key=value,key=value`.
    pub(crate) name: String,
    pub(crate) modeler_type: String,
    /// What it is about.
    pub(crate) description: &'static str,
    pub(crate) entries: Vec<Entry>,
}

/// Something that a bean says; a distribution is several attributes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: Cow<'static, str>,
    pub(crate) content: Content,
    pub(crate) description: &'static str,
    /// This master doesn't count it.
    pub(crate) is_uncounted: bool,
}

/// What it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// A text that belongs to all numbers of the bean.
    Tag(String),
    /// A number that only rises.
    Counter(u64),
    /// A number that rises and falls.
    Gauge(i64),
    /// A fraction that rises and falls.
    Fraction(f64),
    /// Where values lie.
    Spread(Box<Distribution>),
    /// What isn't a metric: facts about the process.
    Fact(Value),
}

/// An attribute's value as JSON has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Fraction(f64),
}

/// One attribute of a bean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) description: &'static str,
}

/// All beans of this master, in order of their names.
pub(crate) fn all(sources: &Sources) -> Vec<Bean> {
    let env = sources.role.active().ok();
    let counted = env.as_deref().map(Counted::of).unwrap_or_default();
    let mut beans = vec![master::server(sources, env.as_deref(), &counted)];
    if let Some(env) = env.as_deref() {
        beans.extend(assignment::beans(env, &counted));
        beans.push(balancer::balancer(env));
    }
    beans.push(files::files(&counted));
    beans.push(files::snapshots());
    beans.push(files::procedures());
    beans.push(quotas::quotas());
    beans.extend(sources.rpc.as_deref().map(|rpc| ipc::ipc(&rpc.snapshot())));
    beans.extend(java::beans(sources));
    let host = sources.server.host();
    beans
        .iter_mut()
        .filter(|bean| bean.name.starts_with(HADOOP))
        .for_each(|bean| bean.tag("Hostname", host, "Host"));
    beans.sort_by(|a, b| a.name.cmp(&b.name));
    beans
}

const HADOOP: &str = "Hadoop:service=HBase,";

impl Bean {
    /// `Hadoop:service=HBase,name=Master,sub=…`.
    fn of_master(sub: &str, description: &'static str) -> Self {
        let mut bean = Self {
            name: format!("{HADOOP}name=Master,sub={sub}"),
            modeler_type: format!("Master,sub={sub}"),
            description,
            entries: Vec::new(),
        };
        bean.tag("Context", "master", "Metrics context");
        bean
    }

    fn push(&mut self, name: impl Into<Cow<'static, str>>, content: Content, description: &'static str) {
        self.entries.push(Entry { name: name.into(), content, description, is_uncounted: false });
    }

    fn tag(&mut self, name: &str, value: impl Into<String>, description: &'static str) {
        self.push(format!("tag.{name}"), Content::Tag(value.into()), description);
    }

    fn counter(&mut self, name: impl Into<Cow<'static, str>>, value: u64, description: &'static str) {
        self.push(name, Content::Counter(value), description);
    }

    fn gauge(&mut self, name: impl Into<Cow<'static, str>>, value: u64, description: &'static str) {
        self.push(name, Content::Gauge(i64::try_from(value).unwrap_or(i64::MAX)), description);
    }

    fn spread(&mut self, name: impl Into<Cow<'static, str>>, value: Distribution, description: &'static str) {
        self.push(name, Content::Spread(Box::new(value)), description);
    }

    /// Numbers that Java shows and this master doesn't count.
    fn uncounted(&mut self, content: &Content, names: &[&'static str]) {
        let entry = |name: &&'static str| Entry {
            name: Cow::Borrowed(name),
            content: content.clone(),
            description: "Not counted by this master",
            is_uncounted: true,
        };
        self.entries.extend(names.iter().map(entry));
    }

    /// All attributes, distributions taken apart.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute> {
        self.entries.iter().flat_map(Entry::attributes)
    }
}

impl Entry {
    /// Its attributes: one, or several of a distribution.
    pub(crate) fn attributes(&self) -> Vec<Attribute> {
        let one =
            |value| vec![Attribute { name: self.name.to_string(), value, description: self.description }];
        match &self.content {
            Content::Tag(text) => one(Value::Text(text.clone())),
            Content::Counter(count) => one(Value::integer(*count)),
            Content::Gauge(number) => one(Value::Integer(*number)),
            Content::Fraction(number) => one(Value::Fraction(*number)),
            Content::Fact(value) => one(value.clone()),
            Content::Spread(spread) => self.spread_attributes(spread),
        }
    }

    /// The names that Java gives to the parts of a `MutableHistogram`.
    fn spread_attributes(&self, spread: &Distribution) -> Vec<Attribute> {
        let names = [
            "25th_percentile",
            "median",
            "75th_percentile",
            "90th_percentile",
            "95th_percentile",
            "98th_percentile",
            "99th_percentile",
            "99.9th_percentile",
        ];
        let head =
            [("num_ops", spread.count), ("min", spread.min), ("max", spread.max), ("mean", spread.mean())];
        let parts = head.into_iter().chain(names.into_iter().zip(spread.quantiles));
        let attribute = |(part, number)| Attribute {
            name: format!("{}_{part}", self.name),
            value: Value::integer(number),
            description: self.description,
        };
        parts.map(attribute).collect()
    }
}

impl Value {
    /// Java's numbers have a sign.
    pub(crate) fn integer(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Serialize for Value {
    /// As `JSONBean` writes it: what isn't a finite number is text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Fraction(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Fraction(number) => serializer.collect_str(number),
        }
    }
}

/// What procedures' classes have counted, looked up once.
#[derive(Debug, Default)]
pub(crate) struct Counted(Vec<(String, ClassMetrics)>);

impl Counted {
    pub(crate) fn of(env: &MasterEnv) -> Self {
        Self(env.executor().map(|executor| executor.metrics()).unwrap_or_default())
    }

    /// All classes, in order of their names.
    pub(crate) fn all(&self) -> &[(String, ClassMetrics)] {
        &self.0
    }

    /// What was counted under a simple name.
    fn get(&self, name: &str) -> ClassMetrics {
        let simple = |full: &str| full.rsplit('.').next() == Some(name);
        self.0.iter().find(|(full, _)| simple(full)).map(|(_, counted)| counted.clone()).unwrap_or_default()
    }

    /// `…SubmittedCount`, `…FailedCount` and `…Time` of procedures that are counted under `name`. Counterpart of
    /// `OperationMetrics`.
    fn put(&self, bean: &mut Bean, prefix: &str, name: &str) {
        let counted = self.get(name);
        bean.counter(format!("{prefix}SubmittedCount"), counted.submitted, "Procedures that were submitted");
        bean.counter(format!("{prefix}FailedCount"), counted.failed, "Procedures that failed");
        bean.spread(format!("{prefix}Time"), spread(&counted), "Milliseconds until procedures succeeded");
    }
}

/// A distribution of times known by how many lie between bounds: a quantile is the bound above it.
pub(crate) fn spread(counted: &ClassMetrics) -> Distribution {
    let quantile = |share: f64| {
        let rank = ((share * counted.succeeded as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = counted.elapsed.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        let bound =
            reached.and_then(|at| ELAPSED_BOUNDS_MS.get(at)).copied().unwrap_or(counted.elapsed_ms_max);
        bound.clamp(counted.elapsed_ms_min, counted.elapsed_ms_max)
    };
    let (min, max) = (counted.elapsed_ms_min, counted.elapsed_ms_max);
    Distribution::new(counted.succeeded, counted.elapsed_ms, min, max, quantile)
}

/// A bean as JSON has it, or those of its attributes that are asked for.
pub(crate) struct BeanJson<'a> {
    pub(crate) bean: &'a Bean,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) with_descriptions: bool,
}

impl Serialize for BeanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.bean.name)?;
        if self.with_descriptions {
            map.serialize_entry("description", self.bean.description)?;
        }
        map.serialize_entry("modelerType", &self.bean.modeler_type)?;
        for attribute in &self.attributes {
            if self.with_descriptions {
                map.serialize_entry(&attribute.name, &Described(attribute))?;
            } else {
                map.serialize_entry(&attribute.name, &attribute.value)?;
            }
        }
        map.end()
    }
}

struct Described<'a>(&'a Attribute);

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("description", self.0.description)?;
        map.serialize_entry("value", &self.0.value)?;
        map.end()
    }
}
