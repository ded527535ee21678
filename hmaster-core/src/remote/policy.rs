//! What to do after a batch of commands to a region server failed. Counterpart of
//! `RSProcedureDispatcher.ExecuteProceduresRemoteCall.scheduleForRetry`.
//!
//! Only a proof that the server didn't act lets a command be given up, because its region is then opened elsewhere
//! (protocol.md §4.3, danger 2). Once an attempt may have been carried out, later refusals prove nothing any more: the
//! same commands, with the same ids, are sent until the server takes them or is dead.

use std::time::Duration;

use hmaster_types::class;

use crate::ports::RemoteError;

/// Numbers of the policy, with the keys that set them.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// `hbase.regionserver.rpc.retry.interval`.
    pub interval: Duration,
    /// Java's bound of ten seconds on the quadratic pause.
    pub pause_max: Duration,
    /// `hbase.regionserver.rpc.startup.waittime`: how long a server that is starting is waited for.
    pub start_up_wait_max: Duration,
    /// `hbase.master.rs.remote.proc.fail.fast.limit`: so many attempts that couldn't connect make a server dead.
    pub unreachable_attempts_max: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            pause_max: Duration::from_secs(10),
            start_up_wait_max: Duration::from_secs(60),
            unreachable_attempts_max: 5,
        }
    }
}

/// How far a batch has come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts {
    /// Attempts that failed so far.
    pub failed: u32,
    /// Whether some attempt may have been carried out.
    pub may_have_run: bool,
    /// How long the batch has been tried.
    pub waited: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send the same batch again after a pause.
    Retry(Duration),
    /// It was not carried out: the commands fail, and may be given to another server.
    GiveUp,
    /// It may have been carried out and the server is dead: its recovery settles what becomes of the regions.
    LeaveToRecovery,
    /// The server can't be reached: declare it dead. What becomes of the commands depends on whether they may have run.
    Expire,
}

impl RetryPolicy {
    /// Decides after an attempt failed with `error`; `attempts` counts the ones before it.
    pub fn after(&self, attempts: Attempts, error: &RemoteError, is_online: bool) -> Next {
        if !is_online {
            return if attempts.may_have_run || may_have_run(error) {
                Next::LeaveToRecovery
            } else {
                Next::GiveUp
            };
        }
        if let Some(exception) = error.exception() {
            if exception.is(class::SERVER_NOT_RUNNING_YET) && attempts.waited < self.start_up_wait_max {
                return Next::Retry(self.interval);
            }
            let refused_unseen = exception.do_not_retry || exception.is(class::SERVER_NOT_RUNNING_YET);
            // Java gives up here even if an earlier attempt may have run. It must not: the server may have the region.
            if refused_unseen && !attempts.may_have_run {
                return Next::GiveUp;
            }
            if exception.is(class::CALL_QUEUE_TOO_BIG) && attempts.failed == 0 {
                return Next::GiveUp;
            }
        }
        if attempts.failed + 1 >= self.unreachable_attempts_max && is_unreachable(error) {
            return Next::Expire;
        }
        Next::Retry(self.pause(attempts.failed + 1))
    }

    /// 100 ms × n², up to ten seconds.
    fn pause(&self, attempt: u32) -> Duration {
        self.interval.saturating_mul(attempt.saturating_mul(attempt)).min(self.pause_max)
    }
}

/// Whether the server may have carried out the batch although the call failed so.
pub fn may_have_run(error: &RemoteError) -> bool {
    match error {
        RemoteError::NotSent { .. } => false,
        RemoteError::Unknown { .. } => true,
        // Thrown before the commands are looked at; anything else may come from their middle.
        RemoteError::Refused { exception, .. } => {
            let before = [class::SERVER_NOT_RUNNING_YET, class::CALL_QUEUE_TOO_BIG];
            !exception.do_not_retry && !before.iter().any(|class| exception.is(*class))
        }
    }
}

fn is_unreachable(error: &RemoteError) -> bool {
    match error {
        RemoteError::NotSent { .. } => true,
        RemoteError::Unknown { .. } => false,
        RemoteError::Refused { exception, .. } => exception.is(class::CALL_QUEUE_TOO_BIG),
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::{JavaException, ServerName};

    use super::*;

    fn server() -> ServerName {
        "host,1,1".parse().unwrap()
    }

    fn not_sent() -> RemoteError {
        RemoteError::NotSent { server: server(), reason: "refused".into(), refused: true }
    }

    fn unknown() -> RemoteError {
        RemoteError::Unknown { server: server(), reason: "timeout".into() }
    }

    fn refused(class: class::Class) -> RemoteError {
        RemoteError::Refused { server: server(), exception: JavaException::new(class, "no") }
    }

    fn attempts(failed: u32, may_have_run: bool) -> Attempts {
        Attempts { failed, may_have_run, waited: Duration::ZERO }
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn what_follows_what() {
        let policy = RetryPolicy::default();
        let late = Attempts { waited: Duration::from_secs(61), ..attempts(600, false) };
        let table = [
            (
                "starting",
                attempts(0, false),
                refused(class::SERVER_NOT_RUNNING_YET),
                true,
                Next::Retry(MS(100)),
            ),
            ("starting for too long", late, refused(class::SERVER_NOT_RUNNING_YET), true, Next::GiveUp),
            ("refused for good", attempts(0, false), refused(class::DO_NOT_RETRY_IO), true, Next::GiveUp),
            (
                "refused after doubt",
                attempts(1, true),
                refused(class::DO_NOT_RETRY_IO),
                true,
                Next::Retry(MS(400)),
            ),
            (
                "queue full at first",
                attempts(0, false),
                refused(class::CALL_QUEUE_TOO_BIG),
                true,
                Next::GiveUp,
            ),
            (
                "queue full later",
                attempts(1, true),
                refused(class::CALL_QUEUE_TOO_BIG),
                true,
                Next::Retry(MS(400)),
            ),
            ("connection refused", attempts(0, false), not_sent(), true, Next::Retry(MS(100))),
            ("refused five times", attempts(4, false), not_sent(), true, Next::Expire),
            ("timeout", attempts(0, false), unknown(), true, Next::Retry(MS(100))),
            ("timeouts go on for ever", attempts(99, true), unknown(), true, Next::Retry(MS(10_000))),
            (
                "stopping",
                attempts(0, false),
                refused(class::REGION_SERVER_STOPPED),
                true,
                Next::Retry(MS(100)),
            ),
            ("dead, never sent", attempts(3, false), not_sent(), false, Next::GiveUp),
            ("dead, in doubt", attempts(3, true), not_sent(), false, Next::LeaveToRecovery),
            ("dead, in doubt now", attempts(0, false), unknown(), false, Next::LeaveToRecovery),
        ];
        for (what, attempts, error, is_online, next) in table {
            assert_eq!(policy.after(attempts, &error, is_online), next, "{what}");
        }
    }
}
