//! Names of numbers, made from Java's.

/// `ritCountOverThreshold` as `rit_count_over_threshold`; anything but letters and digits is one underscore.
pub(super) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after_small = before.is_some_and(|b| b.is_ascii_lowercase());
        // The last capital of several in a row begins a word.
        let begins_word = before.is_some_and(|b| b.is_ascii_uppercase())
            && chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_small || begins_word) && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// As `PrometheusHadoopServlet.toPrometheusName`.
pub(super) fn of_java(record: &str, name: &str) -> String {
    let mut joined = record.to_owned();
    let mut rest = name.chars();
    joined.extend(rest.next().map(|first| first.to_ascii_uppercase()));
    joined.push_str(rest.as_str());
    snake(&joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_java_master() {
        // As a Java master 2.6.4 showed them.
        let cases = [
            ("Server", "numRegionServers", "server_num_region_servers"),
            ("Server", "ServerCrashTime_num_ops", "server_server_crash_time_num_ops"),
            ("Server", "ServerCrashTime_99.9th_percentile", "server_server_crash_time_99_9th_percentile"),
            ("Server", "oldWALsDirSize", "server_old_wa_ls_dir_size"),
            ("AssignmentManager", "ritCount", "assignment_manager_rit_count"),
            ("Master", "exceptions.RegionMovedException", "master_exceptions_region_moved_exception"),
            ("Master", "queueSize", "master_queue_size"),
            ("FileSystem", "HlogSplitTime_max", "file_system_hlog_split_time_max"),
        ];
        for (record, name, expected) in cases {
            assert_eq!(of_java(record, name), expected);
        }
    }
}
