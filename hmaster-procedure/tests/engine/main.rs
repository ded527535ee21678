//! The engine driven one call at a time: every order of events, every place to die.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

mod crash;
mod driver;
mod family;
mod interleave;
mod script;
mod world;
