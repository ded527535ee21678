//! How an option is declared and read.
//!
//! The macro `options!` turns the entries of a group into a struct with a field per option, a table that describes them,
//! and the code that reads them. An entry is
//!
//! ```text
//! /// What it is for, in one sentence.
//! field: Kind = "java.key" or "key.that.java.asks.next" => "default" in low..=high;
//! ```
//!
//! Only the key is mandatory. Without a default the field is an `Option`. The default is written as it would stand in
//! hbase-site.xml; where hbase-default.xml has one, it is the same (a test compares them).

use std::collections::BTreeMap;

use crate::kind::Kind;
use crate::problem::{Problem, Severity};
use crate::raw::{Entry, RawConfig, ValueError, has_variable};

/// What is known about an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionInfo {
    /// Name of its group in [`crate::Options`].
    pub group: &'static str,
    /// Name of its field in the group.
    pub field: &'static str,
    /// The key, and those that are asked when it has no value.
    pub keys: &'static [&'static str],
    /// What is expected of a value.
    pub expected: &'static str,
    /// The range that a value must be in, as Rust writes it; empty for any.
    pub range: &'static str,
    /// The value when no key has one.
    pub default: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
}

impl OptionInfo {
    /// The first key that has a value, with its entry.
    pub(crate) fn entry<'a>(&self, raw: &'a RawConfig) -> Option<(&'static str, &'a Entry)> {
        self.keys.iter().find_map(|key| Some((*key, raw.entry(key)?)))
    }

    fn expectation(&self) -> String {
        match self.range {
            "" => self.expected.to_owned(),
            range => format!("{} in {range}", self.expected),
        }
    }
}

/// A struct of options that `options!` made.
pub(crate) trait Group: Sized {
    /// Every option of the group.
    const TABLE: &'static [OptionInfo];

    /// Reads the group; what can't be read becomes a problem, and the default stands in for it.
    fn read(reader: &mut Reader<'_>) -> Self;
}

/// Reads options and collects problems.
pub(crate) struct Reader<'a> {
    raw: &'a RawConfig,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(raw: &'a RawConfig) -> Self {
        Self { raw, problems: Vec::new() }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Everything that is set under keys that are `wanted`, for who reads its own keys.
    pub(crate) fn passed_through(&mut self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for (key, _) in self.raw.iter().filter(|(key, _)| wanted(key)) {
            match self.raw.get(key) {
                Ok(Some(text)) => drop(settings.insert(key.to_owned(), text)),
                Ok(None) => {}
                Err(error) => self.problems.push(Problem::error(error)),
            }
        }
        settings
    }

    /// The value of an option that may be absent.
    pub(crate) fn optional<K: Kind>(
        &mut self,
        info: &OptionInfo,
        in_range: fn(&K::Value) -> bool,
    ) -> Option<K::Value> {
        let (key, entry) = info.entry(self.raw)?;
        let text = match self.raw.get(key) {
            Ok(text) => text?,
            Err(error) => {
                self.problems.push(Problem::error(error));
                return None;
            }
        };
        if has_variable(&text) && !entry.origin.is_default() {
            let text = "a variable in its value stands for nothing and stays as it is";
            self.problems.push(Problem::about(Severity::Warning, key, &entry.origin, text));
        }
        match K::parse(&text).filter(in_range) {
            Some(value) => Some(value),
            None => {
                self.not_understood::<K>(info, key, &text, entry);
                None
            }
        }
    }

    /// The value of an option that has a default.
    pub(crate) fn required<K: Kind>(
        &mut self,
        info: &OptionInfo,
        in_range: fn(&K::Value) -> bool,
    ) -> K::Value {
        let given = self.optional::<K>(info, in_range);
        given.unwrap_or_else(|| {
            let default = info.default.unwrap_or_default();
            let substituted = self.raw.substitute(default).ok().and_then(|text| K::parse(&text));
            substituted.or_else(|| K::parse(default)).expect("a test parses every default")
        })
    }

    fn not_understood<K: Kind>(&mut self, info: &OptionInfo, key: &str, text: &str, entry: &Entry) {
        let error = ValueError::new(key, text, entry.origin.clone(), &info.expectation());
        self.problems.push(match info.default {
            // Java takes its default in silence for a boolean without text.
            Some(_) if K::LENIENT && crate::java::trim(text).is_empty() => return,
            Some(default) if K::LENIENT => Problem::default_instead(error, default),
            _ => Problem::error(error),
        });
    }
}

/// Declares a group of options; see the module's documentation.
macro_rules! options {
    (
        $(#[$group_doc:meta])+
        $group:ident in $name:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $kind:ty = $key:literal $(or $other:literal)* $(=> $default:literal)? $(in $range:expr)?;
            )*
        }
    ) => {
        $(#[$group_doc])+
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $group {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\n`", $key, "`" $(, ", default `", $default, "`")?)]
                pub $field: options!(@type $kind $(, $default)?),
            )*
        }

        impl $crate::option::Group for $group {
            const TABLE: &'static [$crate::option::OptionInfo] = &[
                $(
                    $crate::option::OptionInfo {
                        group: $name,
                        field: stringify!($field),
                        keys: &[$key $(, $other)*],
                        expected: <$kind as $crate::kind::Kind>::EXPECTED,
                        range: concat!("" $(, stringify!($range))?),
                        default: options!(@default $($default)?),
                        doc: concat!($($doc),+),
                    },
                )*
            ];

            #[allow(unused_variables, unused_mut, unused_assignments)] // for a group without options
            fn read(reader: &mut $crate::option::Reader<'_>) -> Self {
                let mut infos = Self::TABLE.iter();
                Self {
                    $(
                        $field: {
                            let info = infos.next().expect("the table has as many entries as the struct has fields");
                            options!(@read reader, info, $kind, ($($range)?) $(, $default)?)
                        },
                    )*
                }
            }
        }
    };
    (@type $kind:ty, $default:literal) => { <$kind as $crate::kind::Kind>::Value };
    (@type $kind:ty) => { Option<<$kind as $crate::kind::Kind>::Value> };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
    (@read $reader:ident, $info:ident, $kind:ty, $range:tt, $default:literal) => {
        $reader.required::<$kind>($info, options!(@check $range))
    };
    (@read $reader:ident, $info:ident, $kind:ty, $range:tt) => { $reader.optional::<$kind>($info, options!(@check $range)) };
    (@check ()) => { |_| true };
    (@check ($range:expr)) => { |value| ($range).contains(value) };
}
pub(crate) use options;

/// Declares an enum of which an option is one: documentation, name, and each variant's documentation and text.
macro_rules! choice {
    ($(#[$doc:meta])+ $name:ident { $(#[doc = $variant_doc:literal] $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $variant_doc] $variant,)+
        }

        impl $name {
            /// As it is written in a file.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl $crate::kind::Choice for $name {
            const TEXTS: &'static str = concat!("one of" $(, " ", $text)+);

            fn of(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$variant); })+
                None
            }
        }
    };
}
pub(crate) use choice;
