//! Hosts that the small internet does not have, each written for its test.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use delivery::{Courier, DnsServers, Ownership, Patience, Route, Settings};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::fixture::attempt;

/// A host, which ends with the test.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    _task: tokio::task::JoinSet<()>,
}

/// What came, line by line, of all connections.
pub(crate) type Lines = Arc<Mutex<Vec<String>>>;

impl Peer {
    /// A host that serves each connection like this.
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream, Lines) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Lines::default();
        let mut task = tokio::task::JoinSet::new();
        let theirs = Arc::clone(&lines);
        task.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&theirs)));
            }
        });
        Self { address, lines, _task: task }
    }

    /// How often a command came, or the beginning of one.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// A courier for which this host is `peer.example`.
    pub(crate) fn courier(&self, patience: Patience) -> Courier {
        let route = Route { host: self.address.ip().to_string(), port: self.address.port() };
        let settings = Settings {
            hello_name: "home.example".to_owned(),
            own: Ownership::default(),
            dns: DnsServers::At(Vec::new()),
            dnssec: delivery::Dnssec::TrustAd,
            port: 25,
            https_port: 443,
            roots: Vec::new(),
            policies: std::sync::Arc::new(delivery::MemoryPolicies::default()),
            routes: HashMap::from([("peer.example".to_owned(), route)]),
        };
        Courier::with_patience(settings, patience).unwrap()
    }

    /// The fate of a small mail to it, in words.
    pub(crate) async fn send(&self, patience: Patience, requirement: guarantee::Requirement) -> String {
        let fates = self.courier(patience).attempt(attempt("peer.example", requirement)).await.fates;
        told(&fates[0])
    }
}

/// A fate in words, without the host, of which there is one.
pub(crate) fn told(fate: &delivery::Fate) -> String {
    use delivery::Fate::{Bounced, Deferred, Delivered, Stopped};
    let text = match fate {
        Delivered { protection, .. } => format!("delivered {protection}"),
        Stopped { cause, .. } => format!("stopped {}: {}", cause.status(), cause.text()),
        Bounced(cause) => format!("bounced {}: {}", cause.status(), cause.text()),
        Deferred { cause, .. } => format!("deferred {}: {}", cause.deferred_status(), cause.text()),
    };
    text.replace("127.0.0.1[127.0.0.1]", "PEER")
}

/// What a session ended with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Gone,
    StartTls,
}

/// A polite session that takes every mail, from behind the greeting up to its end or STARTTLS.
pub(crate) async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    keywords: &str,
    lines: &Lines,
) -> End {
    let mut stream = BufReader::new(stream);
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return End::Gone;
        }
        if in_message {
            if line != ".\r\n" {
                continue;
            }
            in_message = false;
        } else {
            lines.lock().unwrap().push(line.trim_end().to_owned());
        }
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" if keywords.is_empty() => "250 peer.example\r\n".to_owned(),
            "EHLO" => format!("250-peer.example\r\n250 {keywords}\r\n"),
            "STAR" => "220 Go ahead\r\n".to_owned(),
            "DATA" => {
                in_message = true;
                "354 Go ahead\r\n".to_owned()
            }
            "QUIT" => "221 Bye\r\n".to_owned(),
            _ => "250 Fine\r\n".to_owned(),
        };
        if stream.write_all(reply.as_bytes()).await.is_err() || line.starts_with("QUIT") {
            return End::Gone;
        }
        if line.starts_with("STARTTLS") {
            return End::StartTls;
        }
    }
}

/// Greets and talks up to STARTTLS, or serves a client that does not say it.
pub(crate) async fn up_to_starttls(mut stream: TcpStream, lines: &Lines) -> Option<TcpStream> {
    stream.write_all(b"220 peer.example\r\n").await.unwrap();
    (session(&mut stream, "STARTTLS", lines).await == End::StartTls).then_some(stream)
}
