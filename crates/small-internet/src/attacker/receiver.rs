//! The receiving end of an attacked connection: takes every mail, and remembers every octet.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Impostor;
use crate::{
    tls,
    wire::{Line, Stream, Wire},
};

/// Largest content taken, in octets.
const SIZE: usize = 1 << 20;

/// What became of a client's octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections that came.
    pub connections: usize,
    /// All that the client put on the wire, as whoever listens sees it.
    pub wire: Vec<u8>,
    /// How many octets the client got.
    pub answered: usize,
    /// What came out of TLS at the true host.
    pub host: Vec<u8>,
    /// What came out of TLS at each impostor.
    pub impostors: BTreeMap<Impostor, Vec<u8>>,
    /// Handshakes completed by the true host.
    pub handshakes: usize,
    /// Handshakes completed by impostors.
    pub deceived: usize,
}

/// Writes down what is seen; clones write in one book.
#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<Mutex<Seen>>);

impl Witness {
    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.book().clone()
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Host,
    Impostor(Impostor),
}

/// A host that takes every mail, in clear or in TLS.
pub(super) struct Receiver<'a> {
    pub(super) name: &'a str,
    pub(super) tls: &'a tls::Ready,
    /// Whether it is offered, in TLS (RFC 8689 §2).
    pub(super) requiretls: bool,
    pub(super) role: Role,
    pub(super) witness: &'a Witness,
}

impl Receiver<'_> {
    /// Greets, and serves the connection up to its end.
    pub(super) async fn serve(&self, stream: Box<dyn Stream>) -> io::Result<()> {
        let mut wire = Wire::new(stream);
        wire.send(format!("220 {} ESMTP\r\n", self.name).as_bytes()).await?;
        match self.talk(&mut wire, Inside::Clear).await? {
            Then::End => Ok(()),
            Then::Handshake => self.handshake(wire.into_inner()).await,
        }
    }

    /// Begins with the handshake.
    pub(super) async fn handshake(&self, stream: Box<dyn Stream>) -> io::Result<()> {
        let Some((stream, _)) = self.tls.accept(stream).await? else { return Ok(()) };
        match self.role {
            Role::Host => self.witness.book().handshakes += 1,
            Role::Impostor(_) => self.witness.book().deceived += 1,
        }
        self.talk(&mut Wire::new(stream), Inside::Tls).await.map(|_| ())
    }

    async fn talk(&self, wire: &mut Wire, inside: Inside) -> io::Result<Then> {
        loop {
            let line = match wire.line().await? {
                Line::Command(line) => line,
                Line::TooLong | Line::BareNewline => {
                    wire.send(b"500 5.5.2 What was that?\r\n").await?;
                    continue;
                }
                Line::End => return Ok(Then::End),
            };
            self.note(inside, &line);
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            match &verb[..] {
                b"EHLO" => wire.send(self.capabilities(inside).as_bytes()).await?,
                b"STAR" if inside == Inside::Clear => {
                    wire.send(b"220 2.0.0 Go ahead\r\n").await?;
                    return Ok(Then::Handshake);
                }
                b"DATA" => {
                    wire.send(b"354 End with CRLF.CRLF\r\n").await?;
                    let Some(content) = wire.content(SIZE).await? else { return Ok(Then::End) };
                    self.note(inside, &content.octets);
                    wire.send(b"250 2.0.0 Taken\r\n").await?;
                }
                b"QUIT" => {
                    wire.send(b"221 2.0.0 Bye\r\n").await?;
                    wire.finish().await?;
                    return Ok(Then::End);
                }
                b"MAIL" | b"RCPT" | b"RSET" | b"NOOP" | b"HELO" => wire.send(b"250 2.0.0 Fine\r\n").await?,
                _ => wire.send(b"500 5.5.1 What was that?\r\n").await?,
            }
        }
    }

    fn capabilities(&self, inside: Inside) -> String {
        let last = match inside {
            Inside::Clear => "STARTTLS",
            Inside::Tls if self.requiretls => "REQUIRETLS",
            Inside::Tls => "HELP",
        };
        let extensions = "250-PIPELINING\r\n250-SIZE 1048576\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES";
        format!("250-{}\r\n{extensions}\r\n250 {last}\r\n", self.name)
    }

    /// What came in clear is on the wire anyway.
    fn note(&self, inside: Inside, octets: &[u8]) {
        if inside == Inside::Tls {
            let mut book = self.witness.book();
            let kept = match self.role {
                Role::Host => &mut book.host,
                Role::Impostor(impostor) => book.impostors.entry(impostor).or_default(),
            };
            kept.extend_from_slice(octets);
            kept.extend_from_slice(b"\r\n");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Clear,
    Tls,
}

/// What follows a dialogue.
enum Then {
    End,
    Handshake,
}
