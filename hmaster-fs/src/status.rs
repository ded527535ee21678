//! What is said about files and folders: status, permission, how to create one.

use std::fmt;

use bytes::Bytes;

use crate::FsPath;

/// A file or folder, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The name in its folder; empty for `/`.
    pub name: Box<str>,
    /// File or folder.
    pub kind: FileKind,
    /// Length in bytes; 0 for folders.
    pub length: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: u64,
    /// Who may do what.
    pub permission: Permission,
}

/// File or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it all")]
pub enum FileKind {
    File,
    Directory,
}

impl FileStatus {
    /// True for a folder.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }
}

/// Unix permission bits, such as `0o700`. Counterpart of `FsPermission`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission(u16);

impl Permission {
    /// `rwx------`, the default of `hbase.rootdir.perms`.
    pub const OWNER_ALL: Self = Self(0o700);

    /// The lowest nine bits and the sticky bit count.
    pub const fn new(bits: u32) -> Self {
        Self((bits & 0o1777) as u16)
    }

    /// Reads octal digits, as configuration has them.
    pub fn from_octal(text: &str) -> Option<Self> {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        u32::from_str_radix(text, 8).ok().filter(|bits| digits && *bits <= 0o1777).map(Self::new)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0o{:03o}", self.0)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

/// How to create a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateOptions {
    /// What to do about a file that is there.
    pub mode: CreateMode,
    /// Who may do what; `None` for the file system's usual permission.
    pub permission: Option<Permission>,
}

/// What to do about a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateMode {
    /// Fail with `AlreadyExists`. Of several that try at once, one succeeds.
    New,
    /// Replace it by a new, empty file; who was writing it is fenced.
    Overwrite,
}

impl CreateOptions {
    /// The file must not exist.
    pub const fn new() -> Self {
        Self { mode: CreateMode::New, permission: None }
    }

    /// The file is replaced where it exists.
    pub const fn overwrite() -> Self {
        Self { mode: CreateMode::Overwrite, permission: None }
    }
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A small file to be made with its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where.
    pub path: FsPath,
    /// What is in it.
    pub content: Bytes,
}

/// What is below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Number of files.
    pub files: u64,
    /// Number of folders, the given one not counted.
    pub folders: u64,
    /// Length of all files together.
    pub bytes: u64,
}

impl Usage {
    pub(crate) fn add(&mut self, entry: &FileStatus) {
        match entry.kind {
            FileKind::File => self.files += 1,
            FileKind::Directory => self.folders += 1,
        }
        self.bytes += entry.length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_as_octal() {
        assert_eq!(Permission::from_octal("700"), Some(Permission::OWNER_ALL));
        assert_eq!(Permission::from_octal("1777").map(Permission::bits), Some(0o1777));
        for bad in ["", "8", "7777", "+700", "rwx", "00700"] {
            assert_eq!(Permission::from_octal(bad), None, "{bad}");
        }
        assert_eq!(Permission::new(0o40755).to_string(), "755");
    }
}
