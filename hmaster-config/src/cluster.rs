//! What follows from several options together: where files are, which file system region servers are told, and how to
//! reach ZooKeeper. Counterpart of `CommonFSUtils.getRootDir`, `getWALRootDir`, what `HRegionServer.initializeFileSystem` and
//! `MasterFileSystem` make of `fs.defaultFS`, and `ZKConfig.getZKQuorumServersString`.
//!
//! Differences: a relative root directory is refused (Java puts it below the user's home), and so is a WAL directory
//! that names no file system while the root directory names another than the default one (Java's master and its region
//! servers would look for it in different places).

use std::fmt;

use hmaster_types::Address;

use crate::options::Options;
use crate::problem::{Problem, Severity};
use crate::raw::{Origin, RawConfig};

/// Where a cluster's files are and how to reach its ZooKeeper.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cluster {
    /// `hbase.rootdir` as it is written: region servers are told this text, and one that has another text sets up its file
    /// systems again.
    pub root_dir_text: String,
    /// The root directory.
    pub root: FsUri,
    /// The root directory of WALs; mostly the same.
    pub wal_root: FsUri,
    /// The ensemble's servers.
    pub zookeeper: Vec<Address>,
}

impl Cluster {
    /// Derives everything, or says what contradicts what.
    pub(crate) fn derive(raw: &RawConfig, options: &Options) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let fs = &options.filesystem;
        let roots = Roots::of(&fs.root_dir, fs.wal_dir.as_deref(), &fs.default_fs)
            .map_err(|(key, text)| problems.push(error_about(raw, key, &text)));
        let zookeeper = zookeeper(&options.zookeeper.quorum, options.zookeeper.client_port)
            .map_err(|text| problems.push(error_about(raw, "hbase.zookeeper.quorum", &text)));
        match (roots, zookeeper) {
            (Ok(Roots { root, wal_root }), Ok(zookeeper)) => {
                Ok(Self { root_dir_text: fs.root_dir.clone(), root, wal_root, zookeeper })
            }
            _ => Err(problems),
        }
    }

    /// `host:port,host:port`, as ZooKeeper clients take it.
    pub fn connect_string(&self) -> String {
        self.zookeeper.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// What region servers are told as `fs.defaultFS`: the root directory's file system.
    pub fn default_fs(&self) -> String {
        self.root.file_system()
    }
}

impl Options {
    /// The name by which this master goes, on a machine called `machine` with the address `address`.
    pub fn server_host(&self, machine: &str, address: &str) -> String {
        let configured = self.master.hostname.as_deref().filter(|name| !name.trim().is_empty());
        let own = if self.master.use_ip { address } else { machine };
        configured.unwrap_or(own.strip_suffix('.').unwrap_or(own)).to_owned()
    }
}

/// A directory in a file system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FsUri {
    /// Kind of file system, such as `hdfs` or `file`.
    pub scheme: String,
    /// Which one: name node or name service, with or without a port. `file` has none.
    pub authority: Option<String>,
    /// Absolute path, without a slash at the end (but `/` itself).
    pub path: String,
}

impl FsUri {
    /// Scheme and authority as Java prints them.
    fn file_system(&self) -> String {
        match &self.authority {
            Some(authority) => format!("{}://{authority}", self.scheme),
            None => format!("{}:/", self.scheme),
        }
    }

    fn same_file_system(&self, other: &Self) -> bool {
        (&self.scheme, &self.authority) == (&other.scheme, &other.authority)
    }

    fn is_below(&self, other: &Self) -> bool {
        let below = || self.path.strip_prefix(other.path.trim_end_matches('/'))?.strip_prefix('/');
        self.same_file_system(other) && below().is_some_and(|rest| !rest.is_empty())
    }
}

impl fmt::Display for FsUri {
    /// As Java's `Path` prints itself: `hdfs://nn:8020/hbase`, `file:/tmp/hbase`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.authority {
            Some(authority) => write!(f, "{}://{authority}{}", self.scheme, self.path),
            None => write!(f, "{}:{}", self.scheme, self.path),
        }
    }
}

/// The two directories with their file systems.
struct Roots {
    root: FsUri,
    wal_root: FsUri,
}

