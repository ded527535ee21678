//! `/dump`: everything for a bug report, as plain text. Counterpart of `MasterDumpServlet`, with its headings; there are no
//! stacks of threads, executors and logs.

use std::fmt::Write as _;

use hmaster_core::environment::MasterEnv;
use hmaster_core::services::HBASE_VERSION;

use crate::conf;
use crate::server::Sources;
use crate::standing::Standing;
use crate::status::format::time;
use crate::status::masters;
use crate::status::paging::Paging;
use crate::status::{procedures, regions, servers, warnings};

const LINE: &str = "===========================================================";
/// Rows of each list; a dump is no place for a million regions.
const ROWS: usize = 10_000;

/// The dump.
pub(crate) fn text(sources: &Sources) -> String {
    let standing = Standing::of(&sources.role, &*sources.view);
    let now = time(sources.clock.now_ms());
    let mut out = format!("Master status for {} as of {now}\n", sources.server);
    section(&mut out, "Version Info");
    let _ = writeln!(out, "HBase {HBASE_VERSION}\nhmaster {}", env!("CARGO_PKG_VERSION"));
    section(&mut out, "Role");
    let _ = writeln!(out, "{}", standing.role());
    section(&mut out, "Tasks");
    for stage in masters::stages(sources, &standing) {
        let state = if stage.is_running { "RUNNING" } else { "COMPLETE" };
        let _ =
            writeln!(out, "Task: Master startup: {}\nStatus: {state}\nRan for {}\n", stage.name, stage.took);
    }
    if let Standing::Active(reign) = &standing {
        of_reign(&mut out, sources, &reign.env);
    }
    section(&mut out, "Master configuration");
    out.push_str(&conf::to_xml(&sources.config));
    if let Standing::Active(reign) = &standing {
        section(&mut out, "Recent regionserver aborts");
        reign.env.fatal_errors.all().iter().for_each(|message| {
            let _ = writeln!(out, "{message}\n");
        });
    }
    out
}

fn section(out: &mut String, title: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "\n\n{title}:\n{LINE}");
}

fn of_reign(out: &mut String, sources: &Sources, env: &MasterEnv) {
    let paging = Paging::first(ROWS);
    section(out, "Warnings");
    warnings::warnings(sources, env).iter().for_each(|warning| {
        let _ = writeln!(out, "{warning}");
    });
    section(out, "Servers");
    let online = servers::online(env, "", paging);
    for server in &online.rows {
        let _ = writeln!(out, "{}: {}", server.server, load(server));
    }
    rest(out, online.rows.len(), online.total);
    section(out, "Dead servers");
    let dead = servers::dead(env, paging);
    for server in &dead.rows {
        let recovery = if server.is_recovering { "being recovered" } else { "recovered" };
        let _ = writeln!(out, "{}: since {}, {recovery}", server.server, server.since);
    }
    rest(out, dead.rows.len(), dead.total);
    section(out, "Regions-in-transition");
    let rits = regions::in_transition(env, "", paging);
    for rit in &rits.rows {
        let _ = writeln!(
            out,
            "Region {}: table={}, state={}, server={}, since={}, procedure={}",
            rit.encoded, rit.table, rit.state, rit.server, rit.since, rit.procedure
        );
    }
    rest(out, rits.rows.len(), rits.total);
    of_procedures(out, env, paging);
}

fn of_procedures(out: &mut String, env: &MasterEnv, paging: Paging) {
    for (title, found) in [
        ("Procedures", procedures::running(env, "", paging)),
        ("Ended procedures", procedures::finished(env, "", paging)),
    ] {
        section(out, title);
        for row in &found.rows {
            let parent = if row.parent.is_empty() { "none" } else { &row.parent };
            let _ = writeln!(
                out,
                "pid={}, ppid={parent}, state={}, {}; {} ({}, submitted {})",
                row.id, row.state, row.details, row.doing, row.took, row.submitted
            );
        }
        rest(out, found.rows.len(), found.total);
    }
    section(out, "Locks");
    match procedures::locks(env, paging) {
        Some(locks) => {
            for lock in &locks.rows {
                let _ = writeln!(
                    out,
                    "{}: {}, held by [{}], waited for by [{}]",
                    lock.resource, lock.mode, lock.holders, lock.waiters
                );
            }
            rest(out, locks.rows.len(), locks.total);
        }
        None => out.push_str("Too many procedures to list their locks.\n"),
    }
}

fn load(server: &servers::ServerRow) -> String {
    let Some(load) = &server.load else {
        return format!("no report, numberOfOnlineRegions={}", server.regions);
    };
    format!(
        "requestsPerSecond={}, numberOfOnlineRegions={}, usedHeapMB={}, maxHeapMB={}, numberOfStores={}, \
         numberOfStorefiles={}, storefileUncompressedSizeMB={}, storefileSizeMB={}, memstoreSizeMB={}, \
         readRequestsCount={}, writeRequestsCount={}, version={}, last contact {}",
        load.requests_per_second,
        load.regions,
        load.heap_used_mb,
        load.heap_max_mb,
        load.stores,
        load.store_files,
        load.uncompressed_mb,
        load.store_file_mb,
        load.mem_store_mb,
        load.reads,
        load.writes,
        server.version,
        server.last_contact
    )
}

/// How many rows were left out.
fn rest(out: &mut String, shown: usize, total: usize) {
    if shown < total {
        let _ = writeln!(out, "... and {} more", total - shown);
    }
}
