//! Bounds and time-outs of a client, with HBase's keys and defaults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_protocol::{CallUser, pb};
use hmaster_types::Cell;

use crate::options::{Lookup, OptionError};
use crate::wire::cell_block::CellCodec;

/// How a client connects and how long it waits.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Who calls. Servers believe it, as long as authentication is SIMPLE.
    pub user: CallUser,
    /// How cells go beside messages: `hbase.client.rpc.codec`. Without a codec they are part of the messages.
    pub codec: Option<CellCodec>,
    /// The release to name in the connection header.
    pub version: Option<Arc<pb::VersionInfo>>,
    /// Attributes of every connection.
    pub attributes: Arc<BTreeMap<String, Bytes>>,
    /// Until a connection is there: `hbase.ipc.client.socket.timeout.connect`, 10 s.
    pub connect_timeout: Duration,
    /// Silence in the midst of an answer: `hbase.ipc.client.socket.timeout.read`, 20 s.
    pub read_timeout: Duration,
    /// Time for a server to take at least some bytes of what is to be sent: `hbase.ipc.client.socket.timeout.write`,
    /// 60 s.
    pub write_timeout: Duration,
    /// Until a call is answered, unless the call says otherwise: `hbase.rpc.timeout`, 60 s.
    pub call_timeout: Duration,
    /// A connection without calls is closed after `hbase.ipc.client.connection.minIdleTimeBeforeClose`, 2 min.
    pub idle_timeout: Duration,
    /// After a failure to connect, further calls fail at once for a pause that doubles up to this:
    /// `hbase.ipc.client.failed.servers.expiry`, 2 s; Java pauses that long from the start. 0 for no pause.
    pub failed_server_expiry: Duration,
    /// Calls under way on one connection: `hbase.client.perserver.requests.threshold`, without a bound in Java, here
    /// 10,000.
    pub calls_max: usize,
    /// Bytes of calls under way on one connection: `hmaster.ipc.client.call.bytes.max`, 1 GiB.
    pub call_bytes_max: u64,
    /// The longest answer: `hmaster.ipc.client.response.bytes.max`, 512 MiB.
    pub response_bytes_max: usize,
}

/// What one call may say about itself.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// Asks for a queue of the server, such as 200 for system tables; absent to let it decide.
    pub priority: Option<u32>,
    /// Until the call is answered; absent for [`ClientOptions::call_timeout`]. The server is told.
    pub timeout: Option<Duration>,
    /// Cells that go beside the request.
    pub cells: Vec<Cell>,
    /// Attributes of the request.
    pub attributes: BTreeMap<String, Bytes>,
}

impl ClientOptions {
    /// Defaults for calls by `user`, with cells beside messages.
    pub fn new(user: CallUser) -> Self {
        Self::from_keys(user, &|_| None).expect("defaults need no parsing")
    }

    /// Options by what `value` says of each key.
    ///
    /// # Errors
    /// When a value isn't what its key needs.
    pub fn from_keys(user: CallUser, value: &dyn Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let conf = Lookup(value);
        let seconds = Duration::from_secs;
        Ok(Self {
            user,
            codec: codec(value)?,
            version: None,
            attributes: Arc::default(),
            connect_timeout: conf.millis("hbase.ipc.client.socket.timeout.connect", seconds(10))?,
            read_timeout: conf.millis("hbase.ipc.client.socket.timeout.read", seconds(20))?,
            write_timeout: conf.millis("hbase.ipc.client.socket.timeout.write", seconds(60))?,
            call_timeout: conf.millis("hbase.rpc.timeout", seconds(60))?,
            idle_timeout: conf.millis("hbase.ipc.client.connection.minIdleTimeBeforeClose", seconds(120))?,
            failed_server_expiry: conf.millis("hbase.ipc.client.failed.servers.expiry", seconds(2))?,
            calls_max: conf.number("hbase.client.perserver.requests.threshold", 10_000)?,
            call_bytes_max: conf.number("hmaster.ipc.client.call.bytes.max", 1 << 30)?,
            response_bytes_max: conf.number("hmaster.ipc.client.response.bytes.max", 512 << 20)?,
        })
    }
}

/// As in Java, an empty name stands for no codec.
fn codec(value: &dyn Fn(&str) -> Option<String>) -> Result<Option<CellCodec>, OptionError> {
    let key = "hbase.client.rpc.codec";
    match value(key) {
        None => Ok(Some(CellCodec::KeyValue)),
        Some(class) if class.trim().is_empty() => Ok(None),
        Some(class) => {
            let expected = "the class of a cell codec that is there";
            CellCodec::from_class(class.trim()).map(Some).ok_or(OptionError { key, value: class, expected })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_defaults() {
        let user = CallUser::new("hbase");
        let options = ClientOptions::new(user.clone());
        assert_eq!((options.codec, options.call_timeout.as_secs()), (Some(CellCodec::KeyValue), 60));
        let none = |key: &str| (key == "hbase.client.rpc.codec").then(String::new);
        assert_eq!(ClientOptions::from_keys(user.clone(), &none).unwrap().codec, None);
        let unknown = |key: &str| (key == "hbase.client.rpc.codec").then(|| "a.B".to_owned());
        assert_eq!(ClientOptions::from_keys(user, &unknown).unwrap_err().value, "a.B");
    }
}
