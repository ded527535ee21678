//! Methods and services without a transport: what a client needs to name a call, and what a server needs to answer
//! one. Counterpart of protobuf's `Service` and `MethodDescriptor`.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::{JavaException, class};

use crate::decode::{DecodeError, decode};
use crate::schema::HBaseMessage;

/// A method of a service, with the types of its request and of its answer.
pub struct Method<Q, A> {
    service: &'static str,
    name: &'static str,
    types: PhantomData<fn(Q) -> A>,
}

/// A service that calls can be dispatched to, whatever its type. `C` is what a server knows about a call.
#[async_trait]
pub trait RpcService<C: Send + Sync>: Send + Sync {
    /// Its name on the wire, such as `MasterService`.
    fn name(&self) -> &'static str;

    /// Every method's name on the wire.
    fn methods(&self) -> &'static [&'static str];

    /// Decodes `request`, calls the method of that name, encodes its answer.
    ///
    /// # Errors
    /// What the method fails with; a name that isn't in [`RpcService::methods`]; a request that doesn't decode.
    async fn dispatch(&self, ctx: &C, method: &str, request: Bytes) -> Result<Bytes, JavaException>;
}

impl<Q: HBaseMessage, A: HBaseMessage> Method<Q, A> {
    pub(crate) const fn new(service: &'static str, name: &'static str) -> Self {
        Self { service, name, types: PhantomData }
    }

    /// The service's name on the wire.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The method's name on the wire: upper and lower case matter.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The request for the wire, without its length.
    pub fn encode_request(&self, request: &Q) -> Bytes {
        Bytes::from(request.encode_to_vec())
    }

    /// The answer from the wire, without its length.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode_answer(&self, answer: Bytes) -> Result<A, DecodeError> {
        decode(answer)
    }
}

impl<Q, A> Clone for Method<Q, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, A> Copy for Method<Q, A> {}

impl<Q, A> fmt::Debug for Method<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<Q, A> fmt::Display for Method<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.name)
    }
}

/// What Java answers for a method that isn't there: clients of newer releases fall back on seeing it.
pub fn unsupported_operation(method: &str) -> JavaException {
    let cause = class::UNSUPPORTED_OPERATION.name;
    JavaException::new(class::DO_NOT_RETRY_IO, format!("{cause}: {method}"))
}

/// What Java throws while it reads a call's parameter: it parses first and asks for required fields afterwards.
pub fn bad_request(error: &DecodeError) -> JavaException {
    const PROTOBUF: &str = "org.apache.hbase.thirdparty.com.google.protobuf";
    let class = match error {
        DecodeError::MissingRequired { .. } => format!("{PROTOBUF}.UninitializedMessageException"),
        _ => format!("{PROTOBUF}.InvalidProtocolBufferException"),
    };
    JavaException::named(class, error.to_string(), false)
}

/// One call of one method: the shared part of every generated `dispatch`.
pub(crate) async fn answer<Q, A, F>(
    method: Method<Q, A>,
    request: Bytes,
    call: impl FnOnce(Q) -> F,
) -> Result<Bytes, JavaException>
where
    Q: HBaseMessage,
    A: HBaseMessage,
    F: Future<Output = Result<A, JavaException>>,
{
    let _ = method; // fixes the types
    let request = decode(request).map_err(|error| bad_request(&error))?;
    let answer = call(request).await?;
    Ok(Bytes::from(answer.encode_to_vec()))
}
