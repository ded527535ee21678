//! `${…}` in values. Counterpart of `Configuration.substituteVars`.
//!
//! `${name}` is the system property of that name, or else the raw value of that key; `${env.NAME}` the
//! environment variable, with `${env.NAME-default}` when it isn't set and `${env.NAME:-default}` when it is empty
//! too. The first name that stands for nothing ends the work: it and everything behind it stay as they are.
//! A value that would bring its own name back is given out unsubstituted.
//!
//! Difference: what is substituted may not grow beyond a bound.

use super::xml::bounds;
use crate::environment::Environment;

/// Java throws after as many substitutions, even when nothing would be left to substitute.
const SUBSTITUTIONS_MAX: usize = 20;

/// A value can't be substituted within the bounds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMuch {
    /// The bound, for an error message.
    pub(super) expected: &'static str,
}

/// `text` with its variables replaced; `raw` gives the raw value of a key.
pub(super) fn substitute<'a>(
    text: &str,
    environment: &Environment,
    raw: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, TooMuch> {
    let mut eval = text.to_owned();
    for _ in 0..SUBSTITUTIONS_MAX {
        let Some((start, end)) = find_variable(&eval) else { return Ok(eval) };
        let name = &eval[start..end];
        let Some(value) = named(name, environment).or_else(|| raw(name).map(str::to_owned)) else {
            return Ok(eval);
        };
        let reference = start - "${".len()..end + "}".len();
        if value.contains(&eval[reference.clone()]) {
            return Ok(text.to_owned());
        }
        if eval.len() + value.len() > bounds::VALUE_BYTES_MAX {
            return Err(TooMuch { expected: "a value of at most 1 MiB after ${…} is substituted" });
        }
        eval.replace_range(reference, &value);
    }
    Err(TooMuch { expected: "fewer than 20 substitutions of ${…}" })
}

/// Whether `text` has a variable in it.
pub(crate) fn has_variable(text: &str) -> bool {
    find_variable(text).is_some()
}

/// Where the name in the first `${name}` lies. A name is any run without space, `$` and `}`; it may have a `{`.
fn find_variable(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("${") {
        let start = from + at + 2;
        let length = text[start..].find([' ', '$', '}'])?;
        let end = start + length;
        if text.as_bytes()[end] == b'}' && length > 0 {
            return Some((start, end));
        }
        // A dollar sign may begin the next variable.
        from = if text.as_bytes()[end] == b'$' { end } else { end + 1 };
    }
    None
}

/// What `name` stands for outside the configuration.
fn named(name: &str, environment: &Environment) -> Option<String> {
    let Some(variable) = name.strip_prefix("env.").filter(|rest| !rest.is_empty()) else {
        return environment.property(name).map(str::to_owned);
    };
    let (variable, default, empty_too) = split_default(variable);
    let value = environment.variable(variable).filter(|value| !(empty_too && value.is_empty()));
    value.or(default).map(str::to_owned)
}

/// Splits `NAME:-default` and `NAME-default`, whichever comes first; the flag is set for the former.
fn split_default(variable: &str) -> (&str, Option<&str>, bool) {
    let colon = variable.find(":-");
    let dash = variable.find('-');
    match (colon, dash) {
        (Some(colon), Some(dash)) if colon < dash => (&variable[..colon], Some(&variable[colon + 2..]), true),
        (_, Some(dash)) => (&variable[..dash], Some(&variable[dash + 1..]), false),
        _ => (variable, None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::new(
            [("user.name", "hbase"), ("x", "property")],
            [("DIR", "/d"), ("EMPTY", ""), ("BACK", "${a}")],
        )
    }

    fn raw(name: &str) -> Option<&'static str> {
        Some(match name {
            "x" => "key",
            "a" => "A",
            "b" => "[${a}${a}]",
            "loop" => "<${loop}>",
            "ping" => "${pong}",
            "pong" => "${ping}",
            "env.NONE" => "from key",
            "odd{name" => "odd",
            "dollar" => "$",
            _ => return None,
        })
    }

    fn substituted(text: &str) -> Result<String, TooMuch> {
        substitute(text, &environment(), &raw)
    }

    #[test]
    fn texts_become() {
        let cases = [
            ("plain", "plain"),
            ("/tmp/${user.name}/x", "/tmp/hbase/x"),
            ("${x}", "property"), // a system property comes before a key
            ("${b}", "[AA]"),
            ("${none}/${a}", "${none}/${a}"), // the first unknown name ends the work
            ("${a}/${none}/${a}", "A/${none}/${a}"), // but not what was done before
            ("1${loop}", "1${loop}"),
            ("${a}${loop}", "${a}${loop}"), // a loop undoes everything
            ("${env.DIR}", "/d"),
            ("${env.NONE}", "from key"),
            ("${env.DIR:-x}", "/d"),
            ("${env.EMPTY:-x}", "x"),
            ("${env.EMPTY-x}", ""),
            ("${env.NO-x-y}", "x-y"),
            ("${env.NO:-x:-y}", "x:-y"),
            ("${env.NO:-}", ""),
            ("${env.NO-}", ""),
            ("${env.BACK}", "A"), // what came in is looked at again
            ("${env.}", "${env.}"),
            ("${}", "${}"),
            ("${ a}", "${ a}"),
            ("${a b}", "${a b}"),
            ("${a", "${a"),
            ("$${a}", "$A"),
            ("${${a}}", "${A}"),
            ("${} ${a}", "${} A"),
            ("{${a}}", "{A}"),
            ("${odd{name}", "odd"),
            ("${dollar}{a}", "A"),
            ("$", "$"),
            ("é${a}é", "éAé"),
        ];
        for (text, expected) in cases {
            assert_eq!(substituted(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn twenty_substitutions_are_too_many() {
        assert_eq!(substituted(&"${a}".repeat(19)).unwrap(), "A".repeat(19));
        assert!(substituted(&"${a}".repeat(20)).unwrap_err().expected.contains("20"));
        assert!(substituted("${ping}").unwrap_err().expected.contains("20"));
    }

    #[test]
    fn growth_is_bounded() {
        let large = "y".repeat(bounds::VALUE_BYTES_MAX / 2);
        let large = |_: &str| Some(large.as_str());
        assert!(substitute("${k}", &environment(), &large).is_ok());
        assert!(substitute("${k}${k}", &environment(), &large).unwrap_err().expected.contains("1 MiB"));
    }
}
