//! LockService: locks that clients hold from outside. Counterpart of `LockManager.RemoteLocks`.

use async_trait::async_trait;
use hmaster_procedure::Delivery;
use hmaster_protocol::pb::lock_heartbeat_response::LockStatus;
use hmaster_protocol::services::lock_service::LockService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, Nonce, ProcId, class};

use super::submit::submit_checked;
use super::{LockServices, refusal};
use crate::environment::MasterEnv;
use crate::locking::{self, Lock, Target};
use crate::message::Message;

#[async_trait]
impl LockService<CallContext> for LockServices {
    async fn request_lock(
        &self,
        call: &CallContext,
        request: pb::LockRequest,
    ) -> Result<pb::LockResponse, JavaException> {
        let env = self.role.initialized()?;
        let refuse = |error: JavaException| {
            JavaException::new(class::DO_NOT_RETRY_IO, format!("{}: {}", error.class, error.message))
        };
        let description = request.description().to_owned();
        if description.is_empty() {
            return Err(refuse(JavaException::new(class::ILLEGAL_ARGUMENT, "Empty description")));
        }
        let target = Target::of(&request).map_err(refuse)?;
        let nonce = Nonce::new(request.nonce_group(), request.nonce());
        let make = |_, _| async { Ok(Lock::new(target, description)) };
        let id = submit_checked(&env, call, nonce, make).await?;
        Ok(pb::LockResponse { proc_id: id.0 })
    }

    async fn lock_heartbeat(
        &self,
        _: &CallContext,
        request: pb::LockHeartbeatRequest,
    ) -> Result<pb::LockHeartbeatResponse, JavaException> {
        let env = self.role.initialized()?;
        let is_held = heartbeat(&env, ProcId(request.proc_id), request.keep_alive()).await?;
        let timeout_ms = env.options.procedures.remote_lock_timeout.as_millis();
        Ok(match is_held {
            true => pb::LockHeartbeatResponse {
                lock_status: LockStatus::Locked.into(),
                timeout_ms: Some(u32::try_from(timeout_ms).unwrap_or(u32::MAX)),
            },
            false => pb::LockHeartbeatResponse { lock_status: LockStatus::Unlocked.into(), timeout_ms: None },
        })
    }
}

/// Whether the client has the lock.
async fn heartbeat(env: &MasterEnv, id: ProcId, keep: bool) -> Result<bool, JavaException> {
    let executor = env.executor().ok_or_else(refusal::reign_over)?;
    let Some(view) = executor.view(id) else { return Ok(false) };
    if view.record.class_name != locking::CLASS {
        let message = format!("Procedure {id} is a {}, not a LockProcedure", view.record.class_name);
        return Err(JavaException::new(class::ILLEGAL_ARGUMENT, message));
    }
    drop(executor);
    match env.deliver(id, Message::LockHeartbeat { keep }).await.map_err(refusal::executor)? {
        Delivery::Accepted => Ok(true),
        Delivery::Rejected(_) | Delivery::NoSuchProcedure => Ok(false),
    }
}
