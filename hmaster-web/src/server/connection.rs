//! One connection: requests, one after the other, within limits of size and time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// How long a client may take to send the head of a request, and to send a further one over the same connection.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a connection takes requests.
const REQUESTS_TIME_MAX: Duration = Duration::from_secs(120);
/// How long a client may take for the last answer after that.
const LAST_ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request's first line and headers.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 100;

/// Answers what comes over `stream`; the place is given back at the end.
pub(super) async fn serve(
    stream: TcpStream,
    site: Arc<Site>,
    shutdown: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are written at once; without it an answer's end may wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request: Request<Incoming>| answer(site.clone(), request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_WAIT_MAX);
    http.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    let over = async {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(REQUESTS_TIME_MAX) => {}
        }
    };
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Ok(ended),
        () = over => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_ANSWER_TIME_MAX, connection).await
        }
    };
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "connection of a page's reader");
    }
}

async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    Ok(site.answer(&head.method, &head.uri).await.into_response(site.frame_options()))
}
