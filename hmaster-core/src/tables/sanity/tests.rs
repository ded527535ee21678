//! Tests of what schemas may say.

use hmaster_types::{ColumnFamilyDescriptor, ColumnFamilyDescriptorBuilder, TableDescriptorBuilder};

use super::*;

fn family() -> ColumnFamilyDescriptorBuilder {
    ColumnFamilyDescriptor::builder("f")
}

fn table() -> TableDescriptorBuilder {
    TableDescriptor::builder("t".parse().unwrap())
}

fn with_family(key: &str, value: &str) -> TableDescriptorBuilder {
    table().family(family().attribute(key.to_owned(), value.to_owned()).build())
}

fn with_table(key: &str, value: &str) -> TableDescriptorBuilder {
    table().family(family().build()).attribute(key.to_owned(), value.to_owned())
}

fn with_configuration(pairs: &[(&str, &str)]) -> TableDescriptorBuilder {
    let family = pairs.iter().fold(family(), |family, (key, value)| family.configuration(*key, *value));
    table().family(family.build())
}

fn says(schema: TableDescriptorBuilder) -> Option<String> {
    let error = check(&schema.build(), &Options::default()).err()?;
    assert!(error.is(class::DO_NOT_RETRY_IO), "{error}");
    Some(error.message)
}

