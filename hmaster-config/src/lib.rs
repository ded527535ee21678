//! hbase-site.xml and `-D` overrides, read as Hadoop and HBase read them, and given out as typed options.
//!
//! # From files to options
//!
//! ```text
//! core-site.xml  hdfs-site.xml  hbase-site.xml   -D key=value
//!        \             |             /               |
//!         parse_str (one file, pure)              Override
//!                      \                          /
//!                       RawConfig: text, each value with its Origin
//!                      /            |                \
//!              Options (typed)   Cluster (derived)   Report (for people)
//!                      \____________|_____________________/
//!                             Configuration
//! ```
//!
//! [`RawConfig`] is the counterpart of Hadoop's `Configuration` as `HBaseConfiguration.create()` fills it: the
//! defaults of three `*-default.xml` files below the site files, the last value of a key wins, `final` keeps
//! later files out, deprecated names lead to their successors, and `${…}` is substituted when a value is
//! asked for. A `-D` beats everything, `final` included, as `Configuration.set` does.
//!
//! [`Options`] is one declarative table: each option names its Java key, its kind, its default and what it is
//! for. To add an option, add one entry to a group in `options/`; reading, checking and reporting follow from it:
//!
//! ```text
//! /// Calls that run at the same time.
//! handlers: Count = "hbase.regionserver.handler.count" => "30" in 1..;
//! ```
//!
//! [`Cluster`] is what follows from several options together: where the root directory lies, which file system
//! name region servers are told, how to connect to ZooKeeper.
//!
//! [`Configuration`] exists only when all of that is in order. [`Report`] is made of any [`RawConfig`] that could be
//! read, says what is in force and where it comes from, and lists every problem at once; `hmaster start --check`
//! prints it.
//!
//! # What is accepted
//!
//! What Java accepts is accepted, with these differences: a document type declaration and an XInclude are refused; so
//! is a value with which Java starts but can't work, such as a negative wait. What Java silently ignores (a misspelt
//! key, a value that a `final` shuts out, `<final>True</final>`) becomes a warning. What asks for security that
//! hmaster doesn't have yet is an error: to run without it would be worse than not to run.
//!
//! A value with an error carries its key, the value, the file and line, and what was expected. Values of secret keys
//! are never shown.
//!
//! The crate reads files and the process's environment, and does nothing else.

mod conf_dir;
mod environment;
mod raw;

mod java;
pub mod kind;

mod option;
pub mod options;

mod cluster;
mod configuration;

mod known_keys;
mod problem;
mod redact;
mod report;
mod unsupported;

mod site_xml;

pub use cluster::{Cluster, FsUri};
pub use conf_dir::{ConfDir, find_conf_dir};
pub use configuration::{ConfigError, Configuration, InvalidConfiguration, Update};
pub use environment::Environment;
pub use option::OptionInfo;
pub use options::Options;
pub use problem::{Problem, Severity};
pub use raw::{
    Builder, Entry, LoadError, Origin, Override, Property, RawConfig, Remark, SiteFile, ValueError, XmlError,
    bounds, current_name, deprecated_names, parse_str,
};
pub use redact::{REDACTED, is_secret};
pub use report::{Effective, KeyUse, OtherKey, Report};
pub use site_xml::{WriteError, site_xml};
