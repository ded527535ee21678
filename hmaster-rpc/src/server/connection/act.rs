//! Does what a [`Session`] asks for.

use std::sync::OnceLock;

use bytes::{BufMut as _, Bytes, BytesMut};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use super::super::auth::{Authentication, SaslExchange};
use super::super::call::Call;
use super::super::priority::CallHead;
use super::super::session::{CloseReason, Method};
use super::*;
use crate::wire::budget::Held;
use crate::wire::preamble::AuthCode;
use crate::wire::request::{Request, RequestBody};
use crate::wire::response::{CONNECTION_CALL_ID, encode_answer, encode_exception, encode_fatal};

/// The reading half of a connection.
pub(super) struct Reading {
    connection: Arc<Connection>,
    address: SocketAddr,
    session: Session,
    handshake_until: Instant,
    sasl: Option<Box<dyn SaslExchange>>,
    authenticated: Option<CallUser>,
    client: OnceLock<Arc<Peer>>,
}

/// `SaslStatus` and `SaslUtil.SWITCH_TO_SIMPLE_AUTH`.
const SASL_SUCCESS: i32 = 0;
const SASL_ERROR: i32 = 1;
const SWITCH_TO_SIMPLE_AUTH: i32 = -88;

impl Reading {
    pub(super) fn new(connection: Arc<Connection>, address: SocketAddr) -> Self {
        let shared = &connection.shared;
        let session = Session::new(address, shared.options.request_bytes_max, shared.calls.clone());
        let handshake_until = Instant::now() + shared.options.handshake_timeout;
        let (sasl, authenticated, client) = (None, None, OnceLock::new());
        Self { address, session, handshake_until, sasl, authenticated, client, connection }
    }

