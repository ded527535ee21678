//! The executor on a runtime: tasks, time, the store, stopping and dying.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "../engine/script.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod script;
#[path = "../engine/world.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod world;

mod basics;
mod dying;
mod many;
mod master;
