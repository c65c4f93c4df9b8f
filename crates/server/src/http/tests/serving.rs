use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::*;
use crate::http::serve;

struct Listening {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

async fn listen(server: &Server) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = server.shutdown.clone();
    let task = tokio::spawn(serve(listener, server.router.clone(), shutdown.clone()));
    Listening { address, shutdown, task }
}

impl Listening {
    /// Sends a request from an address of its own and reads the answer to its end.
    async fn talk(&self, from: &str, request: &[u8]) -> String {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        // The server may close before it has read everything.
        let _sent = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _read = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn log_in(&self, from: &str, password: &str) -> String {
        let body = json!({ "address": ALICE, "password": password }).to_string();
        let length = body.len();
        let request = format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.talk(from, request.as_bytes()).await
    }
}

#[tokio::test]
async fn nonsense_is_answered_and_the_next_is_served() {
    let server = Server::start().await;
    let listening = listen(&server).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(1_000_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    for (request, status) in [
        ("NONSENSE\r\n\r\n", "400"),
        ("GET / HTTP/9.9\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
        (long.as_str(), "431"),
        (many.as_str(), "431"),
        ("GET /api/v1/openapi.json HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = listening.talk("127.0.0.1", request.as_bytes()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request:.40} {answer}");
    }
}

#[tokio::test]
async fn failed_log_ins_count_against_the_client_s_address() {
    let server = Server::start().await;
    let listening = listen(&server).await;
    for _ in 0..10 {
        assert!(listening.log_in("127.0.0.1", "wrong").await.starts_with("HTTP/1.1 401"));
    }
    assert!(listening.log_in("127.0.0.1", "demo").await.starts_with("HTTP/1.1 429"));
    assert!(listening.log_in("127.0.0.2", "demo").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_shutdown_ends_event_streams_and_then_the_server() {
    let server = Server::start().await;
    let listening = listen(&server).await;
    let token = server.log_in(ALICE).await;
    let mut stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
    listening.shutdown.cancel();
    listening.task.await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream has ended in order");
}
