//! State data of a row, message by message, in either of the forms Java has used. Counterpart of
//! `ProcedureStateSerializer`.

use bytes::Bytes;
use hmaster_protocol::{DecodeError, HBaseMessage, decode_delimited, pb};

/// The state data of a procedure can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// There are fewer messages than the procedure has.
    #[error("state data ends before message {index}, {message}")]
    Missing {
        /// The message that should be there.
        message: &'static str,
        /// Its place, counted from 0.
        index: usize,
    },
    /// A message that can't be decoded, or is another.
    #[error("state data, message {index}")]
    Decode {
        /// Its place, counted from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A state number that the procedure doesn't know.
    #[error("unknown state number {0}")]
    UnknownState(i32),
    /// A message that decodes but makes no sense.
    #[error("{0}")]
    Invalid(String),
}

/// Reads the state data of a row in order.
#[derive(Debug)]
pub struct StateReader<'a> {
    record: &'a pb::Procedure,
    index: usize,
    /// What is left of the old form, where the row has it.
    old: Option<Bytes>,
}

impl<'a> StateReader<'a> {
    /// A reader at the first message. As in Java, the new form hides the old.
    pub fn new(record: &'a pb::Procedure) -> Self {
        let old = if record.state_message.is_empty() { record.state_data.clone() } else { None };
        Self { record, index: 0, old }
    }

    /// The row.
    pub fn record(&self) -> &'a pb::Procedure {
        self.record
    }

    /// The next message.
    ///
    /// # Errors
    /// When there is none, or it isn't an `M`.
    pub fn read<M: HBaseMessage>(&mut self) -> Result<M, StateError> {
        let index = self.index;
        self.index += 1;
        let decode = |source| StateError::Decode { index, source };
        if let Some(old) = self.old.as_mut().filter(|old| !old.is_empty()) {
            let (message, rest) = decode_delimited(old.clone()).map_err(decode)?;
            *old = rest;
            return Ok(message);
        }
        let Some(any) = self.record.state_message.get(index) else {
            return Err(StateError::Missing { message: M::TABLE.full_name(), index });
        };
        any.unpack().map_err(decode)
    }

    /// True if another message is there.
    pub fn has_more(&self) -> bool {
        self.old.as_ref().is_some_and(|old| !old.is_empty()) || self.index < self.record.state_message.len()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn states(state: &[u32]) -> pb::StateMachineProcedureData {
        pb::StateMachineProcedureData { state: state.to_vec() }
    }

    #[test]
    fn reads_both_forms_in_order() {
        let (first, second) = (states(&[1, 2]), pb::SequentialProcedureData { executed: true });
        let new = pb::Procedure {
            state_message: vec![pb::Any::pack(&first), pb::Any::pack(&second)],
            ..Default::default()
        };
        let old = [first.encode_length_delimited_to_vec(), second.encode_length_delimited_to_vec()].concat();
        let old = pb::Procedure { state_data: Some(old.into()), ..Default::default() };
        for record in [new, old] {
            let mut reader = StateReader::new(&record);
            assert_eq!(reader.read(), Ok(first.clone()));
            assert!(reader.has_more());
            assert_eq!(reader.read(), Ok(second));
            assert!(!reader.has_more());
            let end = reader.read::<pb::StateMachineProcedureData>().unwrap_err();
            assert_eq!(
                end.to_string(),
                "state data ends before message 2, hbase.pb.StateMachineProcedureData"
            );
        }
    }

    #[test]
    fn bad_state_data_is_named() {
        let truncated = states(&[300]).encode_length_delimited_to_vec();
        let records = [
            pb::Procedure { state_data: Some(Bytes::from_static(b"\xff\xff\xff\x7f")), ..Default::default() },
            pb::Procedure {
                state_data: Some(truncated[..truncated.len() - 1].to_vec().into()),
                ..Default::default()
            },
            pb::Procedure { state_message: vec![pb::Any::default()], ..Default::default() },
            pb::Procedure {
                state_message: vec![pb::Any::pack(&pb::SequentialProcedureData { executed: true })],
                ..Default::default()
            },
            pb::Procedure {
                state_message: vec![pb::Any {
                    type_url: "type.googleapis.com/hbase.pb.StateMachineProcedureData".into(),
                    value: Bytes::from_static(b"\x08"),
                }],
                ..Default::default()
            },
        ];
        for record in records {
            let error = StateReader::new(&record).read::<pb::StateMachineProcedureData>().unwrap_err();
            assert!(matches!(error, StateError::Decode { index: 0, .. }), "{record:?}: {error}");
        }
    }
}
