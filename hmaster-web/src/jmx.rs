//! `/jmx`: beans as JSON. Counterpart of `JMXJsonServlet` and `JSONBean`, in shape and parameters: `qry` (names of beans,
//! as a pattern), `excl` (those to leave out), `get` (`bean::attribute`, or `bean::*pattern,*pattern`), `description`.
//!
//! Differences: what can't be read or isn't there has the status that Java documents (400, 404) and doesn't send; there
//! is no `callback`, because nothing should run what a server says.

mod object_name;

use hyper::StatusCode;
use regex::{RegexSet, RegexSetBuilder};
use serde::Serialize;
use serde_json::json;

use crate::beans::{Attribute, Bean, BeanJson};
use crate::reply::Query;
use object_name::ObjectName;

/// Bytes that compiled patterns of attributes may take.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JmxError {
    /// `get` isn't `bean::attribute`.
    #[error("query format is not as expected.")]
    Get,
    /// The name of a bean isn't one.
    #[error("{0}")]
    Name(String),
    /// A pattern of attributes isn't one.
    #[error("bad pattern of attributes: {0}")]
    Pattern(String),
    /// The bean has no such attribute.
    #[error("No attribute with name {attribute} was found.")]
    NoAttribute { bean: String, modeler_type: String, attribute: String },
}

impl JmxError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Get | Self::Name(_) | Self::Pattern(_) => StatusCode::BAD_REQUEST,
            Self::NoAttribute { .. } => StatusCode::NOT_FOUND,
        }
    }

    /// As Java says it.
    pub(crate) fn to_json(&self) -> String {
        let message = self.to_string();
        let json = match self {
            Self::Get | Self::Name(_) | Self::Pattern(_) => json!({"result": "ERROR", "message": message}),
            Self::NoAttribute { bean, modeler_type, .. } => json!({"beans": [
                {"name": bean, "modelerType": modeler_type, "result": "ERROR", "message": message}
            ]}),
        };
        pretty(&json)
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    beans: Vec<BeanJson<'a>>,
}

/// The beans that are asked for, as JSON.
pub(crate) fn answer(beans: &[Bean], query: &Query<'_>) -> Result<String, JmxError> {
    let with_descriptions = query.get("description") == Some("true");
    let show = |bean, attributes| BeanJson { bean, attributes, with_descriptions };
    let shown: Vec<_> = if let Some(get) = query.get("get") {
        let (name, wanted) = split_get(get)?;
        let wanted = Wanted::parse(wanted)?;
        let named = named(beans, name, None)?;
        named.map(|bean| Ok(show(bean, wanted.of(bean)?))).collect::<Result<_, _>>()?
    } else {
        let named = named(beans, query.get("qry").unwrap_or("*:*"), query.get("excl"))?;
        named.map(|bean| show(bean, bean.attributes().collect())).collect()
    };
    Ok(pretty(&Answer { beans: shown }))
}

/// The parts of `bean::attribute`.
fn split_get(get: &str) -> Result<(&str, &str), JmxError> {
    let (name, wanted) = get.split_once("::").ok_or(JmxError::Get)?;
    if wanted.contains("::") { Err(JmxError::Get) } else { Ok((name, wanted)) }
}

fn named<'a>(
    beans: &'a [Bean],
    name: &str,
    except: Option<&str>,
) -> Result<impl Iterator<Item = &'a Bean>, JmxError> {
    let name = ObjectName::parse(name).map_err(JmxError::Name)?;
    let except = except.map(ObjectName::parse).transpose().map_err(JmxError::Name)?;
    Ok(beans.iter().filter(move |bean| {
        name.matches(&bean.name) && !except.as_ref().is_some_and(|except| except.matches(&bean.name))
    }))
}

/// Which attributes are asked for.
enum Wanted<'a> {
    One(&'a str),
    Matching(RegexSet),
}

impl<'a> Wanted<'a> {
    /// A star makes it a list of regular expressions.
    fn parse(wanted: &'a str) -> Result<Self, JmxError> {
        if !wanted.contains('*') {
            return Ok(Self::One(wanted));
        }
        let patterns = RegexSetBuilder::new(wanted.split(',')).size_limit(PATTERN_BYTES_MAX).build();
        patterns.map(Self::Matching).map_err(|error| JmxError::Pattern(error.to_string()))
    }

    fn of(&self, bean: &Bean) -> Result<Vec<Attribute>, JmxError> {
        match self {
            Self::Matching(patterns) => {
                Ok(bean.attributes().filter(|attribute| patterns.is_match(&attribute.name)).collect())
            }
            Self::One(name) => {
                let found = bean.attributes().find(|attribute| attribute.name == *name);
                found.map(|attribute| vec![attribute]).ok_or_else(|| JmxError::NoAttribute {
                    bean: bean.name.clone(),
                    modeler_type: bean.modeler_type.clone(),
                    attribute: (*name).to_owned(),
                })
            }
        }
    }
}

