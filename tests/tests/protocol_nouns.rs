//! Nouns become the same bytes as in Java, and those bytes become the same nouns: what either master stores, the other
//! one reads and compares.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_protocol::{decode_slice, pb};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, require_peers};
use hmaster_types::{
    ColumnFamilyDescriptor, EncodedName, JavaException, NamespaceDescriptor, RegionInfo, RegionState,
    ServerName, TableDescriptor, TableName, TableState, attribute, class,
};
use prost::Message as _;

/// What [`ours`] gives: messages by the name that the Java program has for them.
type Nouns = BTreeMap<String, Vec<u8>>;

#[tokio::test]
async fn nouns_become_the_bytes_that_java_writes() -> Result<()> {
    require_peers!();
    let (java, ours) = (java_nouns().await?, ours()?);
    ensure!(java.keys().eq(ours.keys()), "{:?} and {:?}", java.keys(), ours.keys());
    for (name, bytes) in java.iter().filter(|(name, _)| *name != "schema") {
        ensure!(bytes == &ours[name], "{name}:\n{bytes:02x?} is Java's,\n{:02x?} ours", ours[name]);
    }
    ensure!(sorted(&java["schema"])? == sorted(&ours["schema"])?);
    ensure!(TableDescriptor::try_from(&sorted(&java["schema"])?)? == table_descriptor()?);
    let region_info: pb::RegionInfo = decode_slice(&java["region"])?;
    ensure!(RegionInfo::try_from(&region_info)? == region()?);
    let exception: pb::ForeignExceptionMessage = decode_slice(&java["exception"])?;
    ensure!(JavaException::from(&exception) == JavaException::new(class::TABLE_EXISTS, "ns:t"));
    Ok(())
}

/// Java leaves the order of attributes to a hash map.
fn sorted(schema: &[u8]) -> Result<pb::TableSchema> {
    let mut schema: pb::TableSchema = decode_slice(schema)?;
    let by_key = |a: &pb::BytesBytesPair, b: &pb::BytesBytesPair| a.first.cmp(&b.first);
    schema.attributes.sort_by(by_key);
    schema.column_families.iter_mut().for_each(|family| family.attributes.sort_by(by_key));
    Ok(schema)
}

fn region() -> Result<RegionInfo> {
    let builder = RegionInfo::builder("ns:t".parse()?).start_key(*b"a").end_key(*b"b");
    Ok(builder.region_id(1_700_000_000_000).offline(true).split(true).build())
}

fn table_descriptor() -> Result<TableDescriptor> {
    let family = ColumnFamilyDescriptor::builder("f")
        .attribute(attribute::VERSIONS, "3")
        .configuration("hbase.hstore.compaction.min", "5");
    Ok(TableDescriptor::builder("ns:t".parse()?)
        .attribute(attribute::REGION_REPLICATION, "2")
        .attribute("key", "value")
        .family(family.build())
        .family(ColumnFamilyDescriptor::builder("g").build())
        .build())
}

fn ours() -> Result<Nouns> {
    let table: TableName = "ns:t".parse()?;
    let default: TableName = "t".parse()?;
    let server: ServerName = "Host-1,16020,1700000000123".parse()?;
    let whole = RegionInfo::builder(table.clone()).region_id(7).build();
    let mut namespace = NamespaceDescriptor::new("ns");
    namespace.configuration.insert("hbase.namespace.quota.maxtables".into(), "5".into());
    namespace.configuration.insert("a".into(), "b".into());
    let error = JavaException::new(class::TABLE_EXISTS, "ns:t");
    let mut nouns = Nouns::new();
    let mut put = |name: &str, bytes: Vec<u8>| nouns.insert(name.to_owned(), bytes);
    put("table", pb::TableName::from(&table).encode_to_vec());
    put("table.default", pb::TableName::from(&default).encode_to_vec());
    put("server", pb::ServerName::from(&server).encode_to_vec());
    put("region", pb::RegionInfo::from(&region()?).encode_to_vec());
    put("region.replica", pb::RegionInfo::from(&region()?.with_replica(3)).encode_to_vec());
    put("region.whole", pb::RegionInfo::from(&whole).encode_to_vec());
    put("region.meta", pb::RegionInfo::from(&RegionInfo::meta()).encode_to_vec());
    put("specifier.name", pb::RegionSpecifier::from(&region()?.name()).encode_to_vec());
    put("specifier.encoded", specifier(region()?.encoded_name()));
    put("schema", pb::TableSchema::from(&table_descriptor()?).encode_to_vec());
    put("namespace", pb::NamespaceDescriptor::from(&namespace).encode_to_vec());
    put("exception", pb::ForeignExceptionMessage::new(Some("host,1,2"), &error).encode_to_vec());
    for state in RegionState::all() {
        put(&format!("state.region.{state}"), region_state(state));
    }
    for state in [TableState::Enabled, TableState::Disabled, TableState::Disabling, TableState::Enabling] {
        put(&format!("state.table.{state}"), pb::TableState::from(state).encode_to_vec());
    }
    Ok(nouns)
}

fn specifier(name: EncodedName) -> Vec<u8> {
    pb::RegionSpecifier::from(name).encode_to_vec()
}

fn region_state(state: RegionState) -> Vec<u8> {
    let state = pb::region_state::State::from(state);
    pb::RegionState { region_info: (&RegionInfo::meta()).into(), state: state.into(), stamp: Some(5) }
        .encode_to_vec()
}

async fn java_nouns() -> Result<Nouns> {
    let source = ("WriteNouns.java", include_str!("../java/WriteNouns.java"));
    let classes = javac::classes(&[source], HBaseVersion::V2_6).await?;
    let jars = HBaseVersion::V2_6.server_jars().await?;
    let command = Jvm::new(256).folder(classes).jars(jars).command("WriteNouns")?;
    let output = command.output("", Duration::from_secs(120)).await?;
    let noun = |line: &str| {
        let (name, hex) = line.split_once(' ').with_context(|| format!("the line {line:?}"))?;
        Ok((name.to_owned(), bytes(hex)?))
    };
    output.success()?.lines().map(noun).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?)).collect()
}
