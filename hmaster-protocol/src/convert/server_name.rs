//! [`ServerName`] and [`Address`]. The message serves for both: groups of region servers name servers without start code.
//!
//! Java makes a name of a message without port or start code, with -1 for them; nothing good comes of such a name.

use hmaster_types::{Address, ParseError, ServerName, StartCode};

use super::{ConvertError, out_of_range};
use crate::pb;

impl From<&ServerName> for pb::ServerName {
    fn from(server: &ServerName) -> Self {
        Self {
            host_name: server.host().to_owned(),
            port: Some(u32::from(server.port())),
            start_code: Some(server.start_code().0),
        }
    }
}

impl From<&Address> for pb::ServerName {
    fn from(address: &Address) -> Self {
        Self { host_name: address.host.clone(), port: Some(u32::from(address.port)), start_code: None }
    }
}

impl TryFrom<&pb::ServerName> for ServerName {
    type Error = ConvertError;

    fn try_from(message: &pb::ServerName) -> Result<Self, ConvertError> {
        let start_code = message.start_code.ok_or_else(|| absent(message, "start_code"))?;
        if i64::try_from(start_code).is_err() {
            return Err(out_of_range("start_code", "server name", start_code));
        }
        Self::new(&message.host_name, port(message)?, StartCode(start_code))
            .map_err(|reason| ConvertError::new("host_name", reason))
    }
}

/// Whatever the start code.
impl TryFrom<&pb::ServerName> for Address {
    type Error = ConvertError;

    fn try_from(message: &pb::ServerName) -> Result<Self, ConvertError> {
        let server = ServerName::new(&message.host_name, port(message)?, StartCode(0));
        Ok(server.map_err(|reason| ConvertError::new("host_name", reason))?.address())
    }
}

fn port(message: &pb::ServerName) -> Result<u16, ConvertError> {
    let port = message.port.ok_or_else(|| absent(message, "port"))?;
    u16::try_from(port).map_err(|_| out_of_range("port", "server name", port))
}

fn absent(message: &pb::ServerName, field: &str) -> ConvertError {
    ConvertError::new(field, ParseError::new("server name", message.host_name.as_bytes(), "absent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(host: &str, port: Option<u32>, start_code: Option<u64>) -> pb::ServerName {
        pb::ServerName { host_name: host.into(), port, start_code }
    }

    #[test]
    fn there_and_back() {
        let server: ServerName = "Host,16020,1700000000000".parse().unwrap();
        let there = pb::ServerName::from(&server);
        assert_eq!(there, message("Host", Some(16020), Some(1_700_000_000_000)));
        assert_eq!(ServerName::try_from(&there), Ok(server.clone()));
        assert_eq!(Address::try_from(&there), Ok(server.address()));
        let address = pb::ServerName::from(&server.address());
        assert_eq!(address, message("host", Some(16020), None));
        assert_eq!(Address::try_from(&address), Ok(server.address()));
    }

    #[test]
    fn errors_name_the_field() {
        let table = [
            (message("a", None, Some(1)), "port"),
            (message("a", Some(65536), Some(1)), "port"),
            (message("a", Some(1), None), "start_code"),
            (message("a", Some(1), Some(u64::MAX)), "start_code"),
            (message("", Some(1), Some(1)), "host_name"),
            (message("a,b", Some(1), Some(1)), "host_name"),
        ];
        for (message, field) in table {
            assert_eq!(ServerName::try_from(&message).expect_err(field).field, field);
        }
    }
}
