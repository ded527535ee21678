//! Namespaces, tables, schemas, regions, sequence ids.

use futures_util::TryStreamExt as _;
use hmaster_types::{EncodedName, SeqNum};

use super::*;

const FOLDER: &str = "data/ns/t/.tabledesc/";

#[tokio::test]
async fn each_change_makes_a_file_and_removes_older_ones() {
    let f = Fixture::prepared().await;
    assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), None);
    for versions in 1..=3 {
        f.root.write_table_descriptor(&schema(versions)).await.unwrap();
        let length = content::encode_table_schema(&schema(versions)).len();
        assert_eq!(f.file_names(FOLDER), [format!("{FOLDER}.tableinfo.{versions:010}.{length}")]);
        assert_eq!(f.next().table_descriptor(&table()).await.unwrap(), Some(schema(versions)));
    }
    let before = f.file_names(FOLDER);
    f.root.write_table_descriptor(&schema(3)).await.unwrap();
    assert_eq!(f.file_names(FOLDER), before, "unchanged, so not written");
}

/// The newest that is whole counts; what Java would remove when it reads is removed with the next change.
#[tokio::test]
async fn files_that_are_not_whole_are_passed_over() {
    let f = Fixture::prepared().await;
    f.root.write_table_descriptor(&schema(1)).await.unwrap();
    let good = content::encode_table_schema(&schema(2));
    let name =
        |sequence: u32, length: usize| below_root(&format!("{FOLDER}.tableinfo.{sequence:010}.{length}"));
    let fs = f.root.file_system();
    let zeros = Bytes::from(vec![0; good.len()]);
    for (sequence, length, content) in [
        (4, good.len(), good.slice(..good.len() - 1)),
        (5, good.len(), Bytes::new()),
        (6, good.len(), zeros),
        (7, 3, "abc".into()),
        (8, content::TABLE_SCHEMA_BYTES_MAX + 1, good.clone()),
    ] {
        fs.write_whole(&name(sequence, length), content, CreateOptions::new()).await.unwrap();
        assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), Some(schema(1)), "{sequence}");
    }
    // Java reads as much as the name says, also of a longer file.
    let longer = [&good[..], b"xyz"].concat();
    fs.write_whole(&name(3, good.len()), longer.into(), CreateOptions::new()).await.unwrap();
    assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), Some(schema(2)));
    f.put(&format!("{FOLDER}.tableinfo.x.y"), "no schema file").await;
    f.root.write_table_descriptor(&schema(3)).await.unwrap();
    let length = content::encode_table_schema(&schema(3)).len();
    let left = f.file_names(FOLDER);
    assert_eq!(left, [format!("{FOLDER}.tableinfo.{:010}.{length}", 9), format!("{FOLDER}.tableinfo.x.y")]);
}

#[tokio::test]
async fn names_of_early_releases() {
    let f = Fixture::prepared().await;
    let fs = f.root.file_system();
    fs.mkdirs(&below_root("data/ns/t/.tabledesc"), None).await.unwrap();
    let contents = [(".tableinfo", 1), (".tableinfo.0000000003", 2)];
    for (name, versions) in contents {
        let content = content::encode_table_schema(&schema(versions));
        fs.write_whole(&below_root(&format!("{FOLDER}{name}")), content, CreateOptions::new()).await.unwrap();
        assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), Some(schema(versions)));
    }
    f.root.write_table_descriptor(&schema(3)).await.unwrap();
    assert_eq!(f.file_names(FOLDER).len(), 1);
    assert!(f.file_names(FOLDER)[0].contains(".tableinfo.0000000004."));
}

#[tokio::test]
async fn sequence_numbers_end() {
    let f = Fixture::prepared().await;
    f.root.write_table_descriptor(&schema(1)).await.unwrap();
    f.put(&format!("{FOLDER}.tableinfo.2147483647.5"), "xxxxx").await;
    let error = f.root.write_table_descriptor(&schema(2)).await.unwrap_err();
    assert!(matches!(error, RootDirError::NoFreeSequence { .. }), "{error}");
    assert_eq!(f.root.table_descriptor(&table()).await.unwrap(), Some(schema(1)));
}

