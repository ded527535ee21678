//! Procedures that the master runs here. Counterpart of `RSProcedureHandler`, its callables, and
//! `RemoteProcedureResultReporter`.
//!
//! What is done is told by the order's answer only so far that it arrived; the outcome is reported, until a master takes
//! it. A procedure that isn't there is reported as failed, never as done.

use std::collections::HashSet;
use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_protocol::pb::remote_procedure_result::Status;
use hmaster_protocol::services::region_server_status_service::REPORT_PROCEDURE_DONE;
use hmaster_types::JavaException;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::carrier::Carrier;

/// Counterpart of the class of this name.
pub const SPLIT_WAL: &str = "org.apache.hadoop.hbase.regionserver.SplitWALCallable";
/// Counterpart of the class of this name.
pub const FLUSH_REGION: &str = "org.apache.hadoop.hbase.regionserver.FlushRegionCallable";
/// Counterpart of the class of this name.
pub const SNAPSHOT_REGION: &str = "org.apache.hadoop.hbase.regionserver.SnapshotRegionCallable";
const CLASS_NOT_FOUND: &str = "java.lang.ClassNotFoundException";
/// Outcomes in one report.
const REPORT_MAX: usize = 100;

/// Outcomes that wait to be reported, and what is being carried out.
#[derive(Debug, Default)]
pub(crate) struct ProcedureResults {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: HashSet<u64>,
    waiting: Vec<pb::RemoteProcedureResult>,
}

impl ProcedureResults {
    /// Whether a procedure isn't being carried out, and its outcome doesn't wait to be reported.
    fn begin(&self, id: u64) -> bool {
        self.state.lock().running.insert(id)
    }

    fn end(&self, result: pb::RemoteProcedureResult) {
        self.state.lock().waiting.push(result);
        self.more.notify_one();
    }

    /// Reports outcomes, for ever.
    pub(crate) async fn report<C: Carrier>(&self, server: &C) {
        loop {
            let result = self.next();
            if result.is_empty() {
                self.more.notified().await;
                continue;
            }
            let ids: Vec<_> = result.iter().map(|result| result.proc_id).collect();
            let request = pb::ReportProcedureDoneRequest { result };
            server.may_speak().await;
            server.link.insist(REPORT_PROCEDURE_DONE, &request).await;
            let mut state = self.state.lock();
            for id in ids {
                state.running.remove(&id);
            }
        }
    }

    fn next(&self) -> Vec<pb::RemoteProcedureResult> {
        let mut state = self.state.lock();
        let count = state.waiting.len().min(REPORT_MAX);
        state.waiting.drain(..count).collect()
    }
}

/// Carries out a procedure beside all else.
pub(crate) fn run<C: Carrier>(server: &Arc<C>, order: pb::RemoteProcedureRequest) {
    if !server.results.begin(order.proc_id) {
        tracing::info!(procedure = order.proc_id, "ignored: it is being carried out");
        return;
    }
    let this = server.clone();
    server.spawn(async move {
        let outcome = this.carry_out(&order).await;
        if let Err(exception) = &outcome {
            tracing::warn!(procedure = order.proc_id, class = order.proc_class, %exception, "procedure failed");
        }
        this.results.end(result(&this.label(), &order, outcome.err()));
    });
}

/// What is said of a procedure whose class isn't there.
pub fn not_there(class: &str) -> JavaException {
    JavaException::named(CLASS_NOT_FOUND, class, false)
}

fn result(
    source: &str,
    order: &pb::RemoteProcedureRequest,
    failure: Option<JavaException>,
) -> pb::RemoteProcedureResult {
    pb::RemoteProcedureResult {
        proc_id: order.proc_id,
        status: if failure.is_some() { Status::Error } else { Status::Success }.into(),
        error: failure.map(|exception| pb::ForeignExceptionMessage::new(Some(source), &exception)),
        initiating_master_active_time: order.initiating_master_active_time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_reported_in_batches() {
        let results = ProcedureResults::default();
        for id in 0..150 {
            assert!(results.begin(id) && !results.begin(id));
            results.end(pb::RemoteProcedureResult {
                proc_id: id,
                status: Status::Success.into(),
                error: None,
                initiating_master_active_time: None,
            });
        }
        assert_eq!((results.next().len(), results.next().len(), results.next().len()), (100, 50, 0));
        assert!(!results.begin(3), "not reported yet");
    }
}
