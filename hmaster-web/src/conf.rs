//! `/conf`: the configuration as Hadoop's XML or JSON, without secrets. Counterpart of `ConfServlet`.
//!
//! Values are given as they are used, with their variables replaced, as Java's are.

use hmaster_config::{Configuration, Entry, Origin, REDACTED, is_secret};
use serde::Serialize;

/// The configuration in one of two forms.
pub(crate) enum Shown {
    Xml(String),
    Json(String),
}

/// A format that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("format: expected xml or json")]
pub(crate) struct BadFormat;

#[derive(Serialize)]
struct Property<'a> {
    key: &'a str,
    value: String,
    #[serde(rename = "isFinal")]
    is_final: bool,
    resource: String,
}

#[derive(Serialize)]
struct Properties<'a> {
    properties: Vec<Property<'a>>,
}

pub(crate) fn answer(config: &Configuration, format: Option<&str>) -> Result<Shown, BadFormat> {
    let properties: Vec<_> = config.raw().iter().map(|(key, entry)| property(config, key, entry)).collect();
    match format.unwrap_or("xml") {
        "xml" => Ok(Shown::Xml(xml(&properties))),
        // Nothing in it can fail: there is no input or output.
        "json" => Ok(Shown::Json(serde_json::to_string(&Properties { properties }).unwrap_or_default())),
        _ => Err(BadFormat),
    }
}

/// The configuration as XML, for dumps.
pub(crate) fn to_xml(config: &Configuration) -> String {
    let properties: Vec<_> = config.raw().iter().map(|(key, entry)| property(config, key, entry)).collect();
    xml(&properties)
}

fn property<'a>(config: &Configuration, key: &'a str, entry: &Entry) -> Property<'a> {
    let is_final = config.raw().is_final(key);
    let value = match config.raw().get(key) {
        _ if is_secret(key) || key.contains("superuser") => REDACTED.to_owned(),
        Ok(Some(value)) => value,
        // A value whose variables can't be replaced is shown as it was written.
        Ok(None) | Err(_) => entry.value.to_string(),
    };
    let resource = match &entry.origin {
        Origin::Default(file) => (*file).to_owned(),
        Origin::File { path, .. } => {
            path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
        }
        Origin::CommandLine => "command line".to_owned(),
        Origin::Program(whose) => (*whose).to_owned(),
    };
    Property { key, value, is_final, resource }
}

fn xml(properties: &[Property<'_>]) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><configuration>\n".to_owned();
    for property in properties {
        let (key, value) = (escaped(property.key), escaped(&property.value));
        let (is_final, source) = (property.is_final, escaped(&property.resource));
        out += &format!(
            "<property><name>{key}</name><value>{value}</value><final>{is_final}</final><source>{source}</source></property>\n"
        );
    }
    out += "</configuration>\n";
    out
}

/// What XML can't express becomes a replacement character; a bare carriage return would be read as a line feed.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
