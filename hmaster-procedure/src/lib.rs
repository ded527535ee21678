//! Durable procedures: state machines, locks, scheduler, recovery
