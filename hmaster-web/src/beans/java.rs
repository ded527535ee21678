//! `java.lang:type=…`, as far as it means something without a JVM: times, threads, the operating system. There is no
//! `Memory` and no `JvmMetrics`, for there is no heap with limits; what memory the process has is in a bean of its own.

use super::{Bean, Content, Value};
use crate::process::ProcessSnapshot;
use crate::server::Sources;

pub(super) fn beans(sources: &Sources) -> [Bean; 4] {
    let process = ProcessSnapshot::take();
    [runtime(sources), threading(&process), operating_system(&process), memory(&process)]
}

fn bean(name: &str, modeler_type: &str, description: &'static str) -> Bean {
    let entries = Vec::new();
    Bean { name: name.to_owned(), modeler_type: modeler_type.to_owned(), description, entries }
}

fn fact(bean: &mut Bean, name: &'static str, value: Option<u64>, description: &'static str) {
    if let Some(value) = value {
        bean.push(name, Content::Fact(Value::integer(value)), description);
    }
}

fn text(bean: &mut Bean, name: &'static str, value: &str, description: &'static str) {
    bean.push(name, Content::Fact(Value::Text(value.to_owned())), description);
}

fn runtime(sources: &Sources) -> Bean {
    let mut bean = bean("java.lang:type=Runtime", "hmaster.Runtime", "The process");
    let (pid, started_ms) = (std::process::id(), sources.server.start_code().0);
    text(&mut bean, "Name", &format!("{pid}@{}", sources.server.host()), "Process and host");
    fact(&mut bean, "Pid", Some(u64::from(pid)), "Id of the process");
    fact(&mut bean, "StartTime", Some(started_ms), "Milliseconds since 1970");
    let uptime_ms = sources.clock.now_ms().saturating_sub(started_ms);
    fact(&mut bean, "Uptime", Some(uptime_ms), "Milliseconds");
    text(&mut bean, "VmName", "hmaster", "What runs");
    text(&mut bean, "VmVersion", env!("CARGO_PKG_VERSION"), "Which version of it");
    bean
}

fn threading(process: &ProcessSnapshot) -> Bean {
    let mut bean = bean("java.lang:type=Threading", "hmaster.Threading", "Threads");
    fact(&mut bean, "ThreadCount", process.threads, "Threads");
    bean
}

fn operating_system(process: &ProcessSnapshot) -> Bean {
    let mut bean = bean("java.lang:type=OperatingSystem", "hmaster.OperatingSystem", "The operating system");
    text(&mut bean, "Name", std::env::consts::OS, "Its name");
    text(&mut bean, "Arch", std::env::consts::ARCH, "Its processors");
    let processors = std::thread::available_parallelism().ok().map(|count| count.get() as u64);
    fact(&mut bean, "AvailableProcessors", processors, "Processors");
    fact(&mut bean, "ProcessCpuTime", process.cpu_ns, "Nanoseconds");
    fact(&mut bean, "CommittedVirtualMemorySize", process.virtual_bytes, "Bytes of address space");
    fact(&mut bean, "OpenFileDescriptorCount", process.open_files, "Open files");
    fact(&mut bean, "MaxFileDescriptorCount", process.open_files_max, "Files that may be open");
    bean
}

fn memory(process: &ProcessSnapshot) -> Bean {
    let mut bean = bean("hmaster:type=Memory", "hmaster.Memory", "Memory of the process");
    fact(&mut bean, "ResidentBytes", process.resident_bytes, "Bytes in memory");
    fact(&mut bean, "PeakResidentBytes", process.resident_bytes_peak, "The most there ever were");
    fact(&mut bean, "VirtualBytes", process.virtual_bytes, "Bytes of address space");
    bean
}
