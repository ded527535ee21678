//! Server and client together, and each against bytes: over loopback sockets, and in memory with paused time.

#![expect(clippy::unwrap_used, reason = "tests, of which clippy sees only the functions marked as such")]

#[path = "it/bad_input.rs"]
mod bad_input;
#[path = "it/each_byte.rs"]
mod each_byte;
#[path = "it/garbage.rs"]
mod garbage;
#[path = "it/loopback.rs"]
mod loopback;
#[path = "it/queues.rs"]
mod queues;
#[path = "it/sasl.rs"]
mod sasl;
#[path = "it/shutdown.rs"]
mod shutdown;
#[path = "it/support.rs"]
mod support;
#[path = "it/time.rs"]
mod time;
