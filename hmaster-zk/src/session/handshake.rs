//! The first words of a connection, by hand: to begin a session, or to end one of a process that is gone. Counterparts of
//! `ConnectRequest`, `ConnectResponse` and the closing part of `ClientCnxn`.
//!
//! The crate that speaks for a living session keeps the session's password to itself, and whoever is to end the session of
//! a dead process needs it. So a session is begun here and then [handed over](adopt) to the crate, which takes it up as it
//! would after a lost connection: it is told the id and the password by a listener of this process that speaks like a
//! server for the length of one greeting.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use zookeeper_client as client;

use super::SessionCredentials;
use crate::znode::SessionId;

/// A greeting has 41 bytes, of which 16 are the password.
const GREETING_BYTES_MAX: usize = 256;
/// What a server may send before it confirms the end of a session; only events of watches could be longer.
const REPLY_BYTES_MAX: usize = 64 << 10;
/// Servers that hang are left for the next after this.
const SERVER_WAIT_MAX: Duration = Duration::from_secs(4);
/// Between two rounds over all servers.
const ROUND_PAUSE: Duration = Duration::from_millis(100);
const PASSWORD_BYTES: usize = 16;
const CLOSE_SESSION: i32 = -11;

/// A session as a server granted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) credentials: SessionCredentials,
    pub(super) timeout_ms: i32,
}

/// What a connection is made for.
#[derive(Debug, Clone, Copy)]
enum Wish<'a> {
    Begin(Duration),
    End(&'a SessionCredentials),
}

/// Begins a session with one of `servers`, and leaves it without a connection.
///
/// # Errors
/// When no server granted one within `wait_max`, or one answered what isn't an answer.
pub(super) async fn begin(
    servers: &str,
    session_timeout: Duration,
    wait_max: Duration,
) -> io::Result<Granted> {
    let granted = with_any(servers, wait_max, Wish::Begin(session_timeout)).await?;
    granted.ok_or_else(|| invalid("a new session was refused"))
}

/// Ends the session of `credentials`: its ephemeral znodes are gone when this returns. Says whether there was such a
/// session; none of that id, or another password, is no error.
///
/// # Errors
/// When no server confirmed it within `wait_max`; it may have ended all the same.
pub(super) async fn end(
    servers: &str,
    credentials: &SessionCredentials,
    wait_max: Duration,
) -> io::Result<bool> {
    Ok(with_any(servers, wait_max, Wish::End(credentials)).await?.is_some())
}

/// What the crate needs to take up a session.
pub(super) struct Adopted {
    pub(super) session: client::SessionInfo,
    /// The listener, which goes when the crate has hung up. Kept as long as the session: were it the first to hang up,
    /// the crate would look for it for as long as the session's timeout.
    pub(super) listener: AbortOnDropHandle<()>,
}

/// Lets the crate know of a session that [`begin`] made.
pub(super) async fn adopt(granted: &Granted) -> io::Result<Adopted> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let introduced = introduce(listener, frame(&granted.encode()));
    let listener = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = introduced.await {
            tracing::debug!(%error, "the introduction of a ZooKeeper session");
        }
    }));
    let connector = client::Client::connector()
        .with_detached()
        .with_fail_eagerly()
        .with_session_timeout(Duration::from_millis(u64::try_from(granted.timeout_ms).unwrap_or(0)));
    let connected = timeout(SERVER_WAIT_MAX, connector.connect(&address)).await?;
    let session = connected.map_err(io::Error::other)?.into_session();
    if SessionId(session.id().0) != granted.credentials.id {
        return Err(io::Error::other("another session"));
    }
    Ok(Adopted { session, listener })
}

/// Speaks like a server to the one who connects, until that one hangs up.
async fn introduce(listener: TcpListener, greeting: Vec<u8>) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    drop(listener);
    read_frame(&mut stream, GREETING_BYTES_MAX).await?;
    stream.write_all(&greeting).await?;
    // The crate pings, takes the session and goes.
    while let Ok(request) = read_frame(&mut stream, GREETING_BYTES_MAX).await {
        let xid = request.get(..4).ok_or_else(|| invalid("a request without a number"))?;
        stream.write_all(&frame(&[xid, &[0; 12]].concat())).await?;
    }
    Ok(())
}

/// Tries the servers one after the other until one has done it or the time is over. What a server says that can't be
/// understood isn't asked for again.
async fn with_any(servers: &str, wait_max: Duration, wish: Wish<'_>) -> io::Result<Option<Granted>> {
    let until = Instant::now() + wait_max;
    let servers = servers.split('/').next().unwrap_or_default();
    loop {
        let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "no servers");
        for server in servers.split(',').map(str::trim).filter(|server| !server.is_empty()) {
            match timeout(SERVER_WAIT_MAX, with(server, wish)).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => return Err(error),
                Ok(Err(error)) => failed = error,
                Err(elapsed) => failed = elapsed.into(),
            }
        }
        if Instant::now() + ROUND_PAUSE >= until {
            return Err(failed);
        }
        tokio::time::sleep(ROUND_PAUSE).await;
    }
}

async fn with(server: &str, wish: Wish<'_>) -> io::Result<Option<Granted>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    match wish {
        Wish::Begin(session_timeout) => greet(&mut stream, None, session_timeout).await,
        Wish::End(credentials) => {
            // The timeout is agreed on anew with each connection, and means nothing to a session that ends.
            let granted = greet(&mut stream, Some(credentials), SERVER_WAIT_MAX).await?;
            if granted.is_some() {
                close(&mut stream).await?;
            }
            Ok(granted)
        }
    }
}

