//! The file that a process writes its output to, read by the test.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use parking_lot::Mutex;

/// A log file that goes on over restarts, and where the current start begins in it.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    begins: Mutex<u64>,
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, begins: Mutex::new(0) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for a new start of the process.
    pub(crate) fn begin(&self) -> Result<File> {
        let name = || self.path.display().to_string();
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.path).with_context(name)?;
        *self.begins.lock() = file.metadata().with_context(name)?.len();
        Ok(file)
    }

    /// What was written since the current start; empty if the file can't be read.
    pub(crate) fn text(&self) -> String {
        let mut bytes = Vec::new();
        let begins = *self.begins.lock();
        let _ = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(begins))?;
            file.read_to_end(&mut bytes)
        });
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first line since the current start that holds `text`.
    pub(crate) fn line_with(&self, text: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(text)).map(str::to_owned)
    }

    pub(crate) fn tail(&self, lines: usize) -> String {
        format!("end of {}:\n{}", self.path.display(), last_lines(&self.text(), lines))
    }
}

/// The last `count` lines of `text`.
pub(super) fn last_lines(text: &str, count: usize) -> &str {
    let start = text.trim_end().rmatch_indices('\n').nth(count.saturating_sub(1)).map_or(0, |(at, _)| at + 1);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn last_lines_are_counted_from_the_end() {
        for (text, count, last) in
            [("", 2, ""), ("a", 2, "a"), ("a\nb\nc\n", 2, "b\nc\n"), ("a\nb\nc", 1, "c"), ("a\nb", 9, "a\nb")]
        {
            assert_eq!(last_lines(text, count), last, "{text:?} {count}");
        }
    }
}
