//! Where a root folder is, as configuration says it: scheme, authority and path. Counterpart of Hadoop's
//! `Path` as a URI.
//!
//! Region servers and clients compare these strings and open what they name, so they are printed as Hadoop
//! prints them: `hdfs://host:port/path`, `file:/path`, and without percent-encoding.

use std::fmt;
use std::str::FromStr;

use hmaster_types::ParseError;

use crate::FsPath;

/// A path with the file system that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FsUri {
    /// `file`, `hdfs`, `viewfs` …; none for a path in the default file system (`fs.defaultFS`).
    pub scheme: Option<String>,
    /// Host and port of the NameNode or the name of a name service; none on local disk.
    pub authority: Option<String>,
    /// The path in that file system.
    pub path: FsPath,
}

impl FsUri {
    /// A path on local disk.
    pub fn local(path: FsPath) -> Self {
        Self { scheme: Some("file".into()), authority: None, path }
    }

    /// The same file system, another path.
    #[must_use]
    pub fn with_path(&self, path: FsPath) -> Self {
        Self { path, ..self.clone() }
    }

    /// Fills in scheme and authority from `default` (`fs.defaultFS`) where this has no scheme.
    #[must_use]
    pub fn qualified(self, default: &Self) -> Self {
        if self.scheme.is_some() { self } else { default.with_path(self.path) }
    }
}

impl FromStr for FsUri {
    type Err = ParseError;

    /// Reads `scheme://authority/path`, `scheme:/path` or `/path`; a missing path means `/`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = |reason: &str| ParseError::new("file system URI", text.as_bytes(), reason);
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, text),
        };
        if let Some(scheme) = scheme {
            let letters = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
            if !letters || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
                return Err(error("not a scheme before the colon"));
            }
        }
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) if scheme.is_some() => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            _ => ("", rest),
        };
        let path = if path.is_empty() && !authority.is_empty() { "/" } else { path };
        Ok(Self {
            scheme: scheme.map(str::to_ascii_lowercase),
            authority: (!authority.is_empty()).then(|| authority.to_owned()),
            path: path.parse()?,
        })
    }
}

impl fmt::Display for FsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}:")?;
        }
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        write!(f, "{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_as_hadoop_prints() {
        for (text, printed) in [
            ("hdfs://nn.example:8020/hbase/", "hdfs://nn.example:8020/hbase"),
            ("hdfs://cluster", "hdfs://cluster/"),
            ("file:///var/hbase", "file:/var/hbase"),
            ("file:/var//hbase", "file:/var/hbase"),
            ("FILE:/x", "file:/x"),
            ("/hbase", "/hbase"),
            ("/a:b", "/a:b"),
        ] {
            assert_eq!(text.parse::<FsUri>().unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn a_bare_path_belongs_to_the_default_file_system() {
        let default: FsUri = "hdfs://nn:1/".parse().unwrap();
        assert_eq!("/hbase".parse::<FsUri>().unwrap().qualified(&default).to_string(), "hdfs://nn:1/hbase");
        assert_eq!("file:/x".parse::<FsUri>().unwrap().qualified(&default).to_string(), "file:/x");
    }

    #[test]
    fn what_is_no_uri() {
        for bad in
            ["", "hbase", "hdfs:", "hdfs:hbase", "1x:/a", "a b:/x", ":/x", "hdfs://nn/a/../b", "file:///a/\0"]
        {
            assert!(bad.parse::<FsUri>().is_err(), "{bad}");
        }
    }
}
