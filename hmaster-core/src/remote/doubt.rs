//! What a region server has done with a region when nobody may report it any more: asked, not guessed. No Java
//! counterpart; Java leaves such regions in transition for ever.
//!
//! A master whose procedures are lost may have told a server to open or close a region. The server ignores an open of a
//! region that it has open or is opening, and a close of one that it doesn't have, so a command sent anew may be met with
//! silence. Whoever waits for its report therefore has the server asked, again and again, and the command is sent only
//! once the answer shows that it is needed: no command is left behind that could come into effect late. Nothing here ever
//! names another server (danger 2).

use std::sync::{Arc, Weak};
use std::time::Duration;

use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{ProcId, RegionInfo, SeqNum, ServerName, class};
use tokio::time::Instant;

use super::{Dispatcher, RemoteOperation};
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Message;
use crate::ports::RemoteError;

/// First and longest pause between two questions about one region.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// An open that was sent, of which nothing is to be seen for so long, was dropped or has failed under another id. Opens
/// wait in a region server's queue for seconds at most; one that is sent too often is ignored.
const OPEN_UNSEEN_MAX: Duration = Duration::from_secs(30);
/// Questions under way at once.
const QUESTIONS_MAX: usize = 64;

/// A command whose region is in doubt.
#[derive(Debug, Clone)]
pub struct Doubtful {
    /// Who waits for the region.
    pub id: ProcId,
    /// Where the region may be.
    pub server: ServerName,
    /// Which region.
    pub region: RegionInfo,
    /// What is to be sent if it is needed.
    pub operation: RemoteOperation,
    /// Whether it was sent before.
    pub is_sent: bool,
}

/// What a server says of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It is open, or on its way to be closed.
    Open,
    /// It is on its way to be open.
    Opening,
    /// It isn't there.
    Absent,
    /// It isn't open. It was moved away lately, which hides whether it is being opened.
    MovedAway,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    TellOpen,
    TellAbsent,
    Send,
    Wait,
}

/// Decides. `sent` is how long ago the command was sent, if it was.
fn next(opens: bool, seen: Seen, sent: Option<Duration>) -> Next {
    match (opens, seen, sent) {
        (true, Seen::Open, _) => Next::TellOpen,
        (false, Seen::Absent, _) => Next::TellAbsent,
        (_, Seen::Opening, _) => Next::Wait,
        (_, _, None) => Next::Send,
        (true, _, Some(sent)) if sent >= OPEN_UNSEEN_MAX => Next::TellAbsent,
        (_, _, Some(_)) => Next::Wait,
    }
}

impl Dispatcher {
    /// Has the server asked until it is known what it has done, and tells the procedure, unless that hears it by a report
    /// or by the server's recovery before.
    pub fn look_after(&self, doubtful: Doubtful) {
        if let Some(env) = self.master() {
            env.tasks.spawn(look(Arc::downgrade(&env), doubtful));
        }
    }
}

async fn look(env: Weak<MasterEnv>, doubtful: Doubtful) {
    let mut sent = doubtful.is_sent.then(Instant::now);
    let mut pause = PAUSE_MIN;
    loop {
        // Held only while there is something to do: a reign that is over goes.
        let Some(env) = env.upgrade() else { return };
        let shutdown = env.shutdown.clone();
        let done = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            done = look_once(&env, &doubtful, &mut sent) => done,
        };
        drop(env);
        if done {
            return;
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
        }
    }
}

