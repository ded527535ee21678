//! Which class name is which procedure. Counterpart of Java's reflection in `ProcedureUtil.newProcedure`.

use std::collections::BTreeMap;

use hmaster_protocol::pb;

use super::{StateError, StateReader};
use crate::{Environment, Procedure, StateMachine, StateMachineProcedure};

type Decoder<E> =
    Box<dyn Fn(&mut StateReader<'_>) -> Result<Box<dyn Procedure<E>>, StateError> + Send + Sync>;

/// The procedures that can be loaded, by Java class name.
pub struct Registry<E: Environment> {
    decoders: BTreeMap<&'static str, Decoder<E>>,
}

impl<E: Environment> Registry<E> {
    /// A registry that knows nothing.
    pub fn new() -> Self {
        Self { decoders: BTreeMap::new() }
    }

    /// Knows `class` from now on by a function that makes the procedure of its state data.
    #[must_use]
    pub fn with<P: Procedure<E>>(
        mut self,
        class: &'static str,
        decode: impl Fn(&mut StateReader<'_>) -> Result<P, StateError> + Send + Sync + 'static,
    ) -> Self {
        let decoder: Decoder<E> = Box::new(move |reader| Ok(Box::new(decode(reader)?)));
        self.decoders.insert(class, decoder);
        self
    }

    /// Knows the state machine `class` from now on by a function that makes it of its own state data, which is what
    /// comes after the states it has entered.
    #[must_use]
    pub fn with_machine<M: StateMachine<E>>(
        self,
        class: &'static str,
        decode: impl Fn(&mut StateReader<'_>) -> Result<M, StateError> + Send + Sync + 'static,
    ) -> Self {
        self.with(class, move |reader| {
            let states: pb::StateMachineProcedureData = reader.read()?;
            let procedure = StateMachineProcedure::restore(decode(reader)?, &states);
            match procedure.unknown_state::<E>() {
                Some(number) => Err(StateError::UnknownState(number)),
                None => Ok(procedure),
            }
        })
    }

    /// The class names it knows, in order.
    pub fn classes(&self) -> impl Iterator<Item = &'static str> {
        self.decoders.keys().copied()
    }

    /// The procedure in a row; none if its class isn't known.
    pub(crate) fn decode(&self, record: &pb::Procedure) -> Option<Result<Box<dyn Procedure<E>>, StateError>> {
        let decoder = self.decoders.get(record.class_name.as_str())?;
        Some(decoder(&mut StateReader::new(record)))
    }
}

impl<E: Environment> Default for Registry<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Environment> std::fmt::Debug for Registry<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.classes()).finish()
    }
}