#[tokio::test]
async fn all_schemas_at_once() {
    let f = Fixture::prepared().await;
    let named = |name: &str| TableDescriptor::builder(name.parse().unwrap()).build();
    for name in ["b", "a", "ns:c", "hbase:meta"] {
        f.root.write_table_descriptor(&named(name)).await.unwrap();
    }
    f.root.create_namespace("empty").await.unwrap();
    f.put("data/default/halfmade/0123456789abcdef0123456789abcdef/.regioninfo", "").await;
    f.put("data/default/.tmp/x", "").await;
    f.put("data/default/-illegal-/x", "").await;
    f.put("data/il legal/t/x", "").await;
    f.put("data/file", "").await;
    f.put("data/ns/file", "").await;
    let all = f.root.table_descriptors().await.unwrap();
    let found: Vec<String> = all
        .iter()
        .map(|(name, schema)| match schema {
            Ok(schema) if schema.name() == name => name.to_string(),
            Ok(schema) => panic!("{name} has the schema of {}", schema.name()),
            Err(error) => format!("{name}: {error}"),
        })
        .collect();
    let missing = "halfmade: no readable schema of table halfmade in /hbase/data/default/halfmade/.tabledesc";
    assert_eq!(found, ["a", "b", missing, "hbase:meta", "ns:c"]);
    assert_eq!(f.root.namespaces().await.unwrap(), ["default", "empty", "hbase", "ns"]);
    let lists = f.disk.trace().iter().filter(|entry| entry.operation == crate::Operation::List).count();
    assert!(lists < 40, "{lists}");
}

#[tokio::test]
async fn a_schema_of_another_table() {
    let f = Fixture::prepared().await;
    f.root.write_table_descriptor(&schema(1)).await.unwrap();
    f.root.file_system().rename(&below_root("data/ns/t"), &below_root("data/ns/u")).await.unwrap();
    let error = f.root.table_descriptor(&"ns:u".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("schema of table ns:t"), "{error}");
    assert!(error.to_string().contains("/hbase/data/ns/u/.tabledesc/.tableinfo.0000000001."), "{error}");
}

#[tokio::test]
async fn namespaces() {
    let f = Fixture::prepared().await;
    for _ in 0..2 {
        f.root.create_namespace("ns").await.unwrap();
    }
    f.put("data/ns/.tmp/left over", "").await;
    f.put("data/ns/t/x", "").await;
    let error = f.root.delete_namespace("ns").await.unwrap_err();
    assert!(matches!(&error, RootDirError::NamespaceNotEmpty { entry, .. } if entry == "t"), "{error}");
    f.root.file_system().delete_tree(&below_root("data/ns/t")).await.unwrap();
    for _ in 0..2 {
        f.root.delete_namespace("ns").await.unwrap();
    }
    assert!(f.root.namespaces().await.unwrap().is_empty());
}

