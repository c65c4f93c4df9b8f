//! The lines of Dovecot's authentication protocol: fields with tabs between them, as of version 1.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smtp::server::Mechanism;

/// Octets of a line from Dovecot.
pub(super) const LINE_OCTETS: usize = 16 << 10;

/// Characters of a response in base64: Dovecot hangs up on a line of more than 16,384 octets (and RFC 4954 §4 lets no
/// client's be longer than this).
pub(super) const RESPONSE_OCTETS: usize = 12_288;

/// The version that is spoken here; only the first number has to be the same on both sides.
const VERSION: &str = "1";

/// What a line of Dovecot's greeting says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// It offers this mechanism.
    Mechanism(String),
    /// It is complete.
    Done,
    /// Nothing that matters here.
    Other,
}

/// The line is not understood. Only its beginning is kept: behind it may be secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it speaks another language than Dovecot's authentication service: {0:?}…")]
pub(super) struct Malformed(String);

impl Malformed {
    fn new(line: &str) -> Self {
        Self(line.chars().take_while(|character| *character != '\t').take(30).collect())
    }
}

/// A line of Dovecot's greeting.
pub(super) fn greeting(line: &str) -> Result<Greeting, Malformed> {
    let mut fields = line.split('\t');
    match (fields.next(), fields.next()) {
        (Some("VERSION"), Some(VERSION)) => Ok(Greeting::Other),
        (Some("VERSION"), _) => Err(Malformed::new(line)),
        (Some("MECH"), Some(name)) => Ok(Greeting::Mechanism(name.to_owned())),
        (Some("DONE"), None) => Ok(Greeting::Done),
        // SPID, CUID, COOKIE, and whatever comes to be; all are words in capitals.
        (Some(word), _) if !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_uppercase()) => {
            Ok(Greeting::Other)
        }
        _ => Err(Malformed::new(line)),
    }
}

/// Our part of the greeting. `id` tells this connection from all others that Dovecot has.
pub(super) fn hello(id: u32) -> String {
    format!("VERSION\t{VERSION}\t2\nCPID\t{id}\n")
}

/// Asks whether a log-in is right; `response` is the client's, in base64.
pub(super) fn question(id: u32, mechanism: Mechanism, client: Option<IpAddr>, response: &str) -> String {
    // Dovecot lets an address with failures wait, all users there alike. This machine's own is a proxy's, for everybody:
    // there, the limits here must do.
    let client = match client.filter(|ip| !ip.is_loopback()) {
        Some(ip) => format!("rip={}", ip.to_canonical()),
        None => "no-penalty".to_owned(),
    };
    // The response has to be the last one.
    format!("AUTH\t{id}\t{}\tservice=smtp\tsecured\t{client}\tresp={response}\n", mechanism.name())
}

/// What a client sends to get to the end of an exchange whose token was refused.
pub(super) fn end_of_exchange(id: u32, mechanism: Mechanism) -> String {
    // RFC 7628 §3.2.3: a single ^A.
    let dummy = if mechanism == Mechanism::OauthBearer { "AQ==" } else { "" };
    format!("CONT\t{id}\t{dummy}\n")
}

/// Takes a question back.
pub(super) fn cancel(id: u32) -> String {
    format!("CANCEL\t{id}\n")
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// To which question.
    pub(super) id: u32,
    /// What it says.
    pub(super) says: Says,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It is this user.
    Right { user: String },
    /// It is not, or the user may not log in.
    Wrong,
    /// That can't be said at the moment.
    Unknown,
    /// A challenge for the client.
    Challenge { text: String },
}

/// An answer; nothing if the line is none.
pub(super) fn answer(line: &str) -> Result<Option<Answer>, Malformed> {
    let malformed = || Malformed::new(line);
    let mut fields = line.split('\t');
    let word = fields.next().unwrap_or_default();
    if !matches!(word, "OK" | "FAIL" | "CONT") {
        // Later versions may say more than that.
        return greeting(line).map(|_| None);
    }
    let id = fields.next().and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
    let says = match word {
        "OK" => right(fields).ok_or_else(malformed)?,
        "FAIL" => wrong(fields),
        _ => {
            let octets = STANDARD.decode(fields.next().unwrap_or_default()).map_err(|_| malformed())?;
            Says::Challenge { text: String::from_utf8(octets).map_err(|_| malformed())? }
        }
    };
    Ok(Some(Answer { id, says }))
}

fn right<'a>(fields: impl Iterator<Item = &'a str>) -> Option<Says> {
    let (mut user, mut closed, mut proxied) = (None, false, false);
    for field in fields {
        match field.split_once('=').unwrap_or((field, "")) {
            ("user", name) => user = Some(unescaped(name)),
            // "The password is right, and yet the user may not log in", unless it is to be at another server.
            ("nologin", _) => closed = true,
            ("proxy" | "proxy_maybe", _) => proxied = true,
            _ => {}
        }
    }
    if closed && !proxied { Some(Says::Wrong) } else { user.map(|user| Says::Right { user }) }
}

fn wrong<'a>(mut fields: impl Iterator<Item = &'a str>) -> Says {
    let temporary = fields.any(|field| field == "temp" || field == "code=temp_fail");
    if temporary { Says::Unknown } else { Says::Wrong }
}

/// ^A and a letter stand for what would end a field or line.
fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\x01' => match characters.next() {
                Some('0') => '\0',
                Some('1') => '\x01',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('n') => '\n',
                Some(other) => other,
                None => continue,
            },
            other => other,
        };
        text.push(plain);
    }
    text
}

#[cfg(test)]
mod tests;
