//! What a client's bytes ask for, in order. Counterpart of `NettyRpcServerPreambleHandler`, `NettyRpcFrameDecoder`
//! and `ServerRpcConnection.processOneRpc`.
//!
//! Decides only: bytes go into [`Session::buffer`], [`Session::step`] says what is to be done, and what comes of it is
//! told back. The connection's task does it. After a [`Step::Fatal`] or [`Step::Close`] nothing more comes
//! out, whatever goes in.
//!
//! Where a Java server closes without a word (a frame that is too long or can't be read before the connection header,
//! an unknown service), this one says why first.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use crate::wire::budget::{ByteBudget, Held};
use crate::wire::connection_header::ConnectionInfo;
use crate::wire::frame::{Frame, FrameReader, LENGTH_LEN, NegativeLength, SkipReason};
use crate::wire::preamble::{AuthCode, Preamble, unknown_header};
use crate::wire::request::{Request, RequestHeaderError, parse_header};

/// One client's side of a connection.
#[derive(Debug)]
pub struct Session {
    peer: SocketAddr,
    stage: Stage,
    frames: FrameReader,
    request_bytes_max: usize,
    /// For requests, which all connections share.
    calls: Arc<ByteBudget>,
    /// For what comes before them, which is bounded by [`Session::HANDSHAKE_FRAME_BYTES_MAX`].
    handshake: Arc<ByteBudget>,
    /// Whether the client's release knows `RequestTooBigException`.
    knows_request_too_big: bool,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Read more bytes.
    Read,
    /// Answer with the cluster id; see [`Session::no_cluster_id`] if there is none.
    Registry,
    /// Answer with the server's principal.
    Security,
    /// Decide on the way of authentication; then [`Session::authenticate`].
    Authenticate(AuthCode),
    /// Take the client's SASL token; then, when the exchange is complete, [`Session::authenticated`].
    Sasl(Bytes),
    /// Check the connection header.
    Header(ConnectionInfo),
    /// Handle a call; its frame had so many bytes.
    Call(Request, Held, usize),
    /// Answer a call that isn't handled with an exception, and go on.
    Refuse(u32, JavaException),
    /// Answer a call that isn't handled with an exception, and close.
    RefuseAndClose(u32, JavaException),
    /// Answer the connection with a fatal exception, and close.
    Fatal(JavaException),
    /// Close: there is no one to answer.
    Close(CloseReason),
}

/// Why a connection is closed without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The stream isn't in step.
    #[error(transparent)]
    Length(#[from] NegativeLength),
    /// Nobody knows whose call this is.
    #[error("unreadable {0}")]
    RequestHeader(#[from] RequestHeaderError),
}

/// How the client is to be authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The connection header comes next.
    Simple,
    /// A token comes that is to be ignored, then the connection header.
    SwitchToSimple,
    /// Tokens come.
    Sasl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preamble,
    IgnoredToken,
    Sasl,
    Header,
    Calls,
    Over,
}

impl Session {
    /// The longest SASL token and connection header. Java allows as much as for a request.
    pub const HANDSHAKE_FRAME_BYTES_MAX: usize = 1 << 20;

    /// A session with a client at `peer`.
    pub fn new(peer: SocketAddr, request_bytes_max: usize, calls: Arc<ByteBudget>) -> Self {
        Self {
            peer,
            stage: Stage::Preamble,
            frames: FrameReader::new(Self::HANDSHAKE_FRAME_BYTES_MAX),
            request_bytes_max,
            calls,
            handshake: ByteBudget::new(u64::MAX),
            knows_request_too_big: false,
        }
    }

