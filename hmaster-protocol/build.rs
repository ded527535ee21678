//! Compiles proto/ without protoc and writes five files into `OUT_DIR`: prost's modules (`modules.rs` includes
//! them), the field tables of the validator (`tables.rs`), a list
//! of all messages (`messages.rs`), the services (`services.rs`), and the descriptors
//! (`descriptors.bin`).

#[path = "build/services.rs"]
mod services;
#[path = "build/tables.rs"]
mod tables;

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

use prost_build::Config;
use prost_types::FileDescriptorSet;
use protox::prost::Message as _;

const PROTO: &str = "proto";

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new([PROTO])?;
    compiler.include_imports(true).include_source_info(true).open_files(proto_files()?)?;
    // protox writes the set, and prost-build takes it as its own type: same crate, same version.
    let descriptors = compiler.file_descriptor_set();
    write_descriptors(&descriptors, &out.join("descriptors.bin"))?;
    let (tables, messages) = tables::generate(&descriptors);
    fs::write(out.join("tables.rs"), tables)?;
    fs::write(out.join("messages.rs"), messages)?;
    let services = services::Generator::default();
    Config::new()
        .bytes(["."])
        .btree_map(["."])
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        .compile_well_known_types()
        .service_generator(Box::new(services.clone()))
        .include_file("modules.rs")
        .compile_fds(descriptors)?;
    fs::write(out.join("services.rs"), services.generated())?;
    Ok(())
}

/// In a fixed order, so that builds repeat.
fn proto_files() -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(PROTO)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Descriptors for reflection, without the comments.
fn write_descriptors(descriptors: &FileDescriptorSet, path: &Path) -> io::Result<()> {
    let mut bare = descriptors.clone();
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    fs::write(path, bare.encode_to_vec())
}