/// True when there is nothing to look after any more.
async fn look_once(env: &MasterEnv, doubtful: &Doubtful, sent: &mut Option<Instant>) -> bool {
    let Doubtful { id, server, region, operation, .. } = doubtful;
    let waits = env.regions.with(region.encoded_name(), |node| node.remote() == Some(*id)).unwrap_or(false);
    // A dead server's recovery tells who waits for it.
    if !waits || !env.servers.is_online(server) {
        return true;
    }
    let seen = match ask(env, server, region).await {
        Ok(seen) => seen,
        Err(error) => {
            tracing::info!(%server, region = %region.encoded_name(), %error, "not known whether it is open there");
            return false;
        }
    };
    let opens = matches!(operation, RemoteOperation::Open { .. });
    let next = next(opens, seen, sent.map(|sent| sent.elapsed()));
    tracing::info!(%server, region = %region.encoded_name(), ?seen, ?next, "asked for a region in doubt");
    let found = |code, open_seq_num| Message::Transition { server: server.clone(), code, open_seq_num };
    let message = match next {
        Next::Wait => return false,
        Next::Send => {
            // If the server has died since, its recovery tells.
            let _ = env.dispatcher.add(server, *id, operation.clone());
            *sent = Some(Instant::now());
            return false;
        }
        Next::TellAbsent if opens => {
            Message::NotDispatched { reason: format!("{server} neither has it nor opens it") }
        }
        Next::TellAbsent => found(TransitionCode::Closed, SeqNum::NONE),
        Next::TellOpen => match open_seq_num(env, region).await {
            Ok(open_seq_num) => found(TransitionCode::Opened, open_seq_num),
            Err(error) => {
                tracing::warn!(region = %region.encoded_name(), %error, "its sequence number isn't known yet");
                return false;
            }
        },
    };
    // If the reign has ended, the next one asks anew.
    let _ = env.deliver(*id, message).await;
    true
}

async fn ask(env: &MasterEnv, server: &ServerName, region: &RegionInfo) -> Result<Seen, RemoteError> {
    let Ok(_turn) = env.dispatcher.questions.acquire().await else { return Ok(Seen::MovedAway) };
    match env.region_servers.get_region_info(server, region, false).await {
        Ok(_) => Ok(Seen::Open),
        Err(error) => match error.exception() {
            Some(exception) if exception.is(class::REGION_OPENING) => Ok(Seen::Opening),
            Some(exception) if exception.is(class::NOT_SERVING_REGION) => Ok(Seen::Absent),
            Some(exception) if exception.is(class::REGION_MOVED) => Ok(Seen::MovedAway),
            _ => Err(error),
        },
    }
}

/// Whoever opens a region records the number below the one it opens it with in the region's folder.
async fn open_seq_num(env: &MasterEnv, region: &RegionInfo) -> Result<SeqNum, StepError> {
    let recorded = env.files.max_sequence_id(&region.with_replica(0)).await?;
    Ok(recorded.map_or(SeqNum::NONE, |seq| SeqNum(seq.0 + 1)).max(SeqNum(0)))
}

pub(super) fn questions() -> tokio::sync::Semaphore {
    tokio::sync::Semaphore::new(QUESTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_before_it_is_known_to_be_needed() {
        let (just, long) = (Some(Duration::ZERO), Some(OPEN_UNSEEN_MAX));
        let table = [
            (true, Seen::Open, None, Next::TellOpen),
            (true, Seen::Open, long, Next::TellOpen),
            (true, Seen::Opening, None, Next::Wait),
            (true, Seen::Opening, long, Next::Wait),
            (true, Seen::Absent, None, Next::Send),
            (true, Seen::Absent, just, Next::Wait),
            (true, Seen::Absent, long, Next::TellAbsent),
            (true, Seen::MovedAway, None, Next::Send),
            (true, Seen::MovedAway, long, Next::TellAbsent),
            (false, Seen::Open, None, Next::Send),
            (false, Seen::Open, long, Next::Wait),
            (false, Seen::Opening, None, Next::Wait),
            (false, Seen::Opening, long, Next::Wait),
            (false, Seen::Absent, None, Next::TellAbsent),
            (false, Seen::Absent, just, Next::TellAbsent),
            (false, Seen::MovedAway, None, Next::Send),
            (false, Seen::MovedAway, long, Next::Wait),
        ];
        for (opens, seen, sent, then) in table {
            assert_eq!(next(opens, seen, sent), then, "opens {opens}, {seen:?}, sent {sent:?}");
        }
    }
}
