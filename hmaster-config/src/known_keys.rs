//! Keys that HBase or Hadoop know, to tell a misspelt key from one that is none of the master's business.
//!
//! `hbase_keys.txt` lists the keys that some class of HBase 2.6.4 reads (its clients, region servers and tools
//! included); the tables of defaults list the others.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::options::Options;
use crate::raw::{CORE_DEFAULT, HBASE_DEFAULT, HDFS_DEFAULT, default_names, deprecated_names};

/// Keys of tools and servers of their own, which aren't listed one by one.
const FAMILIES: [&str; 11] = [
    "hbase.rest.",
    "hbase.thrift.",
    "hbase.regionserver.thrift.",
    "hbase.canary.",
    "hbase.hbck.",
    "hbase.mapreduce.",
    "hbase.backup.",
    "hbase.zookeeper.property.",
    "hbase.master.balancer.",
    "hbase.io.compress.",
    "hbase.ipc.server.",
];

static KNOWN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let listed = include_str!("hbase_keys.txt").lines().filter(|line| !line.starts_with('#'));
    let defaults = [CORE_DEFAULT, HDFS_DEFAULT, HBASE_DEFAULT].into_iter().flat_map(default_names);
    let options = Options::table().flat_map(|info| info.keys).copied();
    let renamed = deprecated_names().flat_map(|(old, new)| [old, new]);
    listed.chain(defaults).chain(options).chain(renamed).collect()
});

/// True when HBase or Hadoop know `key`.
pub(crate) fn is_known(key: &str) -> bool {
    KNOWN.contains(key) || FAMILIES.iter().any(|family| key.starts_with(family))
}

/// True when the key's name says that it is HBase's.
pub(crate) fn is_of_hbase(key: &str) -> bool {
    ["hbase.", "zookeeper.", "hmaster."].iter().any(|prefix| key.starts_with(prefix))
}

/// The known key that `key` is most likely meant to be: one that differs in case and punctuation only, or else in at most
/// three letters.
pub(crate) fn similar(key: &str) -> Option<&'static str> {
    const DISTANCE_MAX: usize = 3;
    let bare = bare(key);
    let alike = KNOWN.iter().filter(|known| self::bare(known) == bare);
    let near = || {
        let distances = KNOWN.iter().filter_map(|known| Some((distance(key, known, DISTANCE_MAX)?, *known)));
        distances.min().map(|(_, known)| known)
    };
    alike.copied().next().or_else(near)
}

fn bare(key: &str) -> Vec<u8> {
    key.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect()
}

/// How many letters must be added, removed, replaced or swapped with their neighbour, if it is at most `max`.
fn distance(a: &str, b: &str, max: usize) -> Option<usize> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > max || letters_differ(a, b) > 2 * max {
        return None;
    }
    // Row by row: what turns a[..i] into b[..j].
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (vec![], (0..=b.len()).collect());
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            let best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            row.push(if swapped { best.min(before[j - 2] + 1) } else { best });
        }
        before = std::mem::replace(&mut last, row);
    }
    Some(last[b.len()]).filter(|distance| *distance <= max)
}

/// A bound from below for twice the distance, and cheap: how often letters occur in one and not in the other.
fn letters_differ(a: &[u8], b: &[u8]) -> usize {
    let mut counts = [0_i32; 256];
    a.iter().for_each(|letter| counts[*letter as usize] += 1);
    b.iter().for_each(|letter| counts[*letter as usize] -= 1);
    counts.iter().map(|count| count.unsigned_abs() as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_kinds_are_known() {
        for key in [
            "hbase.rootdir",
            "hbase.hstore.blockingStoreFiles",
            "hbase.client.scanner.caching",
            "hbase.wal.provider",
            "hbase.regionserver.hostname",
            "hbase.rest.port",
            "dfs.replication",
            "fs.defaultFS",
            "zookeeper.znode.parent",
        ] {
            assert!(is_known(key), "{key}");
        }
        assert!(!is_known("hbase.rootDir") && !is_known("hbase.master.prot"));
    }

    #[test]
    fn misspelt_keys_are_guessed() {
        let cases = [
            ("hbase.rootDir", Some("hbase.rootdir")),
            ("hbase.root-dir", Some("hbase.rootdir")),
            ("hbase.master.prot", Some("hbase.master.port")),
            ("hbase.zookeeper.quorom", Some("hbase.zookeeper.quorum")),
            ("hbase.master.logcleaner.tl", Some("hbase.master.logcleaner.ttl")),
            ("hbsae.rootdir", Some("hbase.rootdir")),
            ("com.example.something.else", None),
            ("", None),
        ];
        for (key, guess) in cases {
            assert_eq!(similar(key), guess, "{key}");
        }
    }

    #[test]
    fn distances() {
        assert_eq!(distance("abc", "abc", 3), Some(0));
        assert_eq!(distance("abc", "acb", 3), Some(1));
        assert_eq!(distance("abc", "abcd", 3), Some(1));
        assert_eq!(distance("abc", "xbz", 3), Some(2));
        assert_eq!(distance("abc", "xyzw", 3), None);
        assert_eq!(distance("", "abc", 3), Some(3));
    }
}
