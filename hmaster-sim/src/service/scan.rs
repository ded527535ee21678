//! Scans. Counterpart of `RSRpcServices.scan`.
//!
//! A first call opens a scanner and may read already; further ones read on. Each answers with as many rows as were asked
//! for, or fewer: when the answer is large, when time is up, when there is nothing more. A scanner that has nothing more
//! is closed without being asked to. After an error it is closed, too, since what it read is lost, and the client is told
//! to open another one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Cell, JavaException, class};
use tokio::time::Instant;

use super::mutate::java;
use super::results;
use crate::region::{Region, RegionError};
use crate::scan::{Counts, Limits, RegionScanner, ScanSpec, Scope};
use crate::server::{Found, InUse, Server};

/// A scanner that a client holds open.
#[derive(Debug)]
pub(crate) struct ClientScanner {
    region: Arc<Region>,
    scanner: RegionScanner,
    /// Cells per result.
    batch: Option<usize>,
    size_max: Option<u64>,
    needs_cursor: bool,
    /// The row that the last answer ended in the midst of.
    partial_row: Option<Bytes>,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// Results.
    rows: usize,
    /// Complete rows over all calls; 0 for all.
    limit: usize,
    partials: bool,
    heartbeats: bool,
    closes: bool,
    deadline: Option<Instant>,
}

/// A result: cells of a row.
#[derive(Debug)]
struct Row {
    cells: Vec<Cell>,
    partial: bool,
}

pub(super) async fn scan(
    server: &Server,
    call: &CallContext,
    request: &pb::ScanRequest,
) -> Result<pb::ScanResponse, JavaException> {
    if request.scanner_id.is_none() && request.scan.is_none() {
        return Err(JavaException::new(class::DO_NOT_RETRY_IO, "Missing required input: scannerId or scan"));
    }
    server.check_open()?;
    server.requests.add(1);
    let mut response = pb::ScanResponse::default();
    let scanner = match request.scanner_id {
        Some(id) => {
            response.scanner_id = Some(id);
            match server.scanners.find(id, request.next_call_seq)? {
                Found::Open(scanner) => scanner,
                Found::Closed => return Ok(pb::ScanResponse::default()),
            }
        }
        None => open(server, request, &mut response).await?,
    };
    scanner.count_call(request.next_call_seq)?;
    if request.renew() {
        return Ok(response);
    }
    let wanted = Wanted::of(server, call, request);
    match read_on(server, call, &scanner, wanted, request.track_scan_metrics(), &mut response).await {
        Ok(()) => {
            if !response.more_results() || !response.more_results_in_region() || wanted.closes {
                server.scanners.close(scanner.id, true);
            }
            Ok(response)
        }
        Err(exception) => {
            server.scanners.close(scanner.id, false);
            Err(reset(exception))
        }
    }
}

/// Some exceptions end a client's scan; after all others it opens a scanner where it was.
fn reset(exception: JavaException) -> JavaException {
    if exception.do_not_retry {
        return exception;
    }
    if exception.is(class::FILE_NOT_FOUND) {
        return JavaException::new(class::DO_NOT_RETRY_IO, exception.stack_trace());
    }
    let message = format!("Scanner is closed on the server-side: {}", exception.stack_trace());
    JavaException::new(class::SCANNER_RESET, message)
}

