//! Asks any server of a cluster for the cluster's id, before authentication. Counterpart of
//! `NettyRpcConnection.getConnectionRegistry`.

use hmaster_protocol::pb;
use hmaster_types::Address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::error::{ConnectFailure, ConnectionLost, Failure, NotSent, OutcomeUnknown};
use super::options::ClientOptions;
use crate::stream::{BoxStream, Connector};
use crate::wire::budget::ByteBudget;
use crate::wire::frame::{Frame, FrameReader};
use crate::wire::preamble::Preamble;
use crate::wire::response::{Answer, Response};

/// The longest answer: a cluster id is a UUID, an exception may have a stack.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The cluster's id. A server before 2.6 answers with an exception that begins `Expected HEADER=`.
pub(super) async fn cluster_id(
    connector: &dyn Connector,
    address: &Address,
    options: &ClientOptions,
) -> Result<String, Failure> {
    let connected = timeout(options.connect_timeout, connector.connect(address)).await;
    let stream = connected.unwrap_or_else(|elapsed| Err(elapsed.into()));
    let stream = stream.map_err(|error| Failure::NotSent(NotSent::Connect(ConnectFailure::new(error))))?;
    match timeout(options.read_timeout, exchange(stream)).await {
        Ok(result) => result,
        Err(_) => Err(lost(ConnectionLost::ReadTimedOut)),
    }
}

async fn exchange(mut stream: BoxStream) -> Result<String, Failure> {
    let broke = |error| lost(ConnectionLost::Broke(std::sync::Arc::new(error)));
    stream.write_all(&Preamble::Registry.bytes()).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    let (mut frames, budget) = (FrameReader::new(ANSWER_BYTES_MAX), ByteBudget::new(u64::MAX));
    loop {
        match frames.next(|| budget.share()) {
            Ok(Some(Frame::Whole(frame, _))) => return read(Response::parse(frame)),
            Ok(Some(Frame::Skipped { len, .. })) => return Err(Failure::Malformed(format!("{len} bytes"))),
            Ok(None) => {}
            Err(error) => return Err(Failure::Malformed(error.to_string())),
        }
        if stream.read_buf(frames.buffer()).await.map_err(broke)? == 0 {
            return Err(lost(ConnectionLost::Closed));
        }
    }
}

fn read(response: Result<Response, impl ToString>) -> Result<String, Failure> {
    let malformed = |error: String| Failure::Malformed(error);
    let response = response.map_err(|error| malformed(error.to_string()))?;
    match response.outcome.map_err(|error| malformed(error.to_string()))? {
        Answer::Exception(remote) => Err(Failure::Remote(remote)),
        Answer::Message { message, .. } => {
            hmaster_protocol::decode::<pb::GetConnectionRegistryResponse>(message)
                .map(|response| response.cluster_id)
                .map_err(|error| malformed(error.to_string()))
        }
    }
}

fn lost(lost: ConnectionLost) -> Failure {
    Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(lost))
}
