//! A client that shows every frame: it sends what it is told to, and hides nothing of what comes back.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CaseFailure, CaseResult, requests};
use crate::wire::connect::{ConnectRequest, ConnectResponse};
use crate::wire::jute::{JuteReader, JuteWrite};
use crate::wire::op_code as op;
use crate::wire::reply::NOTIFICATION_XID;
use crate::wire::types::{Stat, read_stat};

/// The session timeout asked for unless a case asks for another, in milliseconds.
pub(crate) const TIMEOUT_MS: i32 = 10_000;

/// A frame that doesn't come by then doesn't come.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A frame from the server, after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Number of the request; -1 for an event.
    pub(crate) xid: i32,
    /// The transaction number in the header.
    pub(crate) zxid: i64,
    /// The error code, 0 for none.
    pub(crate) error: i32,
    /// What follows the header.
    pub(crate) body: Bytes,
}

/// A watch event: type (1 created, 2 deleted, 3 data changed, 4 children changed) and path.
pub(crate) type Event = (i32, String);

impl Frame {
    /// The event in this frame, if it is one.
    pub(crate) fn event(&self) -> Result<Option<Event>, CaseFailure> {
        if self.xid != NOTIFICATION_XID {
            return Ok(None);
        }
        expect_eq!((self.zxid, self.error), (-1, 0), "an event's header");
        let mut reader = JuteReader::new(&self.body);
        let event_type = reader.int("type")?;
        expect_eq!(reader.int("state")?, 3, "an event's state");
        Ok(Some((event_type, reader.string("path")?)))
    }

    /// The string in the body.
    pub(crate) fn string(&self) -> Result<String, CaseFailure> {
        expect_eq!(self.error, 0);
        Ok(JuteReader::new(&self.body).string("body")?)
    }

    /// The strings in the body, sorted, for a server may list them in any order.
    pub(crate) fn strings(&self) -> Result<Vec<String>, CaseFailure> {
        expect_eq!(self.error, 0);
        let mut strings = JuteReader::new(&self.body).strings("body")?;
        strings.sort();
        Ok(strings)
    }

    /// The stat at the end of the body.
    pub(crate) fn stat(&self) -> Result<Stat, CaseFailure> {
        expect_eq!(self.error, 0);
        expect!(self.body.len() >= 68, "a body of {} bytes has no stat", self.body.len());
        Ok(read_stat(&mut JuteReader::new(&self.body[self.body.len() - 68..]))?)
    }
}

/// How to begin a connection.
#[derive(Debug, Clone)]
pub(crate) struct Hello {
    /// Session timeout asked for, in milliseconds.
    pub(crate) timeout_ms: i32,
    /// Session to continue, or 0.
    pub(crate) session_id: i64,
    /// Its password.
    pub(crate) password: Vec<u8>,
    /// Newest transaction known.
    pub(crate) last_zxid_seen: i64,
    /// Whether to send the read-only flag that clients have sent since 3.4.
    pub(crate) has_read_only: bool,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            timeout_ms: TIMEOUT_MS,
            session_id: 0,
            password: vec![0; 16],
            last_zxid_seen: 0,
            has_read_only: true,
        }
    }
}

/// What a connection attempt came to.
#[derive(Debug)]
pub(crate) enum Greeting {
    /// A session; the answer had this many bytes.
    Session(RawClient, usize),
    /// The answer that the session is over, then the end of the connection.
    Expired,
    /// The end of the connection without an answer.
    Refused,
}

/// A connection with a session.
#[derive(Debug)]
pub(crate) struct RawClient {
    stream: TcpStream,
    granted: ConnectResponse,
    next_xid: i32,
    /// Events that came while waiting for replies.
    events: VecDeque<Event>,
}

impl RawClient {
    /// Connects with a new session. A server that is just starting may take a moment to accept one.
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Self, CaseFailure> {
        match Self::greet(addr, &Hello::default()).await? {
            Greeting::Session(client, _) => Ok(client),
            other => Err(CaseFailure::new(format!("no session for a new client: {other:?}"))),
        }
    }

