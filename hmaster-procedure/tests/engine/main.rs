//! The engine driven one call at a time: every order of events, every place to die.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

mod bypass;
mod crash;
mod driver;
mod family;
mod interleave;
mod loading;
mod locking;
mod messages;
mod nonces;
mod records;
mod script;
#[allow(dead_code, reason = "shared with other tests")]
mod world;
