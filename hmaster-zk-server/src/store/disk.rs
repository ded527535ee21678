//! Every operation that changes the disk, in one place: so that a test can stop the world after any
//! of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The disk. In unit tests it may stop working after a number of operations, as if the process had
/// been killed there; of the write that is hit, half arrives. And it doesn't wait for the hardware
/// there: what a process wrote outlives the process without that, and no test cuts the power.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub budget: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
}

impl Disk {
    /// Makes a file that must not exist yet.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        self.spend()?;
        OpenOptions::new().append(true).create_new(true).open(path)
    }

    /// Writes all bytes at the file's end.
    pub(crate) fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        if let Err(killed) = self.spend() {
            if self.is_first_failure() {
                file.write_all(&bytes[..bytes.len() / 2])?;
            }
            return Err(killed);
        }
        file.write_all(bytes)
    }

    /// Waits until the file's content (and length) is on the disk.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.spend()?;
        if cfg!(test) { Ok(()) } else { file.sync_data() }
    }

    /// Cuts a file, durably.
    pub(crate) fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.spend()?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        if cfg!(test) { Ok(()) } else { file.sync_all() }
    }

    /// Gives a file another name.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.spend()?;
        fs::rename(from, to)
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.spend()?;
        fs::remove_file(path)
    }

    /// Waits until the names in a folder are on the disk.
    pub(crate) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.spend()?;
        let dir = File::open(dir)?;
        if cfg!(test) { Ok(()) } else { dir.sync_all() }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests have a budget")]
    fn spend(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests have a budget")]
    fn is_first_failure(&self) -> bool {
        false
    }

    #[cfg(test)]
    fn spend(&self) -> io::Result<()> {
        use std::sync::atomic::Ordering;
        match &self.budget {
            Some(budget) if budget.fetch_sub(1, Ordering::SeqCst) <= 0 => Err(io::Error::other("killed")),
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    fn is_first_failure(&self) -> bool {
        use std::sync::atomic::Ordering;
        self.budget.as_ref().is_some_and(|budget| budget.load(Ordering::SeqCst) == -1)
    }
}