    /// Connects again to the session of a client.
    pub(crate) async fn reattach(addr: SocketAddr, to: &Self) -> Result<Greeting, CaseFailure> {
        let hello = Hello {
            session_id: to.granted.session_id,
            password: to.granted.password.to_vec(),
            ..Hello::default()
        };
        Self::greet(addr, &hello).await
    }

    /// Connects in any way.
    pub(crate) async fn greet(addr: SocketAddr, hello: &Hello) -> Result<Greeting, CaseFailure> {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let request = ConnectRequest {
            last_zxid_seen: hello.last_zxid_seen,
            timeout_ms: hello.timeout_ms,
            session_id: hello.session_id,
            password: Bytes::copy_from_slice(&hello.password),
            has_read_only: hello.has_read_only,
        };
        stream.write_all(&request.encode()).await?;
        let Some(answer) = read_frame(&mut stream).await? else { return Ok(Greeting::Refused) };
        let granted = ConnectResponse::decode(&answer)?;
        if granted.session_id == 0 {
            expect_eq!(granted, ConnectResponse::EXPIRED);
            expect_eq!(read_frame(&mut stream).await?, None, "after the refusal of a session");
            return Ok(Greeting::Expired);
        }
        let client = Self { stream, granted, next_xid: 1, events: VecDeque::new() };
        Ok(Greeting::Session(client, answer.len()))
    }

    /// The session.
    pub(crate) fn session_id(&self) -> i64 {
        self.granted.session_id
    }

    /// The session's timeout in milliseconds.
    pub(crate) fn timeout_ms(&self) -> i32 {
        self.granted.timeout_ms
    }

    /// The session's password.
    pub(crate) fn password(&self) -> [u8; 16] {
        self.granted.password
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) -> CaseResult {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends a request with a number of its own, which it returns.
    pub(crate) async fn send(&mut self, op: i32, body: &[u8]) -> Result<i32, CaseFailure> {
        let xid = self.next_xid;
        self.next_xid += 1;
        self.send_numbered(xid, op, body).await?;
        Ok(xid)
    }

    /// Sends a request with this number.
    pub(crate) async fn send_numbered(&mut self, xid: i32, op: i32, body: &[u8]) -> CaseResult {
        let mut frame = Vec::new();
        frame.put_count(8 + body.len());
        frame.put_int(xid);
        frame.put_int(op);
        frame.extend_from_slice(body);
        self.send_raw(&frame).await
    }

    /// The next frame, whatever it is; `None` at the end of the connection.
    pub(crate) async fn receive(&mut self) -> Result<Option<Frame>, CaseFailure> {
        let Some(bytes) = read_frame(&mut self.stream).await? else { return Ok(None) };
        let mut reader = JuteReader::new(&bytes);
        let (xid, zxid, error) = (reader.int("xid")?, reader.long("zxid")?, reader.int("err")?);
        let body = Bytes::copy_from_slice(reader.rest());
        Ok(Some(Frame { xid, zxid, error, body }))
    }

    /// Sends a request and waits for its reply. Events that come before are kept.
    pub(crate) async fn call(&mut self, op: i32, body: &[u8]) -> Result<Frame, CaseFailure> {
        let xid = self.send(op, body).await?;
        self.reply(xid).await
    }

    /// Waits for the reply to a request.
    pub(crate) async fn reply(&mut self, xid: i32) -> Result<Frame, CaseFailure> {
        loop {
            let Some(frame) = self.receive().await? else {
                return Err(CaseFailure::new("the connection ended in place of a reply"));
            };
            match frame.event()? {
                Some(event) => self.events.push_back(event),
                None => {
                    expect_eq!(frame.xid, xid, "a reply's xid");
                    return Ok(frame);
                }
            }
        }
    }

    /// The error code of a request.
    pub(crate) async fn error(&mut self, op: i32, body: &[u8]) -> Result<i32, CaseFailure> {
        Ok(self.call(op, body).await?.error)
    }

    /// The events that came so far.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// The next event; nothing else must come before it.
    pub(crate) async fn event(&mut self) -> Result<Event, CaseFailure> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        let frame = self.receive().await?.ok_or_else(|| CaseFailure::new("the end in place of an event"))?;
        frame.event()?.ok_or_else(|| CaseFailure::new(format!("no event: {frame:?}")))
    }

