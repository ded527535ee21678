//! Clients' procedures: each is submitted once, however often the request comes. Counterpart of
//! `MasterProcedureUtil.submitProcedure` and `ProcedureSyncWait`.

use hmaster_procedure::engine::NewProcedure;
use hmaster_procedure::{NonceRegistration, Procedure};
use hmaster_protocol::CallContext;
use hmaster_types::{JavaException, Nonce, ProcId};

use super::{refusal, user_of};
use crate::environment::MasterEnv;
use crate::step::ProcedureUser;
use crate::tables::{Prepared, prepared};

/// Submits what `make` makes, and ends when its first checks are over: what they refuse is the answer to the call. A
/// repeated request gets the first one's procedure.
pub(super) async fn submit<P: Procedure<MasterEnv>>(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    make: impl FnOnce(ProcedureUser, Prepared) -> P,
) -> Result<ProcId, JavaException> {
    submit_checked(env, call, nonce, |user, prepared| async { Ok(make(user, prepared)) }).await
}

/// [`submit`] for what has to be looked at before there is a procedure, and only if the request wasn't made before: what
/// it asks for may be done by now, and would be refused.
pub(super) async fn submit_checked<P, F>(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    make: impl FnOnce(ProcedureUser, Prepared) -> F,
) -> Result<ProcId, JavaException>
where
    P: Procedure<MasterEnv>,
    F: Future<Output = Result<P, JavaException>>,
{
    let (prepared, checked) = prepared();
    let (id, is_new) = begin(env, call, nonce, |user| make(user, prepared)).await?;
    if !is_new {
        return Ok(id);
    }
    match while_active(env, async { Ok(checked.await) }).await? {
        Ok(checked) => checked.map(|()| id),
        // It ended without a word, such as when it was aborted: its result tells.
        Err(_) => Ok(id),
    }
}

/// [`submit_checked`] without a wait for the first checks of the procedure itself: clients learn from its result what
/// those refuse, as from Java where it makes no `ProcedurePrepareLatch` for clients of today.
pub(super) async fn submit_unawaited<P, F>(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    make: impl FnOnce(ProcedureUser, Prepared) -> F,
) -> Result<ProcId, JavaException>
where
    P: Procedure<MasterEnv>,
    F: Future<Output = Result<P, JavaException>>,
{
    let (unheard, _) = prepared();
    Ok(begin(env, call, nonce, |user| make(user, unheard)).await?.0)
}

/// Submits what `make` makes. False beside the procedure of an earlier request.
async fn begin<P, F>(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    make: impl FnOnce(ProcedureUser) -> F,
) -> Result<(ProcId, bool), JavaException>
where
    P: Procedure<MasterEnv>,
    F: Future<Output = Result<P, JavaException>>,
{
    let user = user_of(call);
    let owner = user.0.clone();
    let make = async {
        let procedure = Box::new(make(user).await?) as Box<dyn Procedure<MasterEnv>>;
        Ok::<_, JavaException>(NewProcedure { procedure, owner: Some(owner.as_str().into()), nonce: None })
    };
    let submitted = async {
        let executor = env.executor().ok_or_else(refusal::reign_over)?;
        let Some(nonce) = nonce else { return Ok((executor.submit(make.await?).await, true)) };
        Ok::<_, JavaException>(match executor.register_nonce(nonce).await.map_err(refusal::executor)? {
            NonceRegistration::Known(id) => (Ok(id), false),
            NonceRegistration::New(guard) => (executor.submit_marked(make.await?, guard).await, true),
        })
    };
    let (id, is_new) = while_active(env, submitted).await?;
    let id = id.map_err(refusal::executor)?;
    if !is_new {
        tracing::info!(pid = %id, method = call.method, "the request was made before");
    } else {
        tracing::info!(pid = %id, method = call.method, user = owner, "submitted");
    }
    Ok((id, is_new))
}

/// Waits for a procedure's end.
///
/// # Errors
/// Why it failed, if it did.
pub(super) async fn finish(env: &MasterEnv, id: ProcId) -> Result<(), JavaException> {
    let ended = async {
        let executor = env.executor().ok_or_else(refusal::reign_over)?;
        executor.wait(id).await.map_err(refusal::executor)
    };
    match while_active(env, ended).await? {
        Some(outcome) => outcome.to_result().map(drop),
        None => Ok(()),
    }
}

/// Drops what is being waited for when the reign ends: it may hold on to the executor, which must end then.
async fn while_active<T>(
    env: &MasterEnv,
    work: impl Future<Output = Result<T, JavaException>>,
) -> Result<T, JavaException> {
    tokio::select! {
        biased;
        () = env.shutdown.cancelled() => Err(refusal::reign_over()),
        done = work => done,
    }
}
