//! One connection to an MX host: moves the bytes for [`smtp::client::Dialogue`].

use std::{io, net::SocketAddr, sync::Arc};

use guarantee::{Cause, HostAddress, Starttls, TlsDetails, TlsFailure};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use smtp::client::{
    Action, CONNECT_TIMEOUT, Dialogue, Failure, HANDSHAKE_TIMEOUT, Loss, Outcome, Report, Stage, TlsWish,
    Transaction,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::verify;

/// Octets of a message handed to the dialogue at a time.
const PIECE: usize = 64 << 10;

/// Octets read from a host at a time; replies are short.
const READ: usize = 4 << 10;

/// A greeted connection with what its host showed.
pub(crate) struct Connection {
    io: Io,
    dialogue: Dialogue,
    /// How the host was reached.
    pub(crate) host: HostAddress,
    /// What came of STARTTLS.
    pub(crate) starttls: Starttls,
    stage: Stage,
    deadline: Instant,
}

enum Io {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// Why there is no greeted connection.
pub(crate) enum NotOpened {
    /// Not reached, or it did not get as far as TLS: says nothing of its security.
    Away(Cause),
    /// STARTTLS was offered and no TLS came of it.
    NoTls(Starttls),
}

/// How to open a connection.
pub(crate) struct Target<'a> {
    pub(crate) host: HostAddress,
    pub(crate) port: u16,
    /// Our name for EHLO.
    pub(crate) hello_name: &'a str,
    pub(crate) tls: &'a Arc<ClientConfig>,
    pub(crate) wish: TlsWish,
}

impl Connection {
    /// Connects, greets and does TLS as far as it goes (P1: STARTTLS whenever it is offered).
    pub(crate) async fn open(target: Target<'_>) -> Result<Self, NotOpened> {
        let Target { host, port, hello_name, tls, wish } = target;
        let address = SocketAddr::new(host.address, port);
        let unreachable = |detail: String| NotOpened::Away(Cause::Unreachable { host: host.clone(), detail });
        let stream = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Err(_elapsed) => return Err(unreachable("timed out".to_owned())),
            Ok(Err(error)) => return Err(unreachable(plain(&error))),
            Ok(Ok(stream)) => stream,
        };
        // Commands are small and wait for replies.
        let _best_effort = stream.set_nodelay(true);
        let mut connection = Self {
            io: Io::Clear(stream),
            dialogue: Dialogue::new(hello_name, wish),
            host,
            starttls: Starttls::NotTried,
            stage: Stage::Greeting,
            deadline: Instant::now() + Stage::Greeting.timeout(),
        };
        connection.greet(tls).await?;
        Ok(connection)
    }

    async fn greet(&mut self, tls: &Arc<ClientConfig>) -> Result<(), NotOpened> {
        loop {
            match self.step(&[], &mut 0).await {
                Step::Handshake => self.handshake(tls).await.map_err(NotOpened::NoTls)?,
                Step::Reported(Report::InClear(without)) => {
                    self.starttls = without.observation().unwrap_or(Starttls::NotTried);
                    return Ok(());
                }
                // `starttls` was set by the handshake.
                Step::Reported(Report::Secured) => return Ok(()),
                Step::Reported(Report::Failed(failure)) => return Err(self.not_greeted(failure)),
                Step::Reported(Report::Finished(_) | Report::Quit) | Step::Idle => {
                    return Err(NotOpened::Away(self.lost(Stage::Greeting, "the dialogue ended early")));
                }
            }
        }
    }

    async fn handshake(&mut self, tls: &Arc<ClientConfig>) -> Result<(), Starttls> {
        let failed = |failure, detail: String| Starttls::Failed { failure, detail };
        let Io::Clear(stream) = std::mem::replace(&mut self.io, Io::Gone) else {
            return Err(failed(TlsFailure::OwnFault, "TLS within TLS".to_owned()));
        };
        // RFC 7672 §8.1, RFC 8461 §7: SNI is the MX host's name.
        let name = ServerName::try_from(self.host.name.clone())
            .unwrap_or_else(|_| ServerName::IpAddress(self.host.address.into()));
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Err(_elapsed) => return Err(failed(TlsFailure::Interrupted, "timed out".to_owned())),
            Ok(Err(error)) => return Err(failed(verify::classify(&error), plain(&error))),
            Ok(Ok(stream)) => stream,
        };
        let Some(details) = verify::details(stream.get_ref().1) else {
            return Err(failed(
                TlsFailure::OwnFault,
                "the connection does not say how it is protected".to_owned(),
            ));
        };
        self.starttls = Starttls::Established(details);
        self.io = Io::Tls(Box::new(stream));
        self.dialogue.tls_established();
        Ok(())
    }

    fn not_greeted(&self, failure: Failure) -> NotOpened {
        let interrupted =
            |detail: String| NotOpened::NoTls(Starttls::Failed { failure: TlsFailure::Interrupted, detail });
        match failure {
            Failure::Injected => interrupted(Failure::Injected.to_string()),
            Failure::Lost { stage: Stage::StartTls, loss } => interrupted(loss.to_string()),
            Failure::Lost { stage, loss } => NotOpened::Away(self.lost(stage, &loss.to_string())),
            Failure::Refused { reply, .. } => {
                NotOpened::Away(Cause::GreetingRefused { host: self.host.clone(), reply: reply.to_string() })
            }
        }
    }

    /// What the host offers.
    pub(crate) fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    /// The TLS connection, if it is one.
    pub(crate) fn tls(&self) -> Option<&TlsDetails> {
        match &self.starttls {
            Starttls::Established(details) => Some(details),
            Starttls::NotOffered
            | Starttls::NotTried
            | Starttls::Refused { .. }
            | Starttls::Failed { .. } => None,
        }
    }

    /// Sends one message; `None` if the connection was not ready for it.
    pub(crate) async fn transact(&mut self, transaction: Transaction, content: &[u8]) -> Option<Outcome> {
        self.dialogue.begin(transaction).ok()?;
        match self.step(content, &mut 0).await {
            Step::Reported(Report::Finished(outcome)) => Some(outcome),
            Step::Handshake | Step::Idle | Step::Reported(_) => None,
        }
    }

    /// Takes leave (RFC 5321 §4.1.1.10).
    pub(crate) async fn quit(mut self) {
        self.dialogue.quit();
        while let Step::Reported(report) = self.step(&[], &mut 0).await {
            if report == Report::Quit {
                break;
            }
        }
        if let Io::Tls(stream) = &mut self.io {
            let _gone_already = timeout(Stage::Quit.timeout(), stream.shutdown()).await;
        }
    }

    /// What it is to have lost this connection.
    pub(crate) fn lost(&self, stage: Stage, detail: &str) -> Cause {
        Cause::ConnectionLost {
            host: self.host.clone(),
            stage: format!("waiting for the reply to {}", stage.command()),
            detail: detail.to_owned(),
        }
    }

    /// Does what the dialogue says until something is settled.
    async fn step(&mut self, content: &[u8], sent: &mut usize) -> Step {
        loop {
            match self.dialogue.next_action() {
                Action::Send { octets, stage } => {
                    self.now_at(stage);
                    if let Err(loss) = self.write(&octets).await {
                        self.dialogue.lost(loss);
                    }
                }
                Action::Receive(stage) => {
                    self.now_at(stage);
                    self.read().await;
                }
                Action::Content => {
                    let piece = &content[*sent..content.len().min(*sent + PIECE)];
                    *sent += piece.len();
                    if piece.is_empty() {
                        self.dialogue.end_content();
                    } else {
                        self.dialogue.content(piece);
                    }
                }
                Action::Handshake => return Step::Handshake,
                Action::Report(report) => return Step::Reported(report),
                Action::Idle => return Step::Idle,
            }
        }
    }

    /// A stage's time runs from its beginning, so that a host that sends an octet a minute gains nothing; each block
    /// of the message has its own (RFC 5321 §4.5.3.2.5).
    fn now_at(&mut self, stage: Stage) {
        if stage != self.stage || stage == Stage::Block {
            self.stage = stage;
            self.deadline = Instant::now() + stage.timeout();
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Loss> {
        let writing = async {
            match &mut self.io {
                Io::Clear(stream) => stream.write_all(octets).await,
                Io::Tls(stream) => {
                    stream.write_all(octets).await?;
                    stream.flush().await
                }
                Io::Gone => Err(io::ErrorKind::NotConnected.into()),
            }
        };
        match timeout_at(self.deadline, writing).await {
            Err(_elapsed) => Err(Loss::TimedOut),
            Ok(Err(_broken)) => Err(Loss::Closed),
            Ok(Ok(())) => Ok(()),
        }
    }

    async fn read(&mut self) {
        let mut buffer = [0; READ];
        let reading = async {
            match &mut self.io {
                Io::Clear(stream) => stream.read(&mut buffer).await,
                Io::Tls(stream) => stream.read(&mut buffer).await,
                Io::Gone => Err(io::ErrorKind::NotConnected.into()),
            }
        };
        match timeout_at(self.deadline, reading).await {
            Err(_elapsed) => self.dialogue.lost(Loss::TimedOut),
            Ok(Ok(0) | Err(_)) => self.dialogue.lost(Loss::Closed),
            Ok(Ok(count)) => self.dialogue.feed(&buffer[..count]),
        }
    }
}

enum Step {
    Handshake,
    Reported(Report),
    Idle,
}

/// An error as a sentence for mail administrators, without the operating system's number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
