//! Kinds of values: how a text becomes a value, after which getter of Hadoop's `Configuration`.
//!
//! An option of [`crate::options`] names its kind; adapters use kinds with [`crate::RawConfig::read`] for keys that have
//! no option. Where a kind says "from 0", Java would take a negative number and then do nothing sensible with it.

mod names;
mod numbers;
mod time;

pub use names::{Choice, ClassName, Dir, List, Perms, PoolSize, ScanThreads, Text, ZnodeName, ZnodePath};
pub use numbers::{Bytes, Count, Double, Flag, Float, Int, Long, Port, PortOrOff, Size};
pub use time::{Days, LongMillis, LongSeconds, Millis, MillisOrOff, Seconds, SecondsOrOff, TimeSpan};

/// How a text is read.
pub trait Kind {
    /// What it becomes.
    type Value: Clone + std::fmt::Debug + PartialEq;
    /// What is expected of the text, for an error message.
    const EXPECTED: &'static str;
    /// True when Java takes the default, with a warning, for a text that it doesn't understand.
    const LENIENT: bool = false;

    /// The value, or nothing when `text` isn't of this kind. `text` is untrimmed.
    fn parse(text: &str) -> Option<Self::Value>;
}

/// Declares kinds: documentation, name, value, what is expected, and how to parse.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident -> $value:ty, $expected:literal $(, lenient: $lenient:literal)? => $parse:expr;)+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl $crate::kind::Kind for $name {
                type Value = $value;
                const EXPECTED: &'static str = $expected;
                $(const LENIENT: bool = $lenient;)?

                fn parse(text: &str) -> Option<$value> {
                    let parse: fn(&str) -> Option<$value> = $parse;
                    parse(text)
                }
            }
        )+
    };
}
use kinds;
