//! The session of an active hmaster, left for whoever finds that its process is gone. No Java counterpart: a Java master
//! doesn't look, and waits until the session runs out.
//!
//! Anybody who can read it can end the active master's session. Where ZooKeeper is secured only masters can; elsewhere
//! everybody can delete the znode `master` anyway.

use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use hmaster_types::{ParseError, ServerName};

use super::{CodecReason, Payload};
use crate::session::SessionCredentials;
use crate::znode::SessionId;

const MAGIC: &[u8] = b"HMSN\x01";

/// Whose session it is, and what ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterSession {
    /// The active master.
    pub server: ServerName,
    /// Its session.
    pub credentials: SessionCredentials,
    /// Where its process listens; none if that is every address of its host. Its name may lead elsewhere by now.
    pub address: Option<SocketAddr>,
}

impl Payload for MasterSession {
    fn encode(&self) -> Bytes {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        let mut out = BytesMut::from(MAGIC);
        out.put_i64(self.credentials.id.0);
        for part in [&self.credentials.password, self.server.as_str().as_bytes(), address.as_bytes()] {
            out.put_u16(u16::try_from(part.len()).expect("a password, a name and an address are short"));
            out.put_slice(part);
        }
        out.freeze()
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let wrong = |what: &str| CodecReason::Noun(ParseError::new("master's session", payload, what));
        let mut rest = payload.strip_prefix(MAGIC).ok_or_else(|| wrong("doesn't begin like one"))?;
        let id = rest.try_get_i64().map_err(|_| wrong("ends in the id"))?;
        let mut part = || {
            let length = rest.try_get_u16().map_err(|_| wrong("ends in a length"))?;
            let part = rest.split_off(..usize::from(length)).ok_or_else(|| wrong("ends in a part"))?;
            Ok::<_, CodecReason>(part)
        };
        let (password, server, address) = (part()?.to_vec(), part()?, part()?);
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| wrong("isn't text"));
        let address = match text(address)? {
            "" => None,
            address => Some(address.parse().map_err(|_| wrong("has an address that isn't one"))?),
        };
        let credentials = SessionCredentials { id: SessionId(id), password };
        Ok(Self { server: text(server)?.parse()?, credentials, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> MasterSession {
        MasterSession {
            server: "h.example,16000,1700000000000".parse().unwrap(),
            credentials: SessionCredentials { id: SessionId(0x1_0000_0001), password: vec![7; 16] },
            address: Some("10.0.0.1:16000".parse().unwrap()),
        }
    }

    #[test]
    fn a_session_comes_back_and_its_password_is_not_shown() {
        for session in [session(), MasterSession { address: None, ..session() }] {
            assert_eq!(MasterSession::decode(&session.encode()).unwrap(), session);
            assert!(!format!("{session:?}").contains('7'.to_string().repeat(2).as_str()), "{session:?}");
        }
    }

    #[test]
    fn whatever_is_cut_or_changed_is_an_error_or_another_session() {
        let whole = session().encode();
        for cut in 0..whole.len() {
            assert!(MasterSession::decode(&whole[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 0xff;
            assert_ne!(MasterSession::decode(&changed).ok(), Some(session()), "changed at {at}");
        }
    }
}
