//! Four-letter words: what an operator types into `nc`. Counterpart of `FourLetterCommands`.

/// A command that comes in place of a frame's length. Those of ZooKeeper that aren't here are known
/// and refused, as if they weren't on its whitelist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FourLetterWord {
    /// Settings.
    Conf,
    /// Connections, in detail.
    Cons,
    /// Sessions and their ephemeral nodes.
    Dump,
    /// The environment.
    Envi,
    /// Whether writes are possible.
    Isro,
    /// Metrics.
    Mntr,
    /// Whether the server is there.
    Ruok,
    /// The server, briefly.
    Srvr,
    /// The server and its connections.
    Stat,
    /// Number of watches.
    Wchs,
    /// Known to ZooKeeper, refused here.
    Refused(&'static str),
}

impl FourLetterWord {
    /// The word that four bytes are, if they are one.
    pub(crate) fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        Some(match &bytes {
            b"conf" => Self::Conf,
            b"cons" => Self::Cons,
            b"dump" => Self::Dump,
            b"envi" => Self::Envi,
            b"isro" => Self::Isro,
            b"mntr" => Self::Mntr,
            b"ruok" => Self::Ruok,
            b"srvr" => Self::Srvr,
            b"stat" => Self::Stat,
            b"wchs" => Self::Wchs,
            b"crst" => Self::Refused("crst"),
            b"dirs" => Self::Refused("dirs"),
            b"gtmk" => Self::Refused("gtmk"),
            b"hash" => Self::Refused("hash"),
            b"srst" => Self::Refused("srst"),
            b"stmk" => Self::Refused("stmk"),
            b"wchc" => Self::Refused("wchc"),
            b"wchp" => Self::Refused("wchp"),
            _ => return None,
        })
    }
}
