//! Reads Prometheus' text format as strictly as it is described, for tests.

use std::collections::BTreeSet;

/// Names of all samples. Panics at what isn't the format.
pub(crate) fn parse(text: &str) -> Vec<String> {
    assert!(text.ends_with('\n'));
    let (mut families, mut names, mut seen) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let mut family = String::new();
    let mut kind = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            assert!(is_name(&family), "{line}");
            assert!(families.insert(family.clone()), "{family} is there twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of_kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family, "the type follows the help");
            assert!(["counter", "gauge", "summary", "histogram"].contains(&of_kind), "{line}");
            kind = of_kind.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            let suffix = name.strip_prefix(&*family).unwrap_or_else(|| panic!("{name} isn't of {family}"));
            let suffixes: &[&str] = match &*kind {
                "summary" => &["", "_sum", "_count"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(seen.insert((name.clone(), labels)), "twice: {line}");
            names.push(name);
        }
    }
    names
}

fn sample(line: &str) -> (String, String, String) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => rest.rsplit_once("} ").unwrap(),
        None => ("", &rest[1..]),
    };
    check_labels(labels, line);
    (name.to_owned(), labels.to_owned(), value.to_owned())
}

fn check_labels(labels: &str, line: &str) {
    let mut rest = labels;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(name), "{line}");
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = &after[end.unwrap_or_else(|| panic!("{line}")) + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
