//! The first six bytes of a connection. Counterpart of `ServerRpcConnection.processPreamble` and
//! `RpcConnection.getConnectionHeaderPreamble`.
//!
//! In go six bytes, out comes what the client wants: calls after some way of authentication, the cluster id, or the
//! server's principal. What is none of these is a [`PreambleError`], which knows the exception and the message that
//! Java answers with: clients look for that text.

use hmaster_types::{JavaException, class, to_string_binary};

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preamble {
    /// `HBas`, version 0, a way of authentication: calls follow.
    Calls(AuthCode),
    /// `Regist`: tell me the cluster id, then close. New in HBase 2.6.
    Registry,
    /// `Securi`: tell me your principal, then expect another preamble. New in HBase 2.6.
    Security,
}

/// The byte that names a way of authentication. Counterpart of `SaslAuthMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthCode(pub u8);

/// Why six bytes aren't a preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreambleError {
    /// Neither of the three words.
    #[error("the connection starts with {:?}", to_string_binary(.0))]
    UnknownHeader([u8; 4]),
    /// `HBas`, but another version.
    #[error("RPC version {version}")]
    WrongVersion {
        /// The version byte.
        version: u8,
        /// The byte after it.
        auth: AuthCode,
    },
}

impl AuthCode {
    /// The user is who the connection header says.
    pub const SIMPLE: Self = Self(80);
    /// SASL with GSSAPI.
    pub const KERBEROS: Self = Self(81);
    /// SASL with DIGEST-MD5 and a delegation token.
    pub const DIGEST: Self = Self(82);

    /// The name that HBase prints, or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SIMPLE => "SIMPLE",
            Self::KERBEROS => "KERBEROS",
            Self::DIGEST => "DIGEST",
            Self(_) => "unknown",
        }
    }
}

impl Preamble {
    /// Bytes of every preamble.
    pub const LEN: usize = 6;
    /// `RpcServer.CURRENT_VERSION`.
    pub const VERSION: u8 = 0;

    const MAGIC: [u8; 4] = *b"HBas";
    const REGISTRY: [u8; Self::LEN] = *b"Regist";
    const SECURITY: [u8; Self::LEN] = *b"Securi";

    /// Reads a preamble. Whether the way of authentication is known isn't checked here.
    ///
    /// # Errors
    /// When the bytes are neither of the three kinds, or the version isn't ours.
    pub fn parse(bytes: [u8; Self::LEN]) -> Result<Self, PreambleError> {
        match bytes {
            Self::REGISTRY => Ok(Self::Registry),
            Self::SECURITY => Ok(Self::Security),
            [a, b, c, d, ..] if [a, b, c, d] != Self::MAGIC => {
                Err(PreambleError::UnknownHeader([a, b, c, d]))
            }
            [.., Self::VERSION, auth] => Ok(Self::Calls(AuthCode(auth))),
            [.., version, auth] => Err(PreambleError::WrongVersion { version, auth: AuthCode(auth) }),
        }
    }

    /// The bytes that a client sends.
    pub fn bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = Self::MAGIC;
        match self {
            Self::Calls(AuthCode(auth)) => [a, b, c, d, Self::VERSION, auth],
            Self::Registry => Self::REGISTRY,
            Self::Security => Self::SECURITY,
        }
    }
}

impl PreambleError {
    /// The fatal exception to answer with; `peer` is the client's `host:port`.
    pub fn to_exception(self, peer: &str) -> JavaException {
        match self {
            Self::UnknownHeader(header) => unknown_header(&header, peer),
            Self::WrongVersion { version, auth } => {
                JavaException::new(class::WRONG_VERSION, fatal_message(version, auth, "unknown", peer))
            }
        }
    }
}

/// The fatal answer to a preamble that the server doesn't know. Clients that tried a preamble of HBase 2.6 look for
/// the beginning of this text (`ConnectionUtils.isUnexpectedPreambleHeaderException`) and go on the old way.
pub fn unknown_header(header: &[u8], peer: &str) -> JavaException {
    let header = to_string_binary(&header[..header.len().min(4)]);
    let message = format!("Expected HEADER=HBas but received HEADER={header} from {peer}");
    JavaException::new(class::FATAL_CONNECTION, message)
}

/// The fatal answer to a way of authentication that the server doesn't know.
pub fn bad_auth(auth: AuthCode, peer: &str) -> JavaException {
    JavaException::new(class::BAD_AUTH, fatal_message(Preamble::VERSION, auth, "unknown", peer))
}

fn fatal_message(version: u8, auth: AuthCode, name: &str, peer: &str) -> String {
    let (ours, auth) = (Preamble::VERSION, auth.0 as i8); // Java prints the byte signed
    format!("serverVersion={ours}, clientVersion={version}, authMethod={auth}, authName={name} from {peer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_back() {
        for preamble in [
            Preamble::Calls(AuthCode::SIMPLE),
            Preamble::Calls(AuthCode::KERBEROS),
            Preamble::Calls(AuthCode(7)),
            Preamble::Registry,
            Preamble::Security,
        ] {
            assert_eq!(Preamble::parse(preamble.bytes()), Ok(preamble));
        }
        assert_eq!(Preamble::Calls(AuthCode::SIMPLE).bytes(), *b"HBas\x00P");
    }

    #[test]
    fn other_bytes_get_the_answer_that_clients_look_for() {
        let table: [(&[u8; 6], &str, &str); 5] = [
            (b"GET / ", "FatalConnectionException", "Expected HEADER=HBas but received HEADER=GET  from c:1"),
            (
                b"\x16\x03\x01\x02\x00\x01",
                "FatalConnectionException",
                "Expected HEADER=HBas but received HEADER=\\x16\\x03\\x01\\x02 from c:1",
            ),
            (b"Regisx", "FatalConnectionException", "Expected HEADER=HBas but received HEADER=Regi from c:1"),
            (
                b"HBas\x01P",
                "WrongVersionException",
                "serverVersion=0, clientVersion=1, authMethod=80, authName=unknown from c:1",
            ),
            (
                b"HBas\xff\xff",
                "WrongVersionException",
                "serverVersion=0, clientVersion=255, authMethod=-1, authName=unknown from c:1",
            ),
        ];
        for (bytes, class, message) in table {
            let exception = Preamble::parse(*bytes).unwrap_err().to_exception("c:1");
            assert_eq!((exception.simple_class(), exception.message.as_str()), (class, message));
        }
        let exception = bad_auth(AuthCode(9), "c:1");
        assert_eq!(exception.simple_class(), "BadAuthException");
    }
}
