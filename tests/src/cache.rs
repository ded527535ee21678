//! The per-user cache: folders that are expensive to make (resolved jars, compiled Java programs)
//! and that all test processes share.
//!
//! A folder is made aside and renamed into place, so a reader sees all of it or nothing. It counts
//! as made when it holds the file `.complete`. One lock file per folder lets one process make it
//! while the others wait; the operating system releases the lock of a process that dies.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const COMPLETE: &str = ".complete";

/// The cache's folder: `HMASTER_PEER_HOME`, or else `hmaster-peer` in the user's cache folder.
pub fn home() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = set("HMASTER_PEER_HOME") {
        return Ok(home);
    }
    let user = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Ok(user.context("none of HMASTER_PEER_HOME, XDG_CACHE_HOME and HOME is set")?.join("hmaster-peer"))
}

/// The folder `name` of the cache, made by `fill` if it isn't there yet. `fill` gets an empty
/// folder to write into. Blocks while another process makes the same folder.
pub fn folder(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    folder_in(&home()?, name, fill)
}

fn folder_in(home: &Path, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = home.join(name);
    if folder.join(COMPLETE).exists() {
        return Ok(folder);
    }
    fs::create_dir_all(home).with_context(|| format!("create the cache {}", home.display()))?;
    let lock_path = home.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).with_context(|| format!("create {}", lock_path.display()))?;
    lock.lock().with_context(|| format!("lock {}", lock_path.display()))?;
    if !folder.join(COMPLETE).exists() {
        let aside = home.join(format!("{name}.part"));
        make(&aside, &folder, fill).with_context(|| format!("make {}", folder.display()))?;
    }
    Ok(folder)
}

fn make(aside: &Path, folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    remove(aside)?;
    fs::create_dir_all(aside)?;
    fill(aside)?;
    fs::write(aside.join(COMPLETE), "")?;
    remove(folder)?; // half of it, left by somebody who wrote in place
    fs::rename(aside, folder)?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn concurrent_callers_make_a_folder_once() {
        let home = tempfile::tempdir().unwrap();
        let calls = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let fill = |folder: &Path| {
                        calls.fetch_add(1, Ordering::SeqCst);
                        Ok(fs::write(folder.join("jar"), "x")?)
                    };
                    let folder = folder_in(home.path(), "a-1", fill).unwrap();
                    assert_eq!(fs::read_to_string(folder.join("jar")).unwrap(), "x");
                });
            }
        });
        assert_eq!(calls.into_inner(), 1);
    }

    #[test]
    fn what_failed_half_way_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let failed = folder_in(home.path(), "a-1", |folder| {
            fs::write(folder.join("half"), "x")?;
            anyhow::bail!("no network")
        });
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("a-1") && message.contains("no network"), "{message}");
        let folder = folder_in(home.path(), "a-1", |_| Ok(())).unwrap();
        assert!(!folder.join("half").exists());
    }

    #[test]
    fn a_folder_without_marker_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("a-1")).unwrap();
        fs::write(home.path().join("a-1/stale"), "x").unwrap();
        let folder = folder_in(home.path(), "a-1", |_| Ok(())).unwrap();
        assert!(folder.join(COMPLETE).exists() && !folder.join("stale").exists());
    }
}
