//! Connections that may carry another mail.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::connection::Connection;

/// A connection waits so long for another mail; then it is closed, since hosts count them.
pub(crate) const IDLE: Duration = Duration::from_secs(5);

/// Idle connections kept for one host: as many as deliver to one next hop at a time, so that a busy one keeps its own.
const PER_HOST: usize = 20;

/// Idle connections kept in all.
const TOTAL: usize = 200;

/// Idle connections by the name that was asked for in SNI, and address.
#[derive(Clone)]
pub(crate) struct Pool {
    idle: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    idle: HashMap<Key, Vec<Idle>>,
    /// Whether somebody closes those that have waited for too long.
    janitor: Janitor,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Janitor {
    #[default]
    Away,
    AtWork,
}

type Key = (String, SocketAddr);

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A pool in which connections wait for at most `idle`, usually [`IDLE`].
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, state: Arc::default() }
    }

    /// An idle connection, if there is one: the one that has waited the shortest. The judge will look at its handshake again.
    pub(crate) fn take(&self, sni: &str, address: SocketAddr) -> Option<Connection> {
        let mut state = self.state();
        let waiting = state.idle.get_mut(&(sni.to_owned(), address))?;
        waiting.pop_if(|one| self.is_fresh(one)).map(|one| one.connection)
    }

    /// Keeps a usable connection for a while.
    pub(crate) async fn put(&self, sni: &str, address: SocketAddr, connection: Connection) {
        if let Some(too_many) = self.keep(sni, address, connection) {
            too_many.leave().await;
        }
    }

    /// Closes every idle connection.
    pub(crate) async fn close_all(&self) {
        let quits = self.remove(|_| true).into_iter().map(|one| one.connection.quit());
        futures_util::future::join_all(quits).await;
    }

    fn keep(&self, sni: &str, address: SocketAddr, connection: Connection) -> Option<Connection> {
        let mut state = self.state();
        let total: usize = state.idle.values().map(Vec::len).sum();
        let waiting = state.idle.entry((sni.to_owned(), address)).or_default();
        if total >= TOTAL || waiting.len() >= PER_HOST {
            return Some(connection);
        }
        waiting.push(Idle { connection, since: Instant::now() });
        if state.janitor == Janitor::Away {
            state.janitor = Janitor::AtWork;
            tokio::spawn(self.clone().clean());
        }
        None
    }

    /// Until nothing waits any more, closes what has waited for too long.
    async fn clean(self) {
        loop {
            tokio::time::sleep(self.idle).await;
            for one in self.remove(|one| !self.is_fresh(one)) {
                one.connection.leave().await;
            }
            let mut state = self.state();
            if state.idle.is_empty() {
                state.janitor = Janitor::Away;
                return;
            }
        }
    }

    fn remove(&self, which: impl Fn(&Idle) -> bool) -> Vec<Idle> {
        let mut state = self.state();
        let mut removed = Vec::new();
        for waiting in state.idle.values_mut() {
            removed.extend(waiting.extract_if(.., |one| which(one)));
        }
        state.idle.retain(|_, waiting| !waiting.is_empty());
        removed
    }

    fn is_fresh(&self, one: &Idle) -> bool {
        one.since.elapsed() < self.idle
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
