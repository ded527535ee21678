//! Endpoints of regions. Counterpart of `HRegion.execService` and `MultiRowMutationEndpoint`, the only one there is: by it
//! a master changes several rows of hbase:meta as one.

use hmaster_protocol::pb;
use hmaster_types::{JavaException, class, to_string_binary};
use prost::Message as _;

use super::mutate::{apply, java};
use crate::region::{self, Condition, Mutation, Region};
use crate::server::Server;

const SERVICE: &str = "MultiRowMutationService";
const METHOD: &str = "MutateRows";
const ANSWER: &str = "org.apache.hadoop.hbase.protobuf.generated.MultiRowMutationProtos$MutateRowsResponse";

/// Calls an endpoint; gives its answer under the name of its Java class.
pub(super) async fn call(
    server: &Server,
    region: &Region,
    call: &pb::CoprocessorServiceCall,
) -> Result<pb::NameBytesPair, JavaException> {
    if call.service_name != SERVICE || !has_endpoint(region) {
        let name = to_string_binary(region.info().name().as_bytes());
        let message =
            format!("No registered coprocessor service found for {} in region {name}", call.service_name);
        return Err(JavaException::new(class::UNKNOWN_PROTOCOL, message));
    }
    if call.method_name != METHOD {
        let message = format!("Unknown method {} called on service {SERVICE}", call.method_name);
        return Err(JavaException::new(class::UNKNOWN_PROTOCOL, message));
    }
    let request = hmaster_protocol::decode::<pb::MutateRowsRequest>(call.request.clone())
        .map_err(|error| hmaster_protocol::bad_request(&error))?;
    let processed = mutate_rows(server, region, &request).await?;
    let answer = pb::MutateRowsResponse { processed: Some(processed) };
    Ok(pb::NameBytesPair { name: ANSWER.into(), value: Some(answer.encode_to_vec().into()) })
}

fn has_endpoint(region: &Region) -> bool {
    let names = |(key, value): (&bytes::Bytes, &bytes::Bytes)| {
        key.to_ascii_lowercase().starts_with(b"coprocessor$") && region::has_endpoint(value)
    };
    region.info().is_meta() || region.table().attributes().iter().any(names)
}

async fn mutate_rows(
    server: &Server,
    region: &Region,
    request: &pb::MutateRowsRequest,
) -> Result<bool, JavaException> {
    let conditions =
        request.condition.iter().map(|condition| Condition::from_proto(condition, &server.chance));
    let conditions: Vec<_> = conditions.collect::<Result<_, _>>().map_err(java)?;
    let mutations = request.mutation_request.iter();
    let mutations = mutations.map(|mutation| Mutation::from_proto(mutation, &mut std::iter::empty()));
    let mutations: Vec<_> = mutations.collect::<Result<_, _>>().map_err(java)?;
    check_rows(region, &mutations)?;
    if mutations.is_empty() && conditions.is_empty() {
        return Ok(true);
    }
    Ok(apply(region, conditions, mutations, request.nonce_group()).await?.success)
}

/// A first row elsewhere says that the client has the wrong region; later ones, that it can't be done at all.
fn check_rows(region: &Region, mutations: &[Mutation]) -> Result<(), JavaException> {
    for (index, mutation) in mutations.iter().enumerate() {
        if !region.info().contains_row(&mutation.row) {
            let class = if index == 0 { class::WRONG_REGION } else { class::DO_NOT_RETRY_IO };
            let message = format!("Requested row out of range '{}'", to_string_binary(&mutation.row));
            return Err(JavaException::new(class, message));
        }
    }
    Ok(())
}
