//! Many actions at once. Counterpart of `RSRpcServices.multi`.
//!
//! Each region's actions stand for themselves, and without `atomic` each action does. What fails is told in its place;
//! the call itself only fails when the server doesn't serve. Cells beside the message are in the order of the actions,
//! so those of actions that aren't carried out have to be passed over.

use hmaster_protocol::pb::mutation_proto::MutationType;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{Cell, JavaException, class};

use super::mutate::{apply, java, size};
use super::{exec, get, results};
use crate::region::{Condition, Mutation, Region};
use crate::server::Server;

const TOO_LARGE: &str = "org.apache.hadoop.hbase.MultiActionResultTooLarge";

/// A call under way.
struct Multi<'a, C> {
    server: &'a Server,
    call: &'a CallContext,
    /// Those that weren't taken yet.
    cells: C,
    nonce_group: u64,
    answer_bytes: u64,
}

pub(super) async fn multi(
    server: &Server,
    call: &CallContext,
    request: &pb::MultiRequest,
) -> Result<pb::MultiResponse, JavaException> {
    check_size(server, request)?;
    server.requests.add(1);
    let cells = call.cells.iter().cloned();
    let mut multi = Multi { server, call, cells, nonce_group: request.nonce_group(), answer_bytes: 0 };
    let mut response = pb::MultiResponse::default();
    if let Some(condition) = &request.condition {
        // As clients before 2.4 ask for checkAndMutate.
        let Some(action) = request.region_action.first() else {
            response.processed = Some(true);
            return Ok(response);
        };
        let result = multi.of_region(action, Some(condition)).await;
        response.processed = result.processed;
        response.region_action_result.push(pb::RegionActionResult { processed: None, ..result });
        return Ok(response);
    }
    for action in &request.region_action {
        let result = multi.of_region(action, action.condition.as_ref()).await;
        if action.atomic() && action.condition.is_none() && result.processed == Some(true) {
            response.processed = Some(true);
        }
        response.region_action_result.push(result);
    }
    response.region_statistics = Some(pb::MultiRegionLoadStats::default());
    Ok(response)
}

fn check_size(server: &Server, request: &pb::MultiRequest) -> Result<(), JavaException> {
    let actions: usize = request.region_action.iter().map(|region| region.action.len()).sum();
    let guardrails = server.settings.guardrails();
    let threshold = guardrails.batch_actions_warn;
    if actions <= threshold {
        return Ok(());
    }
    tracing::warn!(actions, threshold, "large batch operation");
    if !guardrails.reject_large_batches {
        return Ok(());
    }
    let message = format!(
        "Rejecting large batch operation for current batch, Requested Number of Rows: {actions} , Size Threshold: {threshold}"
    );
    Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
}

