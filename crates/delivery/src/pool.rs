//! Connections that may carry another mail.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use guarantee::Requirement;
use tokio::time::Instant;

use crate::connection::Connection;

/// A connection waits so long for another mail; then it is closed, since hosts count them.
const IDLE: Duration = Duration::from_secs(5);

/// Idle connections kept for one host.
const PER_HOST: usize = 5;

/// Idle connections kept in all.
const TOTAL: usize = 200;

/// Idle connections by host name and address.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    idle: Arc<Mutex<HashMap<Key, Vec<Idle>>>>,
}

type Key = (String, SocketAddr);

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// An idle connection that has proven what the requirement demands; the judge will look at its handshake again.
    /// A connection without TLS is never taken for mail that must be encrypted: what it showed may be out of date.
    pub(crate) fn take(
        &self,
        host: &str,
        address: SocketAddr,
        requirement: Requirement,
    ) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(&(host.to_owned(), address))?;
        waiting.retain(|one| one.since.elapsed() < IDLE);
        let enough = |one: &Idle| one.connection.tls().is_some() || requirement == Requirement::Opportunistic;
        let index = waiting.iter().rposition(enough)?;
        Some(waiting.remove(index).connection)
    }

    /// Keeps a usable connection for a while.
    pub(crate) async fn put(&self, address: SocketAddr, connection: Connection) {
        if let Some(too_many) = self.keep(address, connection) {
            too_many.quit().await;
            return;
        }
        let pool = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            pool.close(|one| one.since.elapsed() >= IDLE).await;
        });
    }

    /// Closes every idle connection.
    pub(crate) async fn close_all(&self) {
        self.close(|_| true).await;
    }

    fn keep(&self, address: SocketAddr, connection: Connection) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = idle.values().map(Vec::len).sum();
        let waiting = idle.entry((connection.host.name.clone(), address)).or_default();
        if total >= TOTAL || waiting.len() >= PER_HOST {
            return Some(connection);
        }
        waiting.push(Idle { connection, since: Instant::now() });
        None
    }

    async fn close(&self, which: impl Fn(&Idle) -> bool) {
        let mut closing = Vec::new();
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            for waiting in idle.values_mut() {
                closing.extend(waiting.extract_if(.., |one| which(one)));
            }
            idle.retain(|_, waiting| !waiting.is_empty());
        }
        let quits = closing.into_iter().map(|one| one.connection.quit());
        futures_util::future::join_all(quits).await;
    }
}
