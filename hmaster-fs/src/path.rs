//! A place inside a file system. Counterpart of Hadoop's `Path` without scheme and authority.
//!
//! Unlike Hadoop's, a path is absolute and in one canonical form, so equal paths are equal texts, and it
//! can't climb out of the folder it is joined to. Scheme and authority belong to the file system
//! ([`FileSystem::uri`](crate::FileSystem::uri) prints them).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hmaster_types::ParseError;

/// An absolute path: `/`, or components each after a `/`. Cheap to clone; orders bytewise, as HDFS lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FsPath(Arc<str>);

impl FsPath {
    /// Longer texts are refused unread; HDFS refuses longer paths (`FSConstants.MAX_PATH_LENGTH`).
    pub const PATH_BYTES_MAX: usize = 8000;

    /// `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Reads an absolute path. Doubled and trailing slashes don't count, as in Hadoop's `Path`.
    ///
    /// # Errors
    /// When it isn't absolute, is too long, or a component can't be a name ([`FsPath::check_name`]).
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let error = |reason: String| Err(ParseError::new("path", text.as_bytes(), reason));
        if !text.starts_with('/') {
            return error("not absolute".into());
        }
        if text.len() > Self::PATH_BYTES_MAX {
            return error(format!("longer than {} bytes", Self::PATH_BYTES_MAX));
        }
        let mut canonical = String::with_capacity(text.len());
        for name in text.split('/').filter(|name| !name.is_empty()) {
            Self::check_name(name)?;
            canonical.push('/');
            canonical.push_str(name);
        }
        Ok(if canonical.is_empty() { Self::root() } else { Self(canonical.into()) })
    }

    /// Checks one component.
    ///
    /// # Errors
    /// When it is empty, `.` or `..`, or has a slash or a NUL. How long it may be is for the file system to
    /// say: it answers `Invalid` when something is to be made under a name that is too long for it.
    pub fn check_name(name: &str) -> Result<(), ParseError> {
        let reason = match name {
            "" => "empty",
            "." | ".." => "means another folder",
            _ if name.contains(['/', '\0']) => "has a slash or a NUL",
            _ => return Ok(()),
        };
        Err(ParseError::new("file name", name.as_bytes(), reason))
    }

    /// The path of `name` in this folder, for a name that is legal by how it was made.
    ///
    /// # Panics
    /// When `name` isn't legal; a name from outside goes through [`FsPath::try_join`].
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        self.try_join(name).expect("the caller's name is legal by how it was made")
    }

    /// The path of `name` in this folder.
    ///
    /// # Errors
    /// As [`FsPath::check_name`].
    pub fn try_join(&self, name: &str) -> Result<Self, ParseError> {
        Self::check_name(name)?;
        let folder = if self.is_root() { "" } else { &*self.0 };
        Ok(Self(format!("{folder}/{name}").into()))
    }

    /// The path of the same name with `suffix` behind it, in the same folder.
    ///
    /// # Errors
    /// As [`FsPath::try_join`], and for `/`.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, ParseError> {
        match (self.parent(), self.name()) {
            (Some(parent), Some(name)) => parent.try_join(&format!("{name}{suffix}")),
            _ => Err(ParseError::new("path", b"/", "the root has no name")),
        }
    }

    /// The folder that it is in; none for `/`.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.rfind('/').expect("a path starts with a slash");
        Some(if end == 0 { Self::root() } else { Self(self.0[..end].into()) })
    }

    /// The last component; none for `/`.
    pub fn name(&self) -> Option<&str> {
        if self.is_root() { None } else { self.0.rsplit('/').next() }
    }

    /// The components from the root on.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// True for the path itself and everything below it.
    pub fn contains(&self, other: &Self) -> bool {
        self.is_root()
            || other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// True for `/`.
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// The text, which starts with a slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FsPath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FsPath {
        text.parse().unwrap()
    }

    #[test]
    fn one_form_for_one_place() {
        assert_eq!(path("//hbase///data/"), path("/hbase/data"));
        assert_eq!(path("/"), FsPath::root());
        assert_eq!(path("/hbase/WALs/a%2C1.2").as_str(), "/hbase/WALs/a%2C1.2");
    }

    #[test]
    fn parts() {
        let file = path("/a/b");
        assert_eq!((file.parent(), file.name()), (Some(path("/a")), Some("b")));
        assert_eq!((path("/a").parent(), FsPath::root().parent()), (Some(FsPath::root()), None));
        assert_eq!(FsPath::root().name(), None);
        assert_eq!(FsPath::root().join("a").join("b"), file);
        assert_eq!(file.with_suffix("-splitting").unwrap(), path("/a/b-splitting"));
        assert_eq!(file.components().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_lies_below() {
        assert!(path("/a").contains(&path("/a/b")) && path("/a").contains(&path("/a")));
        assert!(!path("/a").contains(&path("/ab")) && !path("/a/b").contains(&path("/a")));
        assert!(FsPath::root().contains(&path("/a")));
    }

    #[test]
    fn what_is_no_path() {
        let long = "/n".repeat(FsPath::PATH_BYTES_MAX / 2 + 1);
        for bad in ["", "a", "hdfs://a/b", "/a/../b", "/.", "/a/.", "/a\0b", &long] {
            assert!(FsPath::parse(bad).is_err(), "{bad:.80}");
        }
        for bad in ["", "a/b", "..", ".", "a\0"] {
            assert!(path("/x").try_join(bad).is_err(), "{bad:.80}");
        }
        assert!(FsPath::root().with_suffix("x").is_err());
    }
}
