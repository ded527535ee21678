//! Rows as messages of `ClientService`. Counterpart of `RequestConverter` and `ResponseConverter`.

use bytes::Bytes;
use hmaster_core::ports::{RowMutation, ScanPage, ScanSpec};
use hmaster_protocol::pb;
use hmaster_protocol::pb::mutation_proto::{
    ColumnValue, DeleteType, MutationType, column_value::QualifierValue,
};
use hmaster_types::{Cell, CellType, JavaException, RegionInfo, class};
use prost::Message as _;

/// A bound on one answer's cells. A region server has a bound of its own, 100 MB by default.
const SCAN_RESULT_BYTES_MAX: u64 = 32 << 20;

/// One call that opens a scanner, reads a page and closes it again: nothing is left behind on the server.
pub(crate) fn scan_request(region: &RegionInfo, spec: &ScanSpec) -> pb::ScanRequest {
    let column = |family: &Bytes| pb::Column { family: family.clone(), qualifier: Vec::new() };
    pb::ScanRequest {
        region: Some((&region.name()).into()),
        scan: Some(pb::Scan {
            column: spec.families.iter().map(column).collect(),
            start_row: Some(spec.start.clone()),
            stop_row: Some(spec.stop.clone()),
            include_start_row: Some(spec.include_start),
            include_stop_row: Some(false),
            max_versions: Some(1),
            max_result_size: Some(SCAN_RESULT_BYTES_MAX),
            caching: Some(spec.rows_max),
            reversed: Some(spec.reversed),
            read_type: Some(pb::scan::ReadType::Pread.into()),
            cache_blocks: Some(true),
            ..Default::default()
        }),
        number_of_rows: Some(spec.rows_max),
        close_scanner: Some(true),
        client_handles_partials: Some(false),
        client_handles_heartbeats: Some(false),
        ..Default::default()
    }
}

/// The rows of an answer, whose cells are in it or beside it.
pub(crate) fn scan_page(answer: &pb::ScanResponse, cells: Vec<Cell>) -> Result<ScanPage, String> {
    let rows = if answer.cells_per_result.is_empty() {
        answer.results.iter().map(inline_row).collect::<Result<Vec<_>, _>>()?
    } else {
        split(cells, &answer.cells_per_result)?
    };
    let rows: Vec<_> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    let has_more =
        answer.more_results.unwrap_or(true) && answer.more_results_in_region.unwrap_or(!rows.is_empty());
    Ok(ScanPage { rows, has_more })
}

fn split(cells: Vec<Cell>, counts: &[u32]) -> Result<Vec<Vec<Cell>>, String> {
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if total != cells.len() as u64 {
        return Err(format!("{total} cells announced, {} sent", cells.len()));
    }
    let mut cells = cells.into_iter();
    Ok(counts.iter().map(|count| cells.by_ref().take(*count as usize).collect()).collect())
}

fn inline_row(result: &pb::Result) -> Result<Vec<Cell>, String> {
    result.cell.iter().map(inline_cell).collect()
}

fn inline_cell(cell: &pb::Cell) -> Result<Cell, String> {
    // The numbers of `CellType` on the wire are those of the serialized form.
    let cell_type = cell.cell_type.map_or(Some(CellType::Put), |code| CellType::from_code(code as u8));
    let parts = hmaster_types::CellParts {
        row: cell.row(),
        family: cell.family(),
        qualifier: cell.qualifier(),
        timestamp: cell.timestamp().cast_signed(),
        cell_type: cell_type.ok_or("a cell of an unknown type")?,
        value: cell.value(),
    };
    Cell::new(parts).map_err(|error| error.to_string())
}

/// One call for all rows, each applied as one; the cells go beside it.
pub(crate) fn multi_request(region: &RegionInfo, mutations: &[RowMutation]) -> (pb::MultiRequest, Vec<Cell>) {
    let mut cells = Vec::new();
    let mut simple = Vec::new();
    let mut atomic = Vec::new();
    for (index, mutation) in mutations.iter().enumerate() {
        let index = Some(u32::try_from(index).unwrap_or(u32::MAX));
        match (mutation.puts.is_empty(), mutation.deletes.is_empty()) {
            (false, false) => atomic.push((index, mutation)),
            (has_no_puts, _) => {
                let row_cells = if has_no_puts { &mutation.deletes } else { &mutation.puts };
                let kind = if has_no_puts { MutationType::Delete } else { MutationType::Put };
                simple.push(action(index, beside(mutation, kind, row_cells.len())));
                cells.extend(row_cells.iter().cloned());
            }
        }
    }
    let mut actions = vec![region_action(region, simple, false)];
    for (index, mutation) in atomic {
        let both = vec![
            action(index, beside(mutation, MutationType::Put, mutation.puts.len())),
            action(index, beside(mutation, MutationType::Delete, mutation.deletes.len())),
        ];
        cells.extend(mutation.puts.iter().chain(&mutation.deletes).cloned());
        actions.push(region_action(region, both, true));
    }
    (pb::MultiRequest { region_action: actions, ..Default::default() }, cells)
}

