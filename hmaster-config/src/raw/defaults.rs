//! The defaults that HBase and Hadoop ship: names and values of their `*-default.xml` files.
//!
//! They matter beyond the options of a master: `${hbase.tmp.dir}` refers to them, hbase-default.xml overrules what
//! core-site.xml says (it is read later), and a key that they list is no misspelling.

/// Name of a default, and its value; listed without one when it is left to the program.
pub(super) type Default = (&'static str, Option<String>);

/// Defaults of Hadoop 3.4.2 that come before core-site.xml.
pub(crate) const CORE_DEFAULT: &str = "core-default.xml";
/// Defaults of Hadoop 3.4.2 that come before hdfs-site.xml.
pub(crate) const HDFS_DEFAULT: &str = "hdfs-default.xml";
/// Defaults of HBase 2.6.4 that come before hbase-site.xml.
pub(crate) const HBASE_DEFAULT: &str = "hbase-default.xml";

/// The defaults of the file that is called `file`.
pub(super) fn defaults_of(file: &'static str) -> impl Iterator<Item = Default> {
    let text = match file {
        CORE_DEFAULT => include_str!("defaults/core.tsv"),
        HDFS_DEFAULT => include_str!("defaults/hdfs.tsv"),
        HBASE_DEFAULT => include_str!("defaults/hbase.tsv"),
        _ => "",
    };
    text.lines().filter(|line| !line.starts_with('#')).map(|line| match line.split_once('\t') {
        Some((name, value)) => (name, Some(unescape(value))),
        None => (line, None),
    })
}

/// The names in the file that is called `file`.
pub(crate) fn default_names(file: &'static str) -> impl Iterator<Item = &'static str> {
    defaults_of(file).map(|(name, _)| name)
}

/// Undoes `\n`, `\t` and `\\`, with which a value fits on a line.
fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                _ => '\\',
            },
            (c, false) => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_complete_and_sorted() {
        for (file, count) in [(CORE_DEFAULT, 461), (HDFS_DEFAULT, 634), (HBASE_DEFAULT, 232)] {
            let names: Vec<_> = defaults_of(file).map(|(name, _)| name).collect();
            assert_eq!(names.len(), count, "{file}");
            assert!(names.is_sorted_by(|a, b| a < b), "{file}");
        }
    }

    #[test]
    fn values_are_unescaped() {
        assert_eq!(unescape(r"a\n\tb\\n"), "a\n\tb\\n");
        let value = |file, key| defaults_of(file).find(|(name, _)| *name == key).unwrap().1;
        assert_eq!(value(HBASE_DEFAULT, "hbase.wal.dir.perms").as_deref(), Some("700"));
        assert_eq!(value(HBASE_DEFAULT, "hbase.bucketcache.ioengine"), None);
        assert!(
            value(CORE_DEFAULT, "hadoop.security.sensitive-config-keys")
                .unwrap()
                .starts_with("\n      secret$\n")
        );
    }
}