async fn open(
    server: &Server,
    request: &pb::ScanRequest,
    response: &mut pb::ScanResponse,
) -> Result<InUse<ClientScanner>, JavaException> {
    let named = request.region.as_ref();
    let named =
        named.ok_or_else(|| JavaException::new(class::DO_NOT_RETRY_IO, "Missing required input: region"))?;
    let region = server.region(named)?;
    region.refresh().await;
    let scan =
        request.scan.as_ref().ok_or_else(|| JavaException::new(class::DO_NOT_RETRY_IO, "Missing scan"))?;
    let mut spec =
        ScanSpec::from_scan(scan, &server.chance).map_err(|error| RegionError::from(error).to_java())?;
    let read_point = spec.read_point.unwrap_or_else(|| region.read_point());
    if !spec.uncommitted {
        spec.read_point = Some(read_point).filter(|point| *point > 0);
    }
    let (batch, size_max, needs_cursor) = (spec.batch, spec.size_max, spec.needs_cursor);
    let scanner = region.scanner(spec).map_err(java)?;
    let name = region.info().encoded_name();
    let scanner = ClientScanner { region, scanner, batch, size_max, needs_cursor, partial_row: None };
    let open = server.scanners.open(name, scanner)?;
    response.scanner_id = Some(open.id);
    response.mvcc_read_point = Some(read_point);
    response.ttl = u32::try_from(server.options.scanner_timeout.as_millis()).ok();
    Ok(open)
}

async fn read_on(
    server: &Server,
    call: &CallContext,
    open: &InUse<ClientScanner>,
    wanted: Wanted,
    tracks_metrics: bool,
    response: &mut pb::ScanResponse,
) -> Result<(), JavaException> {
    let mut scanner = open.scanner.lock().await;
    let online = server.regions.get(scanner.region.info().encoded_name());
    if !online.is_some_and(|online| Arc::ptr_eq(&online, &scanner.region)) {
        let name = scanner.region.info().name();
        let message = format!("Region has changed on the scanner {}: regionName={name}", open.id);
        return Err(JavaException::new(class::NOT_SERVING_REGION, message));
    }
    let rows = if wanted.rows > 0 {
        scanner.read(wanted, server.settings.guardrails().result_bytes_max, response).await?
    } else {
        response.more_results_in_region = Some(true);
        Vec::new()
    };
    let counts = scanner.scanner.take_counts();
    if tracks_metrics {
        response.scan_metrics = Some(metrics(counts));
    }
    if rows.is_empty() && scanner.scanner.is_filter_done() {
        response.more_results = Some(false);
    }
    let more = *response.more_results.get_or_insert(true);
    if more && response.more_results_in_region() {
        scanner.remember_partial(rows.last());
    }
    if call.deadline.is_some_and(|deadline| Instant::now().into_std() > deadline) {
        let message = "Client deadline exceeded, cannot return results";
        return Err(JavaException::new(class::PROCEDURE_TIMEOUT, message));
    }
    respond(call, rows, !scanner.region.info().is_default_replica(), response);
    Ok(())
}

fn metrics(counts: Counts) -> pb::ScanMetrics {
    let pair = |name: &str, value: u64| pb::NameInt64Pair {
        name: Some(name.into()),
        value: Some(i64::try_from(value).unwrap_or(i64::MAX)),
    };
    let Counts { rows_scanned, rows_filtered } = counts;
    pb::ScanMetrics {
        metrics: vec![pair("ROWS_SCANNED", rows_scanned), pair("ROWS_FILTERED", rows_filtered)],
    }
}

fn respond(call: &CallContext, rows: Vec<Row>, stale: bool, response: &mut pb::ScanResponse) {
    response.stale = Some(stale);
    for Row { cells, partial } in rows {
        if call.accepts_cells {
            response.cells_per_result.push(u32::try_from(cells.len()).unwrap_or(u32::MAX));
            response.partial_flag_per_result.push(partial);
            call.respond_with_cells(cells);
        } else {
            response.results.push(results::inline_result(&cells, stale, partial));
        }
    }
}

impl Wanted {
    fn of(server: &Server, call: &CallContext, request: &pb::ScanRequest) -> Self {
        let closes = request.close_scanner();
        let rows = request.number_of_rows.unwrap_or(u32::from(!closes));
        let partials = request.client_handles_partials();
        // A heartbeat may come in the midst of a row.
        let heartbeats = partials && request.client_handles_heartbeats();
        Self {
            rows: i32::try_from(rows).map_or(0, |rows| usize::try_from(rows).unwrap_or(0)),
            limit: request.limit_of_rows.map_or(0, |limit| usize::try_from(limit).unwrap_or(0)),
            partials,
            heartbeats,
            closes,
            deadline: heartbeats.then(|| Instant::now() + time_max(server, call)),
        }
    }
}

