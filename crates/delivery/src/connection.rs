//! One connection to an MX host: moves the bytes for [`smtp::client::Dialogue`].

use std::{io, sync::Arc, time::Duration};

use guarantee::{Cause, HostAddress, RequireTlsOffer, Starttls, TlsDetails, TlsFailure};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use smtp::{
    client::{
        Action, Capabilities, Dialogue, Extension, Failure, Loss, Outcome, Report, Stage, TlsWish,
        Transaction,
    },
    reply::Class,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    dial::Stream,
    patience::Remaining,
    verify::{self, Secured},
};

/// Octets of a message handed to the dialogue at a time.
const PIECE: usize = 64 << 10;

/// Octets read from a host at a time; replies are short.
const READ: usize = 4 << 10;

/// For what a host that hung up said before; it is there or it never will be.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A greeted connection with what its host showed.
pub(crate) struct Connection {
    io: Io,
    dialogue: Dialogue,
    /// How the host was reached.
    pub(crate) host: HostAddress,
    /// What came of STARTTLS.
    pub(crate) shown: Shown,
    remaining: Remaining,
    stage: Stage,
    deadline: Instant,
    /// The alert that ended TLS after the handshake, if one did.
    alert: Option<String>,
}

/// What came of STARTTLS on a greeted connection.
pub(crate) enum Shown {
    /// TLS is up.
    Tls(Secured),
    /// It goes on in clear.
    InClear(Starttls),
}

enum Io {
    Clear(Box<dyn Stream>),
    Tls(Box<TlsStream<Box<dyn Stream>>>),
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
    /// For SNI.
    pub(crate) sni: String,
    /// Our name for EHLO.
    pub(crate) hello_name: &'a str,
    pub(crate) tls: &'a Arc<ClientConfig>,
    pub(crate) wish: TlsWish,
    pub(crate) remaining: Remaining,
}

impl Connection {
    /// Greets on a fresh connection and does TLS as far as it goes (P1: STARTTLS whenever it is offered).
    pub(crate) async fn open(stream: Box<dyn Stream>, target: Target<'_>) -> Result<Self, NotOpened> {
        let Target { host, sni, hello_name, tls, wish, remaining } = target;
        let mut connection = Self {
            io: Io::Clear(stream),
            dialogue: Dialogue::new(hello_name, wish),
            host,
            shown: Shown::InClear(Starttls::NotTried),
            remaining,
            stage: Stage::Greeting,
            deadline: remaining.stage(Stage::Greeting),
            alert: None,
        };
        connection.greet(tls, sni).await?;
        Ok(connection)
    }

    async fn greet(&mut self, tls: &Arc<ClientConfig>, sni: String) -> Result<(), NotOpened> {
        loop {
            match self.step(&[], &mut 0).await {
                Step::Handshake => self.handshake(tls, sni.clone()).await.map_err(NotOpened::NoTls)?,
                Step::Reported(Report::InClear(without)) => {
                    self.shown = Shown::InClear(without.observation().unwrap_or(Starttls::NotTried));
                    return Ok(());
                }
                // `shown` was set by the handshake.
                Step::Reported(Report::Secured) => return Ok(()),
                Step::Reported(Report::Failed(failure)) => return Err(self.not_greeted(failure)),
                Step::Reported(Report::Finished(_) | Report::Quit) | Step::Idle => {
                    return Err(NotOpened::Away(self.lost(Stage::Greeting, "the dialogue ended early")));
                }
            }
        }
    }

    async fn handshake(&mut self, tls: &Arc<ClientConfig>, sni: String) -> Result<(), Starttls> {
        let failed = |failure, detail: String| Starttls::Failed { failure, detail };
        let Io::Clear(stream) = std::mem::replace(&mut self.io, Io::Gone) else {
            return Err(failed(TlsFailure::OwnFault, "TLS within TLS".to_owned()));
        };
        let name =
            ServerName::try_from(sni).unwrap_or_else(|_| ServerName::IpAddress(self.host.address.into()));
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = match timeout_at(self.remaining.handshake(), connecting).await {
            Err(_elapsed) => return Err(failed(TlsFailure::Interrupted, "timed out".to_owned())),
            Ok(Err(error)) => return Err(failed(verify::classify(&error), verify::explain(&error))),
            Ok(Ok(stream)) => stream,
        };
        let Some(secured) = verify::details(stream.get_ref().1) else {
            return Err(failed(
                TlsFailure::OwnFault,
                "the connection does not say how it is protected".to_owned(),
            ));
        };
        self.shown = Shown::Tls(secured);
        self.io = Io::Tls(Box::new(stream));
        self.dialogue.tls_established();
        Ok(())
    }

    fn not_greeted(&mut self, failure: Failure) -> NotOpened {
        let failed = |failure, detail| NotOpened::NoTls(Starttls::Failed { failure, detail });
        match failure {
            Failure::Injected => failed(TlsFailure::Interrupted, Failure::Injected.to_string()),
            Failure::Lost { stage: Stage::StartTls, loss } => {
                failed(TlsFailure::Interrupted, loss.to_string())
            }
            // In TLS 1.3 the client is done first: what the server has against the handshake comes afterwards.
            Failure::Lost { stage: Stage::Ehlo, loss } if self.tls().is_some() => match self.alert.take() {
                Some(alert) => failed(TlsFailure::Refused, alert),
                None => failed(TlsFailure::Interrupted, loss.to_string()),
            },
            Failure::Lost { stage, loss } => NotOpened::Away(self.lost(stage, &loss.to_string())),
            // A 421, which ends the connection; after any other refusal it goes on in clear.
            Failure::Refused { stage: Stage::StartTls, reply } => {
                let transient = reply.class() != Class::Permanent;
                NotOpened::NoTls(Starttls::Refused { transient, reply: reply.to_string() })
            }
            Failure::Refused { reply, .. } => {
                NotOpened::Away(Cause::GreetingRefused { host: self.host.clone(), reply: reply.to_string() })
            }
        }
    }

