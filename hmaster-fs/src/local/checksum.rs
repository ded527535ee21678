//! Checksum files. Counterpart of Hadoop's `ChecksumFileSystem`.
//!
//! Hadoop keeps the checksums of `name` in `.name.crc` and verifies a file that has one. We write none and
//! verify none, but must never leave one beside a file that it doesn't belong to: Java would take our file
//! for corrupt. So a checksum file goes when its file is deleted or replaced, and moves with its file. Where
//! two steps are needed, they are ordered such that a crash between them leaves a file without checksums,
//! which Java reads, rather than one with the wrong ones.
//!
//! Listings hide checksum files on both sides; [`lease`](super::lease) uses such names for what must not
//! show.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// True for names that Hadoop takes for checksum files.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".crc")
}

/// Where the checksums of a file are kept.
pub(super) fn path_for(file: &Path) -> PathBuf {
    hidden(file, "")
}

/// A hidden name made of the file's own, which must have one.
pub(super) fn hidden(file: &Path, infix: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}{infix}.crc"))
}

/// Removes the checksums of a file, if there are any.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path_for(file)))
}

/// After `from` was renamed to `to`: its checksums follow.
pub(super) fn follow(from: &Path, to: &Path) -> io::Result<()> {
    absent_is_fine(fs::rename(path_for(from), path_for(to)))
}

/// A name of full length leaves no room for that of a checksum file, so there is none.
fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
            Ok(())
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_hadoop_makes_them() {
        assert_eq!(path_for(Path::new("/a/b")), Path::new("/a/.b.crc"));
        assert_eq!(path_for(Path::new("/a/.regioninfo")), Path::new("/a/..regioninfo.crc"));
        for (name, hidden) in [(".b.crc", true), ("b.crc", false), (".crc", true), (".b", false)] {
            assert_eq!(is_hidden(name), hidden, "{name}");
        }
    }
}
