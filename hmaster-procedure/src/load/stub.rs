//! What stands in for a procedure that can't be read and is to be bypassed: its state data as they were found.

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_types::JavaException;

use crate::{Environment, Flow, Priority, Procedure, StepContext};

/// A procedure whose row is kept word for word. It ends at its first step, and has nothing to undo.
#[derive(Debug)]
pub(crate) struct Stub {
    class: String,
    messages: Vec<pb::Any>,
}

impl Stub {
    pub(crate) fn new(record: &pb::Procedure) -> Self {
        Self { class: record.class_name.clone(), messages: record.state_message.clone() }
    }
}

#[async_trait]
impl<E: Environment> Procedure<E> for Stub {
    fn class_name(&self) -> &str {
        &self.class
    }

    fn priority(&self) -> Priority {
        Priority::Table
    }

    async fn execute(&mut self, _cx: &mut StepContext<'_, E>) -> Flow<E> {
        Flow::Done
    }

    async fn rollback(&mut self, _cx: &mut StepContext<'_, E>) -> Result<(), JavaException> {
        Ok(())
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        self.messages.clone()
    }
}