fn action(index: Option<u32>, mutation: pb::MutationProto) -> pb::Action {
    pb::Action { index, mutation: Some(mutation), ..Default::default() }
}

fn region_action(region: &RegionInfo, action: Vec<pb::Action>, atomic: bool) -> pb::RegionAction {
    pb::RegionAction { region: (&region.name()).into(), atomic: Some(atomic), action, condition: None }
}

fn beside(mutation: &RowMutation, kind: MutationType, cells: usize) -> pb::MutationProto {
    pb::MutationProto {
        row: Some(mutation.row.clone()),
        mutate_type: Some(kind.into()),
        associated_cell_count: Some(i32::try_from(cells).unwrap_or(i32::MAX)),
        ..Default::default()
    }
}

/// What became of each row. A row that isn't mentioned counts as failed: it is sent again.
pub(crate) fn multi_outcomes(
    answer: &pb::MultiResponse,
    count: usize,
) -> Result<Vec<Result<(), JavaException>>, String> {
    let unmentioned = || Err(JavaException::new(class::IO, "the region server said nothing of this row"));
    let mut outcomes: Vec<_> = (0..count).map(|_| unmentioned()).collect();
    let mut failed_whole = None;
    for result in &answer.region_action_result {
        if let Some(exception) = &result.exception {
            failed_whole = Some(named(exception));
        }
        for row in &result.result_or_exception {
            let Some(outcome) = outcomes.get_mut(row.index() as usize) else {
                return Err(format!("an outcome for row {} of {count}", row.index()));
            };
            *outcome = row.exception.as_ref().map_or(Ok(()), |exception| Err(named(exception)));
        }
    }
    if let Some(exception) = failed_whole {
        outcomes
            .iter_mut()
            .filter(|outcome| outcome.is_err())
            .for_each(|outcome| *outcome = Err(exception.clone()));
    }
    Ok(outcomes)
}

/// A class name and a stack trace.
fn named(exception: &pb::NameBytesPair) -> JavaException {
    let trace = String::from_utf8_lossy(exception.value());
    let first_line = trace.lines().next().unwrap_or_default();
    let message = first_line.strip_prefix(&format!("{}: ", exception.name)).unwrap_or(first_line);
    match class::by_name(&exception.name) {
        Some(class) => JavaException::new(class, message),
        None => JavaException::named(exception.name.clone(), message, false),
    }
}

/// One call by which all rows change as one. Routed by a row of the region, which the first one is.
pub(crate) fn mutate_rows_request(
    region: &RegionInfo,
    mutations: &[RowMutation],
) -> pb::CoprocessorServiceRequest {
    let protos = mutations.iter().flat_map(|mutation| {
        let kinds = [(MutationType::Put, &mutation.puts), (MutationType::Delete, &mutation.deletes)];
        kinds
            .into_iter()
            .filter(|(_, cells)| !cells.is_empty())
            .map(|(kind, cells)| inline(mutation, kind, cells))
    });
    let request = pb::MutateRowsRequest { mutation_request: protos.collect(), ..Default::default() };
    pb::CoprocessorServiceRequest {
        region: (&region.name()).into(),
        call: pb::CoprocessorServiceCall {
            row: mutations.first().map(|mutation| mutation.row.clone()).unwrap_or_default(),
            service_name: "MultiRowMutationService".into(),
            method_name: "MutateRows".into(),
            request: Bytes::from(request.encode_to_vec()),
        },
    }
}

fn inline(mutation: &RowMutation, kind: MutationType, cells: &[Cell]) -> pb::MutationProto {
    let mut columns: Vec<ColumnValue> = Vec::new();
    for cell in cells {
        let value = QualifierValue {
            qualifier: Some(Bytes::copy_from_slice(cell.qualifier())),
            value: Some(cell.value_bytes()),
            timestamp: Some(cell.timestamp().cast_unsigned()),
            delete_type: delete_type(cell.cell_type()).map(Into::into),
            tags: None,
        };
        match columns.iter_mut().find(|column| column.family == cell.family()) {
            Some(column) => column.qualifier_value.push(value),
            None => columns.push(ColumnValue {
                family: Bytes::copy_from_slice(cell.family()),
                qualifier_value: vec![value],
            }),
        }
    }
    pb::MutationProto {
        row: Some(mutation.row.clone()),
        mutate_type: Some(kind.into()),
        column_value: columns,
        ..Default::default()
    }
}

