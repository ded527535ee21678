//! The list of methods that must pass: a line each, `CLASS#METHOD`, followed by ` ci` if every run of the tests runs it.
//! Lines that begin with `#` say something to people.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context as _, Result, ensure};

const LISTED: &str = include_str!("../../suite/cases.txt");
const MARK: &str = " ci";

/// A class of tests and which of its methods are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its full name.
    pub name: String,
    /// The methods, parameters included, such as `testMoveRegion[0]`. Empty: all.
    pub methods: BTreeSet<String>,
}

/// Classes to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases(pub Vec<Class>);

impl Cases {
    /// All methods that must pass.
    ///
    /// # Errors
    /// When a line of the list isn't one.
    pub fn listed() -> Result<Self> {
        Self::parse(LISTED.lines())
    }

    /// Those that every run of the tests runs.
    ///
    /// # Errors
    /// As [`listed`](Self::listed).
    pub fn of_ci() -> Result<Self> {
        Self::parse(LISTED.lines().filter(|line| line.ends_with(MARK)))
    }

    /// What somebody asks for: `CLASS` or `CLASS#METHOD+METHOD`, separated by blanks. A class with a simple name is looked
    /// for in the list.
    ///
    /// # Errors
    /// A class without a package that isn't in the list.
    pub fn wanted(text: &str) -> Result<Self> {
        let listed = Self::listed()?;
        let class = |word: &str| {
            let (name, methods) = word.split_once('#').unwrap_or((word, ""));
            let methods = methods.split('+').filter(|method| !method.is_empty()).map(str::to_owned).collect();
            let known =
                listed.0.iter().find(|class| class.simple_name() == name).map(|class| class.name.clone());
            let full = name.contains('.').then(|| name.to_owned()).or(known);
            Ok(Class { name: full.with_context(|| format!("give the full name of {name}"))?, methods })
        };
        Ok(Self(text.split_whitespace().map(class).collect::<Result<_>>()?))
    }

    fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut classes: Vec<Class> = Vec::new();
        for line in lines.map(|line| line.trim_end_matches(MARK)).filter(|line| !line.starts_with('#')) {
            let (name, method) = line.split_once('#').with_context(|| format!("{line:?} has no method"))?;
            if classes.last().is_none_or(|class| class.name != name) {
                ensure!(classes.iter().all(|class| class.name != name), "{name} is in two places");
                classes.push(Class { name: name.to_owned(), methods: BTreeSet::new() });
            }
            let methods = classes.last_mut().map(|class| &mut class.methods);
            ensure!(
                methods.is_some_and(|methods| methods.insert(method.to_owned())),
                "{line} is there twice"
            );
        }
        Ok(Self(classes))
    }
}

impl Class {
    /// The name without its package.
    pub fn simple_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }

    /// As the runner takes it.
    pub(super) fn selection(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        match methods.is_empty() {
            true => self.name.clone(),
            false => format!("{}#{}", self.name, methods.join("+")),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.simple_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_one_and_ci_runs_a_part_of_it() {
        let (all, ci) = (Cases::listed().unwrap(), Cases::of_ci().unwrap());
        assert!(!ci.0.is_empty());
        for class in ci.0 {
            let whole = all.0.iter().find(|other| other.name == class.name).unwrap();
            assert!(class.methods.is_subset(&whole.methods), "{class}");
        }
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        for lines in ["a.B", "a.B#c\na.B#c", "a.B#c\na.D#c\na.B#e", "\n"] {
            assert!(Cases::parse(lines.lines()).is_err(), "{lines:?}");
        }
        let two = Cases::parse("# words\na.B#c[0]\na.B#d ci\n".lines()).unwrap();
        assert_eq!(two.0[0].selection(), "a.B#c[0]+d");
    }

    #[test]
    fn classes_are_asked_for_by_their_names() {
        let wanted = Cases::wanted("TestNamespace#a+b x.TestY").unwrap();
        let selections: Vec<String> = wanted.0.iter().map(Class::selection).collect();
        assert_eq!(selections, ["org.apache.hadoop.hbase.TestNamespace#a+b", "x.TestY"]);
        assert!(Cases::wanted("TestNobodyKnows").is_err());
    }
}
