//! Listening sockets: of the network, and of this machine alone.

mod guests;
mod peer;

use std::{
    fmt, fs,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    net::{TcpListener, UnixListener, UnixStream},
    task::JoinSet,
};
use tokio_util::{either::Either, sync::CancellationToken};

use crate::{config::Place, stream::Stream};

pub use guests::Guests;

/// Who may connect to a Unix socket: its owner and its group. Who is heard is for [`Guests`] to say.
const SOCKET_MODE: u32 = 0o660;

/// A listening socket. A Unix socket's file goes with it.
pub enum Listener {
    /// Of an address.
    Tcp(TcpListener),
    /// Of a path.
    Unix(UnixListener, SocketFile),
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Somebody at this address.
    At {
        /// The other end.
        peer: SocketAddr,
        /// This end.
        local: SocketAddr,
    },
    /// A process of this machine, by its Unix user.
    User(u32),
}

impl Listener {
    /// Listens at this place; the error calls it `name` and says the remedy. Of a socket that nobody listens at any
    /// more, the file is replaced.
    pub async fn bind(name: &str, place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::Tcp(address) => match TcpListener::bind(address).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) => bail!(
                    "listen.{name}: can't listen at {address}: {error}; give another address or stop what is there"
                ),
            },
            Place::Unix(path) => {
                remove_stale(path).await.with_context(|| format!("listen.{name} = {}", path.display()))?;
                let listener = UnixListener::bind(path).with_context(|| {
                    format!(
                        "listen.{name} = {}: is there such a folder, and may it be written?",
                        path.display()
                    )
                })?;
                let file = SocketFile::new(path).with_context(|| path.display().to_string())?;
                Ok(Self::Unix(listener, file))
            }
        }
    }

    /// Where it listens.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(Place::Tcp),
            Self::Unix(_, file) => Some(Place::Unix(file.path.clone())),
        }
    }

    /// Gives each connection to a task of its own until the shutdown, then waits for these to end.
    pub async fn serve<S>(self, shutdown: CancellationToken, session: impl Fn(Stream, Peer) -> S)
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.accept() => match accepted {
                    Ok((stream, peer)) => { sessions.spawn(session(stream, peer)); }
                    Err(error) => accept_failed(&error).await,
                },
                Some(_ended) = sessions.join_next(), if !sessions.is_empty() => {}
            }
        }
        drop(self);
        while sessions.join_next().await.is_some() {}
    }

    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Small replies go out at once.
                let _best_effort = stream.set_nodelay(true);
                let local = stream.local_addr()?;
                Ok((Either::Left(stream), Peer::At { peer, local }))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let user = stream.peer_cred()?.uid();
                Ok((Either::Right(stream), Peer::User(user)))
            }
        }
    }
}

/// Too many open files and the like: a moment's rest, and on.
async fn accept_failed(error: &io::Error) {
    tracing::warn!(%error, "accept failed");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Peer {
    /// Its address, as IPv4 if it came so to a socket of IPv6; that of this machine for a process of it.
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::At { peer, .. } => peer.ip().to_canonical(),
            Self::User(_) => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Its address as trace fields write it (RFC 5321 §4.1.3).
    pub fn literal(&self) -> String {
        match self.ip() {
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        }
    }

    /// The Unix user whose process it is, as the kernel says; `None` if that is not known: not of this machine, or gone.
    fn user(&self) -> io::Result<Option<u32>> {
        match *self {
            Self::At { peer, local } => peer::unix_user(peer, local),
            Self::User(user) => Ok(Some(user)),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { peer, .. } => peer.fmt(f),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// Makes way for a new socket, unless there is something else, or somebody listens there.
async fn remove_stale(path: &Path) -> anyhow::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => {
            bail!("there is something else than a socket; give another path or remove it")
        }
        Ok(_) => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(fs::remove_file(path)?),
            Err(error) => Err(error.into()),
            Ok(_) => bail!("another program listens there; stop it, or give another path"),
        },
    }
}

/// The file of a Unix socket, removed when this is dropped.
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: what another program has put in its place stays.
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests;
