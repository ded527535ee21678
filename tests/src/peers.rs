//! Whether this machine can run Java peers, and what a test does when it can't.
//!
//! A test begins with [`require_peers!`](crate::require_peers). Without Java it prints why, notes it in the
//! skip log and passes; with `HMASTER_REQUIRE_PEERS=1`, which CI sets, it fails instead, so that a
//! green CI run can't mean that nothing ran.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The lowest Java version that the JVM flags of [`jvm`](crate::jvm) suit.
pub const JAVA_MAJOR_MIN: u32 = 17;

/// The programs that run and build the Java peers.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The `java` launcher.
    pub java: PathBuf,
    /// The Java compiler of the same JDK.
    pub javac: PathBuf,
    /// Maven's launcher.
    pub maven: PathBuf,
    /// Java's major version, e.g. 17.
    pub java_major: u32,
}

/// Finds JDK and Maven once per process, or says what is missing. `JAVA_HOME` goes before `PATH`. With
/// `HMASTER_SKIP_PEERS=1` it finds nothing, so that the tests behave as on a machine without Java.
pub fn toolchain() -> Result<&'static Toolchain, &'static str> {
    static FOUND: OnceLock<Result<Toolchain, String>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            if set("HMASTER_SKIP_PEERS") { Err("HMASTER_SKIP_PEERS=1".into()) } else { find_toolchain() }
        })
        .as_ref()
        .map_err(String::as_str)
}

/// Returns from the test, which must return `anyhow::Result<()>`, when the Java peers can't run here.
///
/// # Panics
/// Instead of returning when `HMASTER_REQUIRE_PEERS=1`.
#[macro_export]
macro_rules! require_peers {
    () => {
        if $crate::peers::skipped(module_path!()) {
            return Ok(());
        }
    };
}

/// Whether the current test, a test of `module`, has to be skipped; says so on standard error and
/// in the file that `HMASTER_SKIP_LOG` names. [`require_peers!`](crate::require_peers) calls it.
///
/// # Panics
/// If it has to be skipped, but `HMASTER_REQUIRE_PEERS=1`.
pub fn skipped(module: &str) -> bool {
    let Err(reason) = toolchain() else { return false };
    let thread = std::thread::current();
    let test = format!("{module}::{}", thread.name().unwrap_or("?"));
    assert!(!set("HMASTER_REQUIRE_PEERS"), "{test} needs Java peers: {reason}");
    announce(&test, reason);
    true
}

fn set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value == "1")
}

#[expect(clippy::print_stderr, reason = "a skipped test has to say so where its reader looks")]
fn announce(test: &str, reason: &str) {
    eprintln!("skipped: {reason}");
    let Some(log) = env::var_os("HMASTER_SKIP_LOG") else { return };
    let opened = OpenOptions::new().create(true).append(true).open(&log);
    // One write call per line, so that lines of concurrent tests don't mix.
    if let Err(error) = opened.and_then(|mut file| file.write_all(format!("{test}\t{reason}\n").as_bytes())) {
        eprintln!("could not write {}: {error}", log.display());
    }
}

fn find_toolchain() -> Result<Toolchain, String> {
    let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let java = home
        .filter(|java| java.is_file())
        .or_else(|| on_path("java"))
        .ok_or("no java in JAVA_HOME or PATH")?;
    // The launcher in PATH is often a link into the JDK, and javac lies beside its target.
    let java = java.canonicalize().map_err(|error| format!("resolve {}: {error}", java.display()))?;
    let java_major = java_version(&java)?;
    if java_major < JAVA_MAJOR_MIN {
        return Err(format!("{} is Java {java_major}, {JAVA_MAJOR_MIN} is needed", java.display()));
    }
    let javac = java.with_file_name("javac");
    let javac = if javac.is_file() { Some(javac) } else { on_path("javac") };
    let javac = javac.ok_or_else(|| format!("{} has no javac beside it: a JDK is needed", java.display()))?;
    let maven = on_path("mvn").ok_or("no mvn (Maven) in PATH")?;
    Ok(Toolchain { java, javac, maven, java_major })
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn java_version(java: &Path) -> Result<u32, String> {
    let ran = Command::new(java).arg("-version").output();
    let ran = ran.map_err(|error| format!("run {} -version: {error}", java.display()))?;
    let text = String::from_utf8_lossy(&ran.stderr);
    parse_java_major(&text).ok_or_else(|| format!("{} -version says {text:?}", java.display()))
}

/// The major version in what `java -version` prints: `"17.0.15"` is 17, `"1.8.0_392"` is 8.
fn parse_java_major(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    let first = numbers.next()?.parse().ok()?;
    if first == 1 { numbers.next()?.parse().ok() } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::parse_java_major;

    #[test]
    fn java_major_is_read_from_old_and_new_forms() {
        for (text, major) in [
            ("openjdk version \"17.0.15\" 2025-04-15", Some(17)),
            ("java version \"1.8.0_392\"", Some(8)),
            ("openjdk version \"21-ea\" 2023-09-19", Some(21)),
            ("openjdk version \"25\"", Some(25)),
            ("Error: could not find libjava.so", None),
            ("version \"x\"", None),
            ("", None),
        ] {
            assert_eq!(parse_java_major(text), major, "{text}");
        }
    }
}