impl<C: Iterator<Item = Cell> + Send> Multi<'_, C> {
    async fn of_region(
        &mut self,
        action: &pb::RegionAction,
        condition: Option<&pb::Condition>,
    ) -> pb::RegionActionResult {
        let region = match self.server.region(&action.region) {
            Ok(region) => region,
            Err(exception) => {
                self.pass_over(&action.action);
                return failed(&exception);
            }
        };
        let outcome = match condition {
            Some(condition) => self.conditional(&region, &action.action, condition).await,
            None if action.atomic() => self.atomic(&region, &action.action).await,
            None => return self.one_by_one(&region, &action.action).await,
        };
        outcome.unwrap_or_else(|exception| failed(&exception))
    }

    async fn conditional(
        &mut self,
        region: &Region,
        actions: &[pb::Action],
        condition: &pb::Condition,
    ) -> Result<pb::RegionActionResult, JavaException> {
        let mutations = self.mutations(actions)?;
        let condition = Condition::from_proto(condition, &self.server.chance).map_err(java)?;
        if mutations.is_empty() {
            return Ok(pb::RegionActionResult { processed: Some(true), ..Default::default() });
        }
        let checked = apply(region, vec![condition], mutations, self.nonce_group).await?;
        let mut results: Vec<_> = (0..actions.len()).map(nothing).collect();
        if let (Some(first), Some(cells)) = (results.first_mut(), &checked.cells) {
            first.result = Some(results::inline_result(cells, false, false));
        }
        Ok(pb::RegionActionResult {
            result_or_exception: results,
            processed: Some(checked.success),
            exception: None,
        })
    }

    async fn atomic(
        &mut self,
        region: &Region,
        actions: &[pb::Action],
    ) -> Result<pb::RegionActionResult, JavaException> {
        let mutations = self.mutations(actions)?;
        let cells = match mutations.is_empty() {
            true => None,
            false => apply(region, Vec::new(), mutations, self.nonce_group).await?.cells,
        };
        // As Java does: by position and not by the actions' indices, and what increments and appends came to at the first.
        let mut results: Vec<_> = (0..actions.len()).map(done).collect();
        if let (Some(first), Some(cells)) = (results.first_mut(), cells.filter(|cells| !cells.is_empty())) {
            first.result = Some(results::inline_result(&cells, false, false));
        }
        Ok(pb::RegionActionResult { result_or_exception: results, processed: Some(true), exception: None })
    }

    /// All actions' changes. Takes the cells of all, whatever is wrong with some.
    fn mutations(&mut self, actions: &[pb::Action]) -> Result<Vec<Mutation>, JavaException> {
        let taken: Vec<_> = actions.iter().map(|action| self.mutation(action)).collect();
        taken.into_iter().collect()
    }

    fn mutation(&mut self, action: &pb::Action) -> Result<Mutation, JavaException> {
        match &action.mutation {
            Some(mutation) => Mutation::from_proto(mutation, &mut self.cells).map_err(java),
            None => {
                Err(JavaException::new(class::DO_NOT_RETRY_IO, "Atomic put and/or delete only, not a Get"))
            }
        }
    }

    /// Puts and deletes are collected and applied together, each for itself, as are increments and appends in between.
    async fn one_by_one(&mut self, region: &Region, actions: &[pb::Action]) -> pb::RegionActionResult {
        let mut results = Vec::with_capacity(actions.len());
        let mut batch: Vec<(u32, Mutation)> = Vec::new();
        for action in actions {
            let index = action.index();
            if self.is_answer_full() {
                self.pass_over(std::slice::from_ref(action));
                results.push(refused(index, &self.too_large()));
                continue;
            }
            let kind = action.mutation.as_ref().map(pb::MutationProto::mutate_type);
            let outcome = match kind {
                Some(MutationType::Put | MutationType::Delete) => match self.mutation(action) {
                    Ok(mutation) => {
                        batch.push((index, mutation));
                        continue;
                    }
                    Err(exception) => Err(exception),
                },
                Some(MutationType::Increment | MutationType::Append) => {
                    self.write(region, &mut batch, &mut results).await;
                    self.change(region, action).await
                }
                None => self.read(region, action).await,
            };
            results
                .push(outcome.map_or_else(|exception| refused(index, &exception), |answer| answer.at(index)));
        }
        self.write(region, &mut batch, &mut results).await;
        pb::RegionActionResult { result_or_exception: results, ..Default::default() }
    }

    async fn write(
        &self,
        region: &Region,
        batch: &mut Vec<(u32, Mutation)>,
        results: &mut Vec<pb::ResultOrException>,
    ) {
        if batch.is_empty() {
            return;
        }
        let (indices, mutations): (Vec<_>, Vec<_>) = std::mem::take(batch).into_iter().unzip();
        let answers = region.mutate(mutations, self.nonce_group).await;
        for (index, answer) in indices.into_iter().zip(answers) {
            results.push(match answer {
                Ok(_) => pb::ResultOrException {
                    index: Some(index),
                    result: Some(pb::Result::default()),
                    ..Default::default()
                },
                Err(error) => refused(index, &error.to_java()),
            });
        }
    }

    async fn change(&mut self, region: &Region, action: &pb::Action) -> Result<Answer, JavaException> {
        let mutation = self.mutation(action)?;
        let checked = apply(region, Vec::new(), vec![mutation], self.nonce_group).await?;
        Ok(Answer::Cells(self.answer(checked.cells.unwrap_or_default())))
    }

    async fn read(&mut self, region: &Region, action: &pb::Action) -> Result<Answer, JavaException> {
        if let Some(asked) = &action.get {
            let cells = get::read(self.server, region, asked).await?;
            return Ok(Answer::Cells(match asked.existence_only() {
                true => results::existence(!cells.is_empty(), false),
                false => self.answer(cells),
            }));
        }
        if let Some(called) = &action.service_call {
            return exec::call(self.server, region, called).await.map(Answer::Service);
        }
        Err(JavaException::new(class::HBASE_IO, "Unexpected Action type"))
    }

    fn answer(&mut self, cells: Vec<Cell>) -> pb::Result {
        self.answer_bytes += size(&cells);
        results::result(self.call, cells, false)
    }

    /// A client that says its release is new enough to ask again for what was left out.
    fn is_answer_full(&self) -> bool {
        self.call.client_version.is_some()
            && self.answer_bytes > self.server.settings.guardrails().result_bytes_max
    }

    fn too_large(&self) -> JavaException {
        JavaException::named(TOO_LARGE, format!("Max size exceeded CellSize: {}", self.answer_bytes), false)
    }

    fn pass_over(&mut self, actions: &[pb::Action]) {
        let counts = actions.iter().filter_map(|action| action.mutation.as_ref()?.associated_cell_count);
        let count: usize = counts.filter_map(|count| usize::try_from(count).ok()).sum();
        self.cells.by_ref().take(count).for_each(drop);
    }
}

/// What one action came to.
enum Answer {
    Cells(pb::Result),
    Service(pb::NameBytesPair),
}

impl Answer {
    fn at(self, index: u32) -> pb::ResultOrException {
        let answer = pb::ResultOrException { index: Some(index), ..Default::default() };
        match self {
            Self::Cells(result) => pb::ResultOrException { result: Some(result), ..answer },
            Self::Service(value) => pb::ResultOrException {
                service_result: Some(pb::CoprocessorServiceResult { value: Some(value) }),
                ..answer
            },
        }
    }
}

fn nothing(index: usize) -> pb::ResultOrException {
    pb::ResultOrException { index: u32::try_from(index).ok(), ..Default::default() }
}

fn done(index: usize) -> pb::ResultOrException {
    pb::ResultOrException { result: Some(pb::Result::default()), ..nothing(index) }
}

fn refused(index: u32, exception: &JavaException) -> pb::ResultOrException {
    pb::ResultOrException {
        index: Some(index),
        exception: Some(results::named(exception)),
        ..Default::default()
    }
}

fn failed(exception: &JavaException) -> pb::RegionActionResult {
    pb::RegionActionResult { exception: Some(results::named(exception)), ..Default::default() }
}
