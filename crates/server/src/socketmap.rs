//! Postfix's `socketmap` tables (socketmap_table(5)): whose mail Postfix is to hand in here. They have one question:
//! is the guarantee of this sender's account on? Each answer is looked up anew. The table `filter` is for
//! `check_sender_access`, which asks it for each mail, so that a switch takes effect at once; any other name is for
//! `sender_dependent_default_transport_maps`, whose answers Postfix's queue manager takes for good for 30 seconds.

mod wire;

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use jiff::Timestamp;
use store::Store;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    listener::{Guests, Listener, Peer},
    owner::owner_of,
    senders::{Senders, SendersError},
    stream::Stream,
};
use wire::{Reply, Request};

/// Connections at the same time: each of Postfix's processes that asks has one, of its two submission services and the
/// one that rewrites up to a hundred each. More are closed at once, and Postfix defers.
const MAX_CONNECTIONS: usize = 500;

/// A connection without a question is closed after so long; Postfix opens another.
const IDLE: Duration = Duration::from_mins(10);

/// The table that answers with an action.
const ACCESS: &str = "filter";

/// Octets read at a time.
const READ: usize = 4 << 10;

/// The table.
pub struct Socketmap {
    store: Arc<dyn Store>,
    senders: Senders,
    guests: Guests,
    /// What is answered for the mail of an account with the guarantee.
    transport: String,
    /// The same as an action of `access(5)`: the mail goes there as a whole.
    action: String,
    connections: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Socketmap {
    /// A table that answers these guests with this transport.
    pub fn new(
        store: Arc<dyn Store>,
        senders: Senders,
        guests: Guests,
        transport: String,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let action = format!("FILTER {transport}");
        Arc::new(Self { store, senders, guests, transport, action, connections, shutdown })
    }

    /// Answers until the shutdown.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let shutdown = self.shutdown.clone();
        listener.serve(shutdown, |stream, peer| Arc::clone(&self).session(stream, peer)).await;
    }

    async fn session(self: Arc<Self>, stream: Stream, peer: Peer) {
        let Ok(_permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::warn!("too many connections to the socketmap");
            return;
        };
        match self.guests.admit(&peer) {
            Ok(true) => {
                let talk = self.shutdown.run_until_cancelled(self.talk(stream));
                if let Some(Err(error)) = talk.await {
                    tracing::debug!(%error, "socketmap: connection ended");
                }
            }
            Ok(false) => tracing::warn!(%peer, "the socketmap was asked by another user of this machine"),
            Err(error) => tracing::warn!(%error, "socketmap: who asks is not known"),
        }
    }

    async fn talk(&self, mut stream: Stream) -> io::Result<()> {
        let mut input = BytesMut::with_capacity(READ);
        loop {
            while let Some(netstring) = wire::take(&mut input)? {
                let reply = match Request::parse(&netstring) {
                    Some(request) => self.look_up(request).await,
                    None => Reply::Perm("the request is not of the form \"map key\""),
                };
                let octets = wire::netstring(&reply.to_string());
                timeout(IDLE, stream.write_all(&octets)).await??;
            }
            if timeout(IDLE, stream.read_buf(&mut input)).await?? == 0 {
                return Ok(());
            }
        }
    }

    /// Whether this sender's mail takes the way through us: under the guarantee, or while the user demands more for some
    /// message, whose Message-ID Postfix does not say.
    async fn is_ours(&self, address: &str) -> Result<bool, SendersError> {
        let now = Timestamp::now();
        let Some(owner) = owner_of(&*self.store, &self.senders, address, now).await? else {
            return Ok(false);
        };
        Ok(owner.demands.is_some() || self.store.demands(&owner.account, now).await?)
    }

    async fn look_up(&self, Request { map, key }: Request<'_>) -> Reply<'_> {
        let Some(address) = wire::address(key) else { return Reply::NotFound };
        match self.is_ours(address).await {
            Ok(true) => Reply::Ok(if map == ACCESS { &self.action } else { &self.transport }),
            Ok(false) => Reply::NotFound,
            // Postfix defers the mail: it must not leave another way only because nobody knows.
            Err(error) => {
                tracing::error!(%error, "a sender could not be looked up; Postfix defers its mail");
                Reply::Temp("the sender can't be looked up at the moment")
            }
        }
    }
}

#[cfg(test)]
mod tests;