    /// Where bytes that arrive are to be put.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.frames.buffer()
    }

    /// True once the connection header was there.
    pub fn is_open_for_calls(&self) -> bool {
        self.stage == Stage::Calls
    }

    /// True if no request has begun to arrive.
    pub fn is_between_frames(&self) -> bool {
        self.frames.is_between_frames()
    }

    /// What is to be done next.
    pub fn step(&mut self) -> Step {
        match self.stage {
            Stage::Preamble => self.preamble(),
            Stage::IgnoredToken | Stage::Sasl | Stage::Header => self.handshake_frame(),
            Stage::Calls => self.call(),
            Stage::Over => {
                self.frames.buffer().clear();
                Step::Read
            }
        }
    }

    /// How the client is to be authenticated.
    pub fn authenticate(&mut self, method: Method) {
        self.stage = match method {
            Method::Simple => Stage::Header,
            Method::SwitchToSimple => Stage::IgnoredToken,
            Method::Sasl => Stage::Sasl,
        };
    }

    /// The exchange of tokens is complete.
    pub fn authenticated(&mut self) {
        self.stage = Stage::Header;
    }

    /// There is no cluster id to tell: as in Java, the preamble then is an unknown one.
    pub fn no_cluster_id(&mut self) -> Step {
        self.fatal(unknown_header(&Preamble::Registry.bytes(), &self.peer.to_string()))
    }

    /// Nothing more is wanted of this client.
    pub fn end(&mut self) {
        self.stage = Stage::Over;
    }

    fn preamble(&mut self) -> Step {
        let Some(bytes) = self.frames.take() else { return Step::Read };
        match Preamble::parse(bytes) {
            Ok(Preamble::Calls(auth)) => Step::Authenticate(auth),
            Ok(Preamble::Security) => Step::Security,
            Ok(Preamble::Registry) => {
                self.end();
                Step::Registry
            }
            Err(error) => self.fatal(error.to_exception(&self.peer.to_string())),
        }
    }

    fn handshake_frame(&mut self) -> Step {
        let budget = &self.handshake;
        let (frame, stage) = match self.frames.next(|| budget.share()) {
            Ok(None) => return Step::Read,
            Ok(Some(Frame::Whole(frame, _))) => (frame, self.stage),
            Ok(Some(Frame::Skipped { len, .. })) => {
                let max = Self::HANDSHAKE_FRAME_BYTES_MAX;
                let message = format!("connection header of {len} bytes, at most {max} are taken");
                return self.fatal(JavaException::new(class::FATAL_CONNECTION, message));
            }
            Err(error) => return self.close(error),
        };
        match stage {
            Stage::Sasl => Step::Sasl(frame),
            Stage::IgnoredToken => {
                self.stage = Stage::Header;
                self.step()
            }
            _ => self.header(frame),
        }
    }

    fn header(&mut self, frame: Bytes) -> Step {
        match ConnectionInfo::parse(frame) {
            Ok(info) => {
                self.stage = Stage::Calls;
                self.knows_request_too_big = info.is_at_least(1, 3);
                self.frames.set_frame_bytes_max(self.request_bytes_max);
                Step::Header(info)
            }
            Err(exception) => self.fatal(exception),
        }
    }

    fn call(&mut self) -> Step {
        let budget = &self.calls;
        match self.frames.next(|| budget.share()) {
            Ok(None) => Step::Read,
            Ok(Some(Frame::Whole(frame, held))) => {
                let len = frame.len() + LENGTH_LEN;
                match Request::parse(frame) {
                    Ok(request) => Step::Call(request, held, len),
                    Err(error) => self.close(error),
                }
            }
            Ok(Some(Frame::Skipped { mut head, len, why })) => match parse_header(&mut head) {
                Ok(header) => self.refuse(&header, len, why),
                Err(error) => self.close(error),
            },
            Err(error) => self.close(error),
        }
    }

    fn refuse(&mut self, header: &pb::RequestHeader, len: usize, why: SkipReason) -> Step {
        let call_id = header.call_id();
        match why {
            SkipReason::NoBudget => {
                let message = "Call queue is full, is hbase.ipc.server.max.callqueue.size too small?";
                Step::Refuse(call_id, JavaException::new(class::CALL_QUEUE_TOO_BIG, message))
            }
            SkipReason::TooLong => {
                self.end();
                let message = format!(
                    "RPC data length of {len} received from {} is greater than max allowed {}. Set \
                     \"hbase.ipc.max.request.size\" on server to override this limit (not recommended)",
                    self.peer.ip(),
                    self.request_bytes_max
                );
                let known =
                    if self.knows_request_too_big { class::REQUEST_TOO_BIG } else { class::DO_NOT_RETRY_IO };
                Step::RefuseAndClose(call_id, JavaException::new(known, message))
            }
        }
    }

    fn fatal(&mut self, exception: JavaException) -> Step {
        self.end();
        Step::Fatal(exception)
    }

    fn close(&mut self, reason: impl Into<CloseReason>) -> Step {
        self.end();
        Step::Close(reason.into())
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
