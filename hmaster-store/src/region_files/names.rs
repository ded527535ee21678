//! Names of store files. Counterpart of the patterns of `StoreFileInfo` and `HFileLink`.

/// What a name in a family's folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFileName<'a> {
    /// A file of the region's own.
    HFile,
    /// A file of another region, of another table perhaps; the link itself is empty.
    Link {
        /// The namespace, where the name says it.
        namespace: Option<&'a str>,
        /// The table.
        table: &'a str,
        /// The region's encoded name.
        region: &'a str,
        /// The file there.
        file: &'a str,
    },
    /// A part of a file of another region of the same table.
    Reference {
        /// The file there, which may be a link.
        file: &'a str,
        /// The region's encoded name.
        region: &'a str,
    },
}

impl<'a> StoreFileName<'a> {
    /// Reads a name; none when Java would take it for no store file at all.
    pub fn parse(name: &'a str) -> Option<Self> {
        if is_hfile(name) {
            return Some(Self::HFile);
        }
        // Links first: a table's name may have dots, and then the link looks like a reference.
        if let Some(link) = link(name) {
            return Some(link);
        }
        let (file, region) = name.rsplit_once('.')?;
        let is_reference = !region.is_empty() && (is_hfile(file) || link(file).is_some());
        is_reference.then_some(Self::Reference { file, region })
    }
}

/// Hexadecimal digits, perhaps with the mark of a bulk load or of old deletions of big values.
fn is_hfile(name: &str) -> bool {
    let digits = name.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    let rest = &name[digits..];
    let is_sequence_id = |rest: &str| {
        let digits = rest.strip_prefix("_SeqId_").and_then(|rest| rest.strip_suffix('_'));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits > 0 && (rest.is_empty() || rest == "_del" || is_sequence_id(rest))
}

/// `[namespace=]table=region-hfile`.
fn link(name: &str) -> Option<StoreFileName<'_>> {
    let (table, file) = name.rsplit_once('=')?;
    let (region, file) = file.split_once('-')?;
    let is_region =
        !region.is_empty() && region.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (namespace, table) = match table.split_once('=') {
        Some((namespace, table)) => (Some(namespace), table),
        None => (None, table),
    };
    let is_link = is_region && is_hfile(file) && !table.is_empty() && !table.contains('=');
    is_link.then_some(StoreFileName::Link { namespace, table, region, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_java_reads_them() {
        let link = |namespace, table, file| StoreFileName::Link { namespace, table, region: "12ab", file };
        for (name, expected) in [
            ("0123456789abcdef", Some(StoreFileName::HFile)),
            ("12_SeqId_4_", Some(StoreFileName::HFile)),
            ("12_del", Some(StoreFileName::HFile)),
            ("t=12ab-ff", Some(link(None, "t", "ff"))),
            ("a.b=12ab-ff", Some(link(None, "a.b", "ff"))),
            ("ns=t=12ab-ff_SeqId_9_", Some(link(Some("ns"), "t", "ff_SeqId_9_"))),
            ("ff.12ab", Some(StoreFileName::Reference { file: "ff", region: "12ab" })),
            ("t=12ab-ff.99", Some(StoreFileName::Reference { file: "t=12ab-ff", region: "99" })),
            ("a.b=12ab-ff.99", Some(StoreFileName::Reference { file: "a.b=12ab-ff", region: "99" })),
            ("", None),
            ("xyz", None),
            ("12_SeqId_", None),
            (".filelist", None),
            ("ff.", None),
            ("=12ab-ff", None),
            ("t=-ff", None),
            ("t=12ab-", None),
            ("a=b=c=12ab-ff", None),
            ("12ab-ff", None),
        ] {
            assert_eq!(StoreFileName::parse(name), expected, "{name}");
        }
    }
}