fn pretty(value: &impl Serialize) -> String {
    // Nothing in it can fail: keys are texts, and there is no input or output.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beans::{Content, Entry};

    fn bean(name: &str) -> Bean {
        let entry = |name: &'static str, content| Entry {
            name: name.into(),
            content,
            description: "What it is",
            is_uncounted: false,
        };
        let entries = vec![
            entry("tag.Context", Content::Tag("ma\"ster\n".into())),
            entry("ritCount", Content::Gauge(3)),
            entry("averageLoad", Content::Fraction(2.0)),
            entry("odd", Content::Fraction(f64::NAN)),
            entry("RitDuration", Content::Spread(Box::default())),
        ];
        let modeler_type = "Master,sub=X".to_owned();
        Bean { name: name.to_owned(), modeler_type, description: "A bean", entries }
    }

    fn beans() -> Vec<Bean> {
        [
            "Hadoop:service=HBase,name=Master,sub=IPC",
            "Hadoop:service=HBase,name=Master,sub=Server",
            "java.lang:type=Runtime",
        ]
        .map(bean)
        .into()
    }

    fn ask(query: &str) -> Result<serde_json::Value, JmxError> {
        answer(&beans(), &Query::parse(query)).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn the_shape_is_java_s() {
        let text = answer(&beans()[2..], &Query::default()).unwrap();
        let expected = "{\n  \"beans\": [\n    {\n      \"name\": \"java.lang:type=Runtime\",\n      \
                        \"modelerType\": \"Master,sub=X\",\n      \"tag.Context\": \"ma\\\"ster\\n\",\n      \
                        \"ritCount\": 3,\n      \"averageLoad\": 2.0,\n      \"odd\": \"NaN\",\n      \
                        \"RitDuration_num_ops\": 0,";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("\"RitDuration_99.9th_percentile\": 0\n    }\n  ]\n}"), "{text}");
    }

    #[test]
    fn beans_are_found_by_patterns() {
        let cases = [
            ("", 3),
            ("qry=", 3),
            ("qry=*:*", 3),
            ("qry=Hadoop:*", 2),
            ("qry=Hadoop:service=HBase,*", 2),
            ("qry=Hadoop:service=HBase,name=Master,sub=Server", 1),
            ("qry=Hadoop:sub=Server,name=Master,service=HBase", 1),
            ("qry=Hadoop:service=HBase,name=Master,sub=S*", 1),
            ("qry=Hadoop:service=HBase,name=Master,sub=?PC", 1),
            ("qry=Hadoop:service=HBase,name=Master", 0),
            ("qry=hadoop:*", 0),
            ("qry=java*:*", 1),
            ("qry=:*", 0),
            ("excl=Hadoop:*", 1),
            ("qry=*:*&excl=*:sub=IPC,*", 2),
        ];
        for (query, count) in cases {
            assert_eq!(ask(query).unwrap()["beans"].as_array().unwrap().len(), count, "{query}");
        }
    }

    #[test]
    fn attributes_are_found_by_name_and_by_pattern() {
        let keys = |query: &str| {
            let answer = ask(query).unwrap();
            let bean = answer["beans"][0].as_object().unwrap().clone();
            bean.keys()
                .filter(|key| !["name", "modelerType"].contains(&key.as_str()))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys("get=java.lang:type=Runtime::ritCount"), ["ritCount"]);
        assert_eq!(keys("get=java.lang:type=Runtime::RitDuration_num_ops"), ["RitDuration_num_ops"]);
        assert_eq!(keys("get=java.lang:type=Runtime::rit.*,av.*"), ["averageLoad", "ritCount"]);
        assert_eq!(ask("get=no:such=bean::x").unwrap()["beans"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn descriptions_go_with_values() {
        let answer = ask("qry=java.lang:*&description=true").unwrap();
        assert_eq!(answer["beans"][0]["description"], "A bean");
        assert_eq!(answer["beans"][0]["ritCount"]["description"], "What it is");
        assert_eq!(answer["beans"][0]["ritCount"]["value"], 3);
    }

    #[test]
    fn bad_questions_have_errors() {
        let cases = [
            ("get=a", 400),
            ("get=a:b=c", 400),
            ("get=a:b=c::d::e", 400),
            ("get=a::b", 400),
            ("qry=foo", 400),
            ("qry=a:", 400),
            ("qry=a:b", 400),
            ("qry=a:b=", 400),
            ("qry=a:=c", 400),
            ("qry=a:b=c,", 400),
            ("qry=a:b=c,b=d", 400),
            ("qry=a:b=c%0A", 400),
            ("excl=foo", 400),
            ("get=java.lang:type=Runtime::*(", 400),
            ("get=java.lang:type=Runtime::(.*){1000000}", 400),
            ("get=java.lang:type=Runtime::nope", 404),
        ];
        for (query, status) in cases {
            let error = ask(query).unwrap_err();
            assert_eq!(error.status(), status, "{query}");
            assert!(error.to_json().contains("\"result\": \"ERROR\""), "{query}");
        }
    }
}