    /// Reads and does until there is nothing more to read or to do.
    pub(super) async fn run(mut self, reader: &mut (impl AsyncRead + Unpin)) -> Ending {
        loop {
            self.connection.outbox.has_room().await;
            match self.session.step() {
                Step::Read if self.read(reader).await => {}
                Step::Read => return Ending::Close,
                step => {
                    if let Some(ending) = self.act(step).await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Reads some bytes; false if the connection is at its end.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> bool {
        loop {
            let until = self.patient_until();
            match timeout_at(until, reader.read_buf(self.session.buffer())).await {
                Ok(Ok(len)) => {
                    self.connection.metrics().bytes_received.add(len as u64);
                    return len > 0;
                }
                Ok(Err(error)) => {
                    tracing::debug!(peer = %self.address, %error, "connection broke while reading");
                    return false;
                }
                Err(_) if self.is_waiting_for_answers() => {}
                Err(_) => {
                    tracing::debug!(peer = %self.address, "closed a silent connection");
                    return false;
                }
            }
        }
    }

    fn patient_until(&self) -> Instant {
        let options = &self.connection.shared.options;
        if !self.session.is_open_for_calls() {
            self.handshake_until
        } else if self.session.is_between_frames() {
            Instant::now() + options.idle_timeout
        } else {
            Instant::now() + options.receive_timeout
        }
    }

    fn is_waiting_for_answers(&self) -> bool {
        self.session.is_open_for_calls() && self.session.is_between_frames() && self.connection.has_calls()
    }

    async fn act(&mut self, step: Step) -> Option<Ending> {
        match step {
            Step::Read => None,
            Step::Registry => Some(self.tell_cluster_id().await),
            Step::Security => self.tell_principal(),
            Step::Authenticate(auth) => self.authenticate(auth),
            Step::Sasl(token) => self.sasl(token).await,
            Step::Header(info) => self.header(info).await,
            Step::Call(request, held, _) => self.call(request, held),
            Step::Refuse(call_id, exception) => self.refuse(call_id, &exception),
            Step::RefuseAndClose(call_id, exception) => {
                self.refuse(call_id, &exception);
                Some(Ending::Flush)
            }
            Step::Fatal(exception) => Some(self.fatal(&exception)),
            Step::Close(reason) => Some(self.close(&reason)),
        }
    }

    async fn tell_cluster_id(&mut self) -> Ending {
        let Some(cluster_id) = self.connection.shared.cluster_id.cluster_id().await else {
            let Step::Fatal(exception) = self.session.no_cluster_id() else { return Ending::Close };
            return self.fatal(&exception);
        };
        self.answer_preamble(&pb::GetConnectionRegistryResponse { cluster_id });
        Ending::Flush
    }

    fn tell_principal(&self) -> Option<Ending> {
        match self.connection.shared.authenticator.server_principal() {
            Some(server_principal) => {
                self.answer_preamble(&pb::SecurityPreamableResponse { server_principal });
            }
            None => {
                let exception = JavaException::new(class::SECURITY_NOT_ENABLED, "security is not enabled");
                self.connection.send(encode_fatal(&exception)); // which doesn't end this one
            }
        }
        None
    }

    fn answer_preamble(&self, message: &impl prost::Message) {
        let message = message.encode_to_vec().into();
        self.connection.send(encode_answer(CONNECTION_CALL_ID, &message, &Bytes::new()));
    }

    fn authenticate(&mut self, auth: AuthCode) -> Option<Ending> {
        match self.connection.shared.authenticator.begin(auth, self.address) {
            Ok(Authentication::Simple) => self.session.authenticate(Method::Simple),
            Ok(Authentication::SwitchToSimple) => {
                self.session.authenticate(Method::SwitchToSimple);
                self.send_ints(&[SASL_SUCCESS, SWITCH_TO_SIMPLE_AUTH], &[]);
            }
            Ok(Authentication::Sasl(exchange)) => {
                self.session.authenticate(Method::Sasl);
                self.sasl = Some(exchange);
            }
            Err(exception) => return Some(self.fatal(&exception)),
        }
        None
    }

    async fn sasl(&mut self, token: Bytes) -> Option<Ending> {
        let exchange = self.sasl.as_mut()?;
        match exchange.respond(token).await {
            Ok(step) => {
                if let Some(token) = step.token {
                    self.send_ints(&[SASL_SUCCESS], &[&token]);
                }
                if let Some(user) = step.user {
                    (self.sasl, self.authenticated) = (None, Some(user));
                    self.session.authenticated();
                }
                None
            }
            Err(exception) => {
                tracing::warn!(peer = %self.address, %exception, "authentication failed");
                self.send_ints(&[SASL_ERROR], &[exception.class.as_bytes(), exception.message.as_bytes()]);
                Some(Ending::Flush)
            }
        }
    }

    /// Ints, then strings with their lengths before them: what goes over the wire before there are frames.
    fn send_ints(&self, ints: &[i32], strings: &[&[u8]]) {
        let mut bytes = BytesMut::new();
        for int in ints {
            bytes.put_i32(*int);
        }
        for string in strings {
            bytes.put_u32(string.len() as u32); // a token or a message of ours
            bytes.put_slice(string);
        }
        let mut out = ByteQueue::default();
        out.push(bytes.freeze());
        self.connection.send(out);
    }

    async fn header(&mut self, info: ConnectionInfo) -> Option<Ending> {
        let shared = self.connection.shared.clone();
        let Some(service) = shared.services.get(&*info.service).cloned() else {
            return Some(self.fatal(&JavaException::new(class::UNKNOWN_SERVICE, &*info.service)));
        };
        let claimed = info.user.clone();
        let user = shared.authenticator.authorize(self.authenticated.take(), claimed, service.name()).await;
        let user = match user {
            Ok(user) => user,
            Err(exception) => return Some(self.fatal(&exception)),
        };
        let release = info.version.as_deref().map_or("unknown", |version| &version.version);
        let name = user.as_ref().map(ToString::to_string);
        tracing::debug!(peer = %self.address, service = service.name(), user = name, release, "connection");
        let address = self.address;
        let _ = self.client.set(Arc::new(Peer { address, info, user, service }));
        None
    }

    fn call(&mut self, request: Request, held: Held) -> Option<Ending> {
        let client = self.client.get()?.clone();
        let (call_id, received_at) = (request.header.call_id(), Instant::now());
        let checked = method_of(&client, &request).and_then(|method| Ok((method, request.body?)));
        let (method, body) = match checked {
            Ok(checked) => checked,
            Err(exception) => return self.refuse(call_id, &exception),
        };
        let shared = &self.connection.shared;
        let lane = shared.priority.lane(&call_head(&client, method, &body, &request.header));
        let deadline = shared.deadline(request.header.timeout(), received_at);
        let (connection, header) = (self.connection.clone(), request.header);
        let call = Call { connection, client, method, header, body, lane, received_at, deadline, held };
        self.connection.call_begins();
        if shared.scheduler.submit(lane.class, call).is_err() {
            self.connection.call_done();
            let message =
                format!("Call queue is full, too many items queued ? ({} calls)", lane.class.name());
            return self.refuse(call_id, &JavaException::new(class::CALL_QUEUE_TOO_BIG, message));
        }
        None
    }

    fn refuse(&self, call_id: u32, exception: &JavaException) -> Option<Ending> {
        tracing::debug!(peer = %self.address, call_id, %exception, "refused a call");
        self.connection.metrics().count_exception(exception);
        self.connection.send(encode_exception(call_id, exception));
        None
    }

    fn fatal(&self, exception: &JavaException) -> Ending {
        tracing::warn!(peer = %self.address, %exception, "refused a connection");
        let metrics = self.connection.metrics();
        metrics.fatal_answers.add(1);
        metrics.count_exception(exception);
        self.connection.send(encode_fatal(exception));
        Ending::Flush
    }

    fn close(&self, reason: &CloseReason) -> Ending {
        let cause = std::error::Error::source(reason).map(ToString::to_string);
        tracing::warn!(peer = %self.address, %reason, cause, "closed a connection");
        Ending::Close
    }
}

/// A method that isn't there is found before the request is looked at, as in Java.
fn method_of(client: &Peer, request: &Request) -> Result<&'static str, JavaException> {
    let name = request.method();
    let found = client.service.methods().iter().find(|method| **method == name);
    match found {
        Some(method) => Ok(method),
        None if request.header.request_param() => Err(hmaster_protocol::unsupported_operation(name)),
        None => {
            Err(JavaException::new(class::DO_NOT_RETRY_IO, format!("Invalid request header of {name:?}")))
        }
    }
}

fn call_head<'a>(
    client: &'a Peer,
    method: &'static str,
    body: &'a RequestBody,
    header: &pb::RequestHeader,
) -> CallHead<'a> {
    let (service, user) = (client.service.name(), client.user.as_ref());
    CallHead { service, method, param: &body.param, asked: header.priority, user }
}
