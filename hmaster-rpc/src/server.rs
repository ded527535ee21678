//! The server: any number of services behind one port.
//!
//! A connection's task reads frames and decides by [`session`] what they ask for. Calls go to a class of
//! [`QueueClass`], where a handler takes them when one is free. Answers go back by the connection's outbox in the order
//! in which calls end. Bounds on everything that a client can make grow are in [`ServerOptions`].

mod auth;
mod builder;
mod call;
mod connection;
mod listener;
mod metrics;
mod options;
mod outbox;
mod priority;
mod queue;
mod registry;
mod scheduler;
pub mod session;
mod shared;

pub use auth::{Authentication, Authenticator, SaslExchange, SaslStep, SimpleAuthenticator};
pub use builder::{BindError, RpcServerBuilder};
pub use call::Service;
pub use listener::{Door, RpcServer, ServerStopped};
pub use metrics::{ClassMetrics, Counter, Gauge, ServerMetrics};
pub use options::{QueueBounds, QueueOptions, ServerOptions};
pub use priority::{CallHead, Lane, MasterPriority, PriorityFunction, QueueClass};
pub use registry::ClusterIdSource;
