//! Whatever a message says, its conversion to a noun gives the noun or an error; and a noun that came of a message
//! gives a message that gives the same noun.

#[path = "support/corpus.rs"]
mod corpus;

use std::fmt::Debug;

use corpus::{Chaos, Corpus, mutate};
use fastrand::Rng;
use hmaster_protocol::{FILE_DESCRIPTOR_SET, HBaseMessage, decode_slice, pb};
use hmaster_types::{
    Address, ColumnFamilyDescriptor, EncodedName, NamespaceDescriptor, RegionInfo, ServerName,
    TableDescriptor, TableName,
};
use prost::Message as _;
use prost_types::FileDescriptorSet;

const SEEDS: u64 = 3_000;

/// How many of the seeds gave a noun.
fn check<M, N>(amend: impl Fn(&mut M, &mut Rng)) -> usize
where
    M: HBaseMessage + for<'a> From<&'a N>,
    N: PartialEq + Debug + for<'a> TryFrom<&'a M>,
{
    let corpus = Corpus::new(&FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the build wrote it"));
    let noun_of = |seed| {
        let rng = &mut Rng::with_seed(seed);
        let odd = rng.u32(..4) == 0;
        let chaos = Chaos(if odd { 0.1 } else { 0.0 });
        let mut bytes = corpus.message(rng, M::TABLE.full_name(), chaos);
        if odd {
            mutate(rng, &mut bytes);
        }
        let mut message: M = decode_slice(&bytes).ok()?;
        amend(&mut message, rng);
        let noun = N::try_from(&message).ok()?;
        let again =
            N::try_from(&M::from(&noun)).unwrap_or_else(|_| panic!("seed {seed}: {noun:?} went astray"));
        assert_eq!(again, noun, "seed {seed}");
        Some(noun)
    };
    (0..SEEDS).filter_map(noun_of).count()
}

/// Names as they come from the corpus are rarely legal.
fn legal(table: &mut pb::TableName, rng: &mut Rng) {
    if rng.u32(..8) > 0 {
        table.namespace = (*rng.choice(&["", "default", "ns", "hbase"]).expect("four")).into();
        table.qualifier = (*rng.choice(&["t", "täbelle", "a.b-c", "meta"]).expect("four")).into();
    }
}

#[test]
fn every_noun_comes_back() {
    let counts = [
        check::<pb::ServerName, ServerName>(|_, _| {}),
        check::<pb::ServerName, Address>(|_, _| {}),
        check::<pb::TableName, TableName>(legal),
        check::<pb::NamespaceDescriptor, NamespaceDescriptor>(|_, _| {}),
        check::<pb::RegionInfo, RegionInfo>(|region, rng| legal(&mut region.table_name, rng)),
        check::<pb::ColumnFamilySchema, ColumnFamilyDescriptor>(|_, _| {}),
        check::<pb::TableSchema, TableDescriptor>(|schema, rng| {
            legal(schema.table_name.get_or_insert_default(), rng);
            schema.column_families.truncate(1);
        }),
    ];
    // Few would mean that the corpus is all errors, and that nothing was compared.
    assert!(counts.iter().all(|&count| count > 200 && count < SEEDS as usize), "{counts:?}");
}

#[test]
fn a_region_is_named_or_not() {
    let corpus = Corpus::new(&FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the build wrote it"));
    for seed in 0..SEEDS {
        let bytes = corpus.message(&mut Rng::with_seed(seed), "hbase.pb.RegionSpecifier", Chaos(0.0));
        let message: pb::RegionSpecifier = decode_slice(&bytes).expect("valid");
        if let Ok(name) = EncodedName::try_from(&message) {
            assert_eq!(EncodedName::try_from(&pb::RegionSpecifier::from(name)), Ok(name), "seed {seed}");
        }
    }
}
