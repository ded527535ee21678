//! The process, under the names that Prometheus' own clients have made common.

use std::time::Duration;

use super::text::{Kind, Text};
use crate::process::ProcessSnapshot;
use crate::server::Sources;

pub(super) fn put(text: &mut Text, sources: &Sources) {
    let process = ProcessSnapshot::take();
    let mut gauge = |name: &str, help: &str, value: Option<u64>| {
        if let Some(value) = value {
            text.family(name, Kind::Gauge, help).sample("", &[], value);
        }
    };
    gauge("process_resident_memory_bytes", "Bytes in memory", process.resident_bytes);
    gauge("process_virtual_memory_bytes", "Bytes of address space", process.virtual_bytes);
    gauge("process_threads", "Threads", process.threads);
    gauge("process_open_fds", "Open files", process.open_files);
    gauge("process_max_fds", "Files that may be open", process.open_files_max);
    let started = Duration::from_millis(sources.server.start_code().0).as_secs_f64();
    text.family("process_start_time_seconds", Kind::Gauge, "Seconds since 1970").sample("", &[], started);
    if let Some(cpu_ns) = process.cpu_ns {
        let seconds = Duration::from_nanos(cpu_ns).as_secs_f64();
        text.family("process_cpu_seconds_total", Kind::Counter, "Processor time").sample("", &[], seconds);
    }
}
