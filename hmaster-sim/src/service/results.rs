//! Cells as answers carry them: beside the message for clients that named a codec, in it for others. Counterpart of
//! `ProtobufUtil.toResult` and `toResultNoData`.

use bytes::Bytes;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Cell, JavaException};

/// A row's cells for an answer; they go beside it if the client can take them.
pub(crate) fn result(call: &CallContext, cells: Vec<Cell>, stale: bool) -> pb::Result {
    if !call.accepts_cells {
        return inline_result(&cells, stale, false);
    }
    let count = i32::try_from(cells.len()).unwrap_or(i32::MAX);
    call.respond_with_cells(cells);
    pb::Result { associated_cell_count: Some(count), stale: Some(stale), ..Default::default() }
}

/// A row's cells within an answer.
pub(crate) fn inline_result(cells: &[Cell], stale: bool, partial: bool) -> pb::Result {
    if cells.is_empty() {
        return pb::Result {
            associated_cell_count: Some(0),
            stale: stale.then_some(true),
            ..Default::default()
        };
    }
    pb::Result {
        cell: cells.iter().map(inline_cell).collect(),
        stale: Some(stale),
        partial: Some(partial),
        ..Default::default()
    }
}

/// Whether a row is there.
pub(crate) fn existence(exists: bool, stale: bool) -> pb::Result {
    pb::Result {
        exists: Some(exists),
        associated_cell_count: Some(0),
        stale: stale.then_some(true),
        ..Default::default()
    }
}

/// A cell without its tags, which clients never see.
fn inline_cell(cell: &Cell) -> pb::Cell {
    let bytes = Bytes::copy_from_slice;
    pb::Cell {
        row: Some(bytes(cell.row())),
        family: Some(bytes(cell.family())),
        qualifier: Some(bytes(cell.qualifier())),
        timestamp: Some(cell.timestamp().cast_unsigned()),
        cell_type: Some(i32::from(cell.cell_type() as u8)),
        value: Some(cell.value_bytes()),
        tags: None,
    }
}

/// An exception about one action of several. Counterpart of `ResponseConverter.buildException`.
pub(crate) fn named(exception: &JavaException) -> pb::NameBytesPair {
    pb::NameBytesPair {
        name: exception.class.clone().into_owned(),
        value: Some(exception.stack_trace().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Cell::put(b"r", b"f", b"q", 5, b"v").unwrap()
    }

    #[test]
    fn cells_go_beside_the_answer_only_if_the_client_takes_them() {
        let mut call = CallContext::new("ClientService", "Get");
        let inline = result(&call, vec![cell()], false);
        assert_eq!((inline.cell.len(), inline.associated_cell_count), (1, None));
        assert_eq!((inline.cell[0].cell_type, inline.cell[0].timestamp()), (Some(4), 5));
        call.accepts_cells = true;
        let beside = result(&call, vec![cell()], false);
        assert_eq!((beside.cell.len(), beside.associated_cell_count), (0, Some(1)));
        assert_eq!(call.take_response_cells(), [cell()]);
    }

    #[test]
    fn nothing_is_said_as_java_says_it() {
        let nothing = inline_result(&[], false, false);
        assert_eq!((nothing.associated_cell_count, nothing.stale), (Some(0), None));
        assert_eq!(existence(true, false).exists, Some(true));
    }
}
