//! A client that asks for a change waits until the change was checked, so that it gets the refusal as an answer to its
//! call. Counterpart of `ProcedurePrepareLatch`.

use hmaster_types::JavaException;
use tokio::sync::oneshot;

/// The procedure's end: says how the check went. A procedure that another master has loaded tells nobody.
#[derive(Debug, Default)]
pub struct Prepared(Option<oneshot::Sender<Result<(), JavaException>>>);

/// The caller's end.
pub type PreparedReceiver = oneshot::Receiver<Result<(), JavaException>>;

/// Both ends. If the procedure goes without a word, the caller sees the channel close.
pub fn prepared() -> (Prepared, PreparedReceiver) {
    let (sender, receiver) = oneshot::channel();
    (Prepared(Some(sender)), receiver)
}

impl Prepared {
    /// The check is over. Only the first word counts; the step may run twice.
    pub fn tell(&mut self, outcome: &Result<(), JavaException>) {
        if let Some(sender) = self.0.take() {
            // The client may have hung up.
            let _ = sender.send(outcome.clone());
        }
    }
}
