//! Octet by octet from one end to the other, as an [`Attack`] says.

use std::io::{self, Cursor};

use tokio::io::{AsyncReadExt, AsyncWriteExt, join, split};
use tokio_util::io::InspectReader;

use super::{
    Attack, Cut, Direction, End, Mangle, OnTls, Scene, Witness,
    reply::{Altered, Replies},
};
use crate::wire::Stream;

const CHUNK: usize = 4096;
/// The first octet of a TLS record of the handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// An endless reply ends here, in case that the client never has enough.
const ENDLESS: usize = 1 << 20;
/// Of a handshake no more is kept for a replay.
const FLIGHT: usize = 1 << 16;

pub(super) struct Network<'a> {
    scene: &'a Scene,
    attack: &'a Attack,
    witness: &'a Witness,
    phase: Phase,
    replies: Replies,
    /// Octets passed on so far.
    to_host: Passed,
    to_client: Passed,
    /// What the host sent since the ClientHello.
    flight: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Clear,
    /// STARTTLS was said.
    Asked,
    Tls,
}

/// Octets in one direction.
#[derive(Default)]
struct Passed {
    all: usize,
    in_tls: usize,
}

/// What follows.
enum Next {
    GoOn,
    Close,
    /// Nothing is passed on any more.
    Stall,
    /// The attacker takes over, from these octets of the client on.
    Impersonate(Vec<u8>),
}

