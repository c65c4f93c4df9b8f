//! The world from outside, over real sockets, with clients that share no code with it: OpenSSL, Python's smtplib,
//! the resolver of hickory.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod client;
mod dns;
mod dnssec;
mod handshakes;
mod life;
mod misbehaviour;
mod policy;
mod receiver;
mod rows;
mod tlsa;

use small_internet::{Domain, World, WorldConfig};
use tempfile::TempDir;

/// A world with its data directory, which goes with it.
struct Fixture {
    world: World,
    data: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with([]).await
    }

    async fn with(extra: impl IntoIterator<Item = Domain>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let extra = extra.into_iter().collect();
        let world = World::start(WorldConfig { extra, ..WorldConfig::new(data.path()) }).await.unwrap();
        Self { world, data }
    }

    /// The address of a host that has one.
    fn host(&self, name: &str) -> std::net::SocketAddr {
        (self.world.addresses(name)[0], self.world.smtp_port()).into()
    }

    /// A connection to a host, its greeting read.
    fn connect(&self, name: &str) -> client::Client {
        client::Client::connect(self.host(name)).unwrap()
    }
}
