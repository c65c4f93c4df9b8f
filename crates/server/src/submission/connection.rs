//! One client's connection: moves the bytes for [`smtp::server::Session`] and answers its questions.

use std::{io, sync::Arc};

use bytes::BytesMut;
use guarantee::Origin;
use jiff::Timestamp;
use smtp::{
    address::Mailbox as Address,
    envelope::{Envelope, MailFrom, RcptTo, ReversePath},
    reply::Reply,
    server::{AuthResult, Config, Event, Login, Proof, Role, Session, TlsInfo, Waiting},
};
use store::NextHop;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use tokio_rustls::server::TlsStream;

use super::{Door, HANDSHAKE, IDLE, TlsMode};
use crate::{
    acceptance::{Arrival, Refused, Relayed, Submission, Trace},
    accounts::LogInError,
    listener::Peer,
    local::{Forwarding, NoMailbox},
    senders::MaySend,
    stream::Stream,
};

/// Octets read from a client at a time.
const READ: usize = 32 << 10;

/// Says that there are too many connections, and closes.
pub(super) async fn refuse(mut stream: Stream, config: &Arc<Config>) {
    let mut session = Session::new(Arc::clone(config), None);
    session.refuse_connection();
    while let Some(event) = session.next_event() {
        if let Event::Send(octets) = event {
            let _gone_already = timeout(HANDSHAKE, stream.write_all(&octets)).await;
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn run(door: &Door, mut stream: Stream, peer: Peer) -> io::Result<()> {
    if let Some(guests) = &door.guests
        && !guests.admit(&peer)?
    {
        tracing::warn!(%peer, "a door for the mail system's own programs was tried by another user of this machine");
        return stream
            .write_all(
                b"554 5.7.1 This entry is for the mail system's own programs; use the submission port\r\n",
            )
            .await;
    }
    let mut served = Served { door, peer, message: None, reverse_path: ReversePath::Null };
    if door.tls_mode == TlsMode::Implicit {
        let mut stream = handshake(door, stream).await?;
        let mut session = Session::new(door.config(), Some(tls_info(&stream)));
        session.greeting();
        served.dialogue(&mut session, &mut stream).await?;
        return stream.shutdown().await;
    }
    let mut session = Session::new(door.config(), None);
    session.greeting();
    if served.dialogue(&mut session, &mut stream).await? == Ended::StartTls {
        let mut stream = handshake(door, stream).await?;
        session.tls_established(tls_info(&stream));
        served.dialogue(&mut session, &mut stream).await?;
        return stream.shutdown().await;
    }
    stream.shutdown().await
}

async fn handshake(door: &Door, stream: Stream) -> io::Result<TlsStream<Stream>> {
    timeout(HANDSHAKE, door.shared.tls.accept(stream)).await.map_err(|_| io::ErrorKind::TimedOut)?
}

fn tls_info(stream: &TlsStream<Stream>) -> TlsInfo {
    let connection = stream.get_ref().1;
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    TlsInfo { version: version.to_owned(), cipher: cipher.unwrap_or("unknown").to_owned() }
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Closed,
    StartTls,
}

/// A message being received.
struct Incoming {
    envelope: Envelope,
    content: BytesMut,
    /// The room it takes, given back when it is durable or dropped.
    room: Vec<OwnedSemaphorePermit>,
}

struct Served<'a> {
    door: &'a Door,
    peer: Peer,
    message: Option<Incoming>,
    /// The transaction's, once MAIL has named it.
    reverse_path: ReversePath,
}

impl Served<'_> {
    async fn dialogue<S>(&mut self, session: &mut Session, stream: &mut S) -> io::Result<Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut buffer = vec![0; READ];
        loop {
            while let Some(event) = session.next_event() {
                match event {
                    Event::Send(octets) => write(stream, &octets).await?,
                    Event::StartTls { injected } => {
                        if injected > 0 {
                            tracing::warn!(peer = %self.peer, injected, "octets in clear behind STARTTLS thrown away");
                        }
                        return Ok(Ended::StartTls);
                    }
                    Event::Close => return Ok(Ended::Closed),
                    other => self.answer(session, other).await,
                }
            }
            if session.waiting() == Waiting::Closed {
                return Ok(Ended::Closed);
            }
            self.read(session, stream, &mut buffer).await?;
        }
    }

    async fn read<S>(&self, session: &mut Session, stream: &mut S, buffer: &mut [u8]) -> io::Result<()>
    where
        S: AsyncRead + Unpin,
    {
        // A message that is on its way in is waited for; between messages the shutdown ends the session.
        let busy = self.message.is_some();
        tokio::select! {
            () = self.door.shared.shutdown.cancelled(), if !busy => session.shutdown(),
            read = timeout(IDLE, stream.read(buffer)) => match read {
                Err(_elapsed) => session.idle_timeout(),
                Ok(Ok(0)) => session.peer_closed(),
                Ok(Ok(count)) => session.feed(&buffer[..count]),
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    async fn answer(&mut self, session: &mut Session, event: Event) {
        match event {
            Event::Authenticate(login) => session.auth_result(self.authenticate(&login).await),
            Event::MailFrom { mail, .. } => {
                let verdict = self.may_send(session, &mail).await;
                session.mail_result(verdict);
                self.reverse_path = mail.reverse_path;
            }
            Event::RcptTo(rcpt) => session.rcpt_result(self.may_receive(&rcpt).await),
            Event::MessageStart(envelope) => {
                self.message = Some(Incoming { envelope, content: BytesMut::new(), room: Vec::new() });
            }
            Event::DataChunk(chunk) => self.keep(session, &chunk),
            Event::MessageEnd(_facts) => {
                let reply = self.accept(session).await;
                session.message_result(&reply);
            }
            Event::MessageDropped(_) => self.message = None,
            // The dialogue does these itself.
            Event::Send(_) | Event::StartTls { .. } | Event::Close => {}
        }
    }

    async fn authenticate(&self, login: &Login) -> AuthResult {
        let accounts = &self.door.shared.accounts;
        let client = Some(self.peer.ip());
        let result = match &login.proof {
            Proof::Password { identity, password } => {
                accounts.log_in(identity, password.expose(), client).await
            }
            Proof::Token(response) => {
                accounts.log_in_with_token(login.mechanism, response.expose(), client).await
            }
        };
        match result {
            Ok(user) => AuthResult::Accepted { user },
            Err(LogInError::Wrong) => AuthResult::Rejected,
            Err(LogInError::TokenRefused { text }) => AuthResult::Challenge { text },
            Err(
                error @ (LogInError::TooMany { .. }
                | LogInError::Busy
                | LogInError::Unavailable
                | LogInError::Store(_)),
            ) => {
                tracing::warn!(%error, "a login could not be checked");
                AuthResult::Unavailable
            }
        }
    }

    /// RFC 6409 §6.1. The null reverse-path is allowed: the guarantee holds for it.
    async fn may_send(&self, session: &Session, mail: &MailFrom) -> Result<(), Reply> {
        let (Role::Submission, ReversePath::Address(address), Some(user)) =
            (self.door.config.role, &mail.reverse_path, session.user())
        else {
            return Ok(());
        };
        match self.door.shared.acceptance.senders().may_send(user, [address.as_str()]).await {
            Ok(MaySend::Yes) => Ok(()),
            Ok(MaySend::NotAs(_) | MaySend::TooMany(_)) => {
                let text = format!("You are logged in as {user} and cannot send as {address}");
                Err(Reply::new(553, (5, 7, 1), text))
            }
            Err(_) => Err(unchecked()),
        }
    }

    /// A submitted recipient is never refused for what its server offers; an incoming one must be at home here, or be
    /// told something about mail that was forwarded from here.
    async fn may_receive(&self, rcpt: &RcptTo) -> Result<(), Reply> {
        if !matches!(self.door.config.role, Role::Mx | Role::Relay) {
            return Ok(());
        }
        let address = Address::parse(&rcpt.address)
            .map_err(|error| Reply::new(501, (5, 1, 3), format!("{}: {error}", rcpt.address)))?;
        let local = self.door.shared.acceptance.local();
        let relay = self.door.config.role == Role::Relay;
        match (local.forwarding(&address, Timestamp::now()), &self.reverse_path) {
            (Forwarding::No, _) if relay => return Ok(()),
            (Forwarding::No, _) => {}
            (Forwarding::Of(_), ReversePath::Null) => return Ok(()),
            // Another mail server may only be asking, under a name of its own, whether there is such a recipient. If it
            // is not, acceptance lets the mail find no mailbox.
            (Forwarding::Of(_), _) if relay => return Ok(()),
            (Forwarding::Of(_) | Forwarding::Unknown, _) => return Err(no_mailbox(&rcpt.address)),
        }
        if local.next_hop(address.domain().as_str()) != NextHop::Local {
            let text = format!("Relaying denied: {} is not at home here", address.domain().as_str());
            return Err(Reply::new(550, (5, 7, 1), text));
        }
        local.takes(&*self.door.shared.store, &rcpt.address).await.map_err(|error| match error {
            NoMailbox::Unknown => no_mailbox(&rcpt.address),
            NoMailbox::Closed(reply) => reply,
            NoMailbox::Away(_) | NoMailbox::Store(_) => {
                tracing::error!(%error, "a recipient could not be looked up");
                Reply::new(451, (4, 3, 0), "The mailbox could not be looked up; try again later")
            }
        })
    }

    fn keep(&mut self, session: &mut Session, chunk: &[u8]) {
        let Some(message) = &mut self.message else { return };
        let wanted = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        match Arc::clone(&self.door.shared.buffered).try_acquire_many_owned(wanted) {
            Ok(room) => {
                match message.room.last_mut() {
                    Some(taken) => taken.merge(room),
                    None => message.room.push(room),
                }
                message.content.extend_from_slice(chunk);
            }
            Err(_full) => {
                session.refuse_message(Reply::new(
                    452,
                    (4, 3, 1),
                    "Too much mail at once; try again in a minute",
                ));
            }
        }
    }

    async fn accept(&mut self, session: &Session) -> Reply {
        let Some(Incoming { envelope, content, room }) = self.message.take() else {
            return Reply::new(451, (4, 3, 0), "The message was lost on the way in; send it again");
        };
        let acceptance = &self.door.shared.acceptance;
        let content = content.freeze();
        let Envelope { mail, recipients } = envelope;
        let accepted = match (self.door.config.role, session.user()) {
            (Role::Submission, Some(user)) => acceptance
                .submit(Submission {
                    account: user.to_owned(),
                    mail_from: mail,
                    recipients,
                    content,
                    file_sent_copy: false,
                    replaces: None,
                    with: session.with_protocol(),
                })
                .await
                .map(|submitted| submitted.id),
            (Role::Submission, None) => return Reply::new(530, (5, 7, 0), "Log in first"),
            (Role::Relay, _) => {
                let with = session.with_protocol();
                acceptance.relay(Relayed { mail_from: mail, recipients, content, with }).await
            }
            (role @ (Role::Mx | Role::Store), _) => {
                acceptance
                    .arrive(Arrival {
                        origin: if role == Role::Mx { Origin::Incoming } else { Origin::MailStore },
                        mail_from: mail,
                        recipients,
                        content,
                        trace: self.trace(session),
                    })
                    .await
            }
        };
        drop(room);
        match accepted {
            Ok(id) => Reply::queued_as(&id),
            Err(refused) => refusal(&refused),
        }
    }

    fn trace(&self, session: &Session) -> Trace {
        let from = (self.door.config.role == Role::Mx)
            .then(|| format!("{} ({})", session.client_name().unwrap_or("unknown"), self.peer.literal()));
        Trace { from, with: session.with_protocol() }
    }
}

fn no_mailbox(address: &str) -> Reply {
    Reply::new(550, (5, 1, 1), format!("There is no mailbox {address} here"))
}

fn refusal(refused: &Refused) -> Reply {
    match refused {
        Refused::Bad { code, status, text, .. } => match status.parse::<smtp::reply::EnhancedStatus>() {
            Ok(status) => Reply::new(*code, status, text.clone()),
            Err(_) => Reply::bare(*code, vec![text.clone()]),
        },
        Refused::Unchecked(_) => unchecked(),
        Refused::Store(error) => {
            tracing::error!(%error, "a message could not be stored");
            Reply::new(451, (4, 3, 0), "The message could not be stored; try again later")
        }
    }
}

/// As whom the user may send can't be looked up: never to be taken for a yes.
fn unchecked() -> Reply {
    Reply::new(
        451,
        (4, 3, 0),
        "Whether you may send under this address can't be checked now; try again later",
    )
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, octets: &[u8]) -> io::Result<()> {
    let all = async {
        stream.write_all(octets).await?;
        stream.flush().await
    };
    timeout(IDLE, all).await.map_err(|_| io::ErrorKind::TimedOut)?
}
