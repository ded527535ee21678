//! Texts, lists, paths and choices.

use super::{Kind, kinds};
use crate::java;

kinds! {
    /// `get`: any text, as it is.
    Text -> String, "a text" => |text| Some(text.to_owned());
    /// `getClass`: the name of a Java class.
    ClassName -> String, "the name of a Java class" => |text| name(java::trim(text));
    /// `getStrings`: parts between commas; the parts are trimmed, and empty ones left out.
    List -> Vec<String>, "parts with commas between them" =>
        |text| Some(java::strings(text).map(java::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect());
    /// `get`, a path or URI. White space around it would become part of it in Java.
    Dir -> String, "a path or URI without white space around it" => |text| name(text);
    /// `get`, the path of a znode.
    ZnodePath -> String, "a path that begins with / and doesn't end with it" =>
        |text| name(text).filter(|path| path.starts_with('/') && !path.ends_with('/') && !path.contains("//"));
    /// `get`, the name of a znode below another; may be several steps.
    ZnodeName -> String, "a name that neither begins nor ends with /" =>
        |text| name(text).filter(|path| !path.starts_with('/') && !path.ends_with('/') && !path.contains("//"));
    /// `get`, permissions in octal. Java also takes `u=rwx,g=rx`.
    Perms -> u16, "three octal digits, or four of which the first is 0 or 1" => |text| {
        let text = java::trim(text);
        let octal = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        octal.then(|| u16::from_str_radix(text, 8).ok()).flatten().filter(|perms| *perms <= 0o1777)
    };
    /// `get`, how many threads scan a folder. Java takes its default for a text that it doesn't understand.
    ScanThreads -> PoolSize, "a whole number from 1, or a fraction of the processors such as 0.25", lenient: true => |text| {
        let fraction = text.strip_prefix("0.").is_some_and(|digits| !digits.is_empty() && all_digits(digits));
        if fraction || text == "1.0" {
            return text.parse().ok().map(PoolSize::OfProcessors);
        }
        let whole = !text.starts_with('0') && !text.is_empty() && all_digits(text);
        whole.then(|| text.parse().ok()).flatten().map(PoolSize::Threads)
    };
}

/// How many threads a pool has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PoolSize {
    /// So many, but no more than there are processors.
    Threads(u32),
    /// This part of the processors, but at least one; between 0 and 1.
    OfProcessors(f64),
}

impl PoolSize {
    /// The number of threads on a machine with `processors`, at least one.
    pub fn threads(self, processors: usize) -> usize {
        match self {
            Self::Threads(threads) => (threads as usize).min(processors).max(1),
            Self::OfProcessors(part) => ((processors as f64 * part) as usize).max(1),
        }
    }
}

/// A value out of a closed list: an enum lists its texts.
pub trait Choice: Copy + std::fmt::Debug + PartialEq + 'static {
    /// All texts with their values, for an error message.
    const TEXTS: &'static str;

    /// The value whose text this is, in any case.
    fn of(text: &str) -> Option<Self>;
}

impl<C: Choice> Kind for C {
    type Value = C;
    const EXPECTED: &'static str = C::TEXTS;

    fn parse(text: &str) -> Option<C> {
        C::of(java::trim(text))
    }
}

fn name(text: &str) -> Option<String> {
    let odd = text.is_empty() || text.trim() != text || text.contains(|c: char| c.is_control());
    (!odd).then(|| text.to_owned())
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(List::parse(" a , b,,\n c,").unwrap(), ["a", "b", "c"]);
        assert_eq!(List::parse("").unwrap(), [""; 0]);
    }

    #[test]
    fn paths() {
        let good = ["/hbase", "/a/b"].map(ZnodePath::parse);
        assert!(good.iter().all(Option::is_some), "{good:?}");
        let bad = ["", "/", "hbase", "/hbase/", "/a//b", " /a", "/a\n"].map(ZnodePath::parse);
        assert!(bad.iter().all(Option::is_none), "{bad:?}");
        assert_eq!(ZnodeName::parse("visibility/labels").as_deref(), Some("visibility/labels"));
        assert_eq!(["", "/a", "a/"].map(ZnodeName::parse), [const { None }; 3]);
        assert_eq!(["", " hdfs://nn/h", "a\nb"].map(Dir::parse), [const { None }; 3]);
        assert!(Dir::parse("hdfs://nn/with space").is_some());
    }

    #[test]
    fn permissions() {
        assert_eq!(
            ["700", "0755", "1777", "000"].map(Perms::parse),
            [Some(0o700), Some(0o755), Some(0o1777), Some(0)]
        );
        assert_eq!(["", "7", "800", "2777", "u=rwx", "07000", "+70"].map(Perms::parse), [None; 7]);
    }

    #[test]
    fn pools() {
        let parsed = ["4", "0.25", "1.0", "0.0"].map(|text| ScanThreads::parse(text).unwrap().threads(8));
        assert_eq!(parsed, [4, 2, 8, 1]);
        assert_eq!(ScanThreads::parse("64").unwrap().threads(8), 8);
        assert_eq!(["", "0", "0.", "-1", "2.0", ".5", " 4", "04"].map(ScanThreads::parse), [None; 8]);
    }
}
