//! Who may connect: the seam for SASL. Counterpart of `SaslServerAuthenticationProviders` and `HBaseSaslRpcServer`.
//!
//! Only SIMPLE is here: the user is who the client says. An [`Authenticator`] for Kerberos or delegation tokens hands
//! out a [`SaslExchange`] for its way of authentication; the frames of the exchange are the connection's business. A
//! security layer (`auth-int`, `auth-conf`) has no place here yet: it would wrap every byte after the exchange.

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::CallUser;
use hmaster_types::JavaException;

use crate::wire::preamble::{AuthCode, bad_auth};

/// Decides how a connection is authenticated, and what it may call.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// What to do with a client that wants this way of authentication.
    ///
    /// # Errors
    /// The fatal exception to answer with, such as [`bad_auth`] or `AccessDeniedException`.
    fn begin(&self, auth: AuthCode, peer: SocketAddr) -> Result<Authentication, JavaException>;

    /// The user whose calls these are: `authenticated` by the exchange, if there was one, `claimed` by the connection
    /// header.
    ///
    /// # Errors
    /// The fatal exception to answer with: the user may not call `service`, or may not act for whom it claims to.
    async fn authorize(
        &self,
        authenticated: Option<CallUser>,
        claimed: Option<CallUser>,
        service: &str,
    ) -> Result<Option<CallUser>, JavaException>;

    /// The principal that answers the security preamble; absent if security is off.
    fn server_principal(&self) -> Option<String>;
}

/// What to do with a client.
pub enum Authentication {
    /// Believe the connection header.
    Simple,
    /// Tell a client that wants SASL to do without, and ignore the token it has sent already.
    SwitchToSimple,
    /// Exchange tokens.
    Sasl(Box<dyn SaslExchange>),
}

/// One client's exchange of tokens.
#[async_trait]
pub trait SaslExchange: Send {
    /// Takes the client's token.
    ///
    /// # Errors
    /// The exception that the client gets; the connection ends.
    async fn respond(&mut self, token: Bytes) -> Result<SaslStep, JavaException>;
}

/// How an exchange goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaslStep {
    /// The server's token, if it has one.
    pub token: Option<Bytes>,
    /// Who the client is, when the exchange is complete.
    pub user: Option<CallUser>,
}

/// Security is off: everybody is who they say. Counterpart of `hbase.security.authentication` = `simple`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimpleAuthenticator;

#[async_trait]
impl Authenticator for SimpleAuthenticator {
    fn begin(&self, auth: AuthCode, peer: SocketAddr) -> Result<Authentication, JavaException> {
        match auth {
            AuthCode::SIMPLE => Ok(Authentication::Simple),
            AuthCode::KERBEROS | AuthCode::DIGEST => Ok(Authentication::SwitchToSimple),
            unknown => Err(bad_auth(unknown, &peer.to_string())),
        }
    }

    async fn authorize(
        &self,
        _authenticated: Option<CallUser>,
        claimed: Option<CallUser>,
        _service: &str,
    ) -> Result<Option<CallUser>, JavaException> {
        Ok(claimed)
    }

    fn server_principal(&self) -> Option<String> {
        None
    }
}