#[tokio::test]
async fn regions_have_folders_and_replicas_none() {
    let f = Fixture::prepared().await;
    let made = regions(300);
    let mut with_replicas = made.clone();
    with_replicas.extend(made.iter().map(|region| region.with_replica(1)));
    f.root.create_table(&schema(1), &with_replicas).await.unwrap();
    f.put("data/ns/t/0123456789ABCDEF0123456789ABCDEF/.regioninfo", "upper case").await;
    f.put("data/ns/t/not a region/.regioninfo", "").await;
    f.put("data/ns/t/0123456789abcdef0123456789abcdef", "a file").await;
    let mut names: Vec<EncodedName> = made.iter().map(RegionInfo::encoded_name).collect();
    names.sort();
    assert_eq!(f.root.regions(&table()).await.unwrap(), names);
    assert!(f.root.region_exists(&made[5].with_replica(1)).await.unwrap());

    f.put(&format!("data/ns/t/{}/.regioninfo", names[0]), "garbage").await;
    f.root.file_system().delete(&below_root(&format!("data/ns/t/{}/.regioninfo", names[1]))).await.unwrap();
    let table = table();
    let mut found: Vec<_> = f.root.region_infos(&table).await.unwrap().try_collect().await.unwrap();
    found.sort_by_key(|(name, _)| *name);
    assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    assert!(found[0].1.as_ref().is_err_and(|error| error.to_string().contains(&names[0].to_string())));
    assert!(matches!(found[1].1, Ok(None)));
    for (name, info) in &found[2..] {
        assert_eq!(info.as_ref().unwrap().as_ref().unwrap().encoded_name(), *name);
    }
    assert!(f.root.regions(&"absent".parse().unwrap()).await.unwrap().is_empty());
    f.root.delete_region_without_archiving(&made[0]).await.unwrap();
    assert!(!f.root.region_exists(&made[0]).await.unwrap());
}

#[tokio::test]
async fn a_region_info_of_another_region() {
    let f = Fixture::prepared().await;
    let made = regions(2);
    f.root.create_regions(&made).await.unwrap();
    let (one, two) = (made[0].encoded_name(), made[1].encoded_name());
    let (from, to) = (f.root.layout().region_info(&table(), one), f.root.layout().region_info(&table(), two));
    f.root.file_system().rename_replacing(&from, &to).await.unwrap();
    let error = f.root.region_info(&table(), two).await.unwrap_err();
    assert!(
        error.to_string().contains(&one.to_string()) && error.to_string().contains(to.as_str()),
        "{error}"
    );
    assert_eq!(f.root.region_info(&table(), one).await.unwrap(), None);
}

#[tokio::test]
async fn sequence_ids_never_fall() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    assert_eq!(f.root.max_sequence_id(region).await.unwrap(), None);
    let edits = format!("data/ns/t/{}/recovered.edits", region.encoded_name());
    for id in [5, 9, 9, 12] {
        f.root.write_sequence_id(region, SeqNum(id)).await.unwrap();
        assert_eq!(f.file_names(&edits), [format!("{edits}/{id}.seqid")]);
        assert_eq!(f.root.max_sequence_id(&region.with_replica(1)).await.unwrap(), Some(SeqNum(id)));
    }
    let error = f.root.write_sequence_id(region, SeqNum(11)).await.unwrap_err();
    assert!(matches!(error, RootDirError::SequenceIdFalls { wanted: 11, recorded: 12, .. }), "{error}");
    // Where a mistake of earlier releases put them (HBASE-20734), and in their form.
    f.put(&format!("ns/t/{}/recovered.edits/20_seqid", region.encoded_name()), "").await;
    f.put(&format!("{edits}/x.seqid"), "").await;
    assert_eq!(f.root.max_sequence_id(region).await.unwrap(), Some(SeqNum(20)));
    // Replaced by one of today's form, even with the same number.
    f.put(&format!("{edits}/30_seqid"), "").await;
    f.root.write_sequence_id(region, SeqNum(30)).await.unwrap();
    assert!(f.file_names(&edits).contains(&format!("{edits}/30.seqid")));
}

#[tokio::test]
async fn edits_to_replay() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    let edits = format!("data/ns/t/{}/recovered.edits", region.encoded_name());
    for name in ["7.seqid", "0000000000000000007.temp", "0000000000000000007.1700000000000"] {
        f.put(&format!("{edits}/{name}"), "x").await;
    }
    assert!(!f.root.has_recovered_edits(region).await.unwrap());
    f.put(&format!("{edits}/0000000000000000007"), "x").await;
    assert!(f.root.has_recovered_edits(region).await.unwrap());
    assert!(!f.root.has_recovered_edits(&region.with_replica(1)).await.unwrap());
    let files = f.root.recovered_edits(region).await.unwrap();
    assert_eq!(files, [below_root(&format!("{edits}/0000000000000000007"))]);
}
