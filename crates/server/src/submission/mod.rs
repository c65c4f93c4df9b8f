//! SMTP: submission, incoming mail, and the doors for the mail system's other programs.

mod connection;
mod tls;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use smtp::{
    limits::Limits,
    server::{Config, Role, StartTls},
};
use store::Store;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    acceptance::Acceptance,
    accounts::Accounts,
    listener::{Guests, Listener, Peer},
    stream::Stream,
};

pub use tls::{Certificate, acceptor, self_signed};

/// Connections at one listener at the same time; more get `421 4.7.0`.
const MAX_CONNECTIONS: usize = 1000;

/// Connections from one address at one listener at the same time; more get `421 4.7.0`.
const MAX_PER_ADDRESS: usize = 250;

/// Octets of messages that all sessions together may hold before they are durable; more gets `452 4.3.1`.
const MAX_BUFFERED: usize = 512 << 20;

/// The server waits so long for a client's next octets (RFC 5321 §4.5.3.2.7).
const IDLE: Duration = Duration::from_mins(5);

/// A TLS handshake takes no longer than this.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// When TLS begins at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// With STARTTLS (RFC 3207).
    StartTls,
    /// With the connection (RFC 8314 §3).
    Implicit,
    /// Never: on the same machine.
    None,
}

/// What all listeners share.
#[derive(Clone)]
pub struct Shared {
    /// The way into the queue.
    pub acceptance: Acceptance,
    /// Who may log in.
    pub accounts: Accounts,
    /// Which local mailboxes there are.
    pub store: Arc<dyn Store>,
    /// The server's certificate.
    pub tls: TlsAcceptor,
    /// Ends all listeners and, between messages, all sessions.
    pub shutdown: CancellationToken,
    buffered: Arc<Semaphore>,
}

impl Shared {
    /// What all listeners share.
    pub fn new(
        acceptance: Acceptance,
        accounts: Accounts,
        store: Arc<dyn Store>,
        tls: TlsAcceptor,
        shutdown: CancellationToken,
    ) -> Self {
        let buffered = Arc::new(Semaphore::new(MAX_BUFFERED));
        Self { acceptance, accounts, store, tls, shutdown, buffered }
    }
}

/// One listener.
pub struct Door {
    shared: Shared,
    tls_mode: TlsMode,
    /// Who may come in; everybody when absent.
    guests: Option<Guests>,
    config: Arc<Config>,
    connections: Arc<Semaphore>,
    per_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Door {
    /// A door that everybody may come to.
    pub fn public(shared: Shared, role: Role, tls_mode: TlsMode) -> Arc<Self> {
        Self::new(shared, role, tls_mode, None)
    }

    /// A door for these users of this machine, who are known without a log-in.
    pub fn private(shared: Shared, role: Role, guests: Guests) -> Arc<Self> {
        Self::new(shared, role, TlsMode::None, Some(guests))
    }

    fn new(shared: Shared, role: Role, tls_mode: TlsMode, guests: Option<Guests>) -> Arc<Self> {
        let local = shared.acceptance.local();
        let config = Config {
            role,
            hostname: local.server_name.clone(),
            postmaster_domain: local.domains.first().cloned().unwrap_or_else(|| local.server_name.clone()),
            starttls: match tls_mode {
                TlsMode::StartTls => StartTls::Offered,
                TlsMode::Implicit | TlsMode::None => StartTls::NotOffered,
            },
            mechanisms: shared.accounts.mechanisms(),
            limits: Limits::default(),
        };
        Arc::new(Self {
            shared,
            tls_mode,
            guests,
            config: Arc::new(config),
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            per_address: Mutex::new(HashMap::new()),
        })
    }

    /// What a session that begins now offers: Dovecot may have come, or come back with others, after the server's start.
    fn config(&self) -> Arc<Config> {
        let mechanisms = self.shared.accounts.mechanisms();
        if self.config.role != Role::Submission || mechanisms == self.config.mechanisms {
            return Arc::clone(&self.config);
        }
        Arc::new(Config { mechanisms, ..Config::clone(&self.config) })
    }

    /// Accepts connections until the shutdown, then waits for the sessions to end.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let shutdown = self.shared.shutdown.clone();
        listener.serve(shutdown, |stream, peer| Arc::clone(&self).session(stream, peer)).await;
    }

    async fn session(self: Arc<Self>, stream: Stream, peer: Peer) {
        let permit = Arc::clone(&self.connections).try_acquire_owned();
        let place = Place::take(&self, peer.ip());
        if permit.is_err() || place.is_none() {
            connection::refuse(stream, &self.config).await;
            return;
        }
        if let Err(error) = connection::run(&self, stream, peer).await {
            tracing::debug!(%error, "session ended");
        }
    }
}

/// One of an address's places at a listener, given back when dropped.
struct Place<'a> {
    door: &'a Door,
    address: IpAddr,
}

impl<'a> Place<'a> {
    fn take(door: &'a Door, address: IpAddr) -> Option<Self> {
        let mut per_address = door.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_address.entry(address).or_insert(0);
        if *count >= MAX_PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Self { door, address })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut per_address = self.door.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                per_address.remove(&self.address);
            }
        }
    }
}
