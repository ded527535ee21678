//! Where a test cluster has its files.
//!
//! ```text
//! hmaster-test-…/hbase/                  hbase.rootdir
//! hmaster-test-…/conf/hbase-site.xml     for Java clients
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// A file operation that was under way when its task ended may still make a file. It ends soon.
const REMOVE_ATTEMPTS_MAX: u32 = 200;
const REMOVE_PAUSE: Duration = Duration::from_millis(5);

/// A folder that goes with the cluster.
#[derive(Debug)]
pub(crate) struct Folder(Option<TempDir>);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hmaster-test-").tempdir()?;
        Ok(Self(Some(folder)))
    }

    pub(crate) fn root_dir(&self) -> PathBuf {
        self.path().join("hbase")
    }

    pub(crate) fn conf_dir(&self) -> PathBuf {
        self.path().join("conf")
    }

    /// Writes the configuration for clients.
    pub(crate) fn write_site(&self, site: &str) -> io::Result<()> {
        let conf_dir = self.conf_dir();
        std::fs::create_dir_all(&conf_dir)?;
        std::fs::write(conf_dir.join("hbase-site.xml"), site)
    }

    fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for Folder {
    #[expect(clippy::disallowed_methods, reason = "a drop can't await")]
    fn drop(&mut self) {
        let Some(folder) = self.0.take() else { return };
        let path = folder.keep();
        for _ in 0..REMOVE_ATTEMPTS_MAX {
            match std::fs::remove_dir_all(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                // It may be there again: look once more.
                Ok(()) | Err(_) => std::thread::sleep(REMOVE_PAUSE),
            }
        }
        tracing::warn!(path = %path.display(), "the folder of a test cluster can't be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_late_goes_too() {
        let folder = Folder::new().unwrap();
        folder.write_site("<configuration/>").unwrap();
        let path = folder.path().to_owned();
        let late = {
            let path = path.clone();
            std::thread::spawn(move || {
                for i in 0..20 {
                    let _ = std::fs::create_dir_all(&path);
                    let _ = std::fs::write(path.join(format!("late{i}")), "x");
                    std::thread::yield_now();
                }
            })
        };
        drop(folder);
        late.join().unwrap();
        // What came after the folder was gone is not the cluster's any more.
        let _ = std::fs::remove_dir_all(&path);
        assert!(!path.exists());
    }
}
