//! Checks that the workspace keeps its shape: who may depend on whom ([`layering`]), and how files look ([`tidy`]).
//! [`simulate`] runs the simulation by seed.
//!
//! The same functions run as tests and by `cargo xtask`, so that a remark made twice in review becomes a check here.

pub mod layering;
pub mod simulate;
pub mod tidy;

use std::path::PathBuf;

/// The workspace's folder.
pub fn workspace_root() -> PathBuf {
    let manifest_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().map_or_else(|| manifest_dir.clone(), PathBuf::from)
}
