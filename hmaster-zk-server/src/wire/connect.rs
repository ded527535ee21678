//! The handshake: the first frame of a connection and its answer. Counterparts: `ConnectRequest`,
//! `ConnectResponse` and `ZooKeeperServer.processConnectRequest`.
//!
//! Clients since 3.4 send 45 bytes, of which the last says whether a read-only server would do, and
//! get 37 back; older ones send 44 and get 36.

use bytes::Bytes;

use super::jute::{DecodeError, JuteReader, JuteWrite};
use super::reply::finish_frame;

/// Proof that a client may take its session over: handed out with the session, asked for on
/// re-attachment.
pub(crate) type Password = [u8; 16];

/// What a client asks for when it connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectRequest {
    /// The newest transaction the client knows of; a server that is behind must refuse it.
    pub last_zxid_seen: i64,
    /// The session timeout it would like, in milliseconds.
    pub timeout_ms: i32,
    /// The session it wants to continue, or 0 for a new one.
    pub session_id: i64,
    /// The password of that session; empty or zeros for a new one.
    pub password: Bytes,
    /// Whether the request had the read-only flag, which makes the answer have it.
    pub has_read_only: bool,
}

impl ConnectRequest {
    /// Reads the first frame of a connection.
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = JuteReader::new(frame);
        reader.int("protocolVersion")?;
        Ok(Self {
            last_zxid_seen: reader.long("lastZxidSeen")?,
            timeout_ms: reader.int("timeOut")?,
            session_id: reader.long("sessionId")?,
            password: reader.bytes("passwd")?.unwrap_or_default(),
            has_read_only: !reader.rest().is_empty(),
        })
    }

    /// Writes the whole frame; the conformance client's need.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) fn encode(&self) -> Bytes {
        let mut frame = vec![0; 4];
        frame.put_int(0);
        frame.put_long(self.last_zxid_seen);
        frame.put_int(self.timeout_ms);
        frame.put_long(self.session_id);
        frame.put_buffer(Some(&self.password));
        if self.has_read_only {
            frame.put_bool(false);
        }
        finish_frame(frame)
    }
}

/// What the server grants; all zeros for a session that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectResponse {
    /// The session timeout in milliseconds.
    pub timeout_ms: i32,
    /// The session.
    pub session_id: i64,
    /// The password of the session.
    pub password: Password,
}

impl ConnectResponse {
    /// The answer to a client whose session is over or whose password is wrong.
    pub(crate) const EXPIRED: Self = Self { timeout_ms: 0, session_id: 0, password: [0; 16] };

    /// Writes the whole frame, with the read-only flag (false) for clients that know it.
    pub(crate) fn encode(&self, has_read_only: bool) -> Bytes {
        let mut frame = vec![0; 4];
        frame.put_int(0);
        frame.put_int(self.timeout_ms);
        frame.put_long(self.session_id);
        frame.put_buffer(Some(&self.password));
        if has_read_only {
            frame.put_bool(false);
        }
        finish_frame(frame)
    }

    /// Reads the answer; the conformance client's need.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = JuteReader::new(frame);
        reader.int("protocolVersion")?;
        let timeout_ms = reader.int("timeOut")?;
        let session_id = reader.long("sessionId")?;
        let bytes = reader.buffer("passwd")?.unwrap_or_default();
        let password = Password::try_from(bytes)
            .map_err(|_| DecodeError::BadLength { field: "passwd", length: bytes.len() as i64 })?;
        Ok(Self { timeout_ms, session_id, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(has_read_only: bool) -> ConnectRequest {
        ConnectRequest {
            last_zxid_seen: 9,
            timeout_ms: 4000,
            session_id: 7,
            password: Bytes::from_static(&[3; 16]),
            has_read_only,
        }
    }

    #[test]
    fn both_forms_of_the_request_are_known_by_their_length() {
        for (has_read_only, length) in [(true, 45), (false, 44)] {
            let frame = request(has_read_only).encode();
            assert_eq!(frame.len() - 4, length);
            assert_eq!(ConnectRequest::decode(&frame[4..]), Ok(request(has_read_only)));
        }
    }

    #[test]
    fn an_old_client_gets_no_read_only_flag() {
        let response = ConnectResponse { timeout_ms: 4000, session_id: 7, password: [1; 16] };
        assert_eq!(response.encode(true).len(), 4 + 37);
        assert_eq!(response.encode(false).len(), 4 + 36);
        assert_eq!(ConnectResponse::decode(&response.encode(true)[4..]), Ok(response));
    }

    #[test]
    fn a_request_cut_anywhere_is_an_error() {
        let frame = request(false).encode();
        for length in 0..44 {
            assert!(ConnectRequest::decode(&frame[4..4 + length]).is_err(), "{length} bytes");
        }
    }
}
