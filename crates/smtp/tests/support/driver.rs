//! A driver without sockets: it answers a session's events as the server would, and keeps a record.

use std::sync::Arc;

use smtp::envelope::{Envelope, ReversePath};
use smtp::limits::Limits;
use smtp::reply::Reply;
use smtp::server::{
    AuthResult, Config, Dropped, Event, Mechanism, Proof, Role, Session, StartTls, TlsInfo, Waiting,
};

/// Everything a session did, in a form that does not depend on how the client's octets were cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// All octets sent.
    pub sent: Vec<u8>,
    /// Accepted messages.
    pub kept: Vec<(Envelope, Vec<u8>)>,
    /// Messages that were dropped.
    pub dropped: Vec<Dropped>,
    /// Whether the session closed the connection.
    pub closed: bool,
    /// Whether the session waits for a handshake.
    pub handshake: bool,
}

/// A session and its record.
pub struct Driver {
    pub session: Session,
    pub record: Record,
    receiving: Option<(Envelope, Vec<u8>)>,
    role: Role,
}

pub fn tls() -> TlsInfo {
    TlsInfo { version: "TLSv1.3".to_owned(), cipher: "TLS13_AES_256_GCM_SHA384".to_owned() }
}

fn log_in(proof: Proof) -> AuthResult {
    match proof {
        Proof::Password { identity, password } => {
            let known = matches!(identity.as_str(), "alice@home.example" | "bob@home.example");
            match password.expose() {
                "demo" if known => AuthResult::Accepted { user: identity },
                _ => AuthResult::Rejected,
            }
        }
        Proof::Token(token) if token.expose().contains("auth=Bearer good\u{1}") => {
            AuthResult::Accepted { user: "alice@home.example".to_owned() }
        }
        Proof::Token(token) if token.expose().contains("auth=Bearer later\u{1}") => AuthResult::Unavailable,
        Proof::Token(_) => AuthResult::Challenge { text: r#"{"status":"invalid_token"}"#.to_owned() },
    }
}

impl Driver {
    pub fn new(role: Role, limits: Limits, with_tls: bool) -> Self {
        Self::with_mechanisms(role, limits, with_tls, Mechanism::PASSWORDS.to_vec())
    }

    pub fn with_mechanisms(role: Role, limits: Limits, with_tls: bool, mechanisms: Vec<Mechanism>) -> Self {
        let trusted = matches!(role, Role::Store | Role::Relay);
        let starttls = if trusted { StartTls::NotOffered } else { StartTls::Offered };
        let config = Config {
            role,
            hostname: "home.example".to_owned(),
            postmaster_domain: "home.example".to_owned(),
            starttls,
            mechanisms,
            limits,
        };
        let session = Session::new(Arc::new(config), with_tls.then(tls));
        let mut driver = Self { session, record: Record::default(), receiving: None, role };
        driver.session.greeting();
        driver.run();
        driver
    }

    pub fn feed(&mut self, octets: &[u8]) {
        self.session.feed(octets);
        self.run();
    }

    /// Does whatever the session wants.
    pub fn run(&mut self) {
        while let Some(event) = self.session.next_event() {
            assert!(!self.record.closed, "an event after Close: {event:?}");
            self.answer(event);
        }
        let waiting = self.session.waiting();
        assert!(
            matches!(waiting, Waiting::Input | Waiting::Handshake | Waiting::Closed),
            "unanswered: {waiting:?}"
        );
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Send(octets) => self.record.sent.extend(octets),
            Event::StartTls { .. } => self.record.handshake = true,
            Event::Authenticate(login) => self.session.auth_result(log_in(login.proof)),
            Event::MailFrom { mail, .. } => {
                let own = match &mail.reverse_path {
                    ReversePath::Null => true,
                    ReversePath::Address(address) => Some(address.as_str()) == self.session.user(),
                };
                let refused = self.role == Role::Submission && !own;
                self.session.mail_result(if refused {
                    Err(Reply::new(553, (5, 7, 1), "That address is not yours"))
                } else {
                    Ok(())
                });
            }
            Event::RcptTo(rcpt) => {
                let result = match rcpt.address.split_once('@') {
                    _ if self.role != Role::Mx => Ok(()),
                    Some(("alice" | "bob" | "postmaster", "home.example")) => Ok(()),
                    Some((_, "home.example")) => Err(Reply::new(550, (5, 1, 1), "No such user")),
                    _ => Err(Reply::new(550, (5, 7, 1), "Relaying denied")),
                };
                self.session.rcpt_result(result);
            }
            Event::MessageStart(envelope) => {
                assert!(!envelope.recipients.is_empty());
                assert!(self.receiving.replace((envelope, Vec::new())).is_none(), "two messages at once");
            }
            Event::DataChunk(octets) => {
                assert!(!octets.is_empty());
                self.receiving.as_mut().expect("a message has started").1.extend(octets);
            }
            Event::MessageEnd(facts) => {
                let (envelope, octets) = self.receiving.take().expect("a message has started");
                assert_eq!(facts.size, octets.len() as u64);
                self.record.kept.push((envelope, octets));
                self.session.message_result(&Reply::queued_as("1"));
            }
            Event::MessageDropped(dropped) => {
                self.receiving.take().expect("a message has started");
                self.record.dropped.push(dropped);
            }
            Event::Close => {
                assert!(self.receiving.is_none(), "a message was neither kept nor dropped");
                self.record.closed = true;
            }
        }
    }

    /// The handshake that the session asked for.
    pub fn handshake(&mut self) {
        assert!(std::mem::take(&mut self.record.handshake), "no handshake is due");
        self.session.tls_established(tls());
        self.run();
    }
}