    /// What the host offers.
    pub(crate) fn capabilities(&self) -> &Capabilities {
        self.dialogue.capabilities()
    }

    /// The TLS connection, if it is one.
    pub(crate) fn tls(&self) -> Option<&TlsDetails> {
        match &self.shown {
            Shown::Tls(secured) => Some(&secured.tls),
            Shown::InClear(_) => None,
        }
    }

    /// What EHLO inside TLS says of REQUIRETLS (RFC 8689 §4.2.1 step 5).
    pub(crate) fn requiretls(&self) -> RequireTlsOffer {
        if self.tls().is_some() && self.capabilities().offers(Extension::RequireTls) {
            RequireTlsOffer::Offered
        } else {
            RequireTlsOffer::NotOffered
        }
    }

    /// Sends one message; `None` if the connection was not ready for it.
    pub(crate) async fn transact(
        &mut self,
        transaction: Transaction,
        content: &[u8],
        remaining: Remaining,
    ) -> Option<Outcome> {
        self.remaining = remaining;
        self.dialogue.begin(transaction).ok()?;
        match self.step(content, &mut 0).await {
            Step::Reported(Report::Finished(outcome)) => Some(outcome),
            Step::Handshake | Step::Idle | Step::Reported(_) => None,
        }
    }

    /// Takes leave (RFC 5321 §4.1.1.10) without keeping anybody waiting: QUIT is on its way when this returns.
    pub(crate) async fn leave(mut self) {
        if self.say_quit().await {
            tokio::spawn(self.hear_farewell());
        }
    }

    /// Takes leave and waits until the host has, too.
    pub(crate) async fn quit(mut self) {
        if self.say_quit().await {
            self.hear_farewell().await;
        }
    }

    async fn say_quit(&mut self) -> bool {
        self.dialogue.quit();
        match self.dialogue.next_action() {
            Action::Send { octets, stage } => {
                self.begin(stage);
                self.write(&octets).await.is_ok()
            }
            _ => false,
        }
    }

    async fn hear_farewell(mut self) {
        let _gone_already = self.step(&[], &mut 0).await;
        if let Io::Tls(stream) = &mut self.io {
            let _gone_already = timeout(Stage::Quit.timeout(), stream.shutdown()).await;
        }
    }

    /// What it is to have lost this connection.
    pub(crate) fn lost(&self, stage: Stage, detail: &str) -> Cause {
        let doing = match stage {
            Stage::Greeting => "waiting for the greeting".to_owned(),
            Stage::Block => "sending the message".to_owned(),
            _ => format!("waiting for the reply to {}", stage.command()),
        };
        Cause::ConnectionLost { host: self.host.clone(), stage: doing, detail: detail.to_owned() }
    }

    /// Does what the dialogue says until something is settled.
    async fn step(&mut self, content: &[u8], sent: &mut usize) -> Step {
        loop {
            match self.dialogue.next_action() {
                Action::Send { octets, stage } => {
                    self.begin(stage);
                    if let Err(loss) = self.write(&octets).await {
                        self.hear_last_words().await;
                        self.dialogue.lost(loss);
                    }
                }
                Action::Receive(stage) => {
                    // Recipients are answered one by one, each within its time; but not octet by octet.
                    if stage != self.stage || stage == Stage::Rcpt {
                        self.begin(stage);
                    }
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

    /// A stage's time runs from its beginning, so that a host that sends an octet a minute gains nothing; each command
    /// and each block of the message has its own (RFC 5321 §4.5.3.2).
    fn begin(&mut self, stage: Stage) {
        self.stage = stage;
        self.deadline = self.remaining.stage(stage);
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Loss> {
        match timeout_at(self.deadline, self.io.write(octets)).await {
            Err(_elapsed) => Err(Loss::TimedOut),
            Ok(Err(_broken)) => Err(Loss::Closed),
            Ok(Ok(())) => Ok(()),
        }
    }

    async fn read(&mut self) {
        let mut buffer = [0; READ];
        match timeout_at(self.deadline, self.io.read(&mut buffer)).await {
            Err(_elapsed) => self.dialogue.lost(Loss::TimedOut),
            Ok(Ok(0)) => self.dialogue.lost(Loss::Closed),
            Ok(Ok(count)) => self.dialogue.feed(&buffer[..count]),
            Ok(Err(error)) => {
                self.alert =
                    (verify::classify(&error) == TlsFailure::Refused).then(|| verify::explain(&error));
                self.dialogue.lost(Loss::Closed);
            }
        }
    }

    /// A host that hangs up in the middle of a message may have said why.
    async fn hear_last_words(&mut self) {
        let mut buffer = [0; READ];
        if let Ok(Ok(count)) = timeout(LAST_WORDS, self.io.read(&mut buffer)).await {
            self.dialogue.feed(&buffer[..count]);
        }
    }
}

impl Io {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.write_all(octets).await,
            Self::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

enum Step {
    Handshake,
    Reported(Report),
    Idle,
}
