//! hmaster-protocol and Java agree on what is a message: for bytes of every type, valid, odd and broken, both accept
//! or both refuse; what both accept, both read alike; and both name the same required fields as missing.

#[path = "../../hmaster-protocol/tests/support/corpus.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use corpus::{Chaos, Corpus, mutate};
use fastrand::Rng;
use hmaster_protocol::{DecodeError, HBaseMessage, MissingFields, decode_slice, for_each_message};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, require_peers};
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Inputs per message type.
const SEEDS: u64 = 60;

/// What Java's exception says before the fields.
const MISSING: &str = "Message missing required fields: ";

/// One message type: its full name, and decoding followed by encoding.
type Type = (&'static str, fn(&[u8]) -> Result<Vec<u8>, DecodeError>);

macro_rules! types {
    ($(($message:ty, $name:literal),)*) => { const TYPES: &[Type] = &[$(($name, recode::<$message>),)*]; };
}
for_each_message!(types);

fn recode<M: HBaseMessage>(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    decode_slice::<M>(bytes).map(|message| message.encode_to_vec())
}

/// One input, and what we made of it.
struct Input {
    name: &'static str,
    what: String,
    bytes: Vec<u8>,
    ours: Result<Vec<u8>, DecodeError>,
}

#[tokio::test]
async fn java_agrees_on_every_input() -> Result<()> {
    require_peers!();
    let inputs = inputs()?;
    let java = java_verdicts(&inputs).await?;
    ensure!(java.len() == inputs.len(), "{} verdicts on {} inputs", java.len(), inputs.len());
    let differ = |(input, java): (&Input, &String)| {
        let reason = disagreement(input, java)?;
        Some(format!("{} ({}) {:02x?}: {reason}", input.name, input.what, input.bytes))
    };
    let differences: Vec<_> = inputs.iter().zip(&java).filter_map(differ).collect();
    let refused = java.iter().filter(|verdict| verdict.starts_with('R')).count();
    let missing = java.iter().filter(|verdict| verdict.contains(MISSING)).count();
    ensure!(differences.is_empty(), "{} of {}:\n{}", differences.len(), inputs.len(), some(&differences));
    // A corpus that Java accepts, or refuses, as a whole would prove little.
    ensure!(refused * 5 > inputs.len() && refused * 5 < inputs.len() * 4, "{refused} refused");
    ensure!(missing * 20 > inputs.len(), "{missing} lack required fields");
    Ok(())
}

fn some(lines: &[String]) -> String {
    lines[..lines.len().min(20)].join("\n")
}

/// Where we and Java differ, if we do.
fn disagreement(input: &Input, java: &str) -> Option<String> {
    match (&input.ours, java.split_once('\t')) {
        (Ok(_), None) if java == "=" => None,
        (Ok(_), _) => Some(format!("we accept, Java says {java}")),
        (Err(error), None) => Some(format!("we say {error}, Java accepts")),
        (Err(DecodeError::MissingRequired { fields, .. }), Some(("R", reason))) => {
            let names = reason.strip_prefix(MISSING).map(|names| names.split(", ").collect::<BTreeSet<_>>());
            let ours = fields.paths().iter().map(String::as_str).collect::<BTreeSet<_>>();
            let same = |names: BTreeSet<&str>| {
                names == ours || names.len() > MissingFields::PATHS_MAX && names.is_superset(&ours)
            };
            (!names.is_some_and(same)).then(|| format!("we miss {fields}, Java says {reason}"))
        }
        (Err(_), Some(("R", reason))) => {
            reason.starts_with(MISSING).then(|| format!("we say {:?}, Java {reason}", input.ours))
        }
        (Err(error), Some(_)) => Some(format!("we say {error}, Java says {java}")),
    }
}

fn inputs() -> Result<Vec<Input>> {
    let corpus = Corpus::new(&FileDescriptorSet::decode(hmaster_protocol::FILE_DESCRIPTOR_SET)?);
    let mut inputs = Vec::new();
    for &(name, recode) in TYPES.iter().filter(|(name, _)| is_shaded(name)) {
        for seed in 0..SEEDS {
            let mut rng = Rng::with_seed(seed);
            let chaos = Chaos([0.0, 0.02, 0.1, 0.4][rng.usize(..4)]);
            let mut bytes = corpus.message(&mut rng, name, chaos);
            if rng.u32(..3) == 0 {
                mutate(&mut rng, &mut bytes);
            }
            let ours = recode(&bytes);
            inputs.push(Input { name, what: format!("seed {seed}"), bytes, ours });
        }
    }
    inputs.extend(nested().into_iter().map(|(what, bytes)| {
        let name = "hbase.pb.BackupImage";
        Input { name, what, ours: recode::<hmaster_protocol::pb::BackupImage>(&bytes), bytes }
    }));
    Ok(inputs)
}

/// Messages and groups at the limit of depth and beyond.
fn nested() -> Vec<(String, Vec<u8>)> {
    let mut nested = Vec::new();
    for depth in [99, 100, 101, 150] {
        for groups in [0, 1, 2] {
            let mut bytes =
                [[0xab, 0x7d].repeat(groups), vec![0x08, 1], [0xac, 0x7d].repeat(groups)].concat();
            for _ in groups..depth {
                let mut outer = vec![0x3a]; // ancestors
                prost::encode_length_delimiter(bytes.len(), &mut outer).expect("a Vec has room");
                outer.extend(&bytes);
                bytes = outer;
            }
            nested.push((format!("{depth} deep, {groups} groups"), bytes));
        }
    }
    nested
}

/// Whether the message is in the jar that the Java program reads; the others need protobuf 2.5.
fn is_shaded(name: &str) -> bool {
    const FILES: [&str; 3] = ["rsgroup.proto", "token.proto", "visibility.proto"];
    let set = FileDescriptorSet::decode(hmaster_protocol::FILE_DESCRIPTOR_SET)
        .expect("the tests of the crate decode it");
    let mut unshaded = set.file.iter().filter(|file| FILES.contains(&file.name()));
    let short = name.strip_prefix("hbase.pb.").unwrap_or(name);
    let outer = short.split('.').next().unwrap_or(short);
    !outer.starts_with("MutateRows")
        && !outer.starts_with("MultiRowMutation")
        && !unshaded.any(|file| file.message_type.iter().any(|message| message.name() == outer))
}

async fn java_verdicts(inputs: &[Input]) -> Result<Vec<String>> {
    let source = ("CheckMessages.java", include_str!("../java/CheckMessages.java"));
    let classes = javac::classes(&[source], HBaseVersion::V2_6).await?;
    let jars = HBaseVersion::V2_6.server_jars().await?;
    let jar = jars.join(format!("hbase-protocol-shaded-{}.jar", HBaseVersion::V2_6));
    let folder = tempfile::tempdir()?;
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(file("inputs"), records(inputs))?;
    let jvm = Jvm::new(512).folder(classes).jars(jars);
    let command = jvm.command("CheckMessages")?.arg(jar).arg(file("inputs")).arg(file("verdicts"));
    command.output("", Duration::from_secs(300)).await?.success()?;
    let verdicts = fs::read(file("verdicts")).context("read what Java wrote")?;
    Ok(String::from_utf8_lossy(&verdicts).lines().map(str::to_owned).collect())
}

fn records(inputs: &[Input]) -> Vec<u8> {
    let mut out = Vec::new();
    for input in inputs {
        put(&mut out, Some(input.name.as_bytes()));
        put(&mut out, Some(&input.bytes));
        put(&mut out, input.ours.as_deref().ok());
    }
    put(&mut out, Some(b""));
    out
}

fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.extend(bytes.map_or(-1, |bytes| bytes.len() as i32).to_be_bytes());
    out.extend(bytes.unwrap_or_default());
}
