//! The seam for authentication, with an exchange that is none: the frames around it are real.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::CallUser;
use hmaster_rpc::client::{CallOptions, Failure, NotSent};
use hmaster_rpc::server::{Authentication, Authenticator, SaslExchange, SaslStep};
use hmaster_rpc::wire::connection_header::ConnectionInfo;
use hmaster_rpc::wire::preamble::AuthCode;
use hmaster_types::{JavaException, class};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::support::{Running, exec, fixture, nowhere, run};

/// Wants "open" and then "sesame"; SIMPLE isn't enough.
struct Secure;

struct Exchange(u32);

#[async_trait]
impl Authenticator for Secure {
    fn begin(&self, auth: AuthCode, _peer: SocketAddr) -> Result<Authentication, JavaException> {
        match auth {
            AuthCode::KERBEROS => Ok(Authentication::Sasl(Box::new(Exchange(0)))),
            _ => Err(JavaException::new(class::ACCESS_DENIED, "Authentication is required")),
        }
    }

    async fn authorize(
        &self,
        authenticated: Option<CallUser>,
        claimed: Option<CallUser>,
        service: &str,
    ) -> Result<Option<CallUser>, JavaException> {
        if service != "ClientService" {
            return Err(JavaException::new(class::ACCESS_DENIED, service));
        }
        let real = authenticated.expect("SIMPLE isn't enough").name;
        Ok(Some(CallUser { name: claimed.unwrap().name, real: Some(real) }))
    }

    fn server_principal(&self) -> Option<String> {
        Some("hbase/host@REALM".into())
    }
}

#[async_trait]
impl SaslExchange for Exchange {
    async fn respond(&mut self, token: Bytes) -> Result<SaslStep, JavaException> {
        self.0 += 1;
        match (self.0, &*token) {
            (1, b"open") => Ok(SaslStep { token: Some(Bytes::from_static(b"?")), user: None }),
            (2, b"sesame") => Ok(SaslStep { token: None, user: Some(CallUser::new("ali")) }),
            _ => Err(JavaException::named("javax.security.sasl.SaslException", "wrong word", false)),
        }
    }
}

fn secure() -> Running {
    let mut fixture = fixture();
    fixture.builder = fixture.builder.authenticator(Arc::new(Secure));
    fixture.in_memory().0
}

async fn token(stream: &mut DuplexStream, token: &[u8]) {
    stream.write_u32(token.len() as u32).await.unwrap();
    stream.write_all(token).await.unwrap();
}

async fn string(stream: &mut DuplexStream) -> String {
    let len = stream.read_u32().await.unwrap();
    let mut bytes = vec![0; len as usize];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn tokens_are_exchanged_and_then_calls() {
    let running = secure();
    let mut stream = running.door.connect().await.unwrap();
    stream.write_all(b"Securi").await.unwrap();
    assert!(string(&mut stream).await.ends_with("hbase/host@REALM"));
    stream.write_all(b"HBas\x00\x51").await.unwrap();
    token(&mut stream, b"open").await;
    assert_eq!((stream.read_i32().await.unwrap(), string(&mut stream).await), (0, "?".into()));
    token(&mut stream, b"sesame").await;
    let info = ConnectionInfo {
        service: "ClientService".into(),
        user: Some(CallUser::new("joe")),
        codec: None,
        version: None,
        attributes: Default::default(),
    };
    stream.write_all(&info.encode()).await.unwrap();
    let param = prost::Message::encode_to_vec(&exec("who", "", "")).into();
    let call = hmaster_rpc::wire::request::OutgoingCall {
        method: "ExecService",
        param,
        cell_block: Bytes::new(),
        priority: None,
        attributes: Default::default(),
    };
    let mut out = hmaster_rpc::wire::byte_queue::ByteQueue::default();
    call.encode(0, 0, &mut out);
    stream.write_all_buf(&mut out).await.unwrap();
    let mut answer = vec![0; stream.read_u32().await.unwrap() as usize];
    stream.read_exact(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("joe via ali"));
}

#[tokio::test]
async fn a_wrong_token_ends_the_connection_with_class_and_message() {
    let running = secure();
    let mut stream = running.door.connect().await.unwrap();
    stream.write_all(b"HBas\x00\x51").await.unwrap();
    token(&mut stream, b"abracadabra").await;
    assert_eq!(stream.read_i32().await.unwrap(), 1);
    let (class, message) = (string(&mut stream).await, string(&mut stream).await);
    assert_eq!((class.as_str(), message.as_str()), ("javax.security.sasl.SaslException", "wrong word"));
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_plain_client_of_a_secure_server_has_sent_nothing() {
    let running = secure();
    let error = run(&running.client(|_| {}), nowhere(), exec("echo", "", ""), CallOptions::default()).await;
    let Failure::NotSent(NotSent::Rejected(exception)) = error.unwrap_err().failure else { panic!("sent") };
    assert_eq!(exception, JavaException::new(class::ACCESS_DENIED, "Authentication is required"));
}
