//! A cluster's directory: removed when its test passed, kept to look at otherwise.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

#[derive(Debug)]
pub(super) struct Folder {
    folder: TempDir,
    passed: bool,
}

impl Folder {
    pub(super) fn new(name: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("hmaster-{name}-")).tempdir();
        Ok(Self { folder: folder.context("create the cluster's directory")?, passed: false })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The test passed: nobody will want to look.
    pub(super) fn passed(&mut self) {
        self.passed = true;
    }
}

impl Drop for Folder {
    #[expect(clippy::print_stderr, reason = "whoever sees the test fail wants to find its logs")]
    fn drop(&mut self) {
        let keep = env::var_os("HMASTER_KEEP").is_some_and(|value| value == "1");
        if keep || !self.passed {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.path().display());
        }
    }
}
