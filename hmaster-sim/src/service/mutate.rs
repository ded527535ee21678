//! Changing a row. Counterpart of `RSRpcServices.mutate` and `checkAndMutate`.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Cell, JavaException};

use super::results;
use crate::region::{Checked, Condition, Mutation, Region, RegionError};
use crate::server::Server;

pub(super) async fn mutate(
    server: &Server,
    call: &CallContext,
    request: &pb::MutateRequest,
) -> Result<pb::MutateResponse, JavaException> {
    let region = server.region(&request.region)?;
    let mut cells = call.cells.iter().cloned();
    let mutation = Mutation::from_proto(&request.mutation, &mut cells).map_err(java)?;
    let group = request.nonce_group();
    let conditions =
        request.condition.as_ref().map(|condition| Condition::from_proto(condition, &server.chance));
    let conditions: Vec<_> = conditions.transpose().map_err(java)?.into_iter().collect();
    let (conditional, reads) = (!conditions.is_empty(), mutation.reads());
    let checked = apply(&region, conditions, vec![mutation], group).await?;
    let result = match (checked.cells, reads) {
        (Some(cells), _) => Some(results::result(call, cells, false)),
        (None, true) if !conditional => Some(results::inline_result(&[], false, false)),
        (None, _) => None,
    };
    // Java says this of puts, deletes and conditions, and nothing of increments and appends.
    let processed = (conditional || !reads).then_some(checked.success);
    Ok(pb::MutateResponse { result, processed, metrics: None })
}

/// Changes rows of a region all at once, if all conditions hold.
pub(super) async fn apply(
    region: &Region,
    mut conditions: Vec<Condition>,
    mutations: Vec<Mutation>,
    group: u64,
) -> Result<Checked, JavaException> {
    let checked = match (conditions.pop(), mutations.len()) {
        (None, 1) => {
            let answer = region.mutate(mutations, group).await.pop().unwrap_or(Ok(None));
            answer.map(|cells| Checked { success: true, cells })
        }
        (Some(condition), _) if conditions.is_empty() => {
            region.check_and_mutate(condition, mutations, group).await
        }
        (last, _) => {
            conditions.extend(last);
            region.mutate_rows(conditions, mutations, group).await
        }
    };
    checked.map_err(java)
}

/// The exception that a client sees.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn java(error: RegionError) -> JavaException {
    error.to_java()
}

/// Bytes of cells.
pub(super) fn size(cells: &[Cell]) -> u64 {
    cells.iter().map(|cell| cell.as_bytes().len() as u64).sum()
}
