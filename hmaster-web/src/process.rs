//! What the operating system says of this process. What it doesn't say is left out.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProcessSnapshot {
    /// Bytes in memory.
    pub(crate) resident_bytes: Option<u64>,
    /// The most there ever were.
    pub(crate) resident_bytes_peak: Option<u64>,
    /// Bytes of address space.
    pub(crate) virtual_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    /// Processor time in nanoseconds, user and system together.
    pub(crate) cpu_ns: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) open_files_max: Option<u64>,
}

impl ProcessSnapshot {
    /// Looks now.
    pub(crate) fn take() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu_ns = u64::try_from(cpu.tv_sec).ok().zip(u64::try_from(cpu.tv_nsec).ok());
        Self {
            resident_bytes: kilobytes(&status, "VmRSS:"),
            resident_bytes_peak: kilobytes(&status, "VmHWM:"),
            virtual_bytes: kilobytes(&status, "VmSize:"),
            threads: number(&status, "Threads:"),
            cpu_ns: cpu_ns.map(|(secs, nanos)| secs.saturating_mul(1_000_000_000).saturating_add(nanos)),
            // The folder itself is open while it is read.
            open_files: fs::read_dir("/proc/self/fd").ok().map(|fds| (fds.count() as u64).saturating_sub(1)),
            open_files_max: getrlimit(Resource::Nofile).current,
        }
    }
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    number(status, name)?.checked_mul(1024)
}

fn number(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernel_s_words() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\nThreads:\t7\nbad";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1024 * 1024));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "VmSize:"), None);
        assert_eq!(number("Threads:", "Threads:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_threads() {
        let process = ProcessSnapshot::take();
        assert!(process.resident_bytes.unwrap() > 100_000);
        assert!(process.threads.unwrap() >= 1);
        assert!(process.open_files.unwrap() >= 1);
        assert!(process.cpu_ns.unwrap() > 0);
    }
}
