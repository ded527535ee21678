//! Identifiers, each a type of its own so that they can't be confused.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// The id of a procedure, positive. Never used twice in the life of a cluster, whichever master gave it out:
    /// region servers drop a command whose id they have seen.
    ProcId(u64)
}
id! {
    /// When a server process started, in milliseconds since 1970; tells its lives apart.
    StartCode(u64)
}
id! {
    /// A region's sequence number; -1 stands for none.
    SeqNum(i64)
}
id! {
    /// When a master became active, in milliseconds since 1970. Rises from master to master; region servers echo it, so
    /// a master recognises answers to another's commands.
    ActiveTime(u64)
}

impl SeqNum {
    /// Java's `HConstants.NO_SEQNUM`.
    pub const NONE: Self = Self(-1);
}

/// A client's mark on a request, by which its repetition is recognised. Counterpart of `NonceKey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce {
    /// The client.
    pub group: u64,
    /// The request; never 0, which stands for a request without nonce.
    pub value: u64,
}

impl Nonce {
    /// The nonce of a request that carries `group` and `value`, or none: a value of 0 means that the client doesn't care.
    pub fn new(group: u64, value: u64) -> Option<Self> {
        (value != 0).then_some(Self { group, value })
    }
}
