//! What a process of this machine costs, as `/proc` has it.

use std::fs;

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Seconds of CPU since it began.
    pub cpu_seconds: f64,
    /// Memory that it has now.
    pub resident_bytes: u64,
}

impl Usage {
    /// None for a process that isn't there, or on a system without `/proc`.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let ticks = rustix::param::clock_ticks_per_second();
        Some(Self {
            cpu_seconds: cpu_ticks(&stat)? as f64 / ticks as f64,
            resident_bytes: resident(&status)?,
        })
    }
}

/// User and system time are the 14th and 15th field; the second one is a name in brackets that may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 0 0 20 0";
        assert_eq!(cpu_ticks(stat), Some(33));
        assert_eq!(cpu_ticks("7"), None);
        assert_eq!(resident("Name:\tx\nVmRSS:\t  12 kB\n"), Some(12 << 10));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_uses_something_and_no_process_nothing() {
        assert!(Usage::of(std::process::id()).is_some_and(|usage| usage.resident_bytes > 0));
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