/// Half of what the client waits, and of what it may let pass between two calls.
fn time_max(server: &Server, call: &CallContext) -> Duration {
    let options = &server.options;
    let now = Instant::now().into_std();
    let since = now.saturating_duration_since(call.received_at);
    let left = call.time_left(now).unwrap_or_else(|| options.rpc_timeout.saturating_sub(since));
    (left.max(options.scan_time_min).min(options.scanner_timeout) / 2).max(options.scan_time_min)
}

impl ClientScanner {
    /// The next results, as many as are wanted and fit.
    async fn read(
        &mut self,
        wanted: Wanted,
        bytes_max: u64,
        response: &mut pb::ScanResponse,
    ) -> Result<Vec<Row>, JavaException> {
        let mut limits = self.limits(wanted, bytes_max);
        let mut rows: Vec<Row> = Vec::new();
        let mut complete = 0;
        let mut more = true;
        while rows.len() < wanted.rows {
            let mut cells = Vec::new();
            let next = self.scanner.next(&mut cells, &mut limits).await;
            more = next.map_err(|error| RegionError::from(error).to_java())?;
            if let Some(first) = cells.first() {
                // A row that was cut before is complete when another one follows.
                complete += usize::from(self.ends_partial_row(rows.last(), first.row()));
                if is_over(wanted, complete) {
                    response.more_results = Some(false);
                    break;
                }
                let partial = limits.stopped_mid_row();
                rows.push(Row { cells, partial });
                complete += usize::from(!partial);
                if is_over(wanted, complete) {
                    response.more_results = Some(false);
                    break;
                }
            } else if !more && let Some(last) = rows.last_mut() {
                last.partial = false;
            }
            let (large, late) = (limits.size_reached(Scope::Rows), limits.time_reached(Scope::Rows));
            if large || late || !more {
                if more && (late || rows.is_empty()) {
                    self.heartbeat(response);
                }
                break;
            }
        }
        response.more_results_in_region = Some(more);
        Ok(rows)
    }

    fn limits(&self, wanted: Wanted, bytes_max: u64) -> Limits {
        let scope = |within: bool| if within { Scope::Cells } else { Scope::Rows };
        let mut limits = Limits::batch_only(self.batch);
        limits.size_max = Some(self.size_max.map_or(bytes_max, |size| size.min(bytes_max)));
        limits.size_scope = scope(wanted.partials);
        limits.deadline = wanted.deadline;
        limits.time_scope = scope(wanted.heartbeats);
        limits
    }

    fn ends_partial_row(&self, last: Option<&Row>, row: &[u8]) -> bool {
        match last {
            None => self.partial_row.as_ref().is_some_and(|partial| **partial != *row),
            Some(last) => last.partial && last.cells.first().is_some_and(|cell| cell.row() != row),
        }
    }

    fn remember_partial(&mut self, last: Option<&Row>) {
        if let Some(last) = last {
            let row = last.cells.first().filter(|_| last.partial);
            self.partial_row = row.map(|cell| Bytes::copy_from_slice(cell.row()));
        }
    }

    /// Says that the scan goes on, though little or nothing was found in time.
    fn heartbeat(&self, response: &mut pb::ScanResponse) {
        response.heartbeat_message = Some(true);
        if let Some(row) = self.scanner.last_row().filter(|_| self.needs_cursor) {
            response.cursor = Some(pb::Cursor { row: Some(row.clone()) });
        }
    }
}

fn is_over(wanted: Wanted, complete: usize) -> bool {
    wanted.limit > 0 && complete >= wanted.limit
}