fn delete_type(cell_type: CellType) -> Option<DeleteType> {
    match cell_type {
        CellType::Delete => Some(DeleteType::DeleteOneVersion),
        CellType::DeleteColumn => Some(DeleteType::DeleteMultipleVersions),
        CellType::DeleteFamily => Some(DeleteType::DeleteFamily),
        CellType::DeleteFamilyVersion => Some(DeleteType::DeleteFamilyVersion),
        CellType::Put | CellType::Minimum | CellType::Maximum => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(row: &'static str, puts: usize, deletes: usize) -> RowMutation {
        let put = Cell::put(row.as_bytes(), b"f", b"q", 1, b"v").unwrap();
        let parts = hmaster_types::CellParts {
            row: row.as_bytes(),
            family: b"f",
            qualifier: b"",
            timestamp: 1,
            cell_type: CellType::DeleteFamily,
            value: b"",
        };
        let delete = Cell::new(parts).unwrap();
        RowMutation { row: row.into(), puts: vec![put; puts], deletes: vec![delete; deletes] }
    }

    #[test]
    fn rows_with_puts_and_deletes_are_applied_as_one() {
        let mutations = [mutation("a", 2, 0), mutation("b", 1, 1), mutation("c", 0, 1)];
        let (request, cells) = multi_request(&RegionInfo::meta(), &mutations);
        assert_eq!(cells.len(), 5);
        let [simple, both] = &request.region_action[..] else { panic!("{request:?}") };
        assert_eq!(simple.action.iter().map(pb::Action::index).collect::<Vec<_>>(), [0, 2]);
        assert!(both.atomic() && both.action.iter().all(|action| action.index() == 1));
        let rows: Vec<_> = cells.iter().map(Cell::row).collect();
        assert_eq!(rows, [&b"a"[..], b"a", b"c", b"b", b"b"], "cells in the order of the actions");
    }

    #[test]
    fn each_row_has_its_outcome() {
        let failed = pb::NameBytesPair {
            name: class::NOT_SERVING_REGION.name.into(),
            value: Some(format!("{}: gone\n\tat …", class::NOT_SERVING_REGION.name).into()),
        };
        let row =
            |index, exception| pb::ResultOrException { index: Some(index), exception, ..Default::default() };
        let result = pb::RegionActionResult {
            result_or_exception: vec![row(0, None), row(2, Some(failed))],
            ..Default::default()
        };
        let answer = pb::MultiResponse { region_action_result: vec![result], ..Default::default() };
        let outcomes = multi_outcomes(&answer, 3).unwrap();
        assert!(outcomes[0].is_ok() && outcomes[1].is_err());
        let gone = outcomes[2].clone().unwrap_err();
        assert!(gone.is(class::NOT_SERVING_REGION) && gone.message == "gone");
        assert!(multi_outcomes(&answer, 2).is_err(), "an outcome of a row that wasn't sent");
    }

    #[test]
    fn cells_are_dealt_out_to_rows() {
        let cell = |row: &str| Cell::put(row.as_bytes(), b"f", b"q", 1, b"v").unwrap();
        let answer = pb::ScanResponse {
            cells_per_result: vec![2, 1],
            more_results_in_region: Some(true),
            ..Default::default()
        };
        let page = scan_page(&answer, vec![cell("a"), cell("a"), cell("b")]).unwrap();
        assert_eq!(page.rows.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert!(page.has_more);
        assert!(scan_page(&answer, vec![cell("a")]).is_err(), "cells are missing");
    }

    #[test]
    fn deletes_keep_their_kind_when_they_are_part_of_the_message() {
        let request = mutate_rows_request(&RegionInfo::meta(), &[mutation("a", 1, 1)]);
        let rows = pb::MutateRowsRequest::decode(request.call.request).unwrap();
        assert_eq!(rows.mutation_request.len(), 2);
        let delete = &rows.mutation_request[1].column_value[0].qualifier_value[0];
        assert_eq!(delete.delete_type(), DeleteType::DeleteFamily);
    }
}
