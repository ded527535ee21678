//! Names of files that cleaners meet. Counterpart of the patterns in `AbstractFSWALProvider`, `StoreFileInfo` and
//! `HFileLink`.

/// What archived WALs of `master:store` end with.
const STORE_WAL_SUFFIX: &str = "$masterlocalwal$";
/// What archived store files of `master:store` end with.
const STORE_HFILE_SUFFIX: &str = "$-masterlocalhfile-$";
/// What folders of back references begin with; behind it comes the store file that is referred to.
const BACK_REFERENCES: &str = ".links-";

/// A WAL of a region server: `name.timestamp`, perhaps with `.meta`. Java's pattern is wider.
pub(super) fn is_wal(name: &str) -> bool {
    let name = name.strip_suffix(".meta").unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(server, time)| {
        !server.is_empty() && !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A WAL of the procedure store of HBase 2.2 and before: `pv2-` and 20 digits.
pub(super) fn is_procedure_wal(name: &str) -> bool {
    let Some((_, number)) = name.strip_suffix(".log").and_then(|name| name.rsplit_once("pv2-")) else {
        return false;
    };
    number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// An archived WAL of `master:store`.
pub(super) fn is_store_wal(name: &str) -> bool {
    name.ends_with(STORE_WAL_SUFFIX)
}

/// An archived store file of `master:store`.
pub(super) fn is_store_hfile(name: &str) -> bool {
    name.ends_with(STORE_HFILE_SUFFIX)
}

/// A store file, a reference or a link to one; not one of `master:store`, whose name has a hyphen for that.
pub(super) fn is_hfile(name: &str) -> bool {
    is_link(name) || !name.contains('-') || reference(name).is_some()
}

/// The file that a folder's back references are about.
pub(super) fn back_referenced(folder: &str) -> Option<&str> {
    folder.strip_prefix(BACK_REFERENCES).filter(|file| !file.is_empty())
}

/// The folder of back references to a file in the same folder.
pub(super) fn back_references(file: &str) -> String {
    format!("{BACK_REFERENCES}{file}")
}

/// `[namespace=]table=region-file`.
pub(super) fn is_link(name: &str) -> bool {
    link_target(name).is_some()
}

/// The file that a link leads to.
fn link_target(name: &str) -> Option<&str> {
    let (table, rest) = name.rsplit_once('=')?;
    let (region, file) = rest.split_once('-')?;
    let is_hex = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    (!table.is_empty() && is_hex(region) && !file.is_empty()).then_some(file)
}

/// The file, or link, that a reference is about: what is before the parent region's name.
fn reference(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(file, _)| file).filter(|file| !file.is_empty())
}

/// All files that must stay for what a manifest calls `name`: itself, what it refers to, what that is a link to.
pub(super) fn files_behind(name: &str) -> Vec<String> {
    let direct = [Some(name), reference(name)].into_iter().flatten();
    let links = direct.clone().filter_map(link_target);
    direct.chain(links).map(str::to_owned).collect()
}

/// Where a link may be whose back reference is at `path` in the archive,
/// `data/ns/table/region/family/.links-file/linking region.linking table`: below the root folder. None for a path that
/// isn't one of a back reference.
pub(super) fn links_of(path: &str) -> Option<[String; 3]> {
    let parts: Vec<_> = path.split('/').collect();
    let ["data", namespace, table, region, family, folder, reference] = parts[..] else { return None };
    let file = back_referenced(folder)?;
    let (linking_region, linking_table) = reference.split_once('.')?;
    let (linking_namespace, linking_table) =
        linking_table.split_once('=').unwrap_or(("default", linking_table));
    let full_name = if namespace == "default" { table.to_owned() } else { format!("{namespace}={table}") };
    let link = format!("{full_name}={region}-{file}");
    let below = |root: &str| {
        format!("{root}data/{linking_namespace}/{linking_table}/{linking_region}/{family}/{link}")
    };
    Some([below(".tmp/"), below("mobdir/"), below("")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_names() {
        let wal = "host%2C16020%2C17.host%2C16020%2C17.regiongroup-0.1700";
        for (name, kinds) in [
            (wal, "wal"),
            ("host%2C16020%2C17.meta.1700.meta", "wal"),
            ("pv2-00000000000000000007.log", "procedure"),
            ("pv2-7.log", ""),
            ("host%2C16000%2C1.host%2C16000%2C1.master:store,,1.17$masterlocalwal$", "store"),
            ("notes.txt", ""),
            ("", ""),
            (".17", ""),
        ] {
            let is = [
                is_wal(name).then_some("wal"),
                is_procedure_wal(name).then_some("procedure"),
                is_store_wal(name).then_some("store"),
            ];
            assert_eq!(is.into_iter().flatten().collect::<String>(), kinds, "{name}");
        }
        for (name, is) in [
            ("00ff", true),
            ("00ff_SeqId_4_", true),
            ("00ff.0123abcd", true),
            ("ns=t=0123abcd-00ff", true),
            ("t=0123abcd-00ff.9999", true),
            ("00ff$-masterlocalhfile-$", false),
            ("some-thing", false),
        ] {
            assert_eq!(is_hfile(name), is, "{name}");
        }
    }

    #[test]
    fn what_a_manifest_needs() {
        for (name, needed) in [
            ("00ff", vec!["00ff"]),
            ("00ff.abcd", vec!["00ff.abcd", "00ff"]),
            ("ns=t=abcd-00ff", vec!["ns=t=abcd-00ff", "00ff"]),
            ("t=abcd-00ff.12", vec!["t=abcd-00ff.12", "t=abcd-00ff", "00ff.12", "00ff"]),
        ] {
            assert_eq!(files_behind(name), needed, "{name}");
        }
    }

    #[test]
    fn links_are_where_their_back_references_say() {
        let places = |path: &str| links_of(path).map(|[_, _, last]| last);
        assert_eq!(places("data/default/t/aa/f/.links-00ff/bb.u").unwrap(), "data/default/u/bb/f/t=aa-00ff");
        assert_eq!(places("data/ns/t/aa/f/.links-00ff/bb.n2=u").unwrap(), "data/n2/u/bb/f/ns=t=aa-00ff");
        for other in
            ["data/ns/t/aa/f/00ff", "data/ns/t/aa/f/.links-/bb.u", "data/ns/t/aa/f/.links-0/bb", "x", ""]
        {
            assert_eq!(links_of(other), None, "{other}");
        }
    }
}
