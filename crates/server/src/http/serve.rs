//! The listener: connections bounded in number, and none that may dawdle over its headers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 2000;
/// How long a request's header may take, and a connection may idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a request's header, at which no more is read.
const HEADER_OCTETS: usize = 64 << 10;
/// How long requests may go on after the shutdown began.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves `router` until `shutdown`, then lets what is under way end.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let under_way = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client has gone already, or file descriptors are short: both pass.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let router = router.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, request));
        let connection = under_way.watch(http().serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that goes away or sends nonsense is nothing to report.
            let _ended = connection.await;
            drop(place);
        });
    }
    if tokio::time::timeout(FAREWELL, under_way.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_OCTETS);
    http
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}