impl Roots {
    /// The error names the key that it is about.
    fn of(root: &str, wal: Option<&str>, default_fs: &str) -> Result<Self, (&'static str, String)> {
        let configured = default_file_system(default_fs).map_err(|text| ("fs.defaultFS", text))?;
        let (root, wal) = (PathText::parse(root), wal.map(PathText::parse));
        // Java makes the WAL directory's file system the default one before it looks at the root directory.
        let early = match wal.filter(|wal| wal.scheme.is_some()) {
            Some(wal) => wal.qualified(&configured).map_err(|text| ("hbase.wal.dir", text))?,
            None => configured.clone(),
        };
        let root_named_fs = root.scheme.is_some();
        let root = root.qualified(&early).map_err(|text| ("hbase.rootdir", text))?;
        let wal_root = match wal {
            Some(wal) => wal.qualified(&configured).map_err(|text| ("hbase.wal.dir", text))?,
            None => root.clone(),
        };
        let ambiguous =
            wal.is_some_and(|wal| wal.scheme.is_none()) && root_named_fs && !wal_root.same_file_system(&root);
        if ambiguous {
            let text = format!(
                "name its file system, as {root} isn't in the default one ({})",
                configured.file_system()
            );
            return Err(("hbase.wal.dir", text));
        }
        if wal_root.is_below(&root) {
            return Err(("hbase.wal.dir", format!("{wal_root} lies below the root directory {root}")));
        }
        Ok(Self { root, wal_root })
    }
}

/// A path's text, taken apart as Java's `Path` does it.
#[derive(Clone, Copy)]
struct PathText<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
}

impl<'a> PathText<'a> {
    fn parse(text: &'a str) -> Self {
        let before_slash = text.find('/').unwrap_or(text.len());
        let (scheme, rest) = match text[..before_slash].find(':') {
            Some(colon) => (Some(&text[..colon]), &text[colon + 1..]),
            None => (None, text),
        };
        match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                Self { scheme, authority: Some(authority).filter(|a| !a.is_empty()), path }
            }
            None => Self { scheme, authority: None, path: rest },
        }
    }

    /// The directory, with what the path leaves out taken from `default`.
    fn qualified(self, default: &FsUri) -> Result<FsUri, String> {
        if self.scheme == Some("") {
            return Err("the URI's scheme is empty".to_owned());
        }
        let path = normalized(self.path);
        if !path.starts_with('/') {
            return Err(format!("{path:?} isn't an absolute path"));
        }
        let (scheme, authority) = match (self.scheme, self.authority) {
            (Some("file"), _) => ("file", None),
            (None, None) => (default.scheme.as_str(), default.authority.as_deref()),
            (Some(scheme), Some(authority)) => (scheme, Some(authority)),
            (Some(scheme), None) => {
                return Err(format!("{scheme}:{path} doesn't say which {scheme} file system"));
            }
            (None, Some(authority)) => return Err(format!("//{authority} has no scheme, such as hdfs:")),
        };
        Ok(FsUri { scheme: scheme.to_owned(), authority: authority.map(str::to_owned), path })
    }
}

/// Counterpart of `Path.normalizePath`: one slash for several, none at the end.
fn normalized(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    if out.len() > 1 && out.ends_with('/') {
        out.pop();
    }
    out
}

/// Counterpart of `FileSystem.getDefaultUri`, which still reads two old forms.
fn default_file_system(text: &str) -> Result<FsUri, String> {
    let old_form = !text.contains('/');
    let text = match text {
        "local" => "file:///".to_owned(),
        _ if old_form => format!("hdfs://{text}"),
        _ => text.to_owned(),
    };
    let parsed = PathText::parse(&text);
    let Some(scheme) = parsed.scheme.filter(|scheme| !scheme.is_empty()) else {
        return Err("it has no scheme, such as hdfs:// or file://".to_owned());
    };
    if parsed.authority.is_none() && scheme != "file" {
        return Err(format!("it doesn't say which {scheme} file system"));
    }
    let authority = parsed.authority.filter(|_| scheme != "file").map(str::to_owned);
    Ok(FsUri { scheme: scheme.to_owned(), authority, path: "/".to_owned() })
}

/// The servers of the ensemble; those without a port get `client_port`.
fn zookeeper(quorum: &[String], client_port: u16) -> Result<Vec<Address>, String> {
    if quorum.is_empty() {
        return Err("it names no host".to_owned());
    }
    let with_port =
        |host: &String| if host.contains(':') { host.clone() } else { format!("{host}:{client_port}") };
    quorum.iter().map(|host| with_port(host).parse::<Address>().map_err(|e| e.to_string())).collect()
}

fn error_about(raw: &RawConfig, key: &str, text: &str) -> Problem {
    let origin = raw.entry(key).map_or(Origin::Default("hmaster"), |entry| entry.origin.clone());
    Problem::about(Severity::Error, key, &origin, text)
}

#[cfg(test)]
mod tests;
