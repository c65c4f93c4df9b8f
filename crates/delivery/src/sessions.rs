//! TLS sessions that a later connection may take up again.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use guarantee::{Identity, PlannedHost};
use moka::sync::Cache;
use rustls::{
    ClientConfig, NamedGroup,
    client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue},
};
use rustls_pki_types::ServerName;

use crate::verify;

/// Hosts whose sessions are kept; the largest tickets and certificates that TLS allows are 20 MB for all of them.
const HOSTS: u64 = 100;

/// How long a session is kept: far shorter than a host needs to replace its certificate in an orderly way.
const KEPT: Duration = Duration::from_hours(1);

/// Tickets kept of one host: each is used once (RFC 8446 §C.4).
const TICKETS: usize = 2;

/// The sessions of some hosts.
///
/// On a resumed connection a host shows no certificate, but that it knows what it once said under one. So a session is
/// bound to all that was asked of the host then, and to who it had proven to be: a resumed connection counts only where
/// a new one would show the same, and else there is a new one. A session is never offered after a failure, or twice a
/// refused ticket would look like certainty.
pub(crate) struct Sessions {
    base: ClientConfig,
    kept: Cache<(String, SocketAddr), Session>,
}

/// A session, or several, of one host.
#[derive(Clone)]
pub(crate) struct Session {
    /// What was asked.
    planned: PlannedHost,
    /// Who the host had proven to be.
    pub(crate) identity: Identity,
    /// Holds the tickets.
    pub(crate) tls: Arc<ClientConfig>,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let kept = Cache::builder().max_capacity(HOSTS).time_to_live(KEPT).build();
        Self { base: verify::client_config(), kept }
    }

    /// For a connection that takes up no session, but whose own may be taken up.
    pub(crate) fn none(&self) -> Arc<ClientConfig> {
        let mut config = self.base.clone();
        config.resumption = Resumption::store(Arc::new(Tickets::default()));
        Arc::new(config)
    }

    /// A session with this host of which the same was asked, at least within [`KEPT`].
    pub(crate) fn of(&self, planned: &PlannedHost, address: SocketAddr) -> Option<Session> {
        let session = self.kept.get(&(planned.sni.clone(), address))?;
        (session.planned == asked(planned)).then_some(session)
    }

    /// Keeps the session of a connection that the judge has cleared.
    pub(crate) fn keep(
        &self,
        planned: &PlannedHost,
        address: SocketAddr,
        identity: Identity,
        tls: Arc<ClientConfig>,
    ) {
        let session = Session { planned: asked(planned), identity, tls };
        self.kept.insert((planned.sni.clone(), address), session);
    }

    pub(crate) fn forget(&self, planned: &PlannedHost, address: SocketAddr) {
        self.kept.invalidate(&(planned.sni.clone(), address));
    }
}

/// The plan without the order of addresses, which changes with every look-up.
fn asked(planned: &PlannedHost) -> PlannedHost {
    PlannedHost { addresses: Vec::new(), ..planned.clone() }
}

/// Tickets of TLS 1.3. In TLS 1.2 a resumed session would have no key exchange of its own, and so no forward secrecy;
/// the library's own switch against it leaves session identifiers on.
#[derive(Debug, Default)]
struct Tickets {
    newest_last: Mutex<VecDeque<Tls13ClientSessionValue>>,
}

impl Tickets {
    fn newest_last(&self) -> MutexGuard<'_, VecDeque<Tls13ClientSessionValue>> {
        self.newest_last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _server_name: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server_name: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _server_name: ServerName<'static>, _value: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _server_name: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut tickets = self.newest_last();
        tickets.push_back(value);
        if tickets.len() > TICKETS {
            tickets.pop_front();
        }
    }

    fn take_tls13_ticket(&self, _server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.newest_last().pop_back()
    }
}
