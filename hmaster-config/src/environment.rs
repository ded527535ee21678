//! What `${…}` can draw on besides the configuration: the system properties that a JVM started by `bin/hbase` has, and
//! the environment variables.
//!
//! Difference: a `-D` in HBASE_OPTS is a system property to Java and unknown here.

use std::collections::BTreeMap;
use std::{env, fmt, fs};

/// Properties and environment variables, given or taken from the process.
#[derive(Clone, Default)]
pub struct Environment {
    properties: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// An environment with just these.
    pub fn new<K: Into<String>, V: Into<String>>(
        properties: impl IntoIterator<Item = (K, V)>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let map = |(k, v): (K, V)| (k.into(), v.into());
        Self {
            properties: properties.into_iter().map(map).collect(),
            variables: variables.into_iter().map(map).collect(),
        }
    }

    /// The environment of this process. Variables that aren't UTF-8 are left out.
    pub fn of_process() -> Self {
        let utf8 = |(k, v): (std::ffi::OsString, std::ffi::OsString)| {
            Some((k.into_string().ok()?, v.into_string().ok()?))
        };
        let variables: BTreeMap<_, _> = env::vars_os().filter_map(utf8).collect();
        let user = User::of_process(&variables);
        Self { properties: system_properties(&variables, &user), variables }
    }

    /// A system property, such as `user.name`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// An environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    /// Says how much there is and not what: environments hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("properties", &self.properties.len())
            .field("variables", &self.variables.len())
            .finish()
    }
}

/// The properties that a configuration file may want; `hbase.*` ones as `bin/hbase` sets them.
fn system_properties(variables: &BTreeMap<String, String>, user: &User) -> BTreeMap<String, String> {
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
    let home = variable("HBASE_HOME");
    let logs = variable("HBASE_LOG_DIR").or_else(|| home.as_ref().map(|home| format!("{home}/logs")));
    let working_dir = env::current_dir().ok().and_then(|dir| dir.into_os_string().into_string().ok());
    let pairs = [
        ("user.name", Some(user.name.clone())),
        ("user.home", Some(user.home.clone())),
        ("user.dir", working_dir),
        ("java.io.tmpdir", Some("/tmp".to_owned())), // not TMPDIR: a JVM on Linux doesn't look at it
        ("file.separator", Some("/".to_owned())),
        ("path.separator", Some(":".to_owned())),
        ("line.separator", Some("\n".to_owned())),
        ("os.name", Some("Linux".to_owned())),
        ("os.arch", Some(java_arch().to_owned())),
        ("hbase.home.dir", home),
        ("hbase.log.dir", logs),
        ("hbase.log.file", Some(variable("HBASE_LOGFILE").unwrap_or_else(|| "hbase.log".to_owned()))),
        ("hbase.id.str", variable("HBASE_IDENT_STRING")),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn java_arch() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        other => other,
    }
}

/// Who runs the process, as a JVM knows it.
struct User {
    name: String,
    home: String,
}

impl User {
    /// A JVM asks the user database for the real user id; here that is /etc/passwd, and what the environment says
    /// for a user who isn't in it.
    fn of_process(variables: &BTreeMap<String, String>) -> Self {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = user_in(&passwd, rustix::process::getuid().as_raw());
        let variable = |names: [&str; 2]| names.iter().find_map(|name| variables.get(*name)).cloned();
        found.unwrap_or_else(|| Self {
            name: variable(["USER", "LOGNAME"]).unwrap_or_else(|| "?".to_owned()),
            home: variable(["HOME", "PWD"]).unwrap_or_else(|| "?".to_owned()),
        })
    }
}

/// Finds user `id` in the text of /etc/passwd.
fn user_in(passwd: &str, id: u32) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, user, _, _, home, ..] = fields[..] else { return None };
        (user.parse() == Ok(id)).then(|| User { name: name.to_owned(), home: home.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_id() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nbroken line\nhbase:x:102:105:HBase:/var/lib/hbase:/bin/bash\n";
        let user = user_in(passwd, 102).unwrap();
        assert_eq!((user.name.as_str(), user.home.as_str()), ("hbase", "/var/lib/hbase"));
        assert!(user_in(passwd, 7).is_none());
    }

    #[test]
    fn scripts_variables_become_properties() {
        let variables = [("HBASE_HOME", "/opt/hbase"), ("HBASE_LOGFILE", "")];
        let variables = variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let user = User { name: "u".into(), home: "/h".into() };
        let properties = system_properties(&variables, &user);
        assert_eq!(properties["hbase.log.dir"], "/opt/hbase/logs");
        assert_eq!(properties["hbase.log.file"], "hbase.log");
        assert!(!properties.contains_key("hbase.id.str"));
    }

    #[test]
    fn the_process_has_a_user_and_shows_no_values() {
        let environment = Environment::of_process();
        assert!(environment.property("user.name").is_some());
        assert_eq!(environment.property("java.io.tmpdir"), Some("/tmp"));
        let path = environment.variable("PATH").expect("cargo sets it");
        assert!(!format!("{environment:?}").contains(path));
    }
}