/// Asks for a new session, or to take up one; none when there is no such session.
async fn greet(
    stream: &mut TcpStream,
    session: Option<&SessionCredentials>,
    session_timeout: Duration,
) -> io::Result<Option<Granted>> {
    let timeout_ms = i32::try_from(session_timeout.as_millis()).unwrap_or(i32::MAX);
    let new = SessionCredentials { id: SessionId(0), password: vec![0; PASSWORD_BYTES] };
    let asked = Granted { credentials: session.unwrap_or(&new).clone(), timeout_ms };
    stream.write_all(&frame(&asked.request())).await?;
    let granted = Granted::decode(&read_frame(stream, GREETING_BYTES_MAX).await?)?;
    // A session that isn't there is answered with a timeout of zero.
    Ok((granted.timeout_ms > 0 && granted.credentials.id.0 != 0).then_some(granted))
}

/// Ends the session of a connection and waits until that is done.
async fn close(stream: &mut TcpStream) -> io::Result<()> {
    const XID: i32 = 1;
    stream.write_all(&frame(&[XID.to_be_bytes(), CLOSE_SESSION.to_be_bytes()].concat())).await?;
    loop {
        let reply = read_frame(stream, REPLY_BYTES_MAX).await?;
        if reply.get(..4) == Some(&XID.to_be_bytes()) {
            let code = reply.get(12..16).and_then(|code| code.try_into().ok()).map(i32::from_be_bytes);
            return match code {
                Some(0) => Ok(()),
                code => Err(invalid(&format!("a session isn't closed: {code:?}"))),
            };
        }
    }
}

impl Granted {
    fn request(&self) -> Vec<u8> {
        let Self { credentials, timeout_ms } = self;
        let (protocol, last_zxid, is_read_only) = (0i32.to_be_bytes(), 0i64.to_be_bytes(), [0]);
        let length = credentials.password.len() as i32;
        [
            &protocol[..],
            &last_zxid,
            &timeout_ms.to_be_bytes(),
            &credentials.id.0.to_be_bytes(),
            &length.to_be_bytes(),
            &credentials.password,
            &is_read_only,
        ]
        .concat()
    }

    fn encode(&self) -> Vec<u8> {
        let request = self.request();
        // As the request, without the last transaction.
        [&request[..4], &request[12..]].concat()
    }

    fn decode(frame: &[u8]) -> io::Result<Self> {
        let number = |at: usize| Some(i32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?));
        let read = || {
            let id = i64::from_be_bytes(frame.get(8..16)?.try_into().ok()?);
            let length = usize::try_from(number(16)?).ok()?;
            let password = frame.get(20..20usize.checked_add(length)?)?.to_vec();
            Some(Self {
                credentials: SessionCredentials { id: SessionId(id), password },
                timeout_ms: number(4)?,
            })
        };
        read().ok_or_else(|| invalid("a greeting that can't be read"))
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

async fn read_frame(stream: &mut TcpStream, bytes_max: usize) -> io::Result<Vec<u8>> {
    let length = stream.read_i32().await?;
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes_max);
    let mut frame = vec![0; length.ok_or_else(|| invalid("a frame of a length that can't be"))?];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted() -> Granted {
        let credentials = SessionCredentials { id: SessionId(0x1234), password: (0..16).collect() };
        Granted { credentials, timeout_ms: 90_000 }
    }

    /// A listener that answers the first frame of each connection with `answer` and ends.
    async fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = read_frame(&mut stream, 1000).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        address
    }

    #[test]
    fn a_request_has_the_form_of_java() {
        let request = granted().request();
        assert_eq!(request.len(), 45);
        assert_eq!(request[12..16], 90_000i32.to_be_bytes());
        assert_eq!(Granted::decode(&granted().encode()).unwrap(), granted());
    }

    #[tokio::test]
    async fn bad_greetings_are_errors_at_once() {
        let good = granted().encode();
        let length = |bytes: i32| [&bytes.to_be_bytes()[..], &good].concat();
        let table = [
            ("too long", length(i32::MAX)),
            ("negative", length(-1)),
            ("empty", frame(b"")),
            ("cut in the password", frame(&good[..30])),
            ("a password without end", frame(&[&good[..16], &i32::MAX.to_be_bytes()].concat())),
            ("a negative password", frame(&[&good[..16], &i32::MIN.to_be_bytes()].concat())),
        ];
        for (what, answer) in table {
            let server = server(answer).await;
            let error = begin(&server, SERVER_WAIT_MAX, SERVER_WAIT_MAX).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}: {error}");
        }
    }

    #[tokio::test]
    async fn a_session_that_is_not_there_needs_no_end() {
        let over = Granted { timeout_ms: 0, ..granted() };
        let server = server(frame(&over.encode())).await;
        assert!(!end(&server, &granted().credentials, SERVER_WAIT_MAX).await.unwrap());
    }

    #[tokio::test]
    async fn the_crate_takes_over_what_was_granted() {
        let adopted = adopt(&granted()).await.unwrap();
        assert_eq!(adopted.session.id().0, 0x1234);
        // Nobody is left who would look for the listener.
        timeout(SERVER_WAIT_MAX, adopted.listener).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_listening_is_an_error_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let wait = Duration::from_millis(300);
        let error = begin(&address, SERVER_WAIT_MAX, wait).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
