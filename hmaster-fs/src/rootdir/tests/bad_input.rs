//! Small files with anything in them: each is an error that names file and content, and nothing is changed.

use hmaster_types::EncodedName;

use super::*;

/// Truncated, oversized, of wrong magic, garbage. What is good of it begins each.
fn spoiled(good: &Bytes) -> Vec<(&'static str, Bytes)> {
    let mut wrong_magic = good.to_vec();
    wrong_magic[3] = b'X';
    let mut oversized = good.to_vec();
    oversized.resize(17 << 20, b'x');
    let mut unfinished_field = good.to_vec();
    unfinished_field.extend_from_slice(b"\x7a\xff\xff\xff\x0f");
    vec![
        ("truncated", good.slice(..good.len() - 1)),
        ("magic alone", good.slice(..4)),
        ("wrong magic", wrong_magic.into()),
        ("oversized", oversized.into()),
        ("a length beyond the end", unfinished_field.into()),
        ("garbage", Bytes::from_static(b"\xff\xfe\0\x01garbage")),
    ]
}

#[tokio::test]
async fn version_and_id() {
    let version = ("hbase.version", content::encode_version("8"));
    let id = ("hbase.id", content::encode_cluster_id("4c8e7b3a-0000-4000-8000-0123456789ab"));
    for (name, good) in [version, id] {
        for (what, content) in spoiled(&good) {
            let f = Fixture::prepared().await;
            let fs = f.root.file_system();
            fs.write_whole(&below_root(name), content, CreateOptions::overwrite()).await.unwrap();
            let before = f.disk.snapshot();
            let error = f.root.prepare(&options(), &Chance::seeded(7)).await.expect_err(what);
            assert!(error.to_string().contains(&format!("/hbase/{name}")), "{what}: {error}");
            assert!(error.to_string().len() < 1000, "{what}: {error}");
            assert!(f.disk.snapshot() == before, "{what}: something was changed");
        }
    }
}

#[tokio::test]
async fn other_versions() {
    for version in ["7", "9", "", "8 ", "\u{1f}"] {
        let f = Fixture::prepared().await;
        let content = content::encode_version(version);
        let fs = f.root.file_system();
        fs.write_whole(&below_root("hbase.version"), content, CreateOptions::overwrite()).await.unwrap();
        let error = f.root.prepare(&options(), &Chance::seeded(7)).await.expect_err(version);
        assert!(matches!(&error, RootDirError::OtherVersion { found, .. } if found == version), "{error}");
    }
}

#[tokio::test]
async fn region_infos() {
    let region = &regions(1)[0];
    for (what, content) in spoiled(&content::encode_region_info(region)) {
        if what == "a length beyond the end" {
            continue; // behind a message with its own length, nothing counts
        }
        let f = Fixture::prepared().await;
        f.root.create_regions(&regions(1)).await.unwrap();
        let path = f.root.layout().region_info(&table(), region.encoded_name());
        f.root.file_system().write_whole(&path, content, CreateOptions::overwrite()).await.unwrap();
        let error = f.root.region_info(&table(), region.encoded_name()).await.expect_err(what);
        assert!(error.to_string().contains(path.as_str()), "{what}: {error}");
    }
}

#[tokio::test]
async fn schemas() {
    for (what, content) in spoiled(&content::encode_table_schema(&schema(1))) {
        let f = Fixture::prepared().await;
        let folder = below_root("data/ns/t/.tabledesc");
        f.root.file_system().mkdirs(&folder, None).await.unwrap();
        let path = folder.join(&format!(".tableinfo.0000000001.{}", content.len()));
        f.root.file_system().write_whole(&path, content, CreateOptions::overwrite()).await.unwrap();
        assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), None, "{what}");
        f.root.write_table_descriptor(&schema(2)).await.unwrap();
        assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), Some(schema(2)), "{what}");
    }
}

#[tokio::test]
async fn names_of_folders() {
    let f = Fixture::prepared().await;
    for name in [
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "-1",
        "4294967295",
        "٣",
        "..x",
    ] {
        f.root.file_system().mkdirs(&below_root("data/ns/t").join(name), None).await.unwrap();
    }
    assert_eq!(f.root.regions(&table()).await.unwrap(), [] as [EncodedName; 0]);
}

/// Names that clients may choose: an error, no panic, and nothing is made.
#[tokio::test]
async fn names_from_clients() {
    let f = Fixture::prepared().await;
    let before = f.disk.snapshot();
    for name in ["", "a/b", "..", ".", "a\0", "x-y"] {
        assert!(f.root.create_namespace(name).await.is_err(), "{name}");
        assert!(f.root.delete_namespace(name).await.is_err(), "{name}");
        assert!(
            f.root.archive_family(&regions(1)[0], name.replace("x-y", "x:y").as_bytes()).await.is_err(),
            "{name}"
        );
    }
    assert!(f.root.create_namespace(&"n".repeat(300)).await.is_err());
    let long = TableDescriptor::builder("t".repeat(300).parse().unwrap()).build();
    let error = f.root.write_table_descriptor(&long).await.unwrap_err();
    assert!(matches!(fs_error(&error).kind, crate::FsErrorKind::Invalid(_)), "{error}");
    assert_eq!(f.root.table_descriptor(long.name()).await.unwrap(), None);
    f.root.delete_table(long.name()).await.unwrap();
    assert!(!f.root.archive_family(&regions(1)[0], b"\xff\xfe").await.unwrap(), "not UTF-8, but legal");
    assert!(f.disk.snapshot().keys().count() <= before.len() + 1, "at most the namespace's folder is new");
}