    /// All events until now: those that precede the reply to a ping.
    pub(crate) async fn events(&mut self) -> Result<Vec<Event>, CaseFailure> {
        self.ping().await?;
        Ok(self.take_events())
    }

    /// Pings; the transaction number in the reply.
    pub(crate) async fn ping(&mut self) -> Result<i64, CaseFailure> {
        self.send_numbered(-2, op::PING, &[]).await?;
        Ok(self.reply(-2).await?.zxid)
    }

    /// Creates a persistent node without data that everybody may use.
    pub(crate) async fn create(&mut self, path: &str) -> Result<Frame, CaseFailure> {
        self.create_mode(path, 0).await
    }

    /// The same, with flags as in `CreateMode`.
    pub(crate) async fn create_mode(&mut self, path: &str, flags: i32) -> Result<Frame, CaseFailure> {
        let frame = self.call(op::CREATE, &requests::create(path, Some(b""), flags)).await?;
        expect_eq!(frame.error, 0, "creating {path}");
        Ok(frame)
    }

    /// Deletes a node.
    pub(crate) async fn delete(&mut self, path: &str) -> Result<Frame, CaseFailure> {
        let frame = self.call(op::DELETE, &requests::path_int(path, -1)).await?;
        expect_eq!(frame.error, 0, "deleting {path}");
        Ok(frame)
    }

    /// Sets data, whatever the version.
    pub(crate) async fn set(&mut self, path: &str, data: &[u8]) -> Result<Frame, CaseFailure> {
        let frame = self.call(op::SET_DATA, &requests::set_data(path, Some(data), -1)).await?;
        expect_eq!(frame.error, 0, "setting {path}");
        Ok(frame)
    }

    /// The stat of a node, if there is one.
    pub(crate) async fn stat(&mut self, path: &str) -> Result<Option<Stat>, CaseFailure> {
        let frame = self.call(op::EXISTS, &requests::path_watch(path, false)).await?;
        if frame.error == -101 { Ok(None) } else { Ok(Some(frame.stat()?)) }
    }

    /// Closes the session and waits for the end of the connection.
    pub(crate) async fn close(mut self) -> CaseResult {
        let frame = self.call(op::CLOSE_SESSION, &[]).await?;
        expect_eq!((frame.error, frame.body.len()), (0, 0));
        self.expect_end().await
    }

    /// Fails unless the server ends the connection, events aside.
    pub(crate) async fn expect_end(&mut self) -> CaseResult {
        loop {
            match self.receive().await? {
                None => return Ok(()),
                Some(frame) if frame.event()?.is_some() => {}
                Some(frame) => return Err(CaseFailure::new(format!("no end but {frame:?}"))),
            }
        }
    }
}

/// Reads a frame; `None` at the end of the stream, which may also look like a reset.
async fn read_frame(stream: &mut TcpStream) -> Result<Option<Bytes>, CaseFailure> {
    let read = async {
        let mut length = [0; 4];
        if stream.read_exact(&mut length).await.is_err() {
            return Ok(None);
        }
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut frame).await?;
        Ok(Some(Bytes::from(frame)))
    };
    match timeout(RECEIVE_TIMEOUT, read).await {
        Ok(frame) => frame,
        Err(_) => Err(CaseFailure::new(format!("nothing came within {RECEIVE_TIMEOUT:?}"))),
    }
}

/// Sends a four-letter word and reads the answer.
pub(crate) async fn four_letter_word(addr: SocketAddr, word: &str) -> Result<String, CaseFailure> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(word.as_bytes()).await?;
    let mut text = String::new();
    match timeout(RECEIVE_TIMEOUT, stream.read_to_string(&mut text)).await {
        Ok(_) => Ok(text),
        Err(_) => Err(CaseFailure::new(format!("no end of the answer to {word}: {text:?}"))),
    }
}
