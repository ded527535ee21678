//! Configuration files: what each process finds on its class path or in its `--conf-dir`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Cluster;

/// Keys and values of one configuration file.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Sets a key, over what was there.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and literals go in without a reference")]
    pub fn set(&mut self, key: impl Into<String>, value: impl ToString) {
        self.0.insert(key.into(), value.to_string());
    }

    /// Sets all that `other` holds.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Hadoop's XML form.
    pub fn to_xml(&self) -> String {
        let mut xml = "<configuration>\n".to_owned();
        for (key, value) in &self.0 {
            let (key, value) = (escape(key), escape(value));
            xml.push_str(&format!("  <property><name>{key}</name><value>{value}</value></property>\n"));
        }
        xml + "</configuration>\n"
    }
}

impl<K: Into<String>, V: ToString> Extend<(K, V)> for Settings {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, settings: I) {
        for (key, value) in settings {
            self.set(key, value);
        }
    }
}

impl<K: Into<String>, V: ToString> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(settings: I) -> Self {
        let mut all = Self::default();
        all.extend(settings);
        all
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Cluster {
    /// Writes the configuration directory of one process: the cluster's settings with `own`
    /// HBase settings over them. Each process has its own, so that ports and versions can differ.
    pub fn write_conf_dir(&self, name: &str, own: &Settings) -> Result<PathBuf> {
        let folder = self.dir().join("conf").join(name);
        let mut hbase_site = self.hbase_site.clone();
        hbase_site.merge(own.clone());
        let write = || -> std::io::Result<()> {
            // The info servers look for these folders on the class path; empty ones do.
            for webapp in ["hbase-webapps/master", "hbase-webapps/regionserver", "hbase-webapps/static"] {
                fs::create_dir_all(folder.join(webapp))?;
            }
            for webapp in ["webapps/hdfs", "webapps/datanode", "webapps/static"] {
                fs::create_dir_all(folder.join(webapp))?;
            }
            fs::write(folder.join("hbase-site.xml"), hbase_site.to_xml())?;
            fs::write(folder.join("core-site.xml"), self.core_site.to_xml())?;
            fs::write(folder.join("hdfs-site.xml"), self.hdfs_site.to_xml())?;
            write_logging(&folder)
        };
        write().with_context(|| format!("write {}", folder.display()))?;
        Ok(folder)
    }
}

/// Everything to standard error, which the harness keeps, and away from the standard output, on
/// which some programs answer.
fn write_logging(folder: &Path) -> std::io::Result<()> {
    let level = env::var("HMASTER_PEER_LOG").unwrap_or_else(|_| "INFO".to_owned());
    let text = format!(
        "log4j.rootLogger={level},console\n\
         log4j.appender.console=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.console.target=System.err\n\
         log4j.appender.console.layout=org.apache.log4j.PatternLayout\n\
         log4j.appender.console.layout.ConversionPattern=%d{{ISO8601}} %-5p [%t] %c{{2}}: %m%n\n"
    );
    fs::write(folder.join("log4j.properties"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_escaped_and_later_values_win() {
        let mut settings: Settings = [("a", "1"), ("b", "x<y&z")].into_iter().collect();
        settings.set("a", 2);
        assert_eq!(
            settings.to_xml(),
            "<configuration>\n  <property><name>a</name><value>2</value></property>\n  \
             <property><name>b</name><value>x&lt;y&amp;z</value></property>\n</configuration>\n"
        );
    }
}