impl<'a> Network<'a> {
    pub(super) fn new(scene: &'a Scene, attack: &'a Attack, witness: &'a Witness) -> Self {
        Self {
            scene,
            attack,
            witness,
            phase: Phase::Clear,
            replies: Replies::default(),
            to_host: Passed::default(),
            to_client: Passed::default(),
            flight: Vec::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        mut client: Box<dyn Stream>,
        mut server: Box<dyn Stream>,
    ) -> io::Result<()> {
        let (mut said, mut answered) = ([0; CHUNK], [0; CHUNK]);
        let mut host_is_there = true;
        loop {
            let next = tokio::select! {
                count = client.read(&mut said) => match count? {
                    0 => return Ok(()),
                    count => self.client_said(&said[..count], (&mut client, &mut server)).await?,
                },
                count = server.read(&mut answered), if host_is_there => match count? {
                    0 => {
                        host_is_there = false;
                        client.shutdown().await?;
                        Next::GoOn
                    }
                    count => self.host_said(&answered[..count], &mut client).await?,
                },
            };
            match next {
                Next::GoOn => {}
                Next::Close => return Ok(()),
                Next::Stall => return self.stall(client).await,
                Next::Impersonate(first) => return self.impersonate(client, first).await,
            }
        }
    }

    async fn client_said(
        &mut self,
        octets: &[u8],
        (client, server): (&mut Box<dyn Stream>, &mut Box<dyn Stream>),
    ) -> io::Result<Next> {
        self.witness.book().wire.extend_from_slice(octets);
        if self.phase == Phase::Asked && octets.first() == Some(&HANDSHAKE) {
            self.phase = Phase::Tls;
            match &self.attack.tls {
                OnTls::Pass | OnTls::Mangle { .. } => {}
                OnTls::Answer { octets, then } => {
                    self.pass(Direction::ToClient, octets.0.clone(), client).await?;
                    return Ok(match then {
                        End::Close => Next::Close,
                        End::Stall => Next::Stall,
                    });
                }
                OnTls::Replay => {
                    self.pass(Direction::ToClient, self.scene.old(), client).await?;
                    return Ok(Next::Stall);
                }
                OnTls::Impersonate(_) => return Ok(Next::Impersonate(octets.to_vec())),
            }
        }
        if self.phase == Phase::Clear
            && octets.get(..8).is_some_and(|verb| verb.eq_ignore_ascii_case(b"STARTTLS"))
        {
            self.phase = Phase::Asked;
        }
        self.pass(Direction::ToHost, octets.to_vec(), server).await
    }

    async fn host_said(&mut self, octets: &[u8], client: &mut Box<dyn Stream>) -> io::Result<Next> {
        if self.phase == Phase::Tls {
            if self.flight.len() < FLIGHT {
                self.flight.extend_from_slice(octets);
            }
            return self.pass(Direction::ToClient, octets.to_vec(), client).await;
        }
        for Altered { segments, endless } in self.replies.feed(octets, &self.attack.replies) {
            for segment in segments {
                match self.pass(Direction::ToClient, segment, client).await? {
                    Next::GoOn => {}
                    end => return Ok(end),
                }
            }
            if let Some(octets) = endless {
                let times = ENDLESS / octets.0.len().max(1);
                for _ in 0..times {
                    client.write_all(&octets.0).await?;
                }
                return Ok(Next::Stall);
            }
        }
        Ok(Next::GoOn)
    }

    /// Sends these octets on, but for what is done to them.
    async fn pass(
        &mut self,
        direction: Direction,
        octets: Vec<u8>,
        to: &mut Box<dyn Stream>,
    ) -> io::Result<Next> {
        let in_tls = self.phase == Phase::Tls;
        let passed = match direction {
            Direction::ToHost => &mut self.to_host,
            Direction::ToClient => &mut self.to_client,
        };
        let mut octets = octets;
        if in_tls {
            let from = passed.in_tls;
            passed.in_tls += octets.len();
            if let OnTls::Mangle { direction: mangled, at, how } = &self.attack.tls
                && *mangled == direction
                && let Some(at) = at.checked_sub(from).filter(|at| *at < octets.len())
            {
                mangle(&mut octets, at, how);
            }
        }
        let left = match &self.attack.cut {
            Some(Cut { direction: cut, after, end }) if *cut == direction => {
                Some((after.saturating_sub(passed.all), *end))
            }
            _ => None,
        };
        passed.all += octets.len();
        if direction == Direction::ToClient {
            self.witness.book().answered += octets.len();
        }
        if let Some((left, end)) = left
            && left < octets.len()
        {
            to.write_all(&octets[..left]).await?;
            to.flush().await?;
            return Ok(match end {
                End::Close => Next::Close,
                End::Stall => Next::Stall,
            });
        }
        to.write_all(&octets).await?;
        to.flush().await?;
        Ok(Next::GoOn)
    }

    /// Hears the client to the end and says nothing.
    async fn stall(&self, mut client: Box<dyn Stream>) -> io::Result<()> {
        let mut said = [0; CHUNK];
        loop {
            match client.read(&mut said).await? {
                0 => return Ok(()),
                count => self.witness.book().wire.extend_from_slice(&said[..count]),
            }
        }
    }

    async fn impersonate(&self, client: Box<dyn Stream>, first: Vec<u8>) -> io::Result<()> {
        let OnTls::Impersonate(impostor) = self.attack.tls else { return Ok(()) };
        let Some(receiver) = self.scene.impostor(impostor, self.witness) else { return Ok(()) };
        let (reader, writer) = split(client);
        let witness = self.witness.clone();
        let reader = InspectReader::new(reader, move |octets: &[u8]| {
            witness.book().wire.extend_from_slice(octets);
        });
        let stream = join(Cursor::new(first).chain(reader), writer);
        receiver.handshake(Box::new(stream)).await
    }
}

impl Drop for Network<'_> {
    /// A flight that the client has answered is worth replaying.
    fn drop(&mut self) {
        if self.attack.tls == OnTls::Pass && self.to_host.in_tls > CHUNK / 2 && !self.flight.is_empty() {
            self.scene.remember(std::mem::take(&mut self.flight));
        }
    }
}

fn mangle(octets: &mut Vec<u8>, at: usize, how: &Mangle) {
    match how {
        Mangle::Flip(mask) => octets[at] ^= mask,
        Mangle::Insert(inserted) => drop(octets.splice(at..at, inserted.0.iter().copied())),
        Mangle::Remove(count) => drop(octets.drain(at..octets.len().min(at + count))),
        Mangle::Repeat(count) => {
            let repeated = octets[at..octets.len().min(at + count)].to_vec();
            drop(octets.splice(at..at, repeated));
        }
    }
}
