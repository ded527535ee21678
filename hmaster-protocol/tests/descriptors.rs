//! The messages are those of HBase: compares the descriptors that were compiled in with `descriptors.txt`, which was
//! written from Java's.
//!
//! `HMASTER_UPDATE=1 cargo test -p hmaster-tests --test protocol_descriptors` writes that file anew; that test also
//! compares with the Java artifacts themselves.

#[path = "support/fingerprint.rs"]
mod fingerprint;

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorSet;

#[test]
fn messages_are_those_of_hbase() {
    let files = FileDescriptorSet::decode(hmaster_protocol::FILE_DESCRIPTOR_SET).unwrap().file;
    let ours = fingerprint::fingerprint(files.iter().filter(|file| file.package() != "google.protobuf"));
    let java: BTreeSet<String> = include_str!("descriptors.txt").lines().map(str::to_owned).collect();
    assert!(java.len() > 2_000, "descriptors.txt has only {} lines", java.len());
    let difference = fingerprint::difference(&ours, &java);
    assert!(difference.is_empty(), "{}", difference.join("\n"));
}
