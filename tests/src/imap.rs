//! Mailboxes over IMAP, as a mail program sees them.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};

use imap::Session;
use imap::types::Flag;
use mail_parser::{Address, MessageParser};

use crate::{ListedMessage, PASSWORD, PATIENCE};

/// One user's mailboxes. It connects when it is needed, and again when the connection was lost.
pub struct Imap {
    server: SocketAddr,
    address: String,
    session: Mutex<Option<Session<TcpStream>>>,
}

impl Imap {
    /// The mailboxes of a user with the password of all test users.
    pub fn new(server: SocketAddr, address: &str) -> Self {
        Self { server, address: address.to_owned(), session: Mutex::new(None) }
    }

    /// The messages in a mailbox, newest received first; empty while there is no such mailbox.
    pub fn list(&self, mailbox: &str) -> Vec<ListedMessage> {
        let mut list = self.with(|session| {
            match session.examine(mailbox) {
                Ok(state) if state.exists == 0 => return Ok(Vec::new()),
                Ok(_) => {}
                Err(imap::Error::No(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
            let fetched = session.fetch("1:*", "(UID BODY.PEEK[HEADER])")?;
            let of = |fetch: &imap::types::Fetch<'_>| Some((fetch.uid?, listed(fetch.uid?, fetch.header()?)));
            Ok(fetched.iter().filter_map(of).collect())
        });
        list.sort_by_key(|(uid, _)| std::cmp::Reverse(*uid));
        list.into_iter().map(|(_, listed)| listed).collect()
    }

    /// A message of a mailbox, byte for byte.
    ///
    /// # Panics
    /// When it is not there.
    pub fn raw(&self, mailbox: &str, uid: &str) -> Vec<u8> {
        self.with(|session| {
            session.examine(mailbox)?;
            let fetched = session.uid_fetch(uid, "BODY.PEEK[]")?;
            let body = fetched.iter().find_map(|fetch| fetch.body().map(<[u8]>::to_vec));
            Ok(body.unwrap_or_else(|| panic!("{mailbox} has no message {uid}")))
        })
    }

    /// The flags of a message, as IMAP writes them.
    pub fn flags(&self, mailbox: &str, uid: &str) -> Vec<String> {
        self.with(|session| {
            session.examine(mailbox)?;
            let fetched = session.uid_fetch(uid, "FLAGS")?;
            Ok(fetched.iter().flat_map(|fetch| fetch.flags().iter().map(ToString::to_string)).collect())
        })
    }

    /// Files a message as seen, as a mail program files what it sent.
    pub fn append(&self, mailbox: &str, message: &[u8]) {
        self.with(|session| session.append(mailbox, message).flag(Flag::Seen).finish().map(drop));
    }

    /// Does something in a session; once more in a new one if the connection turns out to be lost.
    fn with<T>(&self, mut work: impl FnMut(&mut Session<TcpStream>) -> imap::Result<T>) -> T {
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut session) = kept.take()
            && let Ok(done) = work(&mut session)
        {
            *kept = Some(session);
            return done;
        }
        let mut session = self.log_in();
        let done = work(&mut session).unwrap_or_else(|error| panic!("IMAP as {}: {error}", self.address));
        *kept = Some(session);
        done
    }

    fn log_in(&self) -> Session<TcpStream> {
        let stream = TcpStream::connect(self.server)
            .unwrap_or_else(|error| panic!("IMAP at {}: {error}", self.server));
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut client = imap::Client::new(stream);
        client.read_greeting().expect("IMAP's greeting");
        let session = client.login(&self.address, PASSWORD);
        session.unwrap_or_else(|(error, _)| panic!("IMAP log-in of {}: {error}", self.address))
    }
}

fn listed(uid: u32, header: &[u8]) -> ListedMessage {
    let message = MessageParser::new().parse_headers(header).unwrap_or_default();
    ListedMessage {
        id: uid.into(),
        message_id: message.message_id().map(str::to_owned),
        from: addresses(message.from()),
        to: addresses(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
    }
}

fn addresses(field: Option<&Address<'_>>) -> String {
    let all = field.into_iter().flat_map(Address::iter);
    let written = all.map(|one| match (one.name(), one.address().unwrap_or_default()) {
        (Some(name), address) => format!("{name} <{address}>"),
        (None, address) => address.to_owned(),
    });
    written.collect::<Vec<_>>().join(", ")
}
