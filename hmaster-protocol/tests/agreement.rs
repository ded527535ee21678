//! The validator and prost, over every message type: what the validator accepts, prost decodes; what prost refuses, the
//! validator refuses, or repairs; what it calls malformed, prost doesn't take either.

#[path = "support/corpus.rs"]
mod corpus;

use bytes::Bytes;
use corpus::{Chaos, Corpus, mutate};
use fastrand::Rng;
use hmaster_protocol::{DecodeError, HBaseMessage, decode, decode_slice, for_each_message};
use proptest::prelude::*;
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// One message type, without its type.
struct Case {
    name: &'static str,
    /// Decodes and encodes again.
    recode: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
    prost_accepts: fn(&[u8]) -> bool,
}

macro_rules! cases {
    ($(($message:ty, $name:literal),)*) => {
        const CASES: &[Case] = &[$(Case {
            name: $name,
            recode: recode::<$message>,
            prost_accepts: |bytes| <$message>::decode(bytes).is_ok(),
        },)*];
    };
}
for_each_message!(cases);

fn recode<M: HBaseMessage>(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let encoded = decode_slice::<M>(bytes)?.encode_to_vec();
    let other_way = decode::<M>(Bytes::copy_from_slice(bytes)).map(|message| message.encode_to_vec());
    assert_eq!(other_way.as_ref(), Ok(&encoded), "both ways to decode give the same");
    Ok(encoded)
}

fn corpus() -> Corpus {
    let set = FileDescriptorSet::decode(hmaster_protocol::FILE_DESCRIPTOR_SET);
    Corpus::new(&set.expect("the build wrote it"))
}

/// What holds for all bytes.
fn check(case: &Case, bytes: &[u8]) -> Result<(), String> {
    match (case.recode)(bytes) {
        Ok(again) => {
            if (case.recode)(&again).as_ref() != Ok(&again) {
                return Err("what was encoded doesn't decode to itself".into());
            }
        }
        Err(DecodeError::Prost { source, .. }) => return Err(format!("accepted, but prost says: {source}")),
        Err(DecodeError::Malformed { fault, .. }) if (case.prost_accepts)(bytes) => {
            return Err(format!("{fault}, but prost accepts"));
        }
        Err(_) => {}
    }
    Ok(())
}

#[test]
fn every_message_type_is_there() {
    assert!(CASES.len() > 500, "{}", CASES.len());
}

#[test]
fn valid_messages_come_back() {
    let corpus = corpus();
    for case in CASES {
        for seed in 0..20 {
            let bytes = corpus.message(&mut Rng::with_seed(seed), case.name, Chaos(0.0));
            let again =
                (case.recode)(&bytes).unwrap_or_else(|error| panic!("{} seed {seed}: {error}", case.name));
            assert!((case.prost_accepts)(&bytes), "{} seed {seed}", case.name);
            check(case, &again).unwrap_or_else(|error| panic!("{} seed {seed}: {error}", case.name));
        }
    }
}

#[test]
fn odd_and_broken_messages_are_judged_alike() {
    let corpus = corpus();
    for case in CASES {
        for seed in 0..60 {
            let mut rng = Rng::with_seed(seed);
            let chaos = Chaos(*rng.choice(&[0.0, 0.02, 0.1, 0.4]).unwrap());
            let mut bytes = corpus.message(&mut rng, case.name, chaos);
            if rng.bool() {
                mutate(&mut rng, &mut bytes);
            }
            check(case, &bytes)
                .unwrap_or_else(|error| panic!("{} seed {seed}: {error}: {bytes:02x?}", case.name));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_judged_alike(bytes in proptest::collection::vec(any::<u8>(), 0..64), at in any::<proptest::sample::Index>()) {
        let case = at.get(CASES);
        prop_assert!(check(case, &bytes).is_ok(), "{}: {:?}", case.name, check(case, &bytes));
    }
}