#[test]
fn what_java_makes_is_fine() {
    for schema in [
        table().family(family().build()),
        crate::tables::schemas::namespace_schema().to_builder(),
        with_family(attribute::COMPRESSION, "zstd"),
        with_family(attribute::BLOOMFILTER, "rowcol"),
        with_family(attribute::DATA_BLOCK_ENCODING, "fast_diff"),
        with_table(attribute::MAX_FILESIZE, "2097152"),
        with_table(attribute::SPLIT_POLICY, "org.apache.hadoop.hbase.regionserver.SteppingSplitPolicy"),
        with_table(attribute::SPLIT_POLICY, "org.example.Policy"),
        with_table("hbase.hstore.compaction.min", " 0x10 "),
        with_configuration(&[("hbase.hstore.compaction.ratio", "1.2")]),
        with_configuration(&[
            ("hbase.hstore.datatiering.type", "TIME_RANGE"),
            ("hbase.hstore.engine.class", "org.apache.hadoop.hbase.regionserver.DateTieredStoreEngine"),
        ]),
    ] {
        assert_eq!(says(schema.clone()), None, "{:?}", schema.build());
        assert_eq!(check_new(&schema.build(), &Options::default()), Ok(()));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let fifo = "org.apache.hadoop.hbase.regionserver.compactions.FIFOCompactionPolicy";
    let cases = [
        (table(), "at least one column family"),
        (
            with_table(attribute::MAX_FILESIZE, "2097151"),
            "(2097151) is too small, which might cause over splitting",
        ),
        (with_table(attribute::MAX_FILESIZE, "big"), "MAX_FILESIZE is not a number: \"big\""),
        (with_table("hbase.hregion.max.filesize", "1024"), "(1024) is too small"),
        (
            with_table(attribute::MEMSTORE_FLUSHSIZE, "1048575"),
            "(1048575) is too small, which might cause very frequent",
        ),
        (
            with_table("hbase.hregion.memstore.flush.size", "0"),
            "Invalid value for 'hbase.hregion.memstore.flush.size': 0.",
        ),
        (
            with_table("hbase.hstore.compaction.max", "many"),
            "'hbase.hstore.compaction.max' must be an integer.",
        ),
        (with_table("hbase.hstore.compaction.max", "3000000000"), "must be an integer."),
        (
            with_table(attribute::SPLIT_POLICY, "org.apache.hadoop.hbase.regionserver.HRegion"),
            "Unable to load configured region split policy 'org.apache.hadoop.hbase.regionserver.HRegion' for table 't'",
        ),
        (with_table(attribute::SPLIT_POLICY, "ConstantSizeRegionSplitPolicy"), "split policy 'Constant"),
        (with_table(attribute::REGION_REPLICATION, "0"), "region replication should be at least one"),
        (
            with_family(attribute::COMPRESSION, "ZIP"),
            "Compression algorithm 'ZIP' of column family f is not known.",
        ),
        (with_family("COMPRESSION_COMPACT_MAJOR", "ZIP"), "'ZIP'"),
        (with_family(attribute::TTL, "0"), "TTL for column family f must be positive."),
        (with_family(attribute::TTL, "FOREVER"), "TTL for column family f is not a number: \"FOREVER\"."),
        (
            with_family(attribute::BLOCKSIZE, "1023"),
            "Block size for column family f  must be between 1K and 16MB.",
        ),
        (with_family(attribute::BLOCKSIZE, "16777217"), "Block size"),
        (with_family(attribute::MIN_VERSIONS, "-1"), "Min versions for column family f  must be positive."),
        (with_family(attribute::MIN_VERSIONS, "2"), "must be less than the Max versions."),
        (with_family(attribute::DFS_REPLICATION, "-1"), "HFile Replication for column family f"),
        (
            with_family(attribute::REPLICATION_SCOPE, "2"),
            "Replication scope for column family f is 2 which is invalid.",
        ),
        (with_family(attribute::BLOOMFILTER, "COL"), "Failed to get bloom filter param"),
        (with_family(attribute::BLOOMFILTER, "ROWPREFIX_FIXED_LENGTH"), "Failed to get bloom filter param"),
        (with_family(attribute::DATA_BLOCK_ENCODING, "PREFIX_TREE"), "DATA_BLOCK_ENCODING PREFIX_TREE"),
        (
            with_family("IN_MEMORY_COMPACTION", "lazy"),
            "No enum constant org.apache.hadoop.hbase.MemoryCompactionPolicy.LAZY",
        ),
        (
            with_configuration(&[("hbase.hstore.compaction.min", "x")]),
            "'hbase.hstore.compaction.min' must be an integer.",
        ),
        (with_configuration(&[("hbase.hstore.datatiering.type", "TIME_RANGE")]), "Time Range Data Tiering"),
        (
            with_table("hbase.hstore.defaultengine.compactionpolicy.class", fifo),
            "Default TTL is not supported",
        ),
    ];
    for (schema, text) in cases {
        let said = says(schema.clone()).unwrap_or_else(|| panic!("{text}: {:?} passes", schema.build()));
        assert!(said.contains(text), "{said} should say {text}");
        assert!(said.ends_with("if you want to bypass sanity checks"), "{said}");
    }
}

#[test]
fn fifo_compaction_asks_for_many_files() {
    let fifo = |files: &str| {
        let family = family()
            .attribute(attribute::TTL, "100")
            .configuration(
                "hbase.hstore.defaultengine.compactionpolicy.class",
                "org.apache.hadoop.hbase.regionserver.compactions.FIFOCompactionPolicy",
            )
            .configuration("hbase.hstore.blockingStoreFiles", files);
        says(table().family(family.build()))
    };
    assert_eq!(fifo("1000"), None);
    assert!(fifo("999").unwrap().contains("999 is below recommended minimum of 1000"));
}

#[test]
fn checks_can_be_switched_off_but_not_all() {
    let off = |schema: TableDescriptorBuilder| says(schema.attribute(SANITY_CHECKS, "false"));
    assert_eq!(off(with_family(attribute::TTL, "0")), None);
    assert!(
        off(with_family(attribute::TTL, "x")).is_some(),
        "a number that isn't one breaks whoever reads it"
    );
    let mut options = Options::default();
    options.tables.sanity_checks = false;
    assert_eq!(check(&with_family(attribute::TTL, "0").build(), &options), Ok(()));
    let on = with_family(attribute::TTL, "0").attribute(SANITY_CHECKS, "true").build();
    assert!(check(&on, &options).is_err(), "the table's own word counts");
}

#[test]
fn new_tables_dont_migrate() {
    let migrating = with_table(attribute::STORE_FILE_TRACKER, "MIGRATION").build();
    let error = check_new(&migrating, &Options::default()).unwrap_err();
    assert_eq!(error.message, "Should not use MIGRATION as store file tracker for new family f of table t");
}

#[test]
fn new_tables_have_a_tracker_that_exists() {
    for (tracker, exists) in [("FILE", true), ("default", true), ("NONE", false), ("", true)] {
        let schema = with_table(attribute::STORE_FILE_TRACKER, tracker).build();
        let checked = check_new(&schema, &Options::default());
        assert_eq!(checked.is_ok(), exists, "{tracker}: {checked:?}");
    }
}
